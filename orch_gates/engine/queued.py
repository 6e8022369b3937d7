"""What a person's asking for a merge, and taking that back, does to a pull request's task (MRG-13): pure."""

from __future__ import annotations

from typing import assert_never

from orch_gates.engine import events, spent
from orch_gates.engine.decision import Changing, Decision, Move
from orch_gates.engine.stages import Pipeline
from orch_gates.model.ids import timestamp
from orch_gates.model.task import Enqueued, Task, TaskState
from orch_gates.model.verdict import Outcome


def decide(changed: Changing, event: events.QueueEvent, pipeline: Pipeline) -> Decision:
    """Apply one of these events to a task that is not finished."""
    if not pipeline.by_asking:
        return changed.refuse("this task does not belong to the merge queue")
    match event:
        case events.EnqueueRequested():
            return _enqueue(changed, event, pipeline)
        case events.TakenOut():
            return _take_out(changed, event, pipeline)
        case events.LabelSettled():
            return _note(changed, label=False, unlabel=False)
        case events.Prioritised(priority=priority) if changed.task.stage == pipeline.rework:
            return changed.refuse(f"it is not queued, so its priority cannot be set to {priority}")
        case events.Prioritised(priority=priority):
            return _note(changed, Move.PRIORITY, priority=priority)
        case _:
            assert_never(event)


def way_on(task: Task, pipeline: Pipeline) -> str:
    """How a person lets a task leave the stage in which it waits for one."""
    if pipeline.by_asking:
        return f"set the label, or run `orch-gates queue add {task.id.rpartition('-')[2]}`"
    on_issue = f"`approved` on issue {task.issue}, or " if task.issue else ""
    return f"{on_issue}`orch-gates advance {task.id} --approve`"


def refused(task: Task) -> Enqueued | None:
    """What was asked for, once a gate is red: the label that asked for it is taken off, so that nothing loops."""
    return _with(task, label=False, unlabel=True)


def _enqueue(changed: Changing, event: events.EnqueueRequested, pipeline: Pipeline) -> Decision:
    task = changed.task
    if task.state.waits_for_a_person:
        return changed.refuse(f"it is {task.state}: {task.reason}")
    if task.stage != pipeline.rework:
        return _enqueue_again(changed, event)
    enqueued = Enqueued(
        pull=event.pull, target=event.target, head=event.head, by=event.by, at=timestamp(changed.now), label=event.label
    )
    # Who asks for the merge says that the work was done again (ENG-9).
    sent = spent.made_ready(task) if spent.blocked(task, event.head) else task.sent_back
    return changed.to(
        Move.QUEUE,
        event.reason or f"{event.by} asked for its merge at {event.head[:10]}",
        stage=pipeline.after(task.stage),
        state=TaskState.ACTIVE,
        head=event.head,
        available_at=None,
        defers=0,
        feedback=None,
        sent_back=sent,
        enqueued=enqueued,
    )


def _enqueue_again(changed: Changing, event: events.EnqueueRequested) -> Decision:
    task = changed.task
    if task.enqueued is not None and (task.enqueued.target, task.enqueued.head) == (event.target, event.head):
        return changed.nothing(f"it is queued already: {task.reason}", Outcome.PASS)
    return changed.refuse(
        f"it is queued for another commit or target branch; remove it first: `orch-gates queue remove {event.pull}`"
    )


def _take_out(changed: Changing, event: events.TakenOut, pipeline: Pipeline) -> Decision:
    """Back to be asked for; nobody is charged. One that is held is a person's to end."""
    task = changed.task
    if task.state.waits_for_a_person:
        way = f"`orch-gates task resume {task.id}` resumes it, `orch-gates task cancel {task.id}` ends it for good"
        return changed.refuse(f"it is {task.state}: {task.reason}; {way}")
    return changed.to(
        Move.TAKE_OUT,
        event.reason,
        stage=pipeline.rework,
        state=TaskState.ACTIVE,
        available_at=None,
        defers=0,
        enqueued=_with(task, label=False, unlabel=event.unlabel),
    )


def _note(changed: Changing, move: Move = Move.LABEL, **values: object) -> Decision:
    """A change about the asking alone: why the task stands where it stands stays the same."""
    task = changed.task
    return changed.to(move, task.reason, cause=task.cause, enqueued=_with(task, **values))


def _with(task: Task, **values: object) -> Enqueued | None:
    return task.enqueued and task.enqueued.model_copy(update=values)
