"""Where tasks stand is the same whatever was kept between commands, and only what changed is read again (ENG-8)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import pytest

from orch_gates import __version__
from orch_gates.engine.board import task_position
from orch_gates.model.ids import TaskId
from orch_gates.state import layout
from orch_gates.state.snapshot import Snapshot, TreeEntry
from orch_gates.tasks import book, positions
from tests.step_rig import Rig

INNER: list[object] = [{"a b": [[1], []]}, {"a b": [[["x"]], []]}, {"a b": 7}, [], None, {"a b": [[], []]}]
WHOLE = [json.dumps([version, one]) for version in ("", __version__) for one in INNER]
DAMAGED = ["", "{", "null", "[]", "[" * 100_000, *WHOLE]


class Counted:
    """A snapshot that notes which folders are read."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self.read_below: list[str] = []
        self.tip, self.generation = snapshot.tip, snapshot.generation
        self.text, self.read = snapshot.text, snapshot.read

    def files(self, prefix: str = "") -> Iterator[TreeEntry]:
        self.read_below.append(prefix)
        return self._snapshot.files(prefix)

    def folders(self, path: str) -> Mapping[str, str]:
        return self._snapshot.folders(path)


@pytest.fixture
def rig() -> Rig:
    """Three tasks, and a file that cannot be read."""
    made = Rig()
    task = made.store.load().text(layout.task_path(TaskId("T-1")))
    assert task is not None
    for name in ("T-2", "T-3"):
        made.write(layout.task_path(TaskId(name)), task.replace("T-1", name))
    made.write(layout.task_path(TaskId("T-4")), "broken")
    return made


def correct(rig: Rig, found: positions.TaskPositions) -> bool:
    everything = book.read(rig.store.load())
    return (sorted(found.tasks), found.quarantined) == (
        sorted(task_position(task) for task in everything.tasks),
        everything.quarantined,
    )


def read(rig: Rig) -> tuple[positions.TaskPositions, list[str]]:
    counted = Counted(rig.store.load())
    return positions.read(rig.store, counted), counted.read_below


def test_only_folders_that_changed_are_read(rig: Rig) -> None:
    """What was set apart is said again without a look at it."""
    first, below = read(rig)
    assert len(below) == 4
    again, below = read(rig)
    assert (again, below) == (first, [])
    rig.report("ci-green", "SUCCESS")
    rig.advance()
    moved, below = read(rig)
    assert below == [layout.task_folder(TaskId("T-1")).rpartition("/")[0]]
    assert moved != first
    assert len(moved.quarantined) == 1
    assert correct(rig, moved)


@pytest.mark.parametrize("text", DAMAGED)
def test_what_was_kept_may_be_damaged(text: str, rig: Rig) -> None:
    """A cache is there for speed: whatever is in it, the answer is that of the branch."""
    rig.store.keep("standings", text)
    assert correct(rig, read(rig)[0])
    assert read(rig)[1] == []


def test_the_same_content_in_another_folder_is_another_task(rig: Rig) -> None:
    """A copy of a folder does not lie where its task belongs, and is set apart."""
    read(rig)
    path = layout.task_path(TaskId("T-2"))
    text = rig.text(path)
    assert text is not None
    rig.write(path.replace(path.split("/")[1], "00", 1), text)
    found = read(rig)[0]
    assert len(found.quarantined) == 2 or any("/00/" in file.path for file in found.quarantined)
    assert correct(rig, found)
