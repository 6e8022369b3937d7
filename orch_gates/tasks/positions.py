"""Where every task stands, kept between commands by folder: `why` costs the same among many tasks (ENG-8)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from orch_gates import __version__
from orch_gates.engine.board import TaskPosition, task_position
from orch_gates.state import layout
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Store
from orch_gates.tasks import book
from orch_gates.tasks.book import Quarantined

_KEPT = "standings"


@dataclass(frozen=True, slots=True)
class TaskPositions:
    """Where the tasks of one snapshot stand, and the files set apart."""

    tasks: tuple[TaskPosition, ...]
    quarantined: tuple[Quarantined, ...]


def read(store: Store, snapshot: Snapshot) -> TaskPositions:
    """All of the hot tree; only folders that are not as they were for an earlier command are read."""
    kept = _parsed(store.recall(_KEPT))
    # The same content in another folder is another task's, and wrong there.
    folders = {f"{name} {oid}": f"{layout.TASKS}/{name}" for name, oid in snapshot.folders(layout.TASKS).items()}
    found = {key: kept.get(key) or _read(snapshot, folder) for key, folder in folders.items()}
    if found.keys() != kept.keys():
        values = {key: (one.tasks, [(file.path, file.why) for file in one.quarantined]) for key, one in found.items()}
        store.keep(_KEPT, json.dumps([__version__, values], separators=(",", ":")))
    return TaskPositions(
        tuple(task for one in found.values() for task in one.tasks),
        tuple(file for one in found.values() for file in one.quarantined),
    )


def _read(snapshot: Snapshot, folder: str) -> TaskPositions:
    found = book.read(snapshot, folder)
    return TaskPositions(tuple(task_position(task) for task in found.tasks), found.quarantined)


def _parsed(text: str) -> Mapping[str, TaskPositions]:
    """What was kept; nothing where it is damaged, or of another version, which may read documents otherwise."""
    try:
        version, values = json.loads(text or "[null, {}]")
        if version != __version__:
            return {}
        return {
            key: TaskPositions(
                tuple(TaskPosition(*map(str, task)) for task in tasks), tuple(Quarantined(*one) for one in bad)
            )
            for key, (tasks, bad) in values.items()
        }
    except (ValueError, TypeError, AttributeError, RecursionError):
        return {}
