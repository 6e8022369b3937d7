"""A state commit about several tasks: one commit, and each task's history has its own lines of it (ST-3, SWP-1)."""

from __future__ import annotations

import pytest

from orch_gates.engine.events import HoldRequested
from orch_gates.git.tree import Commit
from orch_gates.model.ids import TaskId
from orch_gates.state import layout
from orch_gates.state.history import message
from orch_gates.state.history.message import log_entry
from orch_gates.state.store import Change, joined
from orch_gates.tasks.book import history_of
from tests.step_rig import Rig

OP = "7-" + "0" * 32
ONE = Change("advance", "T-1", "T-1: advance", {"a": "1"}, body="it is green")
TWO = Change("failed", "T-2", "T-2: its job died", {"b": "2"}, body="seen dead\ntwice", others=("T-3",))


def said(change: Change) -> Commit:
    return Commit("", (), "bot@example.invalid", 0, message.compose(change, OP, "a sweep"))


def test_a_commit_names_every_task_that_it_is_about() -> None:
    """`git log --grep "Orch-Task: T-3"` finds it as well as `task log T-3`."""
    change = joined("sweep", "sweep: two things", [ONE, TWO])
    assert change is not None
    found = log_entry("", said(change))
    assert found.tasks == ("T-1", "T-2", "T-3")
    assert (found.op, found.event, found.by) == (OP, "sweep", "a sweep")
    assert found.body.splitlines() == ["T-1: advance: it is green", "T-2: its job died: seen dead twice"]
    assert dict(change.writes) == {"a": "1", "b": "2"}


def test_a_commit_about_no_task_names_none() -> None:
    found = log_entry("", said(Change("marker", "-", "a marker", {"a": "1"})))
    assert found.tasks == ()
    assert "Orch-Task: -\n" in said(Change("marker", "-", "a marker", {"a": "1"})).message


def test_nothing_joined_is_no_commit() -> None:
    assert joined("sweep", "nothing", []) is None


def test_the_later_text_of_a_file_counts() -> None:
    """What is planned last has seen what was planned before it."""
    change = joined("sweep", "both", [ONE, Change("hold", "T-1", "T-1: hold", {"a": "3"})])
    assert change is not None
    assert dict(change.writes) == {"a": "3"}
    assert change.tasks == ("T-1",)


def test_what_moves_files_is_not_joined() -> None:
    with pytest.raises(AssertionError):
        joined("sweep", "no", [Change("archive", "T-1", "T-1", moves={"a": "b"})])


@pytest.mark.parametrize("text", ["T-1\nOrch-Task: T-9", "T-1\n\nOrch-Op: 1"])
def test_a_name_cannot_add_a_trailer(text: str) -> None:
    found = log_entry("", said(Change("x", text, "x", {"a": "1"})))
    assert "T-9" not in found.tasks
    assert found.op == OP


def test_the_history_of_a_task_has_its_lines_of_a_commit_about_several() -> None:
    """ST-3: what happened to others in the same tick is told by their own histories."""
    rig = Rig()
    rig.ask(HoldRequested("ann", "wait"))
    note = f"{layout.task_folder(TaskId('T-1'))}/reports/{'a' * 40}/12-note.md"
    parts = [
        Change("a", "T-1", "T-1: a", {note: "1"}, body="one"),
        Change("b", "T-2", "T-2: b", {"b": "2"}, body="two"),
    ]
    rig.store.transact(lambda _: joined("sweep", "sweep: 2 tasks", parts))
    steps = history_of(rig.store, "T-1")
    assert [step.event for step in steps] == ["new", "hold", "sweep"]
    assert steps[-1].subject == "sweep: 2 tasks"
    assert steps[-1].body == "T-1: a: one"
    assert [step.body for step in history_of(rig.store, "T-2")] == ["T-2: b: two"]
