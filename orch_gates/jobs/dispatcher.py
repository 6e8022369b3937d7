"""Recording what is to be started, starting it, and recording that: an outbox for jobs (JOB-1, P7)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from orch_gates.engine import events, jobs
from orch_gates.engine.decide import decide
from orch_gates.engine.stages import Pipeline
from orch_gates.engine.work import Role, WorkRules
from orch_gates.jobs.dispatch_plan import DispatchFacts, DispatchPlan, plan
from orch_gates.jobs.starter import Starter, StartOutcome, StartResult
from orch_gates.model.job import Job
from orch_gates.model.task import Task
from orch_gates.state import codec, layout
from orch_gates.state.kinds import JOB, TASK
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Change, Store, joined
from orch_gates.tasks import book
from orch_gates.tasks.change import recorded, with_effects
from orch_gates.tasks.configured import Configured


@dataclass
class RunNames:
    """Random names of runs, the same for one run of one task however often a race is decided again."""

    nonce: Callable[[], str]
    _known: dict[tuple[str, int], str] = field(default_factory=dict)

    def __call__(self, task: str, number: int) -> str:
        """The name of that run."""
        return self._known.setdefault((task, number), self.nonce())


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """How work is started from here: the rules, the pipelines, and who asks."""

    rules: WorkRules
    pipeline_of: Callable[[Task], Pipeline]
    attempts: RunNames
    by: str

    def plan(self, facts: DispatchFacts, now: datetime) -> DispatchPlan:
        """What is to be started now; see `dispatch.plan`."""
        return plan(facts, now, self.pipeline_of, self.rules, self.attempts, self.by)

    def changes(
        self, planned: DispatchPlan, text: Callable[[str], str | None], generation: int, now: datetime
    ) -> tuple[Change, ...]:
        """What records a plan, one change for each document; `text` reads one as the plan found it.

        `generation` is that of the state commit which records it.
        """
        found = [
            _changed(job, codec.append_line("", now, line), line)
            for job in planned.new
            for line in (f"queued as run {job.number} in {job.stage} [by {job.by}]",)
        ]
        found += [_logged(job, text, _change_of(job), now) for job in planned.changed]
        for task, why in planned.asks:
            path = layout.task_path(task.id)
            body = codec.decode(TASK, path, text(path) or "")[1]
            event = events.HoldRequested(self.by, why)
            decided = decide(task, event, (), now, self.pipeline_of(task), generation=generation)
            found.append(recorded(book.TaskPage(path, task, body), with_effects(decided, task, ()), self.by, now))
        return tuple(found)

    def role_of(self, job: Job) -> Role | None:
        """How the role of a job is started."""
        return self.rules.roles.get(job.role)


def acknowledged(started: Sequence[StartResult], snapshot: Snapshot, now: datetime) -> tuple[Change, ...]:
    """Record the outcome of each start; one that is not known is not recorded, and is requested again."""
    found = []
    for one in started:
        path = _path(one.job)
        if one.outcome is StartOutcome.UNKNOWN or one.job.dispatch is None or (stored := snapshot.text(path)) is None:
            continue
        before = codec.decode(JOB, path, stored)[0]
        if one.outcome is StartOutcome.STARTED:
            after = jobs.sent(before, one.job.dispatch.key, one.run, now)
            line = "started" + (f" as CI run {one.run}" if one.run else "") + (f"; {one.reason}" if one.reason else "")
        elif one.outcome is StartOutcome.REFUSED:
            after = jobs.not_started(before, one.job.dispatch.key, one.reason)
            line = f"could not be started: {one.reason}"
        else:
            after = jobs.gave_up(before, f"could not be started: {one.reason}", now)
            line = f"given up: {one.reason}"
        if after is not None:
            found.append(_logged(after, snapshot.text, line, now))
    return tuple(found)


def _path(job: Job) -> str:
    return layout.job_path(job.task, job.attempt)


def _logged(job: Job, text: Callable[[str], str | None], line: str, now: datetime) -> Change:
    path = _path(job)
    body = codec.decode(JOB, path, text(path) or "")[1]
    return _changed(job, codec.append_line(body, now, line), line)


def _changed(job: Job, body: str, line: str) -> Change:
    subject = f"{job.task}: run {job.number} ({job.role}) {line}"
    return Change("dispatch", job.task, subject, {_path(job): codec.encode(job, body)})


def _change_of(job: Job) -> str:
    if job.status.terminal:
        return f"{job.status}: {job.reason}"
    assert job.dispatch is not None
    return f"to be started again (try {job.dispatch.tries}): {job.dispatch.reason}"


def start_one(
    store: Store, configured: Configured, starter: Starter, job: Job, role: Role | None, clock: Callable[[], datetime]
) -> StartResult:
    """Start a job that was just recorded as one to be started, and record what came of it.

    Raises:
        StateError: its outcome could not be recorded; it is asked for again, and runs once.
    """
    started = starter.start(job, role)
    configured.agree(store)
    store.transact(lambda snapshot: _confirmed(acknowledged([started], snapshot, clock())))
    return started


@dataclass(frozen=True, slots=True)
class DispatchResult:
    """What one run of the outbox did: what it recorded, the outcome of each start, and what it could not find out."""

    planned: DispatchPlan
    started: tuple[StartResult, ...] = ()
    problem: str = ""


def run(
    store: Store,
    configured: Configured,
    dispatcher: Dispatcher,
    starter: Starter,
    facts_of: Callable[[Snapshot], DispatchFacts],
    clock: Callable[[], datetime],
) -> DispatchResult:
    """Record what is to be started now, start it, and record that.

    Raises:
        StateError: it could not be recorded. What was started and not recorded is asked for again, and runs once.
    """
    configured.agree(store)
    planned = DispatchPlan()

    def decide_on(snapshot: Snapshot) -> Change | None:
        nonlocal planned
        configured.check(book.root_of(snapshot))
        now = clock()
        planned = dispatcher.plan(facts_of(snapshot), now)
        changes = dispatcher.changes(planned, snapshot.text, snapshot.generation + 1, now)
        return joined("dispatch", f"dispatch: {_counted(changes)}", changes)

    store.transact(decide_on, others_wait=True)
    started = tuple(starter.start(job, dispatcher.role_of(job)) for job in planned.starts)
    if started:
        store.transact(lambda snapshot: _confirmed(acknowledged(started, snapshot, clock())))
    return DispatchResult(planned, started)


def _confirmed(changes: Sequence[Change]) -> Change | None:
    return joined("dispatched", f"dispatched: {_counted(changes)}", changes)


def _counted(changes: Sequence[Change]) -> str:
    return changes[0].task if len(changes) == 1 else f"{len(changes)} changes"
