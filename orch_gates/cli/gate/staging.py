"""`orch-gates gate staging`: judge the results of checks on staging, and write the report that counts (STG-1)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from orch_gates.cli.boundary import exit_codes
from orch_gates.cli.completion import TASK
from orch_gates.cli.gate.output import Output, verdict_options
from orch_gates.cli.gate.publish import outputs, publish
from orch_gates.cli.options import ForgeOptions, forge_options
from orch_gates.errors import UsageError
from orch_gates.settings import load

if TYPE_CHECKING:
    from orch_gates.cli.gate.staging_run import StagingRequest

_FORMATS = ("junit", "tap", "ctrf", "jest", "pytest", "playwright", "gotest")
_LONGEST_S = 1_000_000


class _WithCommand(click.Command):
    """A command whose words after the first `--` are another command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = args.index("--") if "--" in args else len(args)
        ctx.meta[_ARGV] = tuple(args[at + 1 :])
        ctx.meta[_HAS_COMMAND] = at < len(args)
        return super().parse_args(ctx, args[:at])

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[-- COMMAND...]"]


_ARGV = f"{__name__}.argv"
_HAS_COMMAND = f"{__name__}.has_command"


@click.command("staging", cls=_WithCommand, short_help="The checks on staging passed, by their results.")
@click.argument("files", nargs=-1, required=True, metavar="FILES...")
@click.option(
    "--exit-code", type=click.IntRange(0, 255), metavar="N", help="The exit code of the runner; without COMMAND only."
)
@click.option("--format", "wanted", type=click.Choice(_FORMATS), help="The format of all FILES [detected].")
@click.option("--strict", is_flag=True, help="Waive nothing [ORCH_STAGING_INFRA_TOLERANCE_ENABLED].")
@click.option("--previous", type=click.Path(path_type=Path), help="The report of the last run, to compare with.")
@click.option(
    "--task", default="", metavar="ID", type=TASK, help="Compare with the newest report recorded for this task."
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, _LONGEST_S),
    metavar="SECONDS",
    help="End COMMAND then; 0 never [ORCH_STAGING_TIMEOUT_S].",
)
@click.option("--head", default="", metavar="REF", help="The commit that is on staging [HEAD, or the CI event's].")
@click.option("--report", type=click.Path(path_type=Path), help="Where the report goes [in the git directory].")
@click.option("--repo", default=".", type=click.Path(path_type=Path), help="A directory in the repository.")
@verdict_options
@click.option("--status", is_flag=True, help="Post the verdict on the commit, as the status orch/staging-status.")
@forge_options
@click.pass_context
def staging(  # noqa: PLR0913, PLR0917 - click hands over each option
    ctx: click.Context,
    files: tuple[str, ...],
    exit_code: int | None,
    wanted: str | None,
    strict: bool,
    previous: Path | None,
    task: str,
    timeout: float | None,
    head: str,
    report: Path | None,
    repo: Path,
    status: bool,
    options: ForgeOptions,
    output: Output,
) -> None:
    """Judge the results of checks on staging together with the exit code of their runner.

    FILES are in JUnit XML, TAP, CTRF, or the JSON of jest, vitest, pytest-json-report, playwright or go test. If
    COMMAND is given, it is run first and has to write them.

    A failure is waived if the target branch's list of sandbox failures names it. Any other failure is FAILED; so are
    results that prove nothing. The report 15-staging-report.md says which.

    \b
    Examples:
      orch-gates gate staging results.xml --exit-code 1
      orch-gates gate staging results.xml -- pytest --junitxml=results.xml tests/staging
      orch-gates gate staging "results/*.xml" --exit-code 0 --strict --report 15-staging-report.md
    """
    with exit_codes():
        from orch_gates.cli.gate.staging_run import StagingRequest
        from orch_gates.results.model import Format

        argv: tuple[str, ...] = ctx.meta[_ARGV]
        request = StagingRequest(
            files,
            exit_code,
            argv,
            None if wanted is None else Format(wanted),
            strict=strict,
            timeout=timeout,
            previous=previous,
            task=task,
            to_stderr=output.as_json or output.quiet,
        )
        _check(request, command=ctx.meta[_HAS_COMMAND])
        code = _judge(request, repo, head, report, options, output, status=status)
    raise SystemExit(code)


def _check(request: StagingRequest, *, command: bool) -> None:
    """See that the options fit together; `command`: the command line has a `--`."""
    if command and not request.argv:
        raise UsageError("no command follows `--`; give one, or leave `--` out")
    if request.argv and request.exit_code is not None:
        raise UsageError("COMMAND has an exit code of its own; leave --exit-code out")
    if not request.argv and request.exit_code is None:
        raise UsageError("results without an exit code prove nothing: give --exit-code, or -- and the test command")
    if request.timeout is not None and not request.argv:
        raise UsageError("--timeout needs a COMMAND; give one after `--`, or leave --timeout out")
    if request.task and request.previous is not None:
        raise UsageError("give --task or --previous, not both")


def _judge(
    request: StagingRequest,
    repo: Path,
    head: str,
    report: Path | None,
    options: ForgeOptions,
    output: Output,
    *,
    status: bool,
) -> int:
    from orch_gates.cli.gate import post_status, staging_run
    from orch_gates.gates import range as ranges
    from orch_gates.report import github
    from orch_gates.workspace import repository

    settings = load(overrides=options.overrides)
    named = outputs(settings, repo, report)
    git = repository(settings, repo)
    event = ranges.read_event(settings) if not head else ranges.Event()
    commit = git.resolve(head or event.head or "HEAD")
    found = staging_run.answer(repo, commit, request, named.report, options, git)
    verdict = found.judged.verdict
    shown = found.report and (report or found.report)
    publish(settings, verdict, shown, None, as_json=output.as_json)
    github.set_outputs(found.judged.outputs(), settings.ci)
    output.show(settings, verdict, *([] if shown is None else [f"Report: {shown}\n"]))
    if not status:
        return verdict.outcome.exit_code
    if found.workspace is None:
        post_status.not_posted(verdict)
        return verdict.outcome.exit_code
    return post_status.post(found.workspace, verdict, commit)
