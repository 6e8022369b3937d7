"""What stands where, who waits for a person, and a task's place among those that may move (OBS-1, ENG-8)."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from orch_gates.engine.board import Board, TaskPosition, board, lines, queue_context, task_position
from orch_gates.engine.stages import DEFAULT
from orch_gates.engine.why import QueueContext
from orch_gates.model.lease import Lease
from orch_gates.model.task import Task
from tests.tasks_builders import BEFORE, RETIRED, make_lease, make_task, tasks

FREE = make_lease(holder="", granted=None, expires=None)
TESTED = make_task(id="T-2", stage="testing")
WAITING = make_task(id="T-3", stage="testing", state="held")
STUCK = make_task(id="T-4", stage="deploy", state="escalated")
OVER = make_task(id="T-5", stage="done", state="done")


def of(tasks: Sequence[Task], leases: Sequence[Lease] = (), stages: Sequence[str] = DEFAULT.names) -> Board:
    return board(tasks, leases, stages, quarantined=0, generation=7)


def counts(made: Board) -> dict[str, dict[str, int]]:
    return {row.stage: row.counts for row in made.rows}


def test_every_stage_has_a_row_in_the_order_of_the_pipeline() -> None:
    """Also those in which nothing is, and `done` as the last."""
    made = of([])
    assert [row.stage for row in made.rows] == [*DEFAULT.names, "done"]
    assert [row.total for row in made.rows] == [0] * 8


def test_tasks_are_counted_by_stage_and_state() -> None:
    """Finished ones too."""
    made = of([TESTED, WAITING, make_task(id="T-6", stage="testing"), STUCK, OVER])
    assert counts(made)["testing"] == {"active": 2, "held": 1}
    assert counts(made)["deploy"] == {"escalated": 1}
    assert counts(made)["done"] == {"done": 1}
    assert [row.total for row in made.rows] == [0, 0, 0, 0, 3, 0, 1, 1]


def test_stages_that_are_not_configured_any_more_come_last() -> None:
    """Nothing is hidden."""
    made = of([make_task(stage=RETIRED), make_task(stage="before"), TESTED], stages=("testing",))
    assert [row.stage for row in made.rows] == ["testing", "done", "before", RETIRED]
    assert counts(made)[RETIRED] == {"active": 1}


def test_attention_is_for_tasks_that_wait_for_a_person() -> None:
    """Held and escalated ones, in the order in which they were given."""
    deferred = make_task(id="T-7", state="deferred", available_at=BEFORE)
    assert of([STUCK, TESTED, deferred, OVER, WAITING]).attention == (STUCK, WAITING)


def test_free_leases_are_not_shown() -> None:
    """Only who holds one may keep others waiting."""
    held = make_lease()
    made = board([], [FREE, held], DEFAULT.names, quarantined=2, generation=9)
    assert made.held_leases == (held,)
    assert (made.quarantined, made.generation) == (2, 9)


@settings(max_examples=40)
@given(st.lists(tasks(DEFAULT), max_size=4))
def test_no_task_is_lost_or_counted_twice(found: list[Task]) -> None:
    """Whatever stages and states they are in."""
    made = of(found)
    assert sum(row.total for row in made.rows) == len(found)
    assert len({row.stage for row in made.rows}) == len(made.rows)


def at(minute: int, name: str, **changes: str) -> TaskPosition:
    return task_position(make_task(id=name, stage="testing", since=f"2026-03-01T10:{minute:02}:00Z", **changes))


def test_the_place_counts_those_that_have_waited_longer() -> None:
    """Those in the same stage that may move; the id decides between two of the same second."""
    mine = at(30, "M")
    others = [
        at(10, "older"),
        at(30, "A"),
        at(30, "Z"),
        at(50, "younger"),
        at(20, "deferred", state="deferred", available_at=BEFORE),
        at(10, "held", state="held"),
        at(10, "escalated", state="escalated"),
        at(10, "cancelled", state="cancelled"),
        task_position(make_task(id="elsewhere", stage="review")),
    ]
    assert queue_context(mine, lines([*others, mine]), [], "main") == QueueContext(position=4, waiting=6, holder="")
    assert queue_context(mine, lines([mine, *reversed(others)]), [], "main").position == 4


def test_a_task_that_may_not_move_has_no_place() -> None:
    """It is in nobody's way."""
    held = at(10, "H", state="held")
    assert queue_context(held, lines([held, at(20, "A")]), [], "main") == QueueContext(position=0, waiting=1, holder="")


def test_the_holder_is_that_of_the_lease_on_the_target() -> None:
    """A lease on another branch keeps nobody waiting."""
    other = make_lease(target="release", holder="T-9")
    alone = lines([task_position(TESTED)])
    assert queue_context(task_position(TESTED), alone, [other, make_lease(holder="T-8")], "main").holder == "T-8"
    assert queue_context(task_position(TESTED), alone, [other], "main").holder == ""
    assert queue_context(task_position(TESTED), alone, [FREE], "main").holder == ""
