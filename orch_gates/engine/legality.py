"""Which changes of a document are legal, whoever made them: used by the guard, `verify` and `lint` (ST-6, OWN-3).

It knows stages by name only: gates may have changed since, the order of the stages is on the branch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orch_gates.engine import issues, stages
from orch_gates.model.document import Document
from orch_gates.model.effect import Effect, IssueEffect, StatusEffect
from orch_gates.model.job import Job, JobStatus
from orch_gates.model.root import Root
from orch_gates.model.task import (
    DONE_STAGE,
    MAX_CHARGED,
    MAX_EARLIER,
    MAX_SPENT,
    MERGE_QUEUE,
    SentBack,
    Task,
    TaskState,
)

_S = TaskState
_STATES: dict[TaskState, frozenset[TaskState]] = {
    _S.ACTIVE: frozenset(_S),
    _S.DEFERRED: frozenset(_S),
    _S.HELD: frozenset({_S.HELD, _S.ACTIVE, _S.CANCELLED}),
    _S.ESCALATED: frozenset({_S.ESCALATED, _S.ACTIVE, _S.HELD, _S.CANCELLED}),
    _S.DONE: frozenset({_S.DONE}),
    _S.CANCELLED: frozenset({_S.CANCELLED}),
}
_J = JobStatus
_STATUSES: dict[JobStatus, frozenset[JobStatus]] = {
    _J.QUEUED: frozenset({_J.QUEUED, _J.RUNNING, _J.CANCELLED, _J.FAILED}),
    _J.RUNNING: frozenset({_J.RUNNING, _J.SUCCEEDED, _J.FAILED, _J.CANCELLED}),
    _J.SUCCEEDED: frozenset({_J.SUCCEEDED}),
    _J.FAILED: frozenset({_J.FAILED}),
    _J.CANCELLED: frozenset({_J.CANCELLED}),
}


@dataclass(frozen=True, slots=True)
class Flow:
    """The stages that a task moves through, by name; `by_asking` as in the engine's pipeline."""

    stages: tuple[str, ...]
    rework: str
    by_asking: bool = False


QUEUE = Flow(stages.QUEUE.names, stages.QUEUE.rework, by_asking=True)


def flow_of(task: Task, root: Root) -> Flow:
    """Those of the task's own pipeline."""
    return QUEUE if task.pipeline == MERGE_QUEUE else Flow(root.stages, root.rework)


@dataclass(frozen=True, slots=True)
class Violation:
    """A field and the rule that its change breaks."""

    field: str
    rule: str


def task_alone(task: Task) -> tuple[Violation, ...]:
    """What a task document must be, whatever it was before."""
    return tuple(_alone(task))


def _alone(task: Task) -> Iterator[Violation]:
    if (task.stage == DONE_STAGE) is not (task.state is _S.DONE):
        yield Violation("state", f"must be {_S.DONE} in stage {DONE_STAGE!r}, and in no other")
    if (task.available_at is not None) is not (task.state is _S.DEFERRED):
        yield Violation("available_at", "must be set while the task is deferred, and empty otherwise")
    if task.enqueued is not None and task.pipeline != MERGE_QUEUE:
        yield Violation("enqueued", f"must be empty outside the pipeline {MERGE_QUEUE!r}")
    if task.enqueued is None and task.pipeline == MERGE_QUEUE and task.stage not in {QUEUE.rework, DONE_STAGE}:
        yield Violation("enqueued", "must name the commit for which the task is queued")


def task_change(before: Task | None, after: Task, root: Root) -> tuple[Violation, ...]:
    """What is wrong with a task that was made (`before` is None) or changed."""
    found = list(_alone(after))
    flow = flow_of(after, root)
    if before is None:
        found += (*_made(after, flow), *_planned((), after, root))
    elif before != after:
        found += _changed(before, after, flow)
        found += () if before.state.finished else _planned(before.effects, after, root)
        if not before.state.finished and _planned_alone(before, after):
            found.append(Violation("effects", "may be added only together with a step of the task"))
    return tuple(found)


def _made(task: Task, flow: Flow) -> Iterator[Violation]:
    # What was asked for is made and queued in one commit.
    first = flow.stages[1] if flow.by_asking and task.enqueued is not None else flow.stages[0]
    if task.stage not in {flow.stages[0], first}:
        yield Violation("stage", f"must be {flow.stages[0]!r} in a new task")
    if task.state is not _S.ACTIVE:
        yield Violation("state", f"must be {_S.ACTIVE} in a new task")
    for field in ("developer_retries", "defers"):
        if getattr(task, field):
            yield Violation(field, "must be 0 in a new task")
    if not all(isinstance(effect, IssueEffect) for effect in task.effects):
        yield Violation("effects", "must be empty in a new task, except for the update of its issue")


def _changed(before: Task, after: Task, flow: Flow) -> Iterator[Violation]:
    if before.state.finished:
        if before.model_copy(update={"effects": after.effects}) != after:
            yield Violation("state", f"a task that is {before.state} must not change again")
        elif any(effect not in before.effects for effect in after.effects):
            yield Violation("effects", "of a finished task may only be removed, once they are done")
        return
    for field in ("id", "created", "created_by", "pipeline", "issue"):
        if getattr(before, field) != getattr(after, field):
            yield Violation(field, "must not change")
    if after.state not in _STATES[before.state]:
        yield Violation("state", f"must not change from {before.state} to {after.state}")
    if before.stage != after.stage:
        yield from _moved(before, after, flow)
    yield from _counted(before, after, flow)
    yield from _sent_back(before, after, flow)
    yield from _enqueued(before, after)
    let_go = before.state is not _S.ACTIVE and after.state is _S.ACTIVE
    if before.resumed != after.resumed and not let_go:
        yield Violation("resumed", "may change only when a person lets the task go on")


def _moved(before: Task, after: Task, flow: Flow) -> Iterator[Violation]:
    if before.state.waits_for_a_person and not _replaced(before, after, flow):
        yield Violation("stage", f"a task that is {before.state} must not move; resume or retry it first")
    allowed = {_following(before.stage, flow)} - {""}
    if _is_after_rework(before.stage, flow):
        allowed.add(flow.rework)
    if after.stage not in allowed:
        yield Violation("stage", f"may change from {before.stage!r} to {', '.join(sorted(allowed))} only")


def _enqueued(before: Task, after: Task) -> Iterator[Violation]:
    was, now = before.enqueued, after.enqueued
    if now is None:
        if was is not None:
            yield Violation("enqueued", "must not be removed")
    elif was is not None and now.pull != was.pull:
        yield Violation("enqueued.pull", "must not change")
    elif before.stage != QUEUE.rework and (was is None or (now.target, now.head) != (was.target, was.head)):
        yield Violation("enqueued.head", "may change only while the pull request waits to be queued")


def _following(stage: str, flow: Flow) -> str:
    if stage not in flow.stages:
        return ""
    return (*flow.stages, DONE_STAGE)[flow.stages.index(stage) + 1]


def _counted(before: Task, after: Task, flow: Flow) -> Iterator[Violation]:
    """A charge comes with a rollback, a reset with a person's retry; nobody counts down (ENG-4, ENG-5)."""
    back = after.stage == flow.rework and _is_after_rework(before.stage, flow)
    again = before.stage == after.stage == flow.rework
    retried = before.state is _S.ESCALATED and after.state is _S.ACTIVE
    charge = after.developer_retries - before.developer_retries
    unpaid = flow.by_asking or _replaced(before, after, flow) or _paid(before, after)
    if back and unpaid and (charge == 0 or _replaced(before, after, flow)):
        pass
    elif back and charge != 1:
        yield Violation("developer_retries", "must grow by one when a task is sent back, once for each gate and commit")
    elif charge == 1 and not (back or again):
        yield Violation("developer_retries", "may grow only when the task is sent back")
    elif charge not in {0, 1} and not (retried and after.developer_retries == 0):
        yield Violation("developer_retries", "may grow by one at a time; only retrying an escalated task may reset it")
    more = after.defers - before.defers
    if more > 0 and (more != 1 or after.state is not _S.DEFERRED):
        yield Violation("defers", "may grow by one at a time, and only when the task is deferred")
    if more < 0 and after.defers != 0:
        yield Violation("defers", "may be reset to 0, and must not be lowered otherwise")


def _replaced(before: Task, after: Task, flow: Flow) -> bool:
    """Whether a person takes a task out of a stage that is not configured any more, at no charge."""
    freed = before.state is not _S.ACTIVE and after.state is _S.ACTIVE
    freed = freed and after.developer_retries in {0, before.developer_retries}
    return before.stage not in flow.stages and after.stage == flow.rework and freed


def _paid(before: Task, after: Task) -> bool:
    """Whether whoever sends the task back was charged for at this commit before (ENG-9)."""
    return before.sent_back is not None and f"{after.cause}@{after.head}" in before.sent_back.charged


def _sent_back(before: Task, after: Task, flow: Flow) -> Iterator[Violation]:
    """What was spent stays spent, and nothing moves on it but by a word that the work was done again (ENG-9)."""
    was, now = before.sent_back, after.sent_back
    if now is None:
        if was is not None:
            yield Violation("sent_back", "must not be removed")
        return
    if was is not None:
        yield from _kept(was, now)
    if now.ready and (was is None or was.model_copy(update={"ready": True, "earlier": ()}) != now):
        yield Violation("sent_back.ready", "may be set only after the commit that sent the task back")
    yield from _paid_for(before, after, set(now.charged) - set(was.charged if was is not None else ()))
    waits = after.head in now.earlier or (not now.ready and after.head in {"", now.head})
    if after.stage == _following(before.stage, flow) and waits:
        yield Violation("stage", "may move on after a rework only with a new commit or `orch-gates task ready`")


def _kept(was: SentBack, now: SentBack) -> Iterator[Violation]:
    for field, most in (("spent", MAX_SPENT), ("charged", MAX_CHARGED)):
        old, new = getattr(was, field), getattr(now, field)
        added = tuple(one for one in new if one not in old)
        if new != (*old, *added)[-most:]:
            yield Violation(f"sent_back.{field}", "may only be added to")
    waiting = set(was.earlier) | (set() if was.ready else {was.head})
    if not now.ready and len(now.earlier) < MAX_EARLIER and not waiting - {"", now.head} <= set(now.earlier):
        yield Violation("sent_back.earlier", "must be kept until `orch-gates task ready` marks the work as done again")


def _paid_for(before: Task, after: Task, new: set[str]) -> Iterator[Violation]:
    escalated = before.state is not _S.ESCALATED and after.state is _S.ESCALATED
    if len(new) > 1 or any(not key.endswith(f"@{after.head}") for key in new):
        yield Violation("sent_back.charged", "may get one entry at a time, for the commit that was judged")
    elif len(new) != max(after.developer_retries - before.developer_retries, 0) and not (new and escalated):
        yield Violation("sent_back.charged", "must get an entry with every charge, and only then")


def _planned(before: Sequence[Effect], after: Task, root: Root) -> Iterator[Violation]:
    """An effect comes with the step that causes it, and never changes (P7)."""
    new = [effect for effect in after.effects if effect not in before]
    if len({effect.key for effect in after.effects}) != len(after.effects):
        yield Violation("effects", "must have a key each, and no two the same")
    if any(effect.generation != root.generation for effect in new):
        yield Violation("effects", "must name the generation of the commit that plans them, and must not change")
    if any(effect.commit != after.head for effect in new if isinstance(effect, StatusEffect)):
        yield Violation("effects", "must be about the commit that was judged")
    labels = {(effect.issue, effect.label) for effect in new if isinstance(effect, IssueEffect)}
    if labels - {(after.issue, issues.label_of(after))}:
        yield Violation("effects", "must show on the task's own issue where the task stands")


def _planned_alone(before: Task, after: Task) -> bool:
    new = any(effect not in before.effects for effect in after.effects)
    return new and before.model_copy(update={"effects": after.effects}) == after


def _is_after_rework(stage: str, flow: Flow) -> bool:
    """Whether a task can be sent back from here; from a stage that is not configured any more it can."""
    if flow.rework not in flow.stages:
        return False
    return stage not in flow.stages or flow.stages.index(stage) > flow.stages.index(flow.rework)


def job_change(before: Job | None, after: Job) -> tuple[Violation, ...]:
    """What is wrong with a job that was made or changed; the attempt is the guard (REAP-2)."""
    if before is None:
        first = after.status in {_J.QUEUED, _J.RUNNING}
        new = () if first else (Violation("status", "must be queued or running in a new job"),)
        return (*new, *job_alone(after))
    found = [
        Violation(field, "must not change")
        for field in ("task", "stage", "role", "attempt", "number", "by", "head", "created")
        if getattr(before, field) != getattr(after, field)
    ]
    if before.status.terminal and before != after:
        found.append(Violation("status", f"a job that is {before.status} must not change again"))
    elif after.status not in _STATUSES[before.status]:
        found.append(Violation("status", f"must not change from {before.status} to {after.status}"))
    if before.status is not _J.QUEUED:
        # Who runs it is settled when it begins: a second one runs nothing (JOB-1).
        found += unchanged(before, after, ("started", "runner", "process", "run", "dispatch"))
    return (*found, *job_alone(after))


def job_alone(job: Job) -> tuple[Violation, ...]:
    """What a job must be, whatever it was before."""
    found = []
    if (job.ended is not None) is not job.status.terminal:
        found.append(Violation("ended", "must be set when the job is over, and empty before"))
    if job.status is _J.QUEUED and job.started is not None:
        found.append(Violation("started", "must be empty until the job runs"))
    if job.status is _J.RUNNING and (job.started is None or (job.process is None and job.run is None)):
        found.append(Violation("process", "a running job must name a process or a CI run, and its start time"))
    if job.exit_code is not None and not job.status.terminal:
        found.append(Violation("exit_code", "must be empty until the job is over"))
    if job.status is _J.SUCCEEDED and job.exit_code != 0:
        found.append(Violation("exit_code", "must be 0 for a job that succeeded"))
    return tuple(found)


def unchanged(before: Document, after: Document, fields: Sequence[str]) -> Iterator[Violation]:
    """Which of the fields changed although they never do."""
    for field in fields:
        if getattr(before, field) != getattr(after, field):
            yield Violation(field, "must not change")


def root_alone(root: Root) -> tuple[Violation, ...]:
    """What the root document must be, whatever it was before."""
    if root.rework not in root.stages or DONE_STAGE in root.stages or len(set(root.stages)) != len(root.stages):
        return (Violation("stages", f"must be distinct, contain the rework stage, and not contain {DONE_STAGE!r}"),)
    return ()


def root_change(before: Root, after: Root, *, by_hand: bool) -> tuple[Violation, ...]:
    """What is wrong with the root document after a commit: the generation tells every commit of ours (ST-4)."""
    found = list(root_alone(after))
    if before.created != after.created:
        found.append(Violation("created", "must not change"))
    if before.configured_by and not _configured(before, after, by_hand=by_hand):
        rule = "stages, rework and configuration may change only with the commit that configures them, not by hand"
        found.append(Violation("configured_by", rule))
    expected = before.generation if by_hand else before.generation + 1
    if after.generation != expected:
        rule = "must not change in a hand edit" if by_hand else "must grow by one in a commit of orch-gates"
        found.append(Violation("generation", f"{rule}: {expected} is expected, not {after.generation}"))
    return tuple(found)


def _configured(before: Root, after: Root, *, by_hand: bool) -> bool:
    """Whether the pipeline is as it was, or was configured by another commit (ENG-10)."""
    was, now = ((root.stages, root.rework, root.configuration) for root in (before, after))
    if after.configured_by == before.configured_by:
        return was == now
    return after.configured_by != "" and not by_hand
