"""Applying one event to one task in one state commit (ENG-3, ST-2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from orch_gates.effects.acknowledge import acknowledge
from orch_gates.effects.outbox import NOWHERE, Outbox
from orch_gates.effects.performed import EffectResult, Performed
from orch_gates.engine.decide import decide
from orch_gates.engine.decision import Decision, Move
from orch_gates.engine.events import Event
from orch_gates.errors import OrchError
from orch_gates.model.effect import MAX_EFFECTS, merged
from orch_gates.model.task import Task
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.state import codec
from orch_gates.state.outcome import commit_of
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Change, Store
from orch_gates.tasks import book
from orch_gates.tasks.book import TaskPage
from orch_gates.tasks.configured import Configured


@dataclass(frozen=True, slots=True)
class Applied:
    """What was decided, on which verdicts, and the commit that recorded it; empty where nothing was to be written.

    `performed` is what came of the effects that the task had.
    """

    decision: Decision
    verdicts: tuple[Verdict, ...]
    commit: str
    performed: tuple[Performed, ...] = ()


def no_objection(_snapshot: Snapshot, _task: Task) -> str:
    """Nothing else speaks against it."""
    return ""


def apply(
    store: Store,
    name: str,
    event: Event,
    configured: Configured,
    now: datetime,
    outbox: Outbox = NOWHERE,
    objection: Callable[[Snapshot, Task], str] = no_objection,
) -> Applied:
    """Decide on the task as it is now by a person's word, and record it; a lost race decides again (P6).

    Effects that an earlier run left behind are performed then (P7). `objection` says why it is too late, if it is.

    Raises:
        UsageError: there is no such task.
        StateError: it could not be recorded, or whether it was could not be found out.
    """
    configured.agree(store)
    decided: Decision | None = None

    def decision(snapshot: Snapshot) -> Change | None:
        nonlocal decided
        configured.check(book.root_of(snapshot))
        page = book.need(snapshot, name)
        if why := objection(snapshot, page.task):
            decided = Decision(Move.STAY, page.task, why, Outcome.DEFER, refused=True)
            return None
        pipeline = configured.pipeline_of(page.task)
        decided = decide(page.task, event, (), now, pipeline, generation=snapshot.generation + 1)
        if decided.task == page.task:
            return None
        decided = with_effects(decided, page.task, ())
        return recorded(page, decided, event.by, now)

    commit = commit_of(store.transact(decision))
    assert decided is not None
    return Applied(decided, (), commit, finish(store, decided.task, outbox.perform(decided.task.effects)))


def with_effects(decided: Decision, before: Task, done: Sequence[Performed]) -> Decision:
    """The decision with its effects in the task, and without those that are done."""
    keys = frozenset(one.effect.key for one in done if one.settled)
    wanted = merged(before.effects, keys, decided.effects, decided.outdated)
    kept = wanted[-MAX_EFFECTS:]
    task = decided.task.model_copy(update={"effects": kept})
    planned = tuple(each for each in kept if each not in before.effects)
    return replace(decided, task=task, effects=planned, given_up=wanted[: -len(kept)] if kept else ())


def finish(store: Store, task: Task, performed: tuple[Performed, ...]) -> tuple[Performed, ...]:
    """Acknowledge what a finished task has left, as no step of it will: what is repeatable waits for the next one."""
    present = {effect.key for effect in task.effects}
    done = frozenset(one.effect.key for one in performed if one.settled and one.effect.key in present)
    if not (done and task.state.finished):
        return performed
    try:
        acknowledge(store, {task.id: done})
    except OrchError as error:
        why = f"done, but not recorded: {error}"
        return tuple(replace(one, result=EffectResult.UNKNOWN, reason=why) if one.settled else one for one in performed)
    return performed


def recorded(page: TaskPage, decided: Decision, by: str, now: datetime) -> Change:
    """The change that records a decision about a task."""
    before, after = page.task, decided.task
    step = f"{before.stage} → {after.stage}" if before.stage != after.stage else after.stage
    line = f"{decided.move} ({step}): {decided.reason} [{after.cause}; by {by}]"
    body = codec.append_line(page.body, now, line)
    if decided.given_up:
        given_up = ", ".join(f"{effect.kind} {effect.subject}" for effect in decided.given_up)
        body = codec.append_line(body, now, f"dropped, as more than {MAX_EFFECTS} were planned: {given_up}")
    return Change(
        event=decided.move.value,
        task=after.id,
        subject=f"{after.id}: {decided.move} ({step})",
        body=decided.reason,
        writes={page.path: codec.encode(after, body)},
        by=by,
    )
