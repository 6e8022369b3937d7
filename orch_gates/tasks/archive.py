"""Moving finished tasks out of the hot tree, so that the rest stays quick to read (ST-5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from orch_gates.model.ids import moment
from orch_gates.model.task import Task
from orch_gates.state import layout
from orch_gates.state.outcome import commit_of
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Change, Store
from orch_gates.tasks import book

MOST_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Compacted:
    """The tasks that were archived, and how many old enough ones are left for another time.

    `waiting` are those with effects that are not known to be done.
    """

    archived: tuple[str, ...]
    left: int
    waiting: int
    commit: str


def compact(store: Store, older_than: timedelta, now: datetime) -> Compacted:
    """Archive the tasks that were finished longer ago than `older_than`, at most `MOST_AT_ONCE` in one commit.

    What is in the archive never changes, so a task with effects that are not known to be done stays.

    Raises:
        StateError: it could not be recorded.
    """
    chosen: list[Task] = []
    left = waiting = 0

    def decision(snapshot: Snapshot) -> Change | None:
        nonlocal chosen, left, waiting
        over = [task for task in book.read(snapshot).tasks if task.state.finished and now - _ended(task) > older_than]
        old = [task for task in over if not task.effects]
        waiting = len(over) - len(old)
        chosen, left = old[:MOST_AT_ONCE], max(0, len(old) - MOST_AT_ONCE)
        if not chosen:
            return None
        return Change(
            event="archive",
            task=chosen[0].id if len(chosen) == 1 else "-",
            subject=f"archive: {len(chosen)} finished tasks",
            body="\n".join(task.id for task in chosen),
            moves={layout.task_folder(task.id): layout.archive_folder(_ended(task).year, task.id) for task in chosen},
        )

    commit = commit_of(store.transact(decision))
    return Compacted(tuple(task.id for task in chosen), left, waiting, commit)


def _ended(task: Task) -> datetime:
    return moment(task.updated)
