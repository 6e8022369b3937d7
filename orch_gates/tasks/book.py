"""The tasks on the state branch, decoded; what cannot be read is set apart and never stops the rest (ST-6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from orch_gates.errors import StateDocumentError, UsageError
from orch_gates.model.ids import TaskId, task_id
from orch_gates.model.lease import Lease
from orch_gates.model.root import Root
from orch_gates.model.task import Task
from orch_gates.state import codec, layout
from orch_gates.state.history.message import LogEntry
from orch_gates.state.kinds import LEASE, ROOT, TASK
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Store


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A file that could not be read, and why (beginning with its path); a person mends it (ST-6)."""

    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Book:
    """All tasks and leases of one snapshot, ordered by name, and the files set apart."""

    tasks: tuple[Task, ...]
    quarantined: tuple[Quarantined, ...]
    leases: tuple[Lease, ...]


@dataclass(frozen=True, slots=True)
class TaskPage:
    """One task with the text below its frontmatter."""

    path: str
    task: Task
    body: str


def root_of(snapshot: Snapshot) -> Root:
    """The branch's own document.

    Raises:
        StateDocumentError: it is missing or malformed.
    """
    text = snapshot.text(layout.ROOT)
    if text is None:
        raise StateDocumentError(f"{layout.ROOT}: missing, so this is no state branch")
    return codec.decode(ROOT, layout.ROOT, text)[0]


def find(snapshot: Snapshot, name: str) -> TaskPage | None:
    """A task by its id, None where there is no such task in the hot tree.

    Raises:
        UsageError: that is no task id.
        StateDocumentError: its document is malformed.
    """
    path = layout.task_path(checked(name))
    text = snapshot.text(path)
    if text is None:
        return None
    return TaskPage(path, *codec.decode(TASK, path, text))


def checked(name: str) -> TaskId:
    """A task id as a person typed it.

    Raises:
        UsageError: that is no task id.
    """
    try:
        return task_id(name)
    except ValueError as error:
        raise UsageError(f"{name!r}: {error}") from error


def need(snapshot: Snapshot, name: str) -> TaskPage:
    """As `find`, where the task must exist.

    Raises:
        UsageError: there is no such task.
        StateDocumentError: as `find`.
    """
    page = find(snapshot, name)
    if page is None and (folder := archived(snapshot, checked(name))) is not None:
        raise UsageError(
            f"task {name} was finished and archived in {folder}; `orch-gates task log {name}` tells what happened to it"
        )
    if page is None:
        raise UsageError(f"there is no task {name}; `orch-gates task list` shows those there are")
    return page


def names(snapshot: Snapshot) -> Iterator[str]:
    """What the tasks of the hot tree are called; no document is read."""
    for shard in snapshot.folders(layout.TASKS):
        yield from snapshot.folders(f"{layout.TASKS}/{shard}")


def archived(snapshot: Snapshot, name: TaskId) -> str | None:
    """The folder in which a finished task of this id is archived, in whatever year; None where there is none."""
    years = (layout.archive_folder(int(year), name) for year in snapshot.folders(layout.ARCHIVE) if year.isdecimal())
    return next((folder for folder in years if snapshot.text(f"{folder}/{layout.TASK_FILE}") is not None), None)


def read(snapshot: Snapshot, *folders: str) -> Book:
    """Everything that can be read in some folders, and what cannot be; without any, all of the hot tree."""
    tasks: list[Task] = []
    leases: list[Lease] = []
    quarantined: list[Quarantined] = []
    for entry in (each for folder in folders or (layout.TASKS, layout.LEASES) for each in snapshot.files(folder)):
        try:
            if TASK.path.match(entry.path):
                tasks.append(codec.decode(TASK, entry.path, snapshot.read(entry))[0])
            elif LEASE.path.match(entry.path):
                leases.append(codec.decode(LEASE, entry.path, snapshot.read(entry))[0])
        except StateDocumentError as error:
            quarantined.append(Quarantined(entry.path, str(error)))
    tasks.sort(key=lambda task: task.id)
    return Book(tuple(tasks), tuple(quarantined), tuple(leases))


def history_of(store: Store, name: str) -> tuple[LogEntry, ...]:
    """Every commit about a task, the oldest first; archived tasks too.

    Raises:
        UsageError: that is no task id, or nothing ever happened to such a task.
        StateError: the branch cannot be read.
    """
    task = checked(name)
    steps = tuple(_about(task, entry) for entry in store.log() if task in entry.tasks)
    if not steps:
        raise UsageError(f"there is no task {name}; `orch-gates task list` shows those there are")
    return steps[::-1]


def _about(task: str, entry: LogEntry) -> LogEntry:
    """A commit about several tasks as this one's: without the lines of the others."""
    if len(entry.tasks) == 1:
        return entry
    lines = (line for line in entry.body.splitlines() if line.startswith(f"{task}: "))
    return replace(entry, body="\n".join(lines))
