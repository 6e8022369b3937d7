"""What the issue of a task is told: planned with each step, replaced by the next, legal, and performed once (P7)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from orch_gates.effects.outbox import Outbox
from orch_gates.effects.performed import EffectResult
from orch_gates.engine import events, issues, legality
from orch_gates.engine.decide import decide
from orch_gates.engine.decision import Move
from orch_gates.engine.stages import DEFAULT
from orch_gates.errors import ForgeRefused, ForgeUnavailable, SettingsError
from orch_gates.model.effect import MAX_TEXT, IssueEffect, TrackerState, merged
from orch_gates.model.task import Task
from orch_gates.model.verdict import Outcome
from orch_gates.state import codec, layout
from orch_gates.state.kinds import TASK
from orch_gates.tasks import change
from orch_gates.trackers.port import Tracker
from tests.fakes.forge import MemoryForge
from tests.fakes.tracker import MemoryTracker
from tests.tasks_builders import (
    HEAD,
    NOW,
    Case,
    a_verdict,
    cases,
    make_effect,
    make_issue_effect,
    make_task,
    root_of,
)

ROOT = root_of(DEFAULT)


def tracked(**changes: Any) -> Task:
    return make_task(**{"id": "ISSUE-5", "issue": 5} | changes)


def told(task: Task, event: events.Event, **more: Any) -> tuple[IssueEffect, ...]:
    decided = decide(task, event, more.get("verdicts", ()), NOW, DEFAULT, generation=7)
    return tuple(effect for effect in decided.effects if isinstance(effect, IssueEffect))


# ---- planning


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({}, "orch/development"),
        ({"state": "held"}, "orch/held"),
        ({"state": "escalated"}, "orch/escalated"),
        ({"state": "cancelled"}, "orch/cancelled"),
        ({"stage": "done", "state": "done"}, "orch/done"),
    ],
)
def test_the_label_is_the_stage_of_what_may_move_and_else_the_state(changes: dict[str, Any], label: str) -> None:
    assert issues.label_of(tracked(**changes)) == label
    assert label in issues.labels(DEFAULT.names)


def test_labels_of_people_are_none_of_ours() -> None:
    """What is taken off an issue is one of a known set, and no more."""
    known = issues.labels(("analysis", "review"))
    states = ("deferred", "held", "escalated", "done", "cancelled")
    assert known == {f"orch/{name}" for name in ("analysis", "review", *states)}
    assert not known & {"approved", "orch/somebody's", "analysis"}
    assert issues.is_ours("orch/x")
    assert issues.is_ours("ORCH/x")
    assert not issues.is_ours("orchard")


def test_every_step_tells_the_issue() -> None:
    """Where it stands and why, in one line; a person's approval is asked for."""
    (effect,) = told(tracked(), events.HoldRequested("ann", "wait for\nlegal"))
    assert (effect.label, effect.text) == ("orch/held", "ISSUE-5 is held in development: wait for legal")
    assert (effect.issue, effect.generation, effect.key) == (5, 7, "issue:#5:7")
    held = tracked(stage="analysis", state="held")
    (effect,) = told(held, events.ResumeRequested("ann", "go on"))
    assert effect.text == "ISSUE-5 is in analysis, and waits for a person's approval: go on"
    task = tracked()
    red = [a_verdict(Outcome.FAIL, reason="x" * 1000)]
    (effect,) = told(task, events.Evaluated("ann", task, HEAD), verdicts=red)
    assert effect.text.startswith("ISSUE-5 is in development: xxx")
    assert len(effect.text) == MAX_TEXT


def test_without_an_issue_or_a_step_nothing_is_told() -> None:
    assert told(make_task(), events.HoldRequested("ann", "wait")) == ()
    assert told(tracked(), events.ResumeRequested("ann")) == ()
    assert decide(tracked(), events.HoldRequested("ann", "wait"), (), NOW, DEFAULT).effects == ()


def test_a_word_that_was_acted_on_is_taken_off() -> None:
    """In the commit that acts on it; a command's word stands on no issue (ENG-9)."""
    task = tracked(stage="analysis")
    for by_issue, clears in ((True, (TrackerState.APPROVED,)), (False, ())):
        (effect,) = told(task, events.Approved("bob", task, "", by_issue=by_issue))
        assert (effect.clears, effect.label) == (clears, "orch/architecture")
    review = tracked(stage="review", head=HEAD)
    (effect,) = told(review, events.Rejected("bob", "no", HEAD, by_issue=True))
    assert (effect.clears, effect.label) == ((TrackerState.REJECTED,), "orch/development")


def test_what_is_over_is_in_progress_no_more() -> None:
    """So that the label, set again, is a new asking, which is refused in words."""
    (effect,) = told(tracked(), events.CancelRequested("ann", "no need"))
    assert (effect.clears, effect.label) == ((TrackerState.IN_PROGRESS,), "orch/cancelled")


# ---- in the document


def test_a_later_one_takes_the_place_of_an_earlier_and_of_what_it_owes() -> None:
    """One effect about an issue at most; a word that was acted on, and not taken off, is taken off by the next."""
    old = make_issue_effect(generation=5, clears=["approved"])
    task = tracked(effects=(make_effect(generation=5), old))
    step = decide(task, events.HoldRequested("ann", "wait"), (), NOW, DEFAULT, generation=7)
    after = change.with_effects(step, task, ())
    (kept, new) = after.task.effects
    assert isinstance(new, IssueEffect)
    assert (kept, new.clears, new.generation) == (make_effect(generation=5), (TrackerState.APPROVED,), 7)
    assert after.effects == (new,)
    assert issues.owed(after.task) == {TrackerState.APPROVED}
    done = merged(task.effects, frozenset({old.key}), step.effects, step.outdated)
    assert isinstance(done[-1], IssueEffect)
    assert done[-1].clears == ()


@settings(max_examples=60)
@given(cases())
def test_every_plan_is_legal_and_can_be_recorded(case: Case) -> None:
    """Whatever happens to whatever task of an issue: the guard takes it, and the document is read back the same."""
    root = root_of(case.pipeline)
    task = case.task.model_copy(update={"issue": 5})
    event = case.event
    if isinstance(event, events.Evaluated | events.Approved) and event.seen == case.task:
        event = replace(event, seen=task)
    decision = decide(task, event, case.verdicts, case.now, case.pipeline, generation=root.generation)
    after = change.with_effects(decision, task, ()).task
    found = [effect for effect in after.effects if isinstance(effect, IssueEffect)]
    assert len(found) == (decision.task != task)
    assert [one for one in legality.task_change(task, after, root) if one.field == "effects"] == []
    assert codec.decode(TASK, layout.task_path(after.id), codec.encode(after, "")) == (after, "")


def rules(before: Task | None, after: Task) -> list[str]:
    return [one.rule for one in legality.task_change(before, after, ROOT) if one.field == "effects"]


def test_only_where_the_task_stands_is_told() -> None:
    """The server's guard: an effect is about the task's own issue, and says what the commit says."""
    before, moved = tracked(), {"reason": "judged"}
    assert rules(before, tracked(**moved, effects=(make_issue_effect(),))) == []
    for wrong in ({"issue": 6}, {"label": "orch/review"}, {"label": "orch/done"}):
        assert rules(before, tracked(**moved, effects=(make_issue_effect(**wrong),))) == [
            "must show on the task's own issue where the task stands"
        ]
    alone = tracked(effects=(make_issue_effect(),))
    assert rules(before, alone) == ["may be added only together with a step of the task"]
    assert rules(make_task(), make_task(**moved, effects=(make_issue_effect(),))) != []


def test_a_new_task_tells_its_issue_and_nothing_else() -> None:
    first = {"stage": "analysis", "effects": (make_issue_effect(label="orch/analysis"),)}
    assert rules(None, tracked(**first)) == []
    assert rules(None, tracked(**first | {"effects": (make_issue_effect(label="orch/analysis", generation=6),)})) != []
    assert rules(None, tracked(stage="analysis", head=HEAD, effects=(make_effect(),))) != []


# ---- performing


def performed(tracker: Tracker | None, effect: IssueEffect) -> tuple[EffectResult, str]:
    forge = MemoryForge()
    (one,) = Outbox(lambda: forge, tracker=lambda: tracker).perform([effect])
    return one.result, one.reason


def test_performing_it_tells_the_tracker() -> None:
    tracker = MemoryTracker()
    effect = make_issue_effect(clears=["approved"])
    assert performed(tracker, effect) == (EffectResult.DONE, "")
    assert tracker.shown == [(5, "orch/development", "ISSUE-5 is in development: new", 7, (TrackerState.APPROVED,))]


def test_what_is_newer_there_stays() -> None:
    """A process that was slow does not tell old news (P7)."""
    tracker = MemoryTracker()
    tracker.newest[5] = 8
    assert performed(tracker, make_issue_effect())[0] is EffectResult.SUPERSEDED
    assert tracker.shown == []


def test_without_a_tracker_nothing_is_left_to_be_told() -> None:
    """P9: switched off, nothing is written to issues, and nothing waits for ever."""
    assert performed(None, make_issue_effect()) == (
        EffectResult.SUPERSEDED,
        "no tracker is turned on here (tracker.kind)",
    )


@pytest.mark.parametrize(
    ("failure", "result"),
    [
        (ForgeUnavailable("down"), EffectResult.UNKNOWN),
        (ForgeRefused("no such issue"), EffectResult.REFUSED),
        (SettingsError("two labels are the same"), EffectResult.UNKNOWN),
    ],
)
def test_what_could_not_be_told_stays_planned(failure: Exception, result: EffectResult) -> None:
    tracker = MemoryTracker(failure=failure)
    assert performed(tracker, make_issue_effect()) == (result, str(failure))


def test_a_move_by_a_person_is_named() -> None:
    """The step itself is what it would be without an issue."""
    task, plain = tracked(stage="analysis"), make_task(stage="analysis")
    by_issue = decide(task, events.Approved("bob", task, "", by_issue=True), (), NOW, DEFAULT, generation=7)
    by_hand = decide(plain, events.Approved("bob", plain, ""), (), NOW, DEFAULT)
    assert (by_issue.move, by_issue.reason) == (by_hand.move, by_hand.reason) == (Move.ADVANCE, "approved by bob")
