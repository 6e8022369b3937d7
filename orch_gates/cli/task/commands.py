"""`orch-gates task`: make tasks, read them, and say a person's word about them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

import click

from orch_gates.cli.boundary import exit_codes, open_for_reading, say, terminal_width, warn_quarantined
from orch_gates.cli.completion import STAGE, TASK
from orch_gates.cli.options import by_option, text_option
from orch_gates.cli.task.effects_view import warn
from orch_gates.documents.escape import visible
from orch_gates.effects.performed import Performed
from orch_gates.engine import events
from orch_gates.engine.events import Event
from orch_gates.errors import UsageError
from orch_gates.model.ids import timestamp
from orch_gates.model.task import DONE_STAGE, TaskState
from orch_gates.report import machine
from orch_gates.report import tasks as render
from orch_gates.tasks import book, record
from orch_gates.tasks.book import history_of
from orch_gates.tasks.change import apply
from orch_gates.tasks.create import create, new_task
from orch_gates.workspace import open_workspace

_REPO = click.option(
    "--repo", default=".", type=click.Path(path_type=Path), help="A clone, or the bare repository itself."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_REASON = text_option("--reason", metavar="TEXT", help="Why, in one line; kept in the task's log.")


@click.group()
def task() -> None:
    """Make tasks, read them, hold or cancel them.

    \b
    Examples:
      orch-gates task new T-1 "Greet the user"
      orch-gates task list --stage review
      orch-gates task hold T-1 --reason "waiting for legal"
    """


@task.command(short_help="Make a task in the first stage.")
@click.argument("name", metavar="ID", type=TASK)
@click.argument("title")
@text_option("--branch", metavar="NAME", help="The branch with its code [task/ID].")
@_REPO
@_JSON
@by_option
def new(name: str, title: str, branch: str, repo: Path, as_json: bool, overrides: Mapping[str, str]) -> None:
    """Make task ID in the first stage; making the same one again changes nothing.

    \b
    Examples:
      orch-gates task new T-1 "Greet the user"
      orch-gates task new T-2 "Say goodbye" --branch feature/bye
    """
    with exit_codes():
        found = open_workspace(repo, overrides)
        wanted = new_task(name, title, branch=branch, by=found.by, pipeline=found.pipeline, now=found.now)
        made = create(found.store, wanted, found.configured, found.now)
        if as_json:
            say(machine.document("task-new", {"task": made.task.fields(), "commit": made.commit or None}))
        else:
            there = (
                "is there already" if made.task.state is TaskState.ACTIVE else f"is there already, {made.task.state}"
            )
            say(f"{made.task.id}: {'new' if made.commit else there}, in {made.task.stage}\n")


@task.command()
@click.argument("name", metavar="ID", type=TASK)
@_REPO
@_JSON
def show(name: str, repo: Path, as_json: bool) -> None:
    """Print all that is recorded about task ID.

    \b
    Example:
      orch-gates task show T-1
    """
    with exit_codes():
        page = book.need(open_for_reading(repo).store.load(), name)
        say(machine.dumps(page.task.fields()) if as_json else render.task_page(page.task, page.body))


@task.command("list")
@click.option("--stage", default="", type=STAGE, help="Only tasks in this stage.")
@click.option("--state", default="", help="Only active, deferred, held, escalated, done or cancelled ones.")
@_REPO
@_JSON
def list_(stage: str, state: str, repo: Path, as_json: bool) -> None:
    """List the tasks that are not archived, by id.

    \b
    Example:
      orch-gates task list --stage review
    """
    with exit_codes():
        if state and state not in set(TaskState):
            raise UsageError(f"--state {state} is unknown; choose one of: {', '.join(TaskState)}")
        snapshot = open_for_reading(repo).store.load()
        found, stages = book.read(snapshot), (*book.root_of(snapshot).stages, DONE_STAGE)
        # A task may stand in a stage that is not configured any more.
        if stage and stage not in {*stages, *(task.stage for task in found.tasks)}:
            raise UsageError(f"--stage {stage} is unknown; choose one of: {', '.join(stages)}")
        chosen = [t for t in found.tasks if stage in {"", t.stage} and state in {"", t.state.value}]
        warn_quarantined(found.quarantined)
        if as_json:
            say(machine.document("task-list", {"tasks": [t.fields() for t in chosen]}))
        else:
            say(render.task_table(chosen, terminal_width()))


@task.command()
@click.argument("name", metavar="ID", type=TASK)
@_REPO
@_JSON
def log(name: str, repo: Path, as_json: bool) -> None:
    """Tell what happened to task ID: who, when, which gate, why.

    \b
    Example:
      orch-gates task log T-1
    """
    with exit_codes():
        found = history_of(open_for_reading(repo).store, name)
        steps = [asdict(step) | {"when": timestamp(step.when)} for step in found]
        say(machine.document("task-log", {"task": name, "steps": steps}) if as_json else render.log(steps))


@task.command()
@click.argument("name", metavar="ID", type=TASK)
@click.argument("gate", required=False, default="")
@click.argument("status", required=False, default="")
@click.option("--file", "file", type=click.Path(path_type=Path), help="A report to record as it is.")
@text_option("--head", metavar="SHA", help="The commit that it is about [the branch's head].")
@_REASON
@_REPO
@by_option
def report(
    name: str,
    gate: str,
    status: str,
    file: Path | None,
    head: str,
    reason: str,
    repo: Path,
    overrides: Mapping[str, str],
) -> None:
    """Record a report of task ID, for the gate that reads it.

    STATUS is one of the gate's own words, or a verdict; `orch-gates help gates` lists them.

    \b
    Examples:
      orch-gates task report T-1 tests-passed PASSED --reason "212 tests"
      orch-gates task report T-1 --file 17-security-report.md
    """
    with exit_codes():
        if (file is None) is not bool(gate and status):
            raise UsageError("give GATE and STATUS, or --file with a report; not both")
        found = open_workspace(repo, overrides)
        if file is not None:
            recorded = record.from_file(found.store, name, file, found.configured, now=found.now)
        else:
            recorded = record.by_hand(
                found.store,
                name,
                record.Statement(gate, status, reason or f"recorded by {found.by}", head),
                found.configured,
                by=found.by,
                head_of=found.heads.of,
                now=found.now,
            )
        say(f"{name}: {recorded.file} {'recorded' if recorded.commit else 'is recorded already'}\n")
        _warn(name, found.outbox.perform(recorded.task.effects))


@task.command()
@click.argument("name", metavar="ID", type=TASK)
@_REASON
@_REPO
@by_option
def hold(name: str, reason: str, repo: Path, overrides: Mapping[str, str]) -> None:
    """Stop task ID where it stands, until it is resumed.

    \b
    Example:
      orch-gates task hold T-1 --reason "waiting for legal"
    """
    _ask(name, repo, overrides, lambda by: events.HoldRequested(by, reason))


@task.command()
@click.argument("name", metavar="ID", type=TASK)
@_REASON
@_REPO
@by_option
def resume(name: str, reason: str, repo: Path, overrides: Mapping[str, str]) -> None:
    """Let held task ID go on.

    \b
    Example:
      orch-gates task resume T-1 --reason "legal agrees"
    """
    _ask(name, repo, overrides, lambda by: events.ResumeRequested(by, reason))


@task.command(short_help="Retry an escalated or deferred task.")
@click.argument("name", metavar="ID", type=TASK)
@_REASON
@_REPO
@by_option
def retry(name: str, reason: str, repo: Path, overrides: Mapping[str, str]) -> None:
    """Give escalated task ID new attempts, or end the wait of a deferred one.

    \b
    Example:
      orch-gates task retry T-1 --reason "the runner is back"
    """
    _ask(name, repo, overrides, lambda by: events.RetryRequested(by, reason))


@task.command(short_help="Say that a task's work was done again, without a commit.")
@click.argument("name", metavar="ID", type=TASK)
@text_option("--reason", required=True, metavar="TEXT", help="What was done; kept in the task's log.")
@_REPO
@by_option
def ready(name: str, reason: str, repo: Path, overrides: Mapping[str, str]) -> None:
    """Say that the work of task ID, which was sent back, was done again without a new commit.

    Its gates then read the reports that are recorded after it was sent back.

    \b
    Examples:
      orch-gates task ready T-1 --reason "the test database is up again"
    """
    _ask(name, repo, overrides, lambda by: events.MarkedReady(by, reason))


@task.command()
@click.argument("name", metavar="ID", type=TASK)
@_REASON
@_REPO
@by_option
def cancel(name: str, reason: str, repo: Path, overrides: Mapping[str, str]) -> None:
    """End task ID unfinished; it cannot be taken back.

    \b
    Example:
      orch-gates task cancel T-1 --reason "not needed any more"
    """
    _ask(name, repo, overrides, lambda by: events.CancelRequested(by, reason))


def _warn(name: str, performed: tuple[Performed, ...]) -> None:
    if performed:
        warn(name, performed)


def _ask(name: str, repo: Path, overrides: Mapping[str, str], event: Callable[[str], Event]) -> None:
    with exit_codes():
        found = open_workspace(repo, overrides)
        applied = apply(found.store, name, event(found.by), found.configured, found.now, found.outbox)
        decision = applied.decision
        _warn(name, applied.performed)
        if decision.refused:
            say(f"{name}: not done: {visible(decision.reason)}\n", to=sys.stderr)
            raise SystemExit(1)
        say(f"{name}: {decision.move}: {visible(decision.reason)}\n")
