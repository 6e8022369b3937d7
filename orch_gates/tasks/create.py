"""Making a task: atomic, whoever else makes the same one at the same time (REC-5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from orch_gates.engine import issues
from orch_gates.engine.stages import Pipeline
from orch_gates.errors import UsageError
from orch_gates.model.ids import timestamp
from orch_gates.model.task import Task, TaskState
from orch_gates.state import codec, layout
from orch_gates.state.outcome import commit_of
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Change, Store
from orch_gates.tasks import book
from orch_gates.tasks.configured import Configured


@dataclass(frozen=True, slots=True)
class Created:
    """The task as it is on the branch; `commit` is empty where somebody had made it before."""

    task: Task
    commit: str


def create(store: Store, wanted: Task, configured: Configured, now: datetime) -> Created:
    """Record a new task, once; making the same one again answers the one there is (P7).

    Raises:
        UsageError: another task has this id: its title or branch differs, or it is archived.
        StateError: it could not be recorded.
    """
    configured.agree(store)
    present: Task | None = None
    made = wanted

    def decision(snapshot: Snapshot) -> Change | None:
        nonlocal present, made
        configured.check(book.root_of(snapshot))
        present = _present(snapshot, wanted)
        if present is not None:
            return None
        told = issues.plan(wanted, snapshot.generation + 1, now, configured.pipeline_of(wanted))
        made = wanted.model_copy(update={"effects": told})
        path = layout.task_path(wanted.id)
        body = codec.append_line(f"\n# {wanted.id}\n\n", now, f"new: {wanted.title} [by {wanted.created_by}]")
        return Change(
            event="new",
            task=wanted.id,
            subject=f"{wanted.id}: new ({wanted.stage})",
            body=wanted.title,
            writes={path: codec.encode(made, body)},
            by=wanted.created_by if wanted.issue else "",
        )

    commit = commit_of(store.transact(decision))
    return Created(present or made, commit)


def _present(snapshot: Snapshot, wanted: Task) -> Task | None:
    if (page := book.find(snapshot, wanted.id)) is None:
        if (where := book.archived(snapshot, wanted.id)) is not None:
            raise UsageError(f"task {wanted.id} was finished and archived in {where}; choose another id")
        return None
    if wanted.issue and page.task.issue == wanted.issue:
        # Whoever made it first read the title that the issue had then (REC-5).
        return page.task
    if (page.task.title, page.task.branch) != (wanted.title, wanted.branch):
        raise UsageError(f"there is another task {wanted.id}: {page.task.title!r} on {page.task.branch}")
    return page.task


def new_task(name: str, title: str, *, branch: str, by: str, pipeline: Pipeline, now: datetime) -> Task:
    """A task at the beginning of the pipeline.

    Raises:
        UsageError: a value is not what a task may hold; the message names it.
    """
    at = timestamp(now)
    values = {
        "schema": Task.schema_name(),
        "id": name,
        "title": title,
        "stage": pipeline.names[0],
        "state": TaskState.ACTIVE,
        "branch": branch or f"task/{name}",
        "head": "",
        "reason": "new",
        "cause": by,
        "created": at,
        "created_by": by,
        "since": at,
        "updated": at,
        "available_at": None,
        "developer_retries": 0,
        "defers": 0,
        "feedback": None,
    }
    book.checked(name)
    return codec.validated(Task, values)
