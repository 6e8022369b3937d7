"""What follows the planning commit, each unit apart: starts, effects, duties, and one acknowledging commit (P3, P7)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from orch_gates.effects.acknowledge import acknowledged
from orch_gates.effects.performed import EffectResult
from orch_gates.errors import StateError
from orch_gates.jobs import dispatcher
from orch_gates.jobs.starter import StartOutcome, StartResult
from orch_gates.model.ids import TaskId
from orch_gates.model.job import Job
from orch_gates.model.sweep import Alert
from orch_gates.model.task import Task
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Change, joined
from orch_gates.sweep.parts import Parts, TickView
from orch_gates.sweep.unit_result import UnitResult, isolated, summed

# A forge that is down is not asked to do everything.
_MOST_SILENT = 3
_EFFECT = "effect "


@dataclass
class Execution:
    """Performs what is recorded; `late` says that no time is left to begin anything else."""

    parts: Parts
    late: Callable[[], bool]
    _started: list[StartResult] = field(default_factory=list)
    _done: dict[TaskId, frozenset[str]] = field(default_factory=dict)

    def start(self, jobs: Sequence[Job]) -> UnitResult:
        """Ask for the start of these jobs: they were claimed by the commit that planned them, so it is done at once."""
        ask = self.parts.start
        return summed(isolated(f"{job.task}: job {job.attempt}", partial(self._start, ask, job)) for job in jobs)

    def _start(self, ask: Callable[[Job], StartResult] | None, job: Job) -> UnitResult:
        if ask is None:
            return UnitResult()
        started = ask(job)
        self._started.append(started)
        what = f"{job.task}: run {job.number} ({job.role})"
        match started.outcome:
            case StartOutcome.STARTED:
                detail = f"CI run {started.run}" if started.run else started.reason
                return UnitResult(lines=(f"{what} started{f': {detail}' if detail else ''}",), counts={"dispatched": 1})
            case StartOutcome.REFUSED | StartOutcome.GIVEN_UP:
                return UnitResult(problems=(f"{what} could not be started: {started.reason}",))
            case StartOutcome.UNKNOWN:
                return UnitResult(
                    problems=(f"{what}: start not confirmed, so it is requested again: {started.reason}",)
                )

    def effects(self, tasks: Sequence[Task], alerts: Sequence[Alert]) -> UnitResult:
        """Perform what tasks have pending; what the forge refuses is an alert until it is done or given up."""
        pending = {task.id: task for task in tasks if task.effects}
        # Of tasks with nothing left to do, nothing is refused any more.
        over = {alert.key.split(" ")[1] for alert in alerts if alert.key.startswith(_EFFECT)} - set(pending)
        results = [UnitResult(looked=tuple(f"{_EFFECT}{name} " for name in sorted(over)))]
        silent = 0
        for number, task in enumerate(pending.values()):
            if self.late() or silent >= _MOST_SILENT:
                results.append(UnitResult(problems=(f"the effects of {len(pending) - number} tasks stay pending",)))
                break
            one = isolated(task.id, partial(self._effects, task))
            silent = silent + 1 if one.problems else 0
            results.append(one)
        return summed(results)

    def _effects(self, task: Task) -> UnitResult:
        performed = self.parts.step.outbox.perform(task.effects)
        if settled := frozenset(one.effect.key for one in performed if one.settled):
            self._done[task.id] = settled
        names = {one: f"{task.id}: {one.effect.kind} {one.effect.subject}" for one in performed}
        return UnitResult(
            lines=tuple(f"{names[one]}: {one.result}" for one in performed if one.settled),
            problems=tuple(f"{names[one]}: {one.reason}" for one in performed if one.result is EffectResult.UNKNOWN),
            alerts={
                f"{_EFFECT}{task.id} {one.effect.key}": f"{names[one]}: refused: {one.reason}; "
                "`orch-gates effects run --drop-refused` drops it"
                for one in performed
                if one.result is EffectResult.REFUSED
            },
            looked=(f"{_EFFECT}{task.id} ",) if performed else (),
        )

    def duties(self, seen: TickView) -> UnitResult:
        """Do what other rooms brought, unit by unit; what there is no time for is left to the next tick."""
        results: list[UnitResult] = []
        for duty in self.parts.duties:
            try:
                for unit in duty(seen):
                    if self.late():
                        # Who asked it to end knows that something is left.
                        if not self.parts.ended():
                            why = "the sweep ran out of time (sweep.timeout_s)"
                            results.append(UnitResult(problems=(f"{unit.name}: {why}",)))
                        break
                    results.append(isolated(unit.name, unit.run))
            except Exception as error:  # noqa: BLE001 - the next duty is still done, and the cause is told (P3)
                results.append(UnitResult(problems=(f"{type(error).__name__}: {error}",)))
        return summed(results)

    def acknowledge(self) -> UnitResult:
        """Record what is known to be done, in one commit; where that fails, it is done again, which changes nothing."""
        if not (self._started or self._done):
            return UnitResult()
        try:
            self.parts.store.transact(self._acknowledged, others_wait=True)
        except StateError as error:
            return UnitResult(problems=(f"what was done could not be recorded: {error}",))
        return UnitResult()

    def _acknowledged(self, snapshot: Snapshot) -> Change | None:
        started = dispatcher.acknowledged(self._started, snapshot, self.parts.clock())
        parts = (acknowledged(snapshot, self._done), *started)
        return joined("acknowledge", "sweep: what was done is recorded", [part for part in parts if part is not None])
