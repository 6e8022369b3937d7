"""What one commit moves from a task's folder to the archive, and what it leaves behind (ST-5)."""

from __future__ import annotations

from collections.abc import Sequence

from orch_gates.git.tree import Changed, Node, Objects
from orch_gates.model.ids import TaskId, shard
from orch_gates.state import layout


class Moves:
    """Files that left a task's folder and files that arrived in the archive, in one commit."""

    def __init__(self, changes: Sequence[Changed]) -> None:
        self._left = {change.path: change for change in changes if change.after is None}
        self._arrived = {_hot(change.path): change.after for change in changes if change.after is not None}

    def moved(self, change: Changed) -> bool:
        """Whether a file that left is in the archive now."""
        return _same(change.before, self._arrived.get(change.path))

    def arrived(self, change: Changed) -> bool:
        """Whether a file of the archive came from the task's folder as it was."""
        left = self._left.get(_hot(change.path))
        return left is not None and _same(left.before, change.after)

    def task_document(self, change: Changed) -> Changed | None:
        """The document of the task that an archived file belongs to, as it left."""
        return self._left.get("/".join([*_hot(change.path).split("/")[:3], layout.TASK_FILE]))


class Trees:
    """What is where before and after a commit."""

    def __init__(self, objects: Objects, before: str, after: str) -> None:
        self._objects = objects
        self._before = before
        self._after = after

    def archived(self, task: TaskId) -> bool:
        """Whether the archive, as it was before, has a task of this name."""
        archive = self._objects.find(self._before, layout.ARCHIVE) if self._before else None
        years = self._objects.list(archive.oid) if archive is not None and archive.folder else ()
        return any(year.folder and self._objects.find(year.oid, f"{shard(task)}/{task}") for year in years)

    def has(self, path: str) -> bool:
        """Whether anything is at a path afterwards."""
        return self._objects.find(self._after, path) is not None

    def orphaned(self, task: TaskId) -> bool:
        """Whether a task's folder is left without the task's own document."""
        folder = layout.task_folder(task)
        node = self._objects.find(self._after, folder)
        return node is not None and self._objects.find(self._after, f"{folder}/{layout.TASK_FILE}") is None


def _hot(path: str) -> str:
    """Where an archived file stood before: `archive/<year>/<rest>` was `tasks/<rest>`."""
    parts = path.split("/", 2)
    return f"tasks/{parts[2]}" if parts[0] == layout.ARCHIVE and len(parts) == 3 else ""


def _same(left: Node | None, right: Node | None) -> bool:
    return left is not None and right is not None and (left.oid, left.mode) == (right.oid, right.mode)
