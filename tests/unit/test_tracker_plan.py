"""What follows from what people say on issues, by tables: one word is followed once, and nothing is guessed (REC-2)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.engine.stages import DEFAULT
from orch_gates.model.effect import TrackerState
from orch_gates.model.ids import timestamp
from orch_gates.model.task import Task, TaskState
from orch_gates.trackers import plan as plans
from orch_gates.trackers.plan import Action, Approve, Broken, Create, Finish, Refuse, Reject, Say, TrackerLook
from orch_gates.trackers.port import Item
from tests.tasks_builders import NOW, make_issue_effect, make_task

P, A, R, B, N = (
    TrackerState.IN_PROGRESS,
    TrackerState.APPROVED,
    TrackerState.REJECTED,
    TrackerState.BLOCKED,
    TrackerState.NEEDS_INPUT,
)


def item(*words: TrackerState, number: int = 5, open: bool = True) -> Item:
    return Item(number, "Greet the user", "", open, frozenset(words))


def tracked(stage: str = "analysis", **changes: Any) -> Task:
    return make_task(**{"id": "ISSUE-5", "issue": 5, "stage": stage} | changes)


def look(*items: Item, task: Task | None = None, **more: Any) -> TrackerLook:
    tasks = {} if task is None else {task.issue: task}
    return TrackerLook(items, tasks, more.get("barred", {}), more.get("broken", {}))


def planned(*items: Item, task: Task | None = None, **more: Any) -> tuple[Action, ...]:
    return plans.plan(look(*items, task=task, **more), lambda _: DEFAULT).actions


WAITING = tracked()
WORKING = tracked("development")


@pytest.mark.parametrize(
    ("words", "task", "kind"),
    [
        ((P,), None, Create),
        ((P, A), None, Create),
        ((A,), None, None),
        ((R,), None, None),
        ((A,), WAITING, Approve),
        ((P, A), WAITING, Approve),
        ((A,), tracked(state="deferred", available_at=timestamp(NOW)), Approve),
        ((R,), WAITING, Reject),
        ((R,), WORKING, Reject),
        ((P, R), tracked("testing"), Reject),
        # It has begun already, and the label stays as long as it is so.
        ((P,), WAITING, None),
        ((P,), WORKING, None),
        ((), WORKING, None),
        # Not a stage that a person's approval leaves.
        ((A,), WORKING, Say),
        ((A, R), WAITING, Say),
        ((A, R), WORKING, Say),
        # A person frees it first.
        ((A,), tracked(state="held"), Say),
        ((R,), tracked("review", state="escalated"), Say),
        ((R,), tracked("retired"), Say),
        # It is over.
        ((P,), tracked("done", state="done"), Refuse),
        ((A,), tracked(state="cancelled"), Refuse),
        ((), tracked("done", state="done"), None),
    ],
)
def test_what_follows_from_words(words: tuple[TrackerState, ...], task: Task | None, kind: type[Action] | None) -> None:
    found = planned(item(*words), task=task)
    assert [type(one) for one in found] == ([] if kind is None else [kind])


@pytest.mark.parametrize("task", [None, WAITING, WORKING, tracked("done", state="done")])
@pytest.mark.parametrize("stop", [B, N])
def test_a_stop_stops_everything(task: Task | None, stop: TrackerState) -> None:
    """Whatever else is said there: no task is made, none is approved, and none is told anything (REC-5)."""
    for words in ((P,), (A,), (R,), (P, A, R)):
        assert planned(item(*words, stop), task=task) == ()


def test_which_tasks_are_stopped() -> None:
    """Those of blocked issues; of a closed issue nothing follows; without an answer of the tracker, all (P2)."""
    tasks = (WAITING, make_task(id="ISSUE-6", issue=6), make_task(id="T-1"))
    items = (item(B), item(A, number=6))
    assert plans.stopped(items, tasks) == {"ISSUE-5"}
    assert plans.stopped((item(N),), tasks) == {"ISSUE-5"}
    assert plans.stopped((item(B, open=False),), tasks) == frozenset()
    assert plans.stopped((), tasks) == frozenset()
    assert plans.stopped(None, tasks) == {"ISSUE-5", "ISSUE-6"}
    assert plans.plan(look(*items, task=WAITING), lambda _: DEFAULT).stopped == {"ISSUE-5"}


def test_nothing_follows_from_a_closed_issue() -> None:
    assert planned(item(P, open=False)) == planned(item(A, open=False), task=WAITING) == ()


def test_a_word_that_was_acted_on_is_taken_off_and_not_followed_again() -> None:
    """ENG-9: the run that acted on it was killed before it could take the label off."""
    acted = tracked(effects=(make_issue_effect(label="orch/analysis", clears=["approved"]),))
    assert [type(one) for one in planned(item(A), task=acted)] == [Finish]
    assert [type(one) for one in planned(item(A, R), task=acted)] == [Finish]
    # Another word is a word.
    assert [type(one) for one in planned(item(R), task=acted)] == [Reject]
    over = tracked("done", state="done", effects=(make_issue_effect(label="orch/done", clears=["in-progress"]),))
    assert [type(one) for one in planned(item(P), task=over)] == [Finish]


def test_an_issue_that_was_not_told_is_told() -> None:
    untold = tracked(effects=(make_issue_effect(label="orch/analysis"),))
    assert planned(item(P), task=untold) == (Finish(5, untold),)
    assert [type(one) for one in planned(item(P, A), task=untold)] == [Approve]


def test_no_second_task_is_made() -> None:
    """It was finished and archived, or somebody has another task of that name: said once, and the label goes."""
    why = {5: "task ISSUE-5 was finished and is archived"}
    assert planned(item(P), barred=why) == (Refuse(5, (P,), why[5]),)
    assert planned(item(A), barred=why) == ()


def test_what_cannot_be_read_is_told_and_left_alone() -> None:
    """ST-6: one malformed document stops no other issue."""
    found = planned(item(P), item(P, number=6), broken={5: "tasks/…: malformed"})
    assert found == (Broken(5, "tasks/…: malformed"), Create(6, "Greet the user"))


def test_the_order_is_that_of_the_issues() -> None:
    found = planned(*(item(P, number=number) for number in (9, 2, 5)))
    assert [one.number for one in found] == [2, 5, 9]


@given(st.sets(st.sampled_from(TrackerState)), st.sampled_from(TaskState), st.sampled_from([*DEFAULT.names, "retired"]))
def test_at_most_one_thing_follows(words: set[TrackerState], state: TaskState, stage: str) -> None:
    """Whatever is said of whatever task: never two actions, and none that its state forbids."""
    at = timestamp(NOW) if state is TaskState.DEFERRED else None
    task = tracked("done" if state is TaskState.DONE else stage, state=state, available_at=at)
    found = planned(item(*words), task=task)
    assert len(found) <= 1
    if words & plans.STOPS:
        assert found == ()
    for one in found:
        if isinstance(one, Approve | Reject):
            assert not state.finished
            assert not state.waits_for_a_person
            assert not {A, R} <= words
        assert not isinstance(one, Create)
