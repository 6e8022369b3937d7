"""One tick: look once, plan, record in one commit, perform, acknowledge in one, remember (SWP-1).

It may be killed at any instruction: what is recorded and not performed is pending, and the next tick goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from orch_gates.errors import OrchError, StateError, StateExhausted
from orch_gates.model.job import Job
from orch_gates.model.sweep import Alert, Memory, Streak, nothing
from orch_gates.state.outcome import Committed
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Change
from orch_gates.sweep import reaper, reconciler, remember
from orch_gates.sweep.execution import Execution
from orch_gates.sweep.gate_answers import GateAnswers, ask_gates
from orch_gates.sweep.lag import Lag, Schedule, lag
from orch_gates.sweep.look import JobLook
from orch_gates.sweep.parts import Parts, TickScope, TickView
from orch_gates.sweep.plan import Planned, RecordedPlan, Recording
from orch_gates.sweep.reaper import Flip
from orch_gates.sweep.unit_result import UnitResult, alerts_after, summed
from orch_gates.tasks import book
from orch_gates.tasks.book import Quarantined

_FILE = "file "


@dataclass(frozen=True, slots=True)
class TickReport:
    """What a tick did, or would do; `lag` is the gap before it. `busy`: others had the state all the time."""

    lines: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    opened: tuple[Alert, ...] = ()
    closed: tuple[Alert, ...] = ()
    alerts: tuple[Alert, ...] = ()
    lag: Lag = field(default_factory=lambda: Lag(Schedule.NEVER))
    busy: bool = False

    @property
    def exit_code(self) -> int:
        """2 where something could not be told or done, or a new alert needs a person; 75 where the state was busy."""
        if self.busy:
            return StateExhausted.exit_code
        return OrchError.exit_code if self.problems or self.opened else 0

    @property
    def did_something(self) -> bool:
        """Whether there is anything to tell besides that it ran."""
        return bool(self.lines or self.problems or self.opened or self.closed or self.busy)


class Ticking:
    """One tick from its beginning, with one `now` for all that it decides."""

    def __init__(self, parts: Parts, now: datetime, scope: TickScope | None = None) -> None:
        self._parts = parts
        self._now = now
        self._scope = scope or TickScope()
        self._began = parts.monotonic()
        self._results: list[UnitResult] = []
        self._stopped: frozenset[str] | None = None

    def late(self) -> bool:
        """Whether the time of the tick is over: what is begun comes to its end, and nothing else begins."""
        return self._parts.ended() or self._parts.monotonic() - self._began >= self._parts.rules.seconds

    def run(self, *, dry_run: bool = False) -> TickReport:
        """Do it; with `dry_run` only say what would be done.

        Raises:
            StateError: the state could not be read, or the plan not be recorded: nothing was done.
        """
        parts = self._parts
        self._stopped = self._followed(act=self._scope.everything and not dry_run)
        snapshot = self._loaded(dry_run=dry_run)
        memory, oid = self._remembered()
        gap = lag(memory.ticks, self._now, parts.rules.every)
        if self._scope.everything and gap.schedule in {Schedule.LATE, Schedule.DEAD}:
            self._results.append(UnitResult(lines=(f"warning: {gap.line}",)))
        recording = Recording(Planned(), parts.step, parts.dispatcher, parts.by, self._now)
        streaks, judged = self._plan(snapshot, recording, memory)
        if dry_run:
            self._results.append(outcome_lines(recording.on(snapshot)))
            return self._report(memory, gap)
        # A tick that is killed later has seen what it saw: else what kills ticks would never be noticed.
        if streaks != memory.streaks:
            memory = remember.with_streaks(memory, streaks)
            oid = self._replaced(memory, oid)
        try:
            recorded = self._record(recording)
        except StateExhausted as error:
            self._results.append(UnitResult(problems=(str(error),), counts={"lost-races": 1}))
            return self._ended(memory, oid, judged, gap, snapshot, busy=True)
        self._perform(snapshot, recorded, recording.planned, memory)
        return self._ended(memory, oid, judged, gap, snapshot)

    def _followed(self, *, act: bool) -> frozenset[str] | None:
        """Do what people say in the tracker, and tell whom they stopped; None where that could not be told."""
        try:
            followed = self._parts.follow(act)
        except Exception as error:  # noqa: BLE001 - jobs and other tasks are still looked at, and the cause is told (P3)
            why = error if isinstance(error, OrchError) else f"{type(error).__name__}: {error}"
            self._results.append(UnitResult(problems=(f"could not read the issues: {why}",)))
            return None
        self._results.append(followed.result)
        return followed.stopped

    def _loaded(self, *, dry_run: bool) -> Snapshot:
        snapshot = self._parts.store.load()
        configured = self._parts.step.configured
        if dry_run or configured.is_of(book.root_of(snapshot)):
            return snapshot
        configured.agree(self._parts.store)
        return self._parts.store.load()

    def _remembered(self) -> tuple[Memory, str]:
        try:
            recalled = self._parts.memory().read()
        except StateError as error:
            self._results.append(UnitResult(problems=(f"could not read the record of the last sweep: {error}",)))
            return nothing(), ""
        if recalled.problem:
            self._results.append(UnitResult(lines=(f"warning: {recalled.problem}",)))
        return recalled.memory or nothing(), recalled.oid

    def _plan(self, snapshot: Snapshot, recording: Recording, memory: Memory) -> tuple[tuple[Streak, ...], GateAnswers]:
        """Look at the world, and plan what is recorded: the same whatever snapshot takes it (P6)."""
        parts, now = self._parts, self._now
        everything = recording.everything(snapshot)
        self._results.append(_set_apart(everything.quarantined))
        jobs = [job for runs in everything.jobs.values() for job in runs if not job.status.terminal]
        look = self._looked(jobs) if self._scope.jobs and jobs else JobLook()
        self._results.append(UnitResult(problems=look.problems))
        flips: tuple[Flip, ...] = ()
        streaks = memory.streaks
        if parts.rules.reaper is not None and self._scope.jobs:
            flips, streaks = reaper.plan(jobs, look.sightings, memory.streaks, now, parts.rules.reaper)
        tasks = [task for task in everything.tasks.values() if self._scope.holds(task.id)]
        # Where it could not be told who is stopped, everybody is whose issue would say so (REC-5).
        stopped = frozenset(task.id for task in tasks if task.issue) if self._stopped is None else self._stopped
        judged = GateAnswers()
        if (rules := parts.rules.reconciler) is not None:
            if not self._scope.everything:
                rules = reconciler.ReconcilerRules(type(rules.grace)(0), rules.most)
            pipeline_of = parts.step.configured.pipeline_of
            due = reconciler.due(tasks, everything.jobs, stopped, memory.cursor, now, pipeline_of, rules)
            judged = ask_gates(parts, snapshot, everything, due, self.late)
            self._results.append(judged.result)
        recording.planned = Planned(flips, tuple(judged.unblocked), judged.verdicts, stopped, look)
        return streaks, judged

    def _looked(self, jobs: Sequence[Job]) -> JobLook:
        try:
            return self._parts.look(jobs, self._now, self.late)
        except Exception as error:  # noqa: BLE001 - tasks are still looked at, and the cause is told (P3)
            return JobLook(problems=(f"could not check which jobs are alive: {type(error).__name__}: {error}",))

    def _record(self, recording: Recording) -> RecordedPlan:
        recorded: RecordedPlan | None = None

        def decide(snapshot: Snapshot) -> Change | None:
            nonlocal recorded
            recorded = recording.on(snapshot)
            return recorded.change

        result = self._parts.store.transact(decide, others_wait=True)
        assert recorded is not None
        if not isinstance(result, Committed):
            return recorded
        for job in recorded.reaped:
            self._parts.forget(job.attempt)
        self._results.append(outcome_lines(recorded))
        self._results.append(UnitResult(counts={"lost-races": result.attempts - 1}))
        return recorded

    def _perform(self, snapshot: Snapshot, recorded: RecordedPlan, planned: Planned, memory: Memory) -> None:
        execution = Execution(self._parts, self.late)
        self._results.append(execution.start(recorded.dispatch.starts if recorded.change is not None else ()))
        tasks = [task for task in recorded.overview.tasks.values() if self._scope.holds(task.id)]
        self._results.append(execution.effects(tasks, memory.alerts))
        seen = TickView(snapshot, recorded.overview, planned.verdicts, planned.stopped, self._now)
        if self._scope.everything:
            self._results.append(execution.duties(seen))
        self._results.append(execution.acknowledge())

    def _ended(
        self, memory: Memory, oid: str, judged: GateAnswers, gap: Lag, snapshot: Snapshot, *, busy: bool = False
    ) -> TickReport:
        report = self._report(memory, gap, busy=busy)
        everything = self._scope.everything
        ended = remember.EndedTick(self._now, self._parts.clock(), self._parts.by, snapshot.generation)
        cursor = judged.last or None
        after = remember.after(
            memory,
            {name: more for name, more in report.counts.items() if more},
            report.alerts,
            cursor=cursor if everything else None,
            tick=ended if everything else None,
        )
        if after != memory:
            self._replaced(after, oid)
        return self._report(memory, gap, busy=busy)

    def _replaced(self, memory: Memory, oid: str) -> str:
        """The commit of the memory once it is replaced; what becomes of it is no error of the tick."""
        answer = self._parts.memory().replace(memory, oid)
        if answer.done:
            return answer.oid
        if not answer.lost:
            self._results.append(
                UnitResult(lines=(f"warning: could not save the record of this sweep: {answer.reason}",))
            )
        return oid

    def _report(self, memory: Memory, gap: Lag, *, busy: bool = False) -> TickReport:
        total = summed(self._results)
        alerts = alerts_after(memory.alerts, total, self._now)
        problems = (*total.problems, alerts.dropped) if alerts.dropped else total.problems
        return TickReport(
            total.lines, problems, dict(total.counts), alerts.opened, alerts.closed, alerts.open, gap, busy
        )


def outcome_lines(recorded: RecordedPlan) -> UnitResult:
    """What a plan does, in a line for each thing."""
    lines = [f"{job.task}: run {job.number} ({job.role}) {job.status}: {job.reason}" for job in recorded.reaped]
    lines += [f"{one.task.id}: {one.step}: {one.reason}" for one in recorded.steps]
    lines += [f"{job.task}: run {job.number} ({job.role}) is queued" for job in recorded.dispatch.new]
    lines += [f"{job.task}: run {job.number} ({job.role}) {_changed(job)}" for job in recorded.dispatch.changed]
    lines += [f"{task.id} is held: {why}" for task, why in recorded.dispatch.asks]
    counts = {
        "reaped": len(recorded.reaped),
        "unblocked": len(recorded.steps),
        "escalated": len(recorded.dispatch.asks),
    }
    return UnitResult(lines=tuple(lines), counts=counts)


def _changed(job: Job) -> str:
    if job.status.terminal or job.dispatch is None:
        return f"{job.status}: {job.reason}"
    return f"is requested again: {job.dispatch.reason}"


def _set_apart(files: Sequence[Quarantined]) -> UnitResult:
    """Files that cannot be read stop nobody else; a person mends them (ST-6)."""
    alerts = {f"{_FILE}{file.path}": f"{file.why}; `orch-gates state lint` names every such file" for file in files}
    return UnitResult(alerts=alerts, looked=(_FILE,))
