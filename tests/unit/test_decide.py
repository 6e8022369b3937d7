"""What becomes of a task: every row of the default table, and what holds for any task, event and pipeline (ENG-3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orch_gates.engine import events, legality
from orch_gates.engine.decide import decide
from orch_gates.engine.decision import Decision, Move
from orch_gates.engine.stages import DEFAULT, Caps, EdgeGate, OnRed, Pipeline, Stage
from orch_gates.model import feedback
from orch_gates.model.feedback import one_line
from orch_gates.model.ids import timestamp
from orch_gates.model.task import DONE_STAGE, Task, TaskState
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.state import codec, layout
from orch_gates.state.kinds import TASK
from tests.tasks_builders import (
    BEFORE,
    FINDING,
    GREEN,
    HEAD,
    NOW,
    OLD_FEEDBACK,
    Case,
    a_verdict,
    cases,
    edges,
    green,
    judged,
    judgements,
    make_task,
    root_of,
)

SAYS = "what the gate says"
ROLLBACK, STAY = Move.ROLLBACK, Move.STAY
EDGES = [(stage.name, gate.name) for stage in DEFAULT.stages for gate in stage.gates]


def evaluated(
    task: Task, verdicts: Sequence[Verdict], *, now: datetime = NOW, pipeline: Pipeline = DEFAULT, head: str = HEAD
) -> Decision:
    """The decision on a task whose gates were judged as it is."""
    return decide(task, events.Evaluated("ann", task, head), verdicts, now, pipeline)


def by_person(task: Task, event: events.Event, pipeline: Pipeline = DEFAULT) -> Decision:
    return decide(task, event, [], NOW, pipeline)


def changed(before: Task, after: Task) -> dict[str, Any]:
    """The fields of `after` that differ."""
    old = before.fields()
    return {name: value for name, value in after.fields().items() if old.get(name) != value}


# ---- Evaluated: one row of the table each


@pytest.mark.parametrize(
    ("stage", "following"),
    [
        ("architecture", "development"),
        ("development", "review"),
        ("review", "testing"),
        ("testing", "deploy-staging"),
        ("deploy-staging", "deploy"),
    ],
)
def test_green_gates_let_a_task_go_on(stage: str, following: str) -> None:
    """The next stage, since now, active; the judged commit is written down."""
    task = make_task(stage=stage)
    decision = evaluated(task, green(stage))
    assert (decision.move, decision.outcome) == (Move.ADVANCE, Outcome.PASS)
    after = changed(task, decision.task)
    assert (after.pop("stage"), after.pop("head")) == (following, HEAD)
    assert (after.pop("since"), after.pop("updated")) == (timestamp(NOW), timestamp(NOW))
    assert after.keys() <= {"reason", "cause"}


def test_the_last_stage_leads_to_done() -> None:
    """The task is over, and its reason says what proves that it landed."""
    decision = evaluated(make_task(stage="deploy"), green("deploy"))
    assert (decision.move, decision.task.stage, decision.task.state) == (Move.ADVANCE, "done", TaskState.DONE)
    assert decision.reason == "deploy-status PASS; merge-proof PASS: it says PASS"
    assert decision.task.cause == "merge-proof"
    assert decision.step == "advance to done"


def test_a_task_that_is_over_is_left_there() -> None:
    """In words that a person reads behind its id."""
    over = make_task(stage=DONE_STAGE, state=TaskState.DONE)
    assert by_person(over, events.Evaluated("ann", over, HEAD)).step == "stay in done"


def test_a_skipped_gate_counts_as_green() -> None:
    """And the reason says that it was skipped (GATE-3)."""
    verdicts = [replace(verdict, outcome=Outcome.SKIP) for verdict in green("deploy-staging")]
    decision = evaluated(make_task(stage="deploy-staging"), verdicts)
    assert (decision.move, decision.task.stage) == (Move.ADVANCE, "deploy")
    assert decision.reason == "staging-status SKIP; security SKIP; merge SKIP; image-freshness SKIP"


def test_nobody_is_charged_for_what_our_catch_up_left_without_a_record() -> None:
    """ENG-12: the image of the commit before is rebuilt and waited for; stale after that, it is a FAIL as any other."""
    task = make_task(stage="deploy-staging", developer_retries=1)
    verdicts = judged("deploy-staging", "image-freshness", Outcome.FAIL, reason=SAYS, absent=True)
    caught_up = [*verdicts[:-1], replace(verdicts[-1], anew=HEAD)]
    decision = evaluated(task, caught_up)
    assert (decision.move, decision.task.developer_retries, decision.task.defers) == (STAY, 1, 0)
    assert evaluated(task, verdicts).move is ROLLBACK


@pytest.mark.parametrize("absent", [False, True], ids=["red", "no record"])
@pytest.mark.parametrize(
    ("stage", "gate", "on_fail", "on_absent"),
    [
        ("development", "ci-green", STAY, STAY),
        ("review", "review-approved", ROLLBACK, STAY),
        ("testing", "tests-passed", ROLLBACK, STAY),
        ("deploy-staging", "staging-status", ROLLBACK, STAY),
        ("deploy-staging", "security", ROLLBACK, ROLLBACK),
        ("deploy-staging", "merge", ROLLBACK, STAY),
        ("deploy-staging", "image-freshness", ROLLBACK, ROLLBACK),
        ("deploy", "deploy-status", ROLLBACK, STAY),
    ],
)
def test_a_red_gate_keeps_a_task_or_sends_it_back(
    stage: str, gate: str, on_fail: Move, on_absent: Move, *, absent: bool
) -> None:
    """Sent back: to development, one retry charged, with feedback. Kept: only the reason is new (ENG-4)."""
    task = make_task(stage=stage, developer_retries=1, defers=2)
    decision = evaluated(task, judged(stage, gate, Outcome.FAIL, reason=SAYS, absent=absent))
    assert (decision.move, decision.outcome) == (on_absent if absent else on_fail, Outcome.FAIL)
    after = changed(task, decision.task)
    output = {"reason": SAYS, "cause": gate, "head": HEAD, "updated": timestamp(NOW)}
    assert after.items() >= output.items()
    rest = {name: value for name, value in after.items() if name not in output}
    if decision.move is ROLLBACK:
        assert (rest.pop("feedback") or {})["reason"] == SAYS
        assert (rest.pop("sent_back") or {})["charged"] == [f"{gate}@{HEAD}"]
        assert rest == {"stage": "development", "since": timestamp(NOW), "developer_retries": 2, "defers": 0}
    else:
        assert rest == {}


@pytest.mark.parametrize("outcome", [Outcome.DEFER, Outcome.ERROR])
@pytest.mark.parametrize(("stage", "gate"), EDGES)
def test_not_now_and_could_not_tell_put_a_task_off(stage: str, gate: str, outcome: Outcome) -> None:
    """Same stage, one defer used, nothing charged (ENG-5)."""
    task = make_task(stage=stage, developer_retries=2)
    decision = evaluated(task, judged(stage, gate, outcome, reason=SAYS))
    assert (decision.move, decision.outcome) == (Move.DEFER, Outcome.DEFER)
    after = changed(task, decision.task)
    assert after == {
        "state": "deferred",
        "head": HEAD,
        "reason": SAYS,
        "cause": gate,
        "defers": 1,
        "available_at": timestamp(NOW + timedelta(minutes=1)),
        "updated": timestamp(NOW),
    }


@pytest.mark.parametrize(("stage", "gate"), EDGES)
def test_a_hold_waits_for_a_person(stage: str, gate: str) -> None:
    """Same stage, nothing charged, nothing sent back (ENG-6)."""
    task = make_task(stage=stage, state="deferred", available_at=BEFORE, developer_retries=2, defers=1)
    decision = evaluated(task, judged(stage, gate, Outcome.HOLD, reason=SAYS))
    assert (decision.move, decision.outcome) == (Move.HOLD, Outcome.HOLD)
    after = changed(task, decision.task)
    output = {"state": "held", "head": HEAD, "reason": SAYS, "cause": gate}
    assert after == output | {"available_at": None, "updated": timestamp(NOW)}


def test_the_first_gate_that_is_not_green_decides() -> None:
    """What stands after it counts for nothing (ENG-3)."""
    verdicts = [
        *judged("deploy-staging", "security", Outcome.DEFER),
        a_verdict(Outcome.FAIL, gate="merge"),
        a_verdict(Outcome.HOLD, gate="image-freshness"),
    ]
    assert evaluated(make_task(stage="deploy-staging"), verdicts).move is Move.DEFER


@pytest.mark.parametrize(
    "verdicts",
    [
        [],
        green("deploy-staging")[:3],
        green("deploy-staging")[1:],
        list(reversed(green("deploy-staging"))),
        [a_verdict(Outcome.PASS, gate="other"), *green("deploy-staging")],
    ],
    ids=["none", "too few", "first missing", "wrong order", "another gate"],
)
def test_a_gate_that_was_not_judged_lets_nothing_through(verdicts: list[Verdict]) -> None:
    """A verdict counts for its own gate only, and no verdict is no PASS (P1)."""
    task = make_task(stage="deploy-staging")
    decision = evaluated(task, verdicts)
    assert decision.task is task
    assert (decision.move, decision.outcome) == (STAY, Outcome.ERROR)
    assert "was not judged" in decision.reason


def test_leaving_the_rework_stage_takes_the_feedback_away() -> None:
    """It has been mended; anywhere else it stays."""
    mended = evaluated(make_task(stage="development", feedback=OLD_FEEDBACK), green("development"))
    assert mended.task.feedback is None
    later = evaluated(make_task(stage="review", feedback=OLD_FEEDBACK), green("review"))
    assert later.task.feedback == OLD_FEEDBACK


def test_defers_are_counted_in_one_stage() -> None:
    """The next stage begins with none; developer retries are kept (ENG-5)."""
    task = make_task(stage="testing", state="deferred", available_at=BEFORE, defers=4, developer_retries=2)
    after = evaluated(task, green("testing")).task
    assert (after.state, after.available_at, after.defers) == (TaskState.ACTIVE, None, 0)
    assert after.developer_retries == 2


def test_the_gates_words_are_carried_verbatim() -> None:
    """Reason, next step and every finding, for whoever mends it (ENG-4)."""
    other = replace(FINDING, id="f-2", path="b", line=0)
    said_by_gate: dict[str, Any] = {"reason": "two\nleaks", "next_step": "rotate both", "findings": (FINDING, other)}
    decision = evaluated(
        make_task(stage="deploy-staging"), judged("deploy-staging", "security", Outcome.FAIL, **said_by_gate)
    )
    output = decision.task.feedback
    assert output is not None
    assert (output.gate, output.reason, output.next_step) == ("security", "two\nleaks", "rotate both")
    assert [found.as_finding() for found in output.findings] == [FINDING, other]
    assert output.findings_total == 2
    assert decision.task.reason == "two leaks"


@pytest.mark.parametrize(
    ("defers", "minutes"), [(0, 1), (1, 2), (2, 4), (3, 8), (4, 16), (5, 30), (6, 30), (9, 30), (10_000, 30)]
)
def test_each_defer_waits_twice_as_long(defers: int, minutes: int) -> None:
    """From one minute up to thirty (ENG-5)."""
    pipeline = replace(DEFAULT, caps=Caps(defer_max_attempts=20_000))
    decision = evaluated(make_task(defers=defers), [a_verdict(Outcome.DEFER)], pipeline=pipeline)
    assert decision.task.available_at == timestamp(NOW + timedelta(minutes=minutes))
    assert decision.task.defers == defers + 1


@pytest.mark.parametrize("outcome", list(Outcome))
def test_nothing_moves_a_deferred_task_before_its_time(outcome: Outcome) -> None:
    """Not even a gate that is green by now; at the very second it goes on."""
    task = make_task(state="deferred", available_at=timestamp(NOW), defers=1, reason="busy")
    early = evaluated(task, [a_verdict(outcome)], now=NOW - timedelta(seconds=1))
    assert early.task is task
    assert (early.move, early.outcome) == (STAY, Outcome.DEFER)
    assert early.reason == f"it is deferred until {timestamp(NOW)}: busy"
    assert evaluated(task, [a_verdict(outcome)], now=NOW).task is not task


def test_a_deferred_task_moves_when_what_it_waits_for_has_ended() -> None:
    """Its attempt landed, or is red or held, so there is nothing left to wait for (MRG-14)."""
    task = make_task(state="deferred", available_at=timestamp(NOW), defers=1, reason="busy")
    event = events.Evaluated("ann", task, HEAD, due=True)
    early = NOW - timedelta(seconds=1)
    assert decide(task, event, [a_verdict(Outcome.HOLD)], early, DEFAULT).task.state is TaskState.HELD


def test_a_deferred_task_that_is_red_at_its_time_waits_as_an_active_one() -> None:
    """It was judged, so there is nothing left to wait for; its defers stay used."""
    task = make_task(state="deferred", available_at=BEFORE, defers=2)
    after = evaluated(task, [a_verdict(Outcome.FAIL)]).task
    assert (after.state, after.available_at, after.defers) == (TaskState.ACTIVE, None, 2)


@pytest.mark.parametrize(("used", "move"), [(2, ROLLBACK), (3, Move.ESCALATE), (4, Move.ESCALATE)])
def test_used_up_developer_retries_ask_a_person(used: int, move: Move) -> None:
    """At the cap the task stays where it is, uncharged, with the gate's words (ENG-4)."""
    task = make_task(stage="testing", developer_retries=used)
    decision = evaluated(task, judged("testing", "tests-passed", Outcome.FAIL, reason=SAYS))
    assert decision.move is move
    assert decision.task.feedback is not None
    if move is Move.ESCALATE:
        after = changed(task, decision.task)
        assert after.pop("feedback")["reason"] == SAYS
        assert after.pop("sent_back")["charged"] == [f"tests-passed@{HEAD}"]
        reason = f"{SAYS} (all {used} developer retries are used up)"
        output = {"state": "escalated", "head": HEAD, "reason": reason, "cause": "tests-passed"}
        assert after == output | {"updated": timestamp(NOW)}
        assert decision.outcome is Outcome.HOLD


@pytest.mark.parametrize(("used", "move"), [(9, Move.DEFER), (10, Move.ESCALATE), (11, Move.ESCALATE)])
@pytest.mark.parametrize("outcome", [Outcome.DEFER, Outcome.ERROR])
def test_used_up_defers_ask_a_person(used: int, move: Move, outcome: Outcome) -> None:
    """And no developer pays for it (ENG-5)."""
    task = make_task(state="deferred", available_at=BEFORE, defers=used, feedback=OLD_FEEDBACK)
    decision = evaluated(task, [a_verdict(outcome, reason=SAYS)])
    assert decision.move is move
    if move is Move.ESCALATE:
        output = {"state": "escalated", "head": HEAD, "reason": f"{SAYS} (deferred {used} times)", "cause": "ci-green"}
        assert changed(task, decision.task) == output | {"available_at": None, "updated": timestamp(NOW)}
        assert decision.outcome is Outcome.HOLD


@pytest.mark.parametrize("state", ["held", "escalated"])
@pytest.mark.parametrize("outcome", list(Outcome))
def test_nothing_automatic_touches_a_task_that_waits_for_a_person(state: str, outcome: Outcome) -> None:
    """Whatever its gate says (ENG-4, ENG-6)."""
    task = make_task(state=state, reason="look at it")
    decision = evaluated(task, [a_verdict(outcome)])
    assert decision.task is task
    assert (decision.move, decision.outcome, decision.refused) == (STAY, Outcome.HOLD, False)
    way, does = {"held": ("resume", "resumes"), "escalated": ("retry", "retries")}[state]
    lead = f"it is {state} and waits for a person: look at it"
    assert decision.reason == f"{lead}; `orch-gates task {way} T-1` {does} it"


def test_a_human_stage_is_not_left_by_gates() -> None:
    """Evaluating it changes nothing (REC-1)."""
    task = make_task(stage="analysis")
    decision = evaluated(task, [])
    assert decision.task is task
    assert (decision.move, decision.outcome) == (STAY, Outcome.HOLD)


def test_a_stage_that_is_not_configured_any_more_holds_the_task() -> None:
    """A person has to say what becomes of it; the reason names the stages that there are."""
    decision = evaluated(make_task(stage="retired", state="deferred", available_at=BEFORE), [])
    assert (decision.move, decision.task.state, decision.task.cause) == (Move.HOLD, TaskState.HELD, "configuration")
    assert decision.task.available_at is None
    assert "'retired' is not in the configured pipeline (analysis, architecture," in decision.reason


SINCE_THEN: list[dict[str, Any]] = [
    {"stage": "review"},
    {"state": "held"},
    {"since": timestamp(NOW)},
    {"developer_retries": 1},
    {"defers": 1},
    {"branch": "task/other"},
    {"id": "T-2"},
]


@pytest.mark.parametrize("then", SINCE_THEN, ids=[next(iter(then)) for then in SINCE_THEN])
def test_a_task_that_changed_since_it_was_seen_stays(then: dict[str, Any]) -> None:
    """The verdicts are about what it was: another edge, or another branch's commit (P6)."""
    seen = make_task()
    task = make_task(**then)
    decision = decide(task, events.Evaluated("ann", seen, HEAD), green(task.stage), NOW, DEFAULT)
    assert decision.task is task
    assert (decision.move, decision.outcome) == (STAY, Outcome.DEFER)
    assert "the task changed while" in decision.reason


def test_verdicts_about_the_task_with_other_words_decide_nothing() -> None:
    """The whole task is compared; whoever gathered the verdicts gathers again (ENG-10)."""
    task = make_task(title="a better title", reason="other", updated=timestamp(NOW))
    decision = decide(task, events.Evaluated("ann", make_task(), HEAD), green("development"), NOW, DEFAULT)
    assert (decision.task is task, decision.outcome) == (True, Outcome.DEFER)


def test_a_red_gate_before_the_rework_stage_never_sends_a_task_forward() -> None:
    """Whatever its reaction says: it would jump over the gates in between."""
    first = Stage("design", "designer", (EdgeGate("ci-green", OnRed.ROLLBACK, OnRed.ROLLBACK),))
    pipeline = Pipeline((first, *DEFAULT.stages[1:]), "development")
    for absent in (False, True):
        decision = evaluated(make_task(stage="design"), [a_verdict(Outcome.FAIL, absent=absent)], pipeline=pipeline)
        assert (decision.move, decision.task.stage, decision.task.developer_retries) == (STAY, "design", 0)


def test_a_red_gate_of_the_rework_stage_itself_charges_and_stays() -> None:
    """There is nowhere further back; since when it is there does not change."""
    own = Stage("development", "developer", (EdgeGate("ci-green", OnRed.ROLLBACK),))
    decision = evaluated(make_task(), [a_verdict(Outcome.FAIL)], pipeline=Pipeline((own,), "development"))
    assert (decision.move, decision.task.stage, decision.task.developer_retries) == (ROLLBACK, "development", 1)
    assert decision.task.since == BEFORE


# ---- a person's word


def approved(task: Task, reason: str = "", seen: Task | None = None) -> events.Approved:
    return events.Approved("ann", seen or task, HEAD, reason)


@pytest.mark.parametrize(("reason", "wanted"), [("", "approved by ann"), ("looks good", "looks good")])
@pytest.mark.parametrize("state", ["active", "deferred"])
def test_approval_lets_a_task_leave_a_human_stage(state: str, reason: str, wanted: str) -> None:
    """The person is the cause (ENG-1)."""
    task = make_task(stage="analysis", state=state, available_at=BEFORE if state == "deferred" else None)
    decision = by_person(task, approved(task, reason))
    assert (decision.move, decision.task.stage, decision.task.state) == (
        Move.ADVANCE,
        "architecture",
        TaskState.ACTIVE,
    )
    assert (decision.task.reason, decision.task.cause, decision.task.available_at) == (wanted, "ann", None)


def test_approval_does_not_replace_the_gates_of_a_human_stage() -> None:
    """Both are needed."""
    stage = Stage("analysis", "analyst", (EdgeGate("ci-green", OnRed.STAY),), human=True)
    pipeline = Pipeline((stage, *DEFAULT.stages[1:]), "development")
    task = make_task(stage="analysis")
    for outcome, where in ((Outcome.PASS, "architecture"), (Outcome.FAIL, "analysis")):
        assert decide(task, approved(task), [a_verdict(outcome)], NOW, pipeline).task.stage == where
    assert decide(task, approved(task), [], NOW, pipeline).task is task


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"stage": "review"}, "stage review needs no approval"),
        ({"stage": "retired"}, "stage retired needs no approval"),
        ({"stage": "analysis", "state": "held"}, "`orch-gates task resume T-1`"),
        ({"stage": "analysis", "state": "escalated"}, "`orch-gates task retry T-1`"),
    ],
)
def test_approval_elsewhere_is_refused(changes: dict[str, str], why: str) -> None:
    """With the reason, and what helps (P8)."""
    task = make_task(**changes)
    decision = by_person(task, approved(task))
    assert decision.task is task
    assert (decision.move, decision.outcome, decision.refused) == (STAY, Outcome.FAIL, True)
    assert why in decision.reason


def test_approval_of_what_the_person_did_not_see_is_refused() -> None:
    """Somebody else approved it first, or it came back since."""
    task = make_task(stage="analysis")
    decision = by_person(task, approved(task, seen=make_task(stage="analysis", since=timestamp(NOW))))
    assert decision.refused
    assert decision.task is task


@pytest.mark.parametrize("stage", ["review", "testing", "deploy-staging", "deploy"])
def test_rejection_sends_a_task_back(stage: str) -> None:
    """With the person's words as feedback, and charged like a red gate."""
    decision = by_person(make_task(stage=stage, head=HEAD), events.Rejected("ann", "not like this", HEAD))
    after = decision.task
    assert (decision.move, after.stage, after.developer_retries) == (ROLLBACK, "development", 1)
    assert after.feedback is not None
    assert (after.feedback.gate, after.feedback.reason, after.head) == ("approval", "not like this", HEAD)
    full = by_person(make_task(stage=stage, developer_retries=3), events.Rejected("ann", "not like this", HEAD))
    assert (full.move, full.task.stage, full.task.state) == (Move.ESCALATE, stage, TaskState.ESCALATED)


@pytest.mark.parametrize("stage", ["analysis", "architecture", "development"])
def test_rejection_up_to_the_rework_stage_keeps_a_task(stage: str) -> None:
    """There is nothing to send back; the words are written down, and charged to nobody."""
    task = make_task(stage=stage)
    decision = by_person(task, events.Rejected("bob", "too vague", HEAD))
    assert (decision.move, decision.outcome) == (STAY, Outcome.FAIL)
    after = changed(task, decision.task)
    assert (after.pop("sent_back") or {})["charged"] == []
    assert after == {"reason": "too vague", "cause": "bob", "head": HEAD, "updated": timestamp(NOW)}
    again = by_person(decision.task, events.Rejected("bob", "too vague", HEAD))
    assert again.task is decision.task


@pytest.mark.parametrize("changes", [{"state": "held"}, {"state": "escalated"}, {"stage": "retired"}])
def test_rejection_of_a_task_that_waits_is_refused(changes: dict[str, str]) -> None:
    """It has to go on first."""
    task = make_task(**{"stage": "review"} | changes)
    decision = by_person(task, events.Rejected("ann", "no", HEAD))
    assert decision.refused
    assert decision.task is task


@pytest.mark.parametrize("state", ["active", "deferred", "escalated"])
def test_a_person_holds_a_task(state: str) -> None:
    """Only the state, the reason and who it was are new."""
    task = make_task(state=state, available_at=BEFORE if state == "deferred" else None, developer_retries=1, defers=1)
    decision = by_person(task, events.HoldRequested("ann", "not today"))
    assert (decision.move, decision.outcome) == (Move.HOLD, Outcome.HOLD)
    after = changed(task, decision.task)
    after.pop("available_at", None)
    output = {"state": "held", "reason": "not today", "updated": timestamp(NOW)}
    assert after == output
    assert decision.task.available_at is None


def test_a_person_resumes_a_held_task() -> None:
    """What it has used up stays used up."""
    task = make_task(stage="testing", state="held", developer_retries=2, defers=3)
    decision = by_person(task, events.ResumeRequested("bob"))
    assert decision.move is Move.RESUME
    now = timestamp(NOW)
    output = {"state": "active", "reason": "resumed in testing", "cause": "bob", "updated": now, "resumed": now}
    assert changed(task, decision.task) == output


def test_a_person_retries_an_escalated_task() -> None:
    """It has all its attempts again, in the same stage, with the feedback it had (ENG-4)."""
    task = make_task(stage="testing", state="escalated", developer_retries=3, defers=10, feedback=OLD_FEEDBACK)
    decision = by_person(task, events.RetryRequested("bob", "the network is back"))
    assert decision.move is Move.RETRY
    output = {"state": "active", "reason": "the network is back", "cause": "bob", "updated": timestamp(NOW)}
    again = {"developer_retries": 0, "defers": 0, "resumed": timestamp(NOW)}
    assert changed(task, decision.task) == output | again


def test_a_person_does_not_wait_for_a_deferred_task() -> None:
    """It goes on at once with all its defers; developer retries were not what it waited for."""
    task = make_task(
        state="deferred", available_at=timestamp(NOW + timedelta(minutes=9)), defers=4, developer_retries=2
    )
    after = by_person(task, events.RetryRequested("bob")).task
    assert (after.state, after.available_at, after.defers) == (TaskState.ACTIVE, None, 0)
    assert after.developer_retries == 2


@pytest.mark.parametrize("state", ["active", "deferred", "held", "escalated"])
def test_a_person_cancels_a_task(state: str) -> None:
    """From any state; it keeps its stage."""
    task = make_task(stage="testing", state=state, available_at=BEFORE if state == "deferred" else None)
    decision = by_person(task, events.CancelRequested("ann", ""))
    assert (decision.move, decision.outcome) == (Move.CANCEL, Outcome.PASS)
    assert (decision.task.state, decision.task.stage) == (TaskState.CANCELLED, "testing")
    assert (decision.task.reason, decision.task.available_at) == ("cancelled", None)


ASKED: dict[str, events.Event] = {
    "hold": events.HoldRequested("ann", "wait"),
    "resume": events.ResumeRequested("ann"),
    "retry": events.RetryRequested("ann"),
}


@pytest.mark.parametrize(
    ("asked", "state", "why"),
    [
        ("hold", "held", "it is held already"),
        ("resume", "active", "it is active, not held"),
        ("resume", "deferred", "it is deferred, not held; `orch-gates task retry T-1` retries it"),
        ("resume", "escalated", "it is escalated, not held; `orch-gates task retry T-1` retries it"),
        ("retry", "active", "it is active; only an escalated or deferred task is retried"),
        (
            "retry",
            "held",
            "it is held; only an escalated or deferred task is retried; `orch-gates task resume T-1` resumes it",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(asked: str, state: str, why: str) -> None:
    """With the reason, and the command that helps (P8)."""
    task = make_task(state=state, available_at=BEFORE if state == "deferred" else None)
    decision = by_person(task, ASKED[asked])
    assert decision.task is task
    assert (decision.move, decision.outcome, decision.refused) == (STAY, Outcome.FAIL, True)
    assert decision.reason == why


@pytest.mark.parametrize(("stage", "state"), [("done", "done"), ("testing", "cancelled")])
def test_nothing_is_asked_of_a_finished_task(stage: str, state: str) -> None:
    """A person is told so; an evaluation simply has nothing left to do."""
    task = make_task(stage=stage, state=state)
    everything = [
        *ASKED.values(),
        approved(task),
        events.Rejected("ann", "no", HEAD),
        events.CancelRequested("ann", "no"),
    ]
    for event in everything:
        decision = by_person(task, event)
        assert decision.task is task
        assert (decision.refused, decision.outcome) == (True, Outcome.FAIL)
    decision = evaluated(task, green("testing"))
    assert decision.task is task
    assert (decision.refused, decision.outcome) == (False, Outcome.PASS if state == "done" else Outcome.HOLD)


def test_a_reason_is_one_line_of_bounded_length_that_a_file_can_hold() -> None:
    """Whatever a tool or a person says."""
    assert one_line(" a\r\n b\t\u2028c ") == "a b c"
    assert one_line("x" * 1000) == "x" * 1000
    assert one_line("x" * 1001) == "x" * 999 + "…"
    assert one_line("no \udcff text \ud800") == r"no \udcff text \ud800"


# ---- what holds for everything


def revalidated(task: Task) -> Task:
    return Task.model_validate(task.fields())


@settings(max_examples=100)
@given(cases())
def test_any_decision_is_legal_repeatable_and_one_that_can_be_recorded(case: Case) -> None:
    """For any task, event, verdicts, pipeline and moment; and it never raises (P3, P6, ST-6)."""
    decision = decide(case.task, case.event, case.verdicts, case.now, case.pipeline)
    after = decision.task
    assert decide(case.task, case.event, case.verdicts, case.now, case.pipeline) == decision
    assert legality.task_change(case.task, after, root_of(case.pipeline)) == ()
    assert revalidated(after) == after
    assert decision.reason == one_line(decision.reason)
    # Nothing to be written is the very same object; anything else says that it was changed, and when.
    assert (after == case.task) is (after is case.task)
    assert after is case.task or after.updated == timestamp(case.now)
    assert (after.since == case.task.since) or after.since == timestamp(case.now)
    caps = case.pipeline.caps
    assert after.developer_retries <= max(case.task.developer_retries, caps.max_developer_retries)
    assert after.defers <= max(case.task.defers, caps.defer_max_attempts)
    if case.task.state.finished or decision.refused:
        assert after is case.task
    if case.task.state.waits_for_a_person and isinstance(case.event, events.Evaluated | events.Approved):
        assert after is case.task


@settings(max_examples=100)
@given(judgements())
def test_verdicts_move_a_task_only_where_they_may(case: Case) -> None:
    """Green goes one stage on; red never on; each move charges exactly what it should (ENG-3 to ENG-6)."""
    decision = decide(case.task, case.event, case.verdicts, case.now, case.pipeline)
    before, after = case.task, decision.task
    order = (*case.pipeline.names, DONE_STAGE)
    steps = order.index(after.stage) - order.index(before.stage)
    charge = after.developer_retries - before.developer_retries
    if all(verdict.outcome in GREEN for verdict in case.verdicts):
        assert (decision.move, steps, charge, after.defers) == (Move.ADVANCE, 1, 0, 0)
        return
    assert steps <= 0
    match decision.move:
        case Move.ROLLBACK:
            assert (after.stage, charge) == (case.pipeline.rework, 1)
            assert after.feedback == feedback.of_verdict(case.verdicts[-1])
        case Move.DEFER:
            assert (steps, charge, after.defers) == (0, 0, before.defers + 1)
            assert after.feedback == before.feedback
        case Move.STAY | Move.HOLD | Move.ESCALATE:
            assert (steps, charge, after.defers) == (0, 0, before.defers)
        case _:
            raise AssertionError(f"{decision.move} is no answer to a red gate")


@settings(max_examples=80)
@given(judgements())
def test_a_second_look_at_what_did_not_move_writes_nothing(case: Case) -> None:
    """Quiescence: the same verdicts at the same time, on the task as it is now (SWP-1)."""
    first = decide(case.task, case.event, case.verdicts, case.now, case.pipeline).task
    if first.stage != case.task.stage or first.developer_retries != case.task.developer_retries:
        return
    assert isinstance(case.event, events.Evaluated)
    again = replace(case.event, seen=first)
    later = case.now + timedelta(seconds=59)
    for now in (case.now, later):
        assert decide(first, again, case.verdicts, now, case.pipeline).task is first


@settings(max_examples=30)
@given(judgements(), st.data())
def test_verdicts_cut_short_let_nothing_through(case: Case, data: st.DataObject) -> None:
    """Fewer verdicts than gates, all green: nothing happens."""
    stage = case.pipeline.stage(case.task.stage)
    assert stage is not None
    if not stage.gates:
        return
    kept = data.draw(st.integers(0, len(stage.gates) - 1))
    verdicts = [Verdict(gate.name, data.draw(st.sampled_from(GREEN)), "") for gate in stage.gates[:kept]]
    assert decide(case.task, case.event, verdicts, case.now, case.pipeline).task is case.task


def _person(choice: str, task: Task) -> events.Event:
    match choice:
        case "approve":
            return approved(task)
        case "reject":
            return events.Rejected("ann", "no", HEAD)
        case "cancel":
            return events.CancelRequested("ann", "")
        case _:
            return ASKED[choice]


# Mostly evaluations, and the end is rare: a walk shall get somewhere.
WORDS = st.sampled_from([""] * 12 + ["approve"] * 4 + ["reject", "hold", "resume", "retry", "retry", "resume"])


@settings(max_examples=40)
@given(st.lists(st.tuples(WORDS, st.integers(0, 40)), min_size=10, max_size=30), st.data())
def test_every_step_of_any_walk_is_legal(steps: list[tuple[str, int]], data: st.DataObject) -> None:
    """From a new task on, through the default pipeline, with clocks that only go on."""
    pipeline = replace(DEFAULT, caps=Caps(2, 2))
    root, task, now = root_of(pipeline), make_task(stage="analysis"), NOW
    assert legality.task_change(None, task, root) == ()
    for word, minutes in steps:
        now += timedelta(minutes=minutes)
        verdicts = [] if word else data.draw(edges(task.stage, pipeline))
        event = _person(word, task) if word else events.Evaluated("ann", task, HEAD)
        after = decide(task, event, verdicts, now, pipeline).task
        assert legality.task_change(task, after, root) == ()
        assert after.developer_retries <= 2
        assert after.defers <= 2
        task = after


def test_the_loudest_gate_can_be_recorded() -> None:
    """Findings without number and end: what is kept fits into the task's file, and the rest is counted."""
    loud = '\U000e0001"\\\0' * 2000
    found = tuple(replace(FINDING, id=str(n), path=loud, description=loud, fix=loud) for n in range(500))
    verdicts = judged("testing", "tests-passed", Outcome.FAIL, reason=loud, next_step=loud, findings=found)
    after = evaluated(make_task(stage="testing"), verdicts).task
    text = codec.encode(after, "")
    assert codec.decode(TASK, layout.task_path(after.id), text) == (after, "")
    assert after.feedback is not None
    assert after.feedback.findings_total == 500
    assert after.feedback.findings
