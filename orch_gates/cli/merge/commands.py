"""`orch-gates merge` and `orch-gates gate merge`: drive the merge of a task, as far as it goes now."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import click

from orch_gates.cli.boundary import exit_codes
from orch_gates.cli.completion import TASK
from orch_gates.cli.gate.output import Output, verdict_options
from orch_gates.cli.gate.publish import outputs, publish
from orch_gates.cli.merge import merge_context
from orch_gates.cli.merge import waiting as merge_waiting
from orch_gates.cli.options import ForgeOptions, by_option, forge_options
from orch_gates.documents.escape import visible
from orch_gates.errors import UsageError
from orch_gates.gates.gate import out_of_scope
from orch_gates.gates.merge import NAME, PROOF
from orch_gates.model.verdict import Verdict
from orch_gates.workspace import Workspace, open_workspace

_OUTPUT_LINES = 30
_OPTIONS = (
    click.option("--task", default="", metavar="ID", type=TASK, help="The task."),
    click.option("--branch", default="", metavar="NAME", help="Its branch, in place of its id."),
    click.option("--waiting", is_flag=True, help="Every task that may move on here, one after the other."),
    click.option(
        "--repo", default=".", type=click.Path(path_type=Path), help="A clone, or the bare repository itself."
    ),
    click.option("--dry-run", is_flag=True, help="Say how the merge stands; do nothing."),
)


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    command = verdict_options(command)
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command("merge", short_help="Catch a branch up with its target, test it again, and say whether it may merge.")
@_options
@by_option
@forge_options
def gate(
    task: str,
    branch: str,
    waiting: bool,
    repo: Path,
    dry_run: bool,
    overrides: Mapping[str, str],
    options: ForgeOptions,
    output: Output,
) -> None:
    """Catch a task's branch up with its target, test both together, and say whether it may be merged.

    The lease on the target is taken first: no two attempts work on one target. What was done is recorded on the state
    branch, step by step: a run that was killed is continued by the next one. The branch is pushed only where nobody
    else pushed to it meanwhile.

    Exit codes: 0 validated, 1 a conflict or a red test, 2 undecided, or the task is held; 75 later: somebody else has
    the lease, CI is not done, or the target itself is red.

    \b
    Examples:
      orch-gates gate merge --task T-1
      orch-gates gate merge --branch task/T-1 --json
      orch-gates gate merge --waiting
    """
    with exit_codes():
        _run(NAME, _Request(task, branch, waiting, repo, dry_run, output), overrides, options)


@click.command("merge-proof", short_help="The validated commit of a task is in its target, as git proves.")
@click.option("--task", default="", metavar="ID", type=TASK, help="The task.")
@click.option("--branch", default="", metavar="NAME", help="Its branch, in place of its id.")
@click.option("--repo", default=".", type=click.Path(path_type=Path), help="A clone, or the bare repository itself.")
@verdict_options
def proof(task: str, branch: str, repo: Path, output: Output) -> None:
    """Say whether a task landed, as the attempt to merge it records; it changes nothing, and asks no forge.

    \b
    Examples:
      orch-gates gate merge-proof --task T-1
    """
    with exit_codes():
        workspace = open_workspace(repo)
        name = merge_context.task_named(workspace, task, branch)
        _show(workspace, merge_context.as_it_is(workspace, PROOF, name), "", output)


@click.command()
@_options
@by_option
@forge_options
def merge(
    task: str,
    branch: str,
    waiting: bool,
    repo: Path,
    dry_run: bool,
    overrides: Mapping[str, str],
    options: ForgeOptions,
    output: Output,
) -> None:
    """Merge a task: validate it, ask the forge to merge exactly what was validated, and prove that it landed.

    The other gates of its stage have to be green first. It uses the task's pull request, or opens one. When git proves
    that it landed, the task moves on. Nothing is merged twice: run it again whenever it stopped.

    Exit codes: 0 landed and moved on, 1 a gate is red, 2 held for a person or could not be told, 75 later.

    \b
    Examples:
      orch-gates merge --task T-1
      orch-gates merge --branch task/T-1 --forge local --url /srv/git/app.git
      orch-gates merge --waiting
    """
    with exit_codes():
        _run(PROOF, _Request(task, branch, waiting, repo, dry_run, output, moves_on=True), overrides, options)


@dataclass(frozen=True, slots=True)
class _Request:
    """What the command line names; `moves_on`: the task takes its step where the attempt lets it."""

    task: str
    branch: str
    waiting: bool
    repo: Path
    dry_run: bool
    output: Output
    moves_on: bool = False


def _run(gate: str, request: _Request, overrides: Mapping[str, str], options: ForgeOptions) -> None:
    """Drive, judge, and let the task move on; the exit code is the verdict's."""
    workspace = open_workspace(request.repo, {**options.overrides, **overrides}, options.observe)
    outputs(workspace.settings, request.repo)
    if (skipped := out_of_scope(gate, workspace.settings) or out_of_scope(NAME, workspace.settings)) is not None:
        _show(workspace, skipped, "", request.output)
    if request.waiting:
        if request.task or request.branch or request.dry_run:
            raise UsageError("--waiting cannot be combined with --task, --branch or --dry-run")
        merge_context.refuse_automatic_token(workspace)
        verdict, step = merge_waiting.drive(workspace, gate, lambda fresh, name: _driven(fresh, gate, name, request))
    else:
        name = merge_context.task_named(workspace, request.task, request.branch)
        if request.dry_run:
            _show(workspace, merge_context.as_it_is(workspace, gate, name), "", request.output)
        verdict, step = _driven(workspace, gate, name, request)
    _show(workspace, verdict, step, request.output)


def _driven(workspace: Workspace, gate: str, name: str, request: _Request) -> tuple[Verdict, str]:
    """What came of driving one task, and a line about the step that it took."""
    # A cancelled CI job is sent this: what the test command started has to end with us.
    signal.signal(signal.SIGTERM, _terminated)
    driving = merge_context.driving(workspace)
    result = driving.validate(name) if gate == NAME else driving.land(name)
    verdict = merge_context.verdict_of(workspace, gate, name, result)
    if merge_context.is_attempt(result):
        merge_context.follow_branch(workspace, result)
    # An attempt that waits has decided nothing about its task, and waiting is charged to nobody (ENG-12).
    if not request.moves_on or not merge_context.is_attempt(result) or result.outcome is None:
        return verdict, ""
    decided = merge_context.step_after(workspace, result).take(name).decision
    return verdict, f"{name}: {decided.step}: {decided.reason}\n"


def _terminated(_number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + signal.SIGTERM)


def _show(workspace: Workspace, verdict: Verdict, step: str, output: Output) -> None:
    publish(workspace.settings, verdict, None, None, as_json=output.as_json)
    output.show(workspace.settings, verdict, _output(verdict), step)
    raise SystemExit(verdict.outcome.exit_code)


def _output(verdict: Verdict) -> str:
    """The end of what red tests wrote; a runner obeys nothing in it."""
    written = (one.description.rstrip().split("\n") for one in verdict.findings if one.carrier == "output")
    return "".join(f"    | {visible(line)}\n" for lines in written for line in lines[-_OUTPUT_LINES:])
