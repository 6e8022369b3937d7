"""`orch-gates job`: run a task's work and record it, show the runs, cancel one, try again (JOB-1)."""

from __future__ import annotations

import secrets
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from orch_gates import clock, machine
from orch_gates.cli.boundary import exit_codes, open_for_reading, say, terminal_width, warn_quarantined
from orch_gates.cli.completion import TASK
from orch_gates.cli.job import dispatch_now, view
from orch_gates.cli.job.run import JobOptions, JobRun, timeout_of, wanted_of
from orch_gates.cli.options import ForgeOptions, by_option, forge_options, text_option
from orch_gates.config import file as config_file
from orch_gates.documents.escape import visible
from orch_gates.jobs import book, by_hand
from orch_gates.jobs.by_hand import JobAnswer
from orch_gates.jobs.command import ask_to_end
from orch_gates.model.job import Job
from orch_gates.tasks import book as tasks
from orch_gates.workspace import open_workspace

_REPO = click.option(
    "--repo", default=".", type=click.Path(path_type=Path), help="A clone, or the bare repository itself."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_LONGEST_S = 1_000_000
_ENDS_WITHIN_S = 10


@click.group()
def job() -> None:
    """Run a task's work and record it, show the runs, cancel one, try again.

    \b
    Examples:
      orch-gates job run --task T-1 --role developer -- make change
      orch-gates job list
      orch-gates job retry T-1
    """


@job.command(short_help="Run a task's work, record how it ended, and advance.")
@click.option("--task", default="", metavar="ID", type=TASK, help="The task [ORCH_TASK].")
@click.option("--role", default="", metavar="NAME", help="The role whose work this is [ORCH_ROLE].")
@click.option("--attempt", default="", metavar="ATTEMPT", help="The very run that was dispatched [ORCH_ATTEMPT].")
@click.option(
    "--timeout",
    type=click.FloatRange(0, _LONGEST_S),
    metavar="SECONDS",
    help="End the command then; 0 never [ORCH_REAPER_MAX_RUNNING_S].",
)
@click.option("--no-advance", is_flag=True, help="Do not judge the gate afterwards.")
@click.option("--keep-token", is_flag=True, help="Give the command the secrets of orch-gates too.")
@click.option("--quiet", is_flag=True, help="Print only the command's own output on stderr.")
@click.option(
    "--max-output",
    type=click.IntRange(0),
    metavar="BYTES",
    help="Print at most this much of each stream; the job keeps the end in any case.",
)
@_REPO
@by_option
@forge_options
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(  # noqa: PLR0913, PLR0917 - click hands over each option
    task: str,
    role: str,
    attempt: str,
    timeout: float | None,
    no_advance: bool,
    keep_token: bool,
    quiet: bool,
    max_output: int | None,
    repo: Path,
    command: tuple[str, ...],
    overrides: Mapping[str, str],
    options: ForgeOptions,
) -> None:
    """Record that the work of a task begins, run COMMAND, record how it ended, and advance through the gate.

    COMMAND has standard input, output and error as they are, and gets its work in ORCH_TASK, ORCH_STAGE, ORCH_BRANCH,
    ORCH_FEEDBACK and more. It ends when `job run` ends. An attempt that runs already is not started twice: exit 0.

    Exit codes: that of COMMAND, 128 + N where signal N ended it, 124 where it ran out of time and then exited with 0,
    127 where it could not be started. Before it: 2 the work is not to be done now, 75 later. After it: 2
    where it ended well, and that could not be recorded.

    \b
    Examples:
      orch-gates job run --task T-1 --role developer -- make change
      orch-gates job run --task T-1 --role tester --timeout 600 -- sh -c "make test"
    """
    with exit_codes():
        workspace = open_workspace(repo, {**options.overrides, **overrides}, options.observe)
        wanted = wanted_of(workspace.settings, task, role, attempt)
        how = JobOptions(timeout_of(workspace.settings, timeout), not no_advance, keep_token, quiet, max_output)
        code = JobRun(workspace, wanted, how).go(command)
    raise SystemExit(code)


@job.command("list", short_help="List the jobs that run or wait to run.")
@click.option("--task", default="", metavar="ID", type=TASK, help="Only those of this task.")
@click.option("--all", "everything", is_flag=True, help="Those that are over too.")
@_REPO
@_JSON
def list_(task: str, everything: bool, repo: Path, as_json: bool) -> None:
    """List the jobs that run or wait to run, the newest first: who runs each, since when.

    \b
    Examples:
      orch-gates job list
      orch-gates job list --task T-1 --all --json
    """
    with exit_codes():
        workspace = open_for_reading(repo)
        snapshot = workspace.store.load()
        name = tasks.need(snapshot, task).task.id if task else None
        found = book.read(snapshot, name, active=not everything)
        warn_quarantined(found.quarantined)
        jobs = [page.job for page in reversed(found.pages)]
        say(view.list_json(jobs, workspace.now) if as_json else view.list_text(jobs, workspace.now, terminal_width()))


@job.command(short_help="Print all that is recorded about a job.")
@click.argument("task", metavar="TASK", type=TASK)
@click.argument("which", metavar="[ATTEMPT|NUMBER]", required=False, default="")
@_REPO
@_JSON
def show(task: str, which: str, repo: Path, as_json: bool) -> None:
    """Print all that is recorded about a job of TASK, with the end of its output; without a name the newest.

    \b
    Examples:
      orch-gates job show T-1
      orch-gates job show T-1 2 --json | jq -r .output
    """
    with exit_codes():
        workspace = open_for_reading(repo)
        snapshot = workspace.store.load()
        found = book.read(snapshot, tasks.need(snapshot, task).task.id)
        warn_quarantined(found.quarantined)
        page = by_hand.need(found.pages, task, which)
        say(view.page_json(page, workspace.now) if as_json else view.page_text(page, workspace.now))


@job.command(short_help="End a job that runs or waits to run.")
@click.argument("task", metavar="TASK", type=TASK)
@click.argument("attempt", metavar="[ATTEMPT|NUMBER]", required=False, default="")
@text_option("--reason", required=True, metavar="TEXT", help="Why; kept in the job's log.")
@_REPO
@by_option
def cancel(task: str, attempt: str, reason: str, repo: Path, overrides: Mapping[str, str]) -> None:
    """End a job of TASK that runs or waits to run; a process on this machine is sent a signal to end.

    A new run is not started by itself: `orch-gates job retry TASK` asks for one.

    \b
    Examples:
      orch-gates job cancel T-1 --reason "the wrong branch"
    """
    with exit_codes():
        found = open_workspace(repo, overrides)
        done = by_hand.cancel(found.store, task, attempt, reason, by=found.by, now=found.now)
        _print_result(task, done)
        if done.job is not None:
            say(f"{task}: {_at_the_runner(done.job, inside=found.settings.handed_over.attempt == done.job.attempt)}\n")


@job.command(short_help="Have a task's work done once more.")
@click.argument("task", metavar="TASK", type=TASK)
@text_option("--reason", metavar="TEXT", help="Why, in one line; kept in the logs.")
@click.option("--no-start", is_flag=True, help="Only queue it; a sweep starts it.")
@_REPO
@by_option
@forge_options
def retry(
    task: str, reason: str, no_start: bool, repo: Path, overrides: Mapping[str, str], options: ForgeOptions
) -> None:
    """Have the work of TASK done once more: let the task go on if its work failed, and start a run.

    Where it cannot be started from here, a sweep starts it. Exit codes: 0 done; 1 the task waits for something else;
    2 it is queued, and could not be started; 75 it is running, or the limit of jobs is reached.

    \b
    Examples:
      orch-gates job retry T-1 --reason "the test database is up again"
    """
    with exit_codes():
        found = open_workspace(repo, {**options.overrides, **overrides}, options.observe)
        rules = config_file.rules(found.config, found.settings)
        attempt = secrets.token_hex(8)
        asked = by_hand.Retry(found.store, found.configured, rules, found.by, reason, found.now, lambda: attempt)
        done = asked.ask(task)
        _print_result(task, done)
        if done.job is not None and not no_start:
            line, code = dispatch_now.start_queued(found, done.job)
            say(f"{task}: {line}\n", to=sys.stderr if code else sys.stdout)
            raise SystemExit(code)


@job.command(short_help="Start the work that is due now.")
@_REPO
@_JSON
@by_option
@forge_options
def dispatch(repo: Path, as_json: bool, overrides: Mapping[str, str], options: ForgeOptions) -> None:
    """Start the work that is due now, of roles that say how (`roles` in .orch-gates.yaml).

    A sweep does the same, and asks gates besides. A CI job starts workflows only: a command would end with it.

    Exit codes: 0 started, or nothing is due; 2 something could not be started, which is tried again.

    \b
    Examples:
      orch-gates job dispatch
      orch-gates job dispatch --json
    """
    with exit_codes():
        workspace = open_workspace(repo, {**options.overrides, **overrides}, options.observe)
        dispatch_now.need_a_way(workspace)
        done = dispatch_now.dispatch_now(workspace)
        say(dispatch_now.as_json(done) if as_json else dispatch_now.as_text(done))
        raise SystemExit(dispatch_now.exit_code(done))


def _print_result(task: str, done: JobAnswer) -> None:
    if done.refused:
        say(f"{task}: not done: {visible(done.line)}\n", to=sys.stderr)
        raise SystemExit(1)
    say(f"{task}: {visible(done.line)}\n")


def _at_the_runner(job: Job, *, inside: bool) -> str:
    """What became of whoever runs a job that was cancelled; its own command, which is `inside`, is only asked."""
    who = job.process
    runner = None if who is None else machine.ProcessIdentity(who.host, who.pid, who.started)
    if runner is not None and ask_to_end(runner):
        if inside:
            return f"process {runner.pid} on this machine was sent a signal to end"
        until = clock.monotonic() + _ENDS_WITHIN_S
        while not machine.is_dead(runner) and clock.monotonic() < until:
            clock.sleep(0.1)
        # Two runs must not work on one branch, whatever the command makes of being asked.
        killed = not machine.is_dead(runner) and ask_to_end(runner, signal.SIGKILL)
        how = (
            f"did not end within {_ENDS_WITHIN_S} s and was killed" if killed else "was sent a signal to end, and ended"
        )
        return f"process {runner.pid} on this machine {how}"
    if job.run is not None:
        where = visible(job.run.url) or f"CI run {job.run.id}"
        return f"its CI run goes on until you cancel it: {where}"
    if runner is not None and machine.is_dead(runner):
        return f"process {runner.pid} on this machine, which ran it, had ended before"
    if who is not None:
        return f"it seems to run on another machine; {visible(job.runner)} must end it, or it ends by itself"
    return "it had not begun"
