"""What follows from what people say in the tracker: pure (REC-2, REC-5, ENG-9).

The tasks have to be read before the issues. A word that was acted on, and cleared, in between is then either not there
any more, or its task is not the one that was read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from orch_gates.engine import issues
from orch_gates.engine.stages import Pipeline
from orch_gates.model.effect import TrackerState
from orch_gates.model.ids import TaskId
from orch_gates.model.task import Task, TaskState
from orch_gates.trackers.port import Item

STOPS = frozenset({TrackerState.BLOCKED, TrackerState.NEEDS_INPUT})
_ASKS = (TrackerState.IN_PROGRESS, TrackerState.APPROVED, TrackerState.REJECTED)


@dataclass(frozen=True, slots=True)
class TrackerLook:
    """The issues, and by their numbers what was read of their tasks before.

    `barred` says why none can be made for an issue, `broken` why its task cannot be read.
    """

    items: tuple[Item, ...]
    tasks: Mapping[int, Task]
    barred: Mapping[int, str]
    broken: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Create:
    """Make a task of an issue."""

    number: int
    title: str


@dataclass(frozen=True, slots=True)
class Approve:
    """Let the task leave its stage, by the word of whoever said so."""

    number: int
    task: Task


@dataclass(frozen=True, slots=True)
class Reject:
    """Send the task back, by the word of whoever said so."""

    number: int
    task: Task


@dataclass(frozen=True, slots=True)
class Finish:
    """Tell the issue what was planned before, and take off what was acted on: that run ended too early."""

    number: int
    task: Task


@dataclass(frozen=True, slots=True)
class Refuse:
    """Take these words off, and say why they are not followed."""

    number: int
    words: tuple[TrackerState, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Say:
    """Leave everything as it is, and say why."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Broken:
    """Nothing can be told about the task; a person mends its document."""

    number: int
    reason: str


Action: TypeAlias = Create | Approve | Reject | Finish | Refuse | Say | Broken


@dataclass(frozen=True, slots=True)
class TrackerPlan:
    """What is to be done, in the order of the issues, and the tasks that nothing automatic touches meanwhile."""

    actions: tuple[Action, ...]
    stopped: frozenset[TaskId]


def task_of(issue: int) -> TaskId:
    """The task of an issue."""
    return TaskId(f"ISSUE-{issue}")


def plan(look: TrackerLook, pipeline_of: Callable[[Task], Pipeline]) -> TrackerPlan:
    """Of closed issues nothing follows."""
    found = (_of(item, look, pipeline_of) for item in sorted(look.items, key=lambda item: item.number) if item.open)
    return TrackerPlan(tuple(one for one in found if one is not None), stopped(look.items, look.tasks.values()))


def stopped(items: Iterable[Item] | None, tasks: Iterable[Task]) -> frozenset[TaskId]:
    """The tasks that nothing automatic touches: blocked, or in need of input; without a look, all those of issues."""
    if items is None:
        return frozenset(task.id for task in tasks if task.issue)
    numbers = {item.number for item in items if item.open and item.words & STOPS}
    return frozenset(task.id for task in tasks if task.issue in numbers)


def _of(item: Item, look: TrackerLook, pipeline_of: Callable[[Task], Pipeline]) -> Action | None:
    if item.words & STOPS:
        return None
    asks = tuple(word for word in _ASKS if word in item.words)
    if (why := look.broken.get(item.number)) is not None:
        return Broken(item.number, why) if asks else None
    task = look.tasks.get(item.number)
    if task is None:
        return _without_task(item, look)
    if issues.owed(task) & item.words:
        return Finish(item.number, task)
    if task.state.finished and asks:
        return Refuse(item.number, asks, f"{task.id} is {task.state}, and nothing moves it again; open a new issue")
    if not {TrackerState.APPROVED, TrackerState.REJECTED} & item.words:
        return Finish(item.number, task) if issues.is_told(task) else None
    return _asked(item, task, pipeline_of(task))


def _without_task(item: Item, look: TrackerLook) -> Action | None:
    if TrackerState.IN_PROGRESS not in item.words:
        return None
    if (why := look.barred.get(item.number)) is not None:
        return Refuse(item.number, (TrackerState.IN_PROGRESS,), why)
    return Create(item.number, item.title)


def _asked(item: Item, task: Task, pipeline: Pipeline) -> Action:
    rejected = TrackerState.REJECTED in item.words
    if rejected and TrackerState.APPROVED in item.words:
        return Say(item.number, "it has both labels, approved and rejected; remove one of them")
    if task.state.waits_for_a_person:
        way = "resume" if task.state is TaskState.HELD else "retry"
        return Say(
            item.number, f"{task.id} is {task.state}: {task.reason}; to continue, run `orch-gates task {way} {task.id}`"
        )
    stage = pipeline.stage(task.stage)
    if stage is None:
        return Say(item.number, f"the stage {task.stage} of {task.id} is not configured any more")
    if rejected:
        return Reject(item.number, task)
    if not stage.human:
        return Say(item.number, f"stage {stage.name} needs no approval: its gates decide; remove the approval")
    return Approve(item.number, task)
