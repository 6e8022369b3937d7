"""What stands where: counts by stage and state, and who waits for whom (OBS-1)."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from orch_gates.engine.why import QueueContext
from orch_gates.model.attempt import Attempt
from orch_gates.model.lease import Lease
from orch_gates.model.task import DONE_STAGE, Task, TaskState


@dataclass(frozen=True, slots=True)
class StageRow:
    """One stage: how many tasks are in it, by state."""

    stage: str
    counts: dict[str, int]

    @property
    def total(self) -> int:
        """All tasks in this stage."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Board:
    """The pipeline at one moment; `attention` are the tasks that wait for a person."""

    rows: tuple[StageRow, ...]
    attention: tuple[Task, ...]
    held_leases: tuple[Lease, ...]
    quarantined: int
    generation: int


def board(
    tasks: Sequence[Task], leases: Sequence[Lease], stages: Sequence[str], *, quarantined: int, generation: int
) -> Board:
    """Count tasks; stages that are no longer configured come last, so that nothing is hidden."""
    found: dict[str, Counter[str]] = {}
    for task in tasks:
        found.setdefault(task.stage, Counter())[task.state.value] += 1
    order = [*stages, DONE_STAGE]
    order += sorted(set(found) - set(order))
    rows = tuple(StageRow(stage, dict(sorted(found.get(stage, Counter()).items()))) for stage in order)
    attention = tuple(task for task in tasks if task.state.waits_for_a_person)
    held = tuple(lease for lease in leases if lease.holder)
    return Board(rows, attention, held, quarantined, generation)


class TaskPosition(NamedTuple):
    """What of a task its position among others rests on; `turn` sorts those in one stage and queue as texts."""

    id: str
    stage: str
    state: str
    turn: str
    queue: str = ""


def task_position(task: Task) -> TaskPosition:
    """That of a task."""
    queue = f"{task.pipeline} {task.enqueued.target}" if task.enqueued is not None else task.pipeline
    return TaskPosition(task.id, task.stage, task.state.value, turn(task), queue)


def turn(task: Task) -> str:
    """When it is a task's turn among those in its stage, as a text: the longest waiting first (MRG-13).

    In the merge queue priority comes before age, and of two that were asked for together the older pull request.
    """
    if task.enqueued is None:
        return f"{task.since} {task.id}"
    return f"{task.enqueued.priority.rank} {task.since} {task.enqueued.pull:010}"


# Of each stage of a pipeline the turns of those that may move, the first one first.
Lines: TypeAlias = Mapping[tuple[str, str], Sequence[str]]


def lines(standings: Iterable[TaskPosition]) -> Lines:
    """Sort tasks once; `queue_context` then finds each of them without looking at the others."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in standings:
        if _may_move(one):
            found.setdefault((one.queue, one.stage), []).append(one.turn)
    return {stage: sorted(turns) for stage, turns in found.items()}


def queue_context(
    task: TaskPosition, waiting: Lines, leases: Sequence[Lease], target: str, attempt: Attempt | None = None
) -> QueueContext:
    """Where a task stands among those in its stage that may move, the oldest first; it is in one of the lines.

    `attempt` is the newest one of whoever holds the lease on the target.
    """
    line = waiting.get((task.queue, task.stage), ())
    position = bisect_left(line, task.turn) + 1 if _may_move(task) else 0
    lease = next((one for one in leases if one.target == target and one.holder), None)
    if lease is None:
        return QueueContext(position, len(line), "")
    phase = attempt.phase.value if attempt is not None and attempt.id == lease.attempt else ""
    until = "" if lease.held else lease.expires or ""
    return QueueContext(position, len(line), lease.holder, phase, lease.claim.runner if lease.claim else "", until)


def _may_move(task: TaskPosition) -> bool:
    return task.state in {TaskState.ACTIVE.value, TaskState.DEFERRED.value}
