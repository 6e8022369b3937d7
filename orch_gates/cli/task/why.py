"""`orch-gates why`: the reason a task stands where it stands; it is asked often, so it loads little."""

from __future__ import annotations

from pathlib import Path

import click

from orch_gates.cli.boundary import exit_codes, open_for_reading, say, warn_quarantined
from orch_gates.cli.completion import TASK
from orch_gates.config import file as config_file
from orch_gates.documents.escape import visible
from orch_gates.engine import work
from orch_gates.engine.stages import pipeline_of
from orch_gates.engine.work import WorkStatus
from orch_gates.errors import OrchError
from orch_gates.jobs.book import jobs_of
from orch_gates.merge import queue_places
from orch_gates.merge.queue.update import task_of
from orch_gates.model.task import Task
from orch_gates.report import tasks as render
from orch_gates.state.snapshot import Snapshot
from orch_gates.trackers.plan import STOPS
from orch_gates.workspace import Workspace


@click.command()
@click.argument("name", metavar="ID", type=TASK)
@click.option("--repo", default=".", type=click.Path(path_type=Path), help="A clone, or the bare repository itself.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def why(name: str, repo: Path, as_json: bool) -> None:
    """Say in one line why task ID stands where it stands, and what happens next.

    A number is that pull request in the merge queue: 12 is the task PR-12.

    \b
    Examples:
      orch-gates why T-1
      orch-gates why 12
      orch-gates why T-1 --json
    """
    with exit_codes():
        session = open_for_reading(repo)
        snapshot = session.store.load()
        task = _named(snapshot, name)
        around = queue_places.read(session.store, snapshot, session.target)
        warn_quarantined(around.quarantined)
        found = around.why(task, session.pipeline, session.now).at_work(_work(session, snapshot, task))
        say(render.why_json(found) if as_json else f"{visible(found.line)}\n")


def _work(session: Workspace, snapshot: Snapshot, task: Task) -> WorkStatus | None:
    """What the work of the task's stage has come to."""
    rules = config_file.rules(session.config, session.settings)
    jobs = [page.job for page in jobs_of(snapshot, task.id)]
    found = work.work_status(task, jobs, pipeline_of(task, session.pipeline), rules)
    if task.state.finished or not (stopped := stopped_by_person(session, task)[0]):
        return found
    line = f"{found.line}; {stopped}" if found is not None else stopped
    return work.WorkStatus(line, "clear the stop label or state on its issue", "by a person")


def _named(snapshot: Snapshot, name: str) -> Task:
    """The task of this id, or that of the pull request with this number.

    Raises:
        UsageError: there is neither.
    """
    from orch_gates.tasks import book

    number = name.removeprefix("#")
    if not number.isdecimal() or (number == name and book.find(snapshot, name) is not None):
        return book.need(snapshot, name).task
    return book.need(snapshot, task_of(int(number))).task


def stopped_by_person(workspace: Workspace, task: Task) -> tuple[str, bool]:
    """Why nothing automatic touches a task, as its issue says, or empty; and whether that could not be told."""
    if workspace.settings.tracker.kind == "none" or not task.issue:
        return "", False
    try:
        tracker = workspace.tracker
        assert tracker is not None
        item = tracker.item(task.issue)
    except OrchError as error:
        return f"could not check whether a person stopped it on issue #{task.issue}: {error}", True
    return (f"a person stopped it on issue #{task.issue}" if item.open and item.words & STOPS else ""), False
