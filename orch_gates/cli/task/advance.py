"""`orch-gates advance` and `orch-gates why`: one step of a task, and the reason it stands where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from orch_gates.cli.boundary import exit_codes, say
from orch_gates.cli.completion import TASK
from orch_gates.cli.forge.cards import show_after_step
from orch_gates.cli.job.dispatch_now import start_due
from orch_gates.cli.options import ForgeOptions, by_option, forge_options, text_option
from orch_gates.cli.task.effects_view import warn, warn_given_up
from orch_gates.errors import ForgeUnavailable, UsageError
from orch_gates.gates.evaluate import evaluate
from orch_gates.gates.gate import Ports, Subject, Unknown
from orch_gates.model.task import Task
from orch_gates.model.verdict import Verdict
from orch_gates.report import tasks as render
from orch_gates.tasks.advance import TaskStep
from orch_gates.tasks.edge import Gate, Reader
from orch_gates.workspace import Workspace, open_workspace


@click.command()
@click.argument("name", metavar="ID", type=TASK)
@click.option("--approve", is_flag=True, help="A person lets it leave a stage that waits for approval.")
@text_option("--reject", metavar="REASON", help="A person sends it back, and says why.")
@click.option("--dry-run", is_flag=True, help="Judge the gates and say what would follow; record nothing.")
@click.option("--repo", default=".", type=click.Path(path_type=Path), help="A clone, or the bare repository itself.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@by_option
@forge_options
def advance(
    name: str,
    approve: bool,
    reject: str,
    dry_run: bool,
    repo: Path,
    as_json: bool,
    overrides: Mapping[str, str],
    options: ForgeOptions,
) -> None:
    """Judge the gates between task ID's stage and the next, and move the task on or back: one step, one commit.

    Exit codes: 0 it moved on, or there is nothing left to do; 1 a gate is red; 2 held,
    escalated, or waiting for a person; 75 deferred.

    \b
    Examples:
      orch-gates advance T-1
      orch-gates advance T-1 --approve
      orch-gates advance T-1 --dry-run --json
    """
    with exit_codes():
        if approve and reject:
            raise UsageError("--approve and --reject contradict each other")
        found = open_workspace(repo, {**options.overrides, **overrides}, options.observe)
        step = step_of(found, approve=approve, reject=reject)
        applied = step.would(name) if dry_run else step.take(name)
        if as_json:
            say(render.step_json(applied.decision, applied.verdicts, applied.commit))
        else:
            say(render.step(name, applied.decision, applied.verdicts, recorded=bool(applied.commit)))
        if applied.performed or applied.decision.given_up:
            warn_given_up(applied.decision.given_up)
            warn(name, applied.performed)
        if applied.commit:
            start_due(found)
            show_after_step(found)
        raise SystemExit(applied.decision.outcome.exit_code)


def gate_of(workspace: Workspace) -> Gate:
    """How the gates on an edge are judged from here."""

    def gate(name: str, task: Task, head: str, earlier: tuple[str, ...], read: Reader) -> Verdict:
        ports = Ports(workspace.settings, read, lambda: workspace.forge)
        answer = evaluate(name, Subject(head, task.branch, workspace.target, earlier), ports)
        if isinstance(answer, Unknown):
            # Nothing follows from facts that could not be gathered, so the task stays as it is (P2).
            raise ForgeUnavailable(answer.reason)
        return answer

    return gate


def step_of(workspace: Workspace, *, approve: bool = False, reject: str = "") -> TaskStep:
    """One step of a task: by its gates, or by the word of the person who runs this command."""
    return TaskStep(
        store=workspace.store,
        configured=workspace.configured,
        gate=gate_of(workspace),
        head_of=workspace.heads.of,
        by=workspace.by,
        now=workspace.now,
        approve=approve,
        reject=reject,
        outbox=workspace.outbox,
    )
