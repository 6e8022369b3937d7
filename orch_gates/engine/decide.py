"""What becomes of a task: one pure, exhaustive decision (ENG-3 to ENG-7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from orch_gates.engine import events, issues, queued, spent, statuses
from orch_gates.engine.decision import Changing, Decision, Move
from orch_gates.engine.stages import BEFORE_MERGE, MERGE, MERGE_PROOF, EdgeGate, OnRed, Pipeline, Stage
from orch_gates.engine.statuses import Posting
from orch_gates.model import feedback
from orch_gates.model.feedback import one_line
from orch_gates.model.ids import moment, timestamp
from orch_gates.model.task import DONE_STAGE, Task, TaskState
from orch_gates.model.verdict import Outcome, Verdict

_Checked = events.Evaluated | events.Approved

FIRST_DEFER = timedelta(minutes=1)
LONGEST_DEFER = timedelta(minutes=30)


def decide(
    task: Task,
    event: events.Event,
    verdicts: Sequence[Verdict],
    now: datetime,
    pipeline: Pipeline,
    posting: Posting | None = None,
    *,
    generation: int = 0,
) -> Decision:
    """Apply one event to one task. `verdicts` are those of the edge's gates, in their order.

    The answer holds the very same task where nothing is to be written (quiescence, SWP-1). With `posting`,
    statuses of the verdicts are planned where they made a step. With the `generation` of the state commit that would
    record it, so is what the task's issue is told.
    """
    decided = _decided(task, event, verdicts, now, pipeline)
    if decided.task == task:
        return decided
    of_issue = issues.plan(decided.task, generation, now, pipeline, event)
    outdated = issues.subjects(task) if of_issue else frozenset()
    if not isinstance(event, _Checked):
        return replace(decided, effects=of_issue, outdated=outdated)
    planned = () if posting is None else statuses.plan(verdicts, event.head, posting, now)
    return replace(decided, effects=(*planned, *of_issue), outdated=statuses.subjects(verdicts, event.head) | outdated)


def _decided(
    task: Task, event: events.Event, verdicts: Sequence[Verdict], now: datetime, pipeline: Pipeline
) -> Decision:
    changed = Changing(task, now, event.by)
    if task.state.finished:
        over = f"it is {task.state}; nothing moves it again"
        ended = Outcome.PASS if task.state is TaskState.DONE else Outcome.HOLD
        return changed.nothing(over, ended) if isinstance(event, events.Evaluated) else changed.refuse(over)
    match event:
        case events.Evaluated():
            return _evaluated(changed, event, verdicts, pipeline)
        case events.Approved():
            return _approved(changed, event, verdicts, pipeline)
        case events.Rejected():
            return _rejected(changed, event, pipeline)
        case events.EnqueueRequested() | events.TakenOut() | events.LabelSettled() | events.Prioritised():
            return queued.decide(changed, event, pipeline)
        case _:
            return _asked(changed, event, pipeline)


def _asked(
    changed: Changing,
    event: events.HoldRequested
    | events.ResumeRequested
    | events.RetryRequested
    | events.CancelRequested
    | events.MarkedReady,
    pipeline: Pipeline,
) -> Decision:
    task = changed.task
    match event:
        case events.HoldRequested(reason=reason) if task.state is not TaskState.HELD:
            return changed.to(Move.HOLD, reason or "held by a person", state=TaskState.HELD, available_at=None)
        case events.HoldRequested():
            return changed.refuse("it is held already")
        case events.ResumeRequested(reason=reason) if task.state is TaskState.HELD:
            stage = _configured(task, pipeline)
            why = reason or f"resumed in {stage}"
            return changed.to(Move.RESUME, why, state=TaskState.ACTIVE, stage=stage, resumed=timestamp(changed.now))
        case events.ResumeRequested():
            return changed.refuse(f"it is {task.state}, not held{_hint(task)}")
        case events.RetryRequested(reason=reason):
            return _retried(changed, reason, pipeline)
        case events.CancelRequested(reason=reason):
            return changed.to(Move.CANCEL, reason or "cancelled", state=TaskState.CANCELLED, available_at=None)
        case events.MarkedReady(reason=reason):
            return _ready(changed, reason)
        case _:
            assert_never(event)


def _evaluated(changed: Changing, event: events.Evaluated, verdicts: Sequence[Verdict], pipeline: Pipeline) -> Decision:
    task = changed.task
    if task != event.seen:
        return changed.nothing("the task changed while its gates ran; nothing was decided", Outcome.DEFER)
    if task.state.waits_for_a_person:
        return changed.nothing(f"it is {task.state} and waits for a person: {task.reason}{_hint(task)}", Outcome.HOLD)
    if task.available_at is not None and changed.now < moment(task.available_at) and not event.due:
        return changed.nothing(f"it is deferred until {task.available_at}: {task.reason}", Outcome.DEFER)
    stage = pipeline.stage(task.stage)
    if stage is None:
        way = f"`orch-gates task resume {task.id}` moves it to {pipeline.rework}"
        why = f"stage {task.stage!r} is not in the configured pipeline ({', '.join(pipeline.names)}); {way}"
        return changed.to(Move.HOLD, why, cause="configuration", state=TaskState.HELD, available_at=None)
    if stage.human:
        word = "for somebody to ask for its merge" if pipeline.by_asking else "for a person's approval"
        return changed.nothing(f"{stage.name} waits {word}: {queued.way_on(task, pipeline)}", Outcome.HOLD)
    if why := spent.blocked(task, event.head):
        return changed.nothing(why, Outcome.FAIL)
    return _by_verdicts(changed, stage, verdicts, pipeline, event)


def _approved(changed: Changing, event: events.Approved, verdicts: Sequence[Verdict], pipeline: Pipeline) -> Decision:
    task = changed.task
    stage = pipeline.stage(task.stage)
    if task != event.seen:
        return changed.refuse("the task changed during the approval; check it, then approve again")
    if task.state.waits_for_a_person:
        return changed.refuse(f"it is {task.state}: {task.reason}" + _hint(task))
    if stage is not None and pipeline.by_asking:
        return changed.refuse(f"a pull request is queued, not approved: {queued.way_on(task, pipeline)}")
    if stage is None or not stage.human:
        return changed.refuse(
            f"stage {task.stage} needs no approval; `orch-gates advance {task.id}` evaluates its gates"
        )
    if stage.gates:
        return _by_verdicts(changed, stage, verdicts, pipeline, event)
    return _advance(changed, stage, event.reason or f"approved by {event.by}", event.by, pipeline, event.head)


def _rejected(changed: Changing, event: events.Rejected, pipeline: Pipeline) -> Decision:
    task = changed.task
    stage = pipeline.stage(task.stage)
    why = event.reason or "rejected by a person"
    if stage is None or task.state.waits_for_a_person:
        return changed.refuse(f"it is {task.state} in {task.stage}" + _hint(task))
    if task.stage == pipeline.rework or _before_rework(task, pipeline):
        if spent.blocked(task, event.head) and (task.reason, task.cause) == (one_line(why), one_line(event.by)):
            return changed.nothing(why, Outcome.FAIL)
        sent = spent.sent_back(task, event.head, event.reports, changed.now)
        return changed.to(Move.STAY, why, head=event.head, sent_back=sent)
    verdict = Verdict("approval", Outcome.FAIL, why)
    return _roll_back(changed, verdict, pipeline, event)


def _ready(changed: Changing, reason: str) -> Decision:
    task = changed.task
    if task.sent_back is None or task.sent_back.ready:
        return changed.refuse("it was not sent back, so there is nothing to mark as ready" + _hint(task))
    if task.state.waits_for_a_person:
        return changed.refuse(f"it is {task.state}" + _hint(task))
    return changed.to(Move.READY, reason or "the work was done again", sent_back=spent.made_ready(task))


def _retried(changed: Changing, reason: str, pipeline: Pipeline) -> Decision:
    task = changed.task
    if task.state not in {TaskState.ESCALATED, TaskState.DEFERRED}:
        return changed.refuse(f"it is {task.state}; only an escalated or deferred task is retried" + _hint(task))
    kept = 0 if task.state is TaskState.ESCALATED else task.developer_retries
    why = reason or "retried by a person"
    sent = spent.made_ready(task) if task.state is TaskState.ESCALATED else task.sent_back
    return changed.to(
        Move.RETRY,
        why,
        state=TaskState.ACTIVE,
        available_at=None,
        defers=0,
        developer_retries=kept,
        sent_back=sent,
        stage=_configured(task, pipeline),
        resumed=timestamp(changed.now),
    )


def _by_verdicts(
    changed: Changing, stage: Stage, verdicts: Sequence[Verdict], pipeline: Pipeline, event: _Checked
) -> Decision:
    """The first verdict that is neither PASS nor SKIP, or that has to be given anew, decides (ENG-3, ENG-9)."""
    for number, gate in enumerate(stage.gates):
        if number >= len(verdicts) or verdicts[number].gate != gate.name:
            return changed.nothing(f"gate {gate.name} was not judged; run the command again", Outcome.ERROR)
        verdict = verdicts[number]
        if why := spent.doubt(changed.task, verdict, event.head):
            # Whoever asked again is told again; only an attempt is made anew by the queue itself.
            if pipeline.by_asking and verdict.outcome is Outcome.FAIL and gate.name != MERGE:
                return _roll_back(changed, verdict, pipeline, event)
            return changed.nothing(why, Outcome.FAIL)
        if verdict.outcome not in {Outcome.PASS, Outcome.SKIP}:
            return _not_green(changed, gate, verdict, pipeline, event)
    moot = (Outcome.SKIP, BEFORE_MERGE)
    given = [one for one in verdicts[: len(stage.gates)] if (one.outcome, one.reason) != moot]
    proof = "; ".join(f"{verdict.gate} {verdict.outcome}" for verdict in given)
    if given and given[-1].gate == MERGE_PROOF and given[-1].outcome is Outcome.PASS:
        # Where it landed is what whoever asked for the merge wants to know.
        proof = one_line(f"{proof}: {given[-1].reason}")
    cause = stage.gates[-1].name if stage.gates else changed.by
    return _advance(changed, stage, proof or "no gate is on this edge", cause, pipeline, event.head)


def _not_green(changed: Changing, gate: EdgeGate, verdict: Verdict, pipeline: Pipeline, event: _Checked) -> Decision:
    head = event.head
    match verdict.outcome:
        case Outcome.FAIL:
            reaction = gate.on_absent if verdict.absent else gate.on_fail
            if verdict.anew:
                reaction = OnRed.STAY
            if reaction is OnRed.ROLLBACK and not _before_rework(changed.task, pipeline):
                return _roll_back(changed, verdict, pipeline, event)
            return changed.to(
                Move.STAY,
                verdict.reason,
                cause=gate.name,
                head=head,
                state=TaskState.ACTIVE,
                available_at=None,
            )
        case Outcome.HOLD:
            return changed.to(
                Move.HOLD, verdict.reason, cause=gate.name, head=head, state=TaskState.HELD, available_at=None
            )
        case Outcome.DEFER | Outcome.ERROR:
            return _defer(changed, verdict, pipeline, event)
        case Outcome.PASS | Outcome.SKIP:
            raise AssertionError("a green verdict stops nothing")
        case _:
            assert_never(verdict.outcome)


def _advance(changed: Changing, stage: Stage, why: str, cause: str, pipeline: Pipeline, head: str) -> Decision:
    following = pipeline.after(stage.name)
    kept = None if stage.name == pipeline.rework else changed.task.feedback
    # Where a person rejected it before it had a commit, the approval says that the work was done again.
    approved = stage.human and spent.blocked(changed.task, head)
    sent = spent.made_ready(changed.task) if approved else changed.task.sent_back
    return changed.to(
        Move.ADVANCE,
        why,
        cause=cause,
        stage=following,
        state=TaskState.DONE if following == DONE_STAGE else TaskState.ACTIVE,
        head=head,
        available_at=None,
        defers=0,
        feedback=kept,
        sent_back=sent,
    )


def _roll_back(changed: Changing, verdict: Verdict, pipeline: Pipeline, event: _Checked | events.Rejected) -> Decision:
    """Back to the rework stage with the gate's words; at the cap a person is asked instead (ENG-4).

    One gate or person is charged for once for one commit (ENG-9).
    """
    used = changed.task.developer_retries
    free = pipeline.by_asking or spent.charged(changed.task, verdict.gate, event.head)
    evidence = (*event.reports, *verdict.rests_on)
    charged = "" if pipeline.by_asking else verdict.gate
    update: dict[str, object] = {
        "head": event.head,
        "available_at": None,
        "feedback": feedback.of_verdict(verdict),
        "sent_back": spent.sent_back(changed.task, event.head, evidence, changed.now, gate=charged),
        "enqueued": queued.refused(changed.task),
    }
    if not free and used >= pipeline.caps.max_developer_retries:
        why = f"{verdict.reason} (all {used} developer retries are used up)"
        return changed.to(Move.ESCALATE, why, cause=verdict.gate, state=TaskState.ESCALATED, **update)
    return changed.to(
        Move.ROLLBACK,
        verdict.reason,
        cause=verdict.gate,
        stage=pipeline.rework,
        state=TaskState.ACTIVE,
        developer_retries=used if free else used + 1,
        defers=0,
        **update,
    )


def _defer(changed: Changing, verdict: Verdict, pipeline: Pipeline, event: _Checked) -> Decision:
    """Later, without a charge; when all defers are used up a person is asked (ENG-5)."""
    used, head = changed.task.defers, event.head
    if used >= pipeline.caps.defer_max_attempts:
        why = f"{verdict.reason} (deferred {used} times)"
        if pipeline.by_asking:
            return _roll_back(changed, replace(verdict, reason=why), pipeline, event)
        return changed.to(
            Move.ESCALATE, why, cause=verdict.gate, state=TaskState.ESCALATED, head=head, available_at=None
        )
    # 2**10 minutes is far beyond the longest already; a larger exponent only overflows.
    wait = min(LONGEST_DEFER, FIRST_DEFER * 2 ** min(used, 10))
    return changed.to(
        Move.DEFER,
        verdict.reason,
        cause=verdict.gate,
        state=TaskState.DEFERRED,
        head=head,
        defers=used + 1,
        available_at=timestamp(changed.now + wait),
    )


def _configured(task: Task, pipeline: Pipeline) -> str:
    """The stage in which a person lets a task go on: its own, or `rework` where that is not configured any more."""
    return task.stage if pipeline.stage(task.stage) is not None else pipeline.rework


def _before_rework(task: Task, pipeline: Pipeline) -> bool:
    """Sending a task back from here would send it forward, past the gates in between."""
    return pipeline.names.index(task.stage) < pipeline.names.index(pipeline.rework)


def _hint(task: Task) -> str:
    match task.state:
        case TaskState.HELD:
            return f"; `orch-gates task resume {task.id}` resumes it"
        case TaskState.ESCALATED | TaskState.DEFERRED:
            return f"; `orch-gates task retry {task.id}` retries it"
        case TaskState.ACTIVE | TaskState.DONE | TaskState.CANCELLED:
            return ""
        case _:
            assert_never(task.state)
