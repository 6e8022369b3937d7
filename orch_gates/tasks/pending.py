"""Effects that are planned and not known to be done, over all tasks: shown, and finished (P7)."""

from __future__ import annotations

from dataclasses import dataclass

from orch_gates.effects.acknowledge import acknowledge
from orch_gates.effects.outbox import Outbox
from orch_gates.effects.performed import EffectResult, Performed
from orch_gates.model.effect import Effect
from orch_gates.model.ids import TaskId
from orch_gates.model.task import Task
from orch_gates.state.store import Store


@dataclass(frozen=True, slots=True)
class Pending:
    """An effect and the task that it belongs to."""

    task: TaskId
    effect: Effect


@dataclass(frozen=True, slots=True)
class EffectRun:
    """What came of one effect, and whether it was taken off the task."""

    task: TaskId
    performed: Performed
    removed: bool


def pending(tasks: tuple[Task, ...]) -> tuple[Pending, ...]:
    """The effects of these tasks, in their order."""
    return tuple(Pending(task.id, effect) for task in tasks for effect in task.effects)


def run(store: Store, found: tuple[Pending, ...], outbox: Outbox, *, drop_refused: bool) -> tuple[EffectRun, ...]:
    """Perform effects, and take what is done off their tasks in one commit; `drop_refused`: what was refused too.

    Raises:
        StateError: it could not be recorded; what was performed is performed, and running it again changes nothing.
    """
    performed = outbox.perform([one.effect for one in found])
    ran = tuple(
        EffectRun(one.task, done, done.settled or (drop_refused and done.result is EffectResult.REFUSED))
        for one, done in zip(found, performed, strict=True)
    )
    names = dict.fromkeys(one.task for one in ran if one.removed)
    keys = {name: frozenset(o.performed.effect.key for o in ran if o.removed and o.task == name) for name in names}
    acknowledge(store, keys)
    return ran
