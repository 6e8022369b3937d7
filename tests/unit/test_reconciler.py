"""Which tasks a sweep asks the gates of, which of them move, and what is kept of those that do not (REC-1, REC-5)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orch_gates.engine import events
from orch_gates.engine.decide import decide
from orch_gates.engine.decision import Decision
from orch_gates.engine.stages import DEFAULT, Pipeline, Stage
from orch_gates.model.ids import timestamp
from orch_gates.model.job import Job
from orch_gates.model.task import Task
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.sweep.reconciler import ReconcilerRules, due, left_alone, moves, stopping
from orch_gates.tasks.edge import GateResults
from tests.tasks_builders import BEFORE, HEAD, NOW, a_verdict, make_job, make_task

RULES = ReconcilerRules(grace=timedelta(minutes=2), most=3)
OPEN = Pipeline((Stage("design", "architect"), *DEFAULT.stages), "development")


def asked(task: Task, *jobs: Job, pipeline: Pipeline = DEFAULT) -> bool:
    return not left_alone(task, jobs, NOW, pipeline, RULES)


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "escalated"},
        {"state": "held"},
        {"state": "cancelled"},
        {"state": "done", "stage": "done"},
        {"state": "deferred", "available_at": timestamp(NOW + timedelta(seconds=1))},
        {"stage": "analysis"},
        {"stage": "of-before"},
        {"pipeline": "merge-queue", "stage": "queued"},
        {"updated": timestamp(NOW - timedelta(seconds=119))},
    ],
)
def test_who_is_left_alone(changes: dict[str, Any]) -> None:
    """What a person has to decide is never decided here, however green its gates are."""
    assert not asked(make_task(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"state": "deferred", "available_at": timestamp(NOW)},
        {"updated": timestamp(NOW - timedelta(seconds=120))},
    ],
)
def test_who_is_asked(changes: dict[str, Any]) -> None:
    assert asked(make_task(**changes))


@pytest.mark.parametrize("status", ["queued", "running"])
def test_a_task_with_work_under_way_is_left_alone(status: str) -> None:
    assert not asked(make_task(), make_job(status=status))


@pytest.mark.parametrize(("seconds", "alone"), [(119, True), (120, False)])
def test_the_end_of_a_job_begins_the_grace_anew(seconds: int, alone: bool) -> None:
    """Whoever ran it advances the task itself; only where that is lost, the sweep does."""
    job = make_job(status="succeeded", ended=timestamp(NOW - timedelta(seconds=seconds)))
    assert asked(make_task(), job) is not alone


def test_a_stage_without_gates_is_left_by_work_alone() -> None:
    """Nothing to judge is not a pass: a job that ended well says that the work was done (GATE-5)."""
    task = make_task(stage="design")
    ended = timestamp(NOW - timedelta(minutes=9))
    assert not asked(task, pipeline=OPEN)
    assert not asked(task, make_job(stage="design", status="failed", ended=ended), pipeline=OPEN)
    assert asked(task, make_job(stage="design", status="succeeded", ended=ended), pipeline=OPEN)


def due_ids(tasks: Sequence[Task], cursor: str = "", stopped: frozenset[str] = frozenset()) -> list[str]:
    return [task.id for task in due(tasks, {}, stopped, cursor, NOW, lambda _: DEFAULT, RULES)]


def test_the_cursor_goes_round() -> None:
    """Of more than one tick may ask, the next goes on, and nobody is forgotten."""
    tasks = [make_task(id=f"T-{number}") for number in (5, 1, 3, 2, 4)]
    assert due_ids(tasks) == ["T-1", "T-2", "T-3"]
    assert due_ids(tasks, "T-3") == ["T-4", "T-5", "T-1"]
    assert due_ids(tasks, "T-9") == ["T-1", "T-2", "T-3"]


def test_stopped_tasks_are_skipped() -> None:
    """Blocked and Needs Input are people's words."""
    assert due_ids([make_task(id="T-1"), make_task(id="T-2")], stopped=frozenset({"T-1"})) == ["T-2"]


@settings(max_examples=60)
@given(count=st.integers(0, 12), start=st.integers(0, 12))
def test_everybody_has_a_turn(count: int, start: int) -> None:
    """From whatever cursor, all are asked within as many ticks as it takes."""
    tasks = [make_task(id=f"T-{number:02}") for number in range(count)]
    cursor, seen = f"T-{start:02}", set()
    for _ in range(-(-count // RULES.most) if count else 1):
        found = due_ids(tasks, cursor)
        seen |= set(found)
        cursor = found[-1] if found else cursor
    assert seen == {task.id for task in tasks}


def judged(*verdicts: Verdict, task: Task | None = None) -> tuple[GateResults, Decision]:
    about = task or make_task()
    found = GateResults(about, HEAD, verdicts)
    event = events.Evaluated("a sweep", about, HEAD)
    return found, decide(about, event, verdicts, NOW, DEFAULT)


def test_green_moves_and_red_is_silent() -> None:
    """F-1: a red gate is no news, and nobody is charged for it by a sweep."""
    assert moves(*judged(a_verdict(Outcome.PASS)), [])
    for outcome in (Outcome.FAIL, Outcome.HOLD, Outcome.DEFER, Outcome.ERROR):
        found, decided = judged(a_verdict(outcome))
        assert not moves(found, decided, [])
        red = stopping(found, decided, DEFAULT)
        assert red is not None
        assert red.outcome is outcome


def test_gates_that_are_switched_off_prove_nothing() -> None:
    """P1: a sweep moves nothing whose work nobody vouched for; a job that ended well does."""
    found, decided = judged(a_verdict(Outcome.SKIP))
    assert not moves(found, decided, [])
    assert moves(found, decided, [make_job(status="succeeded")])


def test_a_task_that_was_sent_back_is_kept_with_its_reason() -> None:
    """Its gates are not asked, as nothing would follow; whoever plans its work is told why it stands."""
    sent = {"head": HEAD, "at": BEFORE, "ready": False, "spent": [], "charged": []}
    task = make_task(head=HEAD, sent_back=sent, reason="a leak")
    found, decided = judged(task=task)
    red = stopping(found, decided, DEFAULT)
    assert not moves(found, decided, [])
    assert red is not None
    assert (red.gate, red.outcome, red.absent) == ("ci-green", Outcome.FAIL, True)
    assert "it was sent back" in red.reason
