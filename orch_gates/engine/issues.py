"""What the issue of a task is told with each step: a label, a line, and which of a person's words were acted on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from orch_gates.engine import events
from orch_gates.engine.stages import Pipeline
from orch_gates.model.effect import MAX_TEXT, IssueEffect, TrackerState, issue_subject
from orch_gates.model.feedback import one_line
from orch_gates.model.ids import timestamp
from orch_gates.model.task import Task, TaskState

_PREFIX = "orch/"


def label_of(task: Task) -> str:
    """The label of the issue: the stage of a task that may move, else its state."""
    return f"{_PREFIX}{task.stage}" if task.state is TaskState.ACTIVE else label_for(task.state)


def label_for(state: TaskState) -> str:
    """The label of a task that does not simply move."""
    return f"{_PREFIX}{state.value}"


def labels(stages: Iterable[str]) -> frozenset[str]:
    """Every label that `label_of` may give in a pipeline; all others are people's."""
    states = (state.value for state in TaskState if state is not TaskState.ACTIVE)
    return frozenset(f"{_PREFIX}{name}" for name in (*stages, *states))


def is_ours(label: str) -> bool:
    """Whether a label could be one of a stage, whatever pipeline there was."""
    return label.casefold().startswith(_PREFIX)


def plan(
    task: Task, generation: int, now: datetime, pipeline: Pipeline, event: events.Event | None = None
) -> tuple[IssueEffect, ...]:
    """What is to be told of a task as it is after an event; nothing where no issue stands behind it.

    `generation` is that of the state commit which records it; 0 where none does.
    """
    if not (task.issue and generation):
        return ()
    effect = IssueEffect(
        kind="issue",
        generation=generation,
        planned=timestamp(now),
        issue=task.issue,
        label=label_of(task),
        text=_text(task, pipeline),
        clears=_acted_on(task, event),
    )
    return (effect,)


def subjects(task: Task) -> frozenset[str]:
    """What every step of a task tells anew, as `IssueEffect.subject` says it."""
    return frozenset({issue_subject(task.issue)} if task.issue else ())


def is_told(task: Task) -> bool:
    """Whether its issue is still to be told something."""
    return any(isinstance(effect, IssueEffect) for effect in task.effects)


def owed(task: Task) -> frozenset[TrackerState]:
    """The words on the issue that were acted on, and are to be cleared there: they ask for nothing."""
    return frozenset(word for effect in task.effects if isinstance(effect, IssueEffect) for word in effect.clears)


def _acted_on(task: Task, event: events.Event | None) -> tuple[TrackerState, ...]:
    # Nothing is in progress any more; set again, it is asked for again.
    over = (TrackerState.IN_PROGRESS,) if task.state.finished else ()
    match event:
        case events.Approved(by_issue=True):
            return (TrackerState.APPROVED, *over)
        case events.Rejected(by_issue=True):
            return (TrackerState.REJECTED, *over)
        case _:
            return over


def _text(task: Task, pipeline: Pipeline) -> str:
    stage = pipeline.stage(task.stage)
    if task.state.finished:
        place = task.state.value
    elif task.state is not TaskState.ACTIVE:
        place = f"{task.state} in {task.stage}"
    elif stage is not None and stage.human:
        place = f"in {task.stage}, and waits for a person's approval"
    else:
        place = f"in {task.stage}"
    text = one_line(f"{task.id} is {place}: {task.reason}")
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"
