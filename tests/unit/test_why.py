"""Why a task stands where it stands: one line that also says what helps, and when (ENG-8, P8)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings

from orch_gates.engine.stages import DEFAULT, Caps
from orch_gates.engine.why import QueueContext, Why, explain
from orch_gates.model.ids import timestamp
from tests.tasks_builders import BEFORE, NOW, RETIRED, Case, cases, make_task

NOWHERE = QueueContext(position=0, waiting=0, holder="")
SOON = timestamp(NOW + timedelta(minutes=5))


def why(context: QueueContext = NOWHERE, **changes: Any) -> Why:
    return explain(make_task(**changes), DEFAULT, context, NOW)


def test_the_line_has_everything_in_its_order() -> None:
    """State, cause, position, holder, next action and when, attempts left."""
    found = why(
        QueueContext(position=2, waiting=3, holder="T-9"),
        stage="testing",
        reason="2 tests failed",
        cause="tests-passed",
        developer_retries=1,
        defers=4,
    )
    assert found.line == (
        "T-1 is active in testing: 2 tests failed (tests-passed)"
        " · position 2 of 3 in testing"
        " · merge lease: T-9"
        " · next: the tester has to get tests-passed green, then `orch-gates advance T-1`, now"
        " · left: 2 developer retries, 6 defers"
    )


def test_the_line_tells_how_far_the_holder_got() -> None:
    """Its phase, who works on it now, and until when; one that is held ends by no time."""
    context = QueueContext(1, 2, "T-9", "testing", "https://ci.example/7", SOON)
    assert f" · merge lease: T-9 (testing, https://ci.example/7 works on it) until {SOON} · " in why(context).line
    assert " · merge lease: T-9 (merging) · " in why(QueueContext(1, 2, "T-9", "merging")).line


def test_the_line_leaves_out_what_there_is_not() -> None:
    """No position, no lease."""
    assert why(reason="new", cause="ann").line == (
        "T-1 is active in development: new (ann)"
        " · next: the developer has to get ci-green green, then `orch-gates advance T-1`, now"
        " · left: 3 developer retries, 10 defers"
    )


def test_what_is_over_waits_for_nobody() -> None:
    """The last word on a pull request is not about others."""
    context = QueueContext(0, 0, "T-9", "testing")
    assert why(context, stage="done", state="done", reason="it landed", cause="merge-proof").line == (
        "T-1 is done in done: it landed (merge-proof)"
    )


@pytest.mark.parametrize(
    ("changes", "action", "when"),
    [
        ({"stage": "analysis"}, "a person has to approve: `orch-gates advance T-1 --approve`", "now"),
        (
            {"stage": "analysis", "issue": 7},
            "a person has to approve: `approved` on issue 7, or `orch-gates advance T-1 --approve`",
            "now",
        ),
        ({"stage": "architecture"}, "the architect has to finish, then `orch-gates advance T-1`", "now"),
        (
            {"stage": "deploy-staging"},
            "the deployer has to get staging-status, security, image-freshness green, "
            "then `orch-gates gate merge --task T-1`, then `orch-gates advance T-1`",
            "now",
        ),
        ({"stage": "deploy"}, "the deployer has to get deploy-status green, then `orch-gates merge --task T-1`", "now"),
        ({"stage": RETIRED}, "`orch-gates advance T-1` (this stage is not configured any more)", "now"),
        ({"state": "held"}, "`orch-gates task resume T-1` or `orch-gates task cancel T-1`", "when a person decides"),
        (
            {"state": "escalated"},
            "`orch-gates task retry T-1` or `orch-gates task cancel T-1`",
            "when a person decides",
        ),
        ({"state": "deferred", "available_at": SOON}, "`orch-gates advance T-1`", f"not before {SOON}"),
        (
            {"state": "deferred", "available_at": timestamp(NOW)},
            "the developer has to get ci-green green, then `orch-gates advance T-1`",
            "now",
        ),
        (
            {"state": "deferred", "available_at": BEFORE},
            "the developer has to get ci-green green, then `orch-gates advance T-1`",
            "now",
        ),
        ({"stage": "done", "state": "done"}, "", ""),
        ({"state": "cancelled"}, "", ""),
    ],
)
def test_what_comes_next_and_when(changes: dict[str, Any], action: str, when: str) -> None:
    """For every state, and every kind of stage."""
    found = why(**changes)
    assert (found.next_action, found.when) == (action, when)


@pytest.mark.parametrize("changes", [{"stage": "done", "state": "done"}, {"state": "cancelled"}])
def test_nothing_comes_after_the_end(changes: dict[str, Any]) -> None:
    """And nothing is left to count."""
    line = why(reason="over", cause="ann", **changes).line
    assert line.endswith(": over (ann)")
    assert "left" not in line


def test_what_is_left_is_never_less_than_nothing() -> None:
    """Limits may have been lowered since."""
    pipeline = replace(DEFAULT, caps=Caps(max_developer_retries=1, defer_max_attempts=2))
    found = explain(make_task(developer_retries=3, defers=3), pipeline, NOWHERE, NOW)
    assert (found.developer_retries_left, found.defers_left) == (0, 0)


@settings(max_examples=50)
@given(cases())
def test_any_task_is_explained_in_one_line(case: Case) -> None:
    """In any pipeline, at any moment; unless it is over, it says who can do what."""
    found = explain(case.task, case.pipeline, NOWHERE, case.now)
    assert found.line.splitlines() == [found.line]
    assert ("next: " in found.line) is not case.task.state.finished
    assert explain(case.task, case.pipeline, NOWHERE, case.now) == found
