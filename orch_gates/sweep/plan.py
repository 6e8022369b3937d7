"""What one tick records, replayed on whatever snapshot takes it: from the same look, and pure (P6, SWP-1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from orch_gates.engine.decision import Decision
from orch_gates.engine.statuses import Posting
from orch_gates.errors import StateDocumentError, UsageError
from orch_gates.jobs import overview
from orch_gates.jobs.dispatch_plan import DispatchFacts, DispatchPlan
from orch_gates.jobs.dispatcher import Dispatcher
from orch_gates.jobs.overview import Overview
from orch_gates.model.ids import TaskId
from orch_gates.model.job import Job
from orch_gates.model.verdict import Verdict
from orch_gates.state import codec, layout
from orch_gates.state.kinds import JOB
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Change, joined
from orch_gates.sweep.look import JobLook
from orch_gates.sweep.reaper import Flip
from orch_gates.tasks import book
from orch_gates.tasks.advance import TaskStep
from orch_gates.tasks.edge import GateResults

EVENT = "sweep"


@dataclass(frozen=True, slots=True)
class Unblocked:
    """A task that is stuck although its gates are green, and what the statuses of its step are planned with."""

    judged: GateResults
    posting: Posting | None


@dataclass(frozen=True, slots=True)
class Planned:
    """What one look led to; `verdicts` say what keeps tasks on their edges, `stopped` are left alone."""

    flips: tuple[Flip, ...] = ()
    unblocked: tuple[Unblocked, ...] = ()
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    stopped: frozenset[str] = frozenset()
    look: JobLook = field(default_factory=JobLook)


@dataclass(frozen=True, slots=True)
class RecordedPlan:
    """What a snapshot takes of a plan, as one change: jobs that ended, steps of tasks, work that is to be started.

    `overview` is everything as it is afterwards.
    """

    change: Change | None
    reaped: tuple[Job, ...]
    steps: tuple[Decision, ...]
    dispatch: DispatchPlan
    overview: Overview


@dataclass
class Recording:
    """Replays a plan on snapshots; `dispatcher` is None where no work is started from here."""

    planned: Planned
    step: TaskStep
    dispatcher: Dispatcher | None
    by: str
    now: datetime
    # Everything in the last snapshot that was read.
    _read: tuple[str, Overview] | None = None

    def everything(self, snapshot: Snapshot) -> Overview:
        """All tasks and jobs, read once for each snapshot."""
        if self._read is None or self._read[0] != snapshot.tip:
            self._read = (snapshot.tip, overview.read(snapshot))
        return self._read[1]

    def on(self, snapshot: Snapshot) -> RecordedPlan:
        """What this snapshot takes: an attempt that still runs, a task and reports that are as they were judged.

        Raises:
            StateError: the root document is malformed, or the configuration is older than the branch's.
        """
        self.step.configured.check(book.root_of(snapshot))
        parts: list[Change] = []
        reaped, steps = [], []
        for flip in self.planned.flips:
            if (ended := self._ended(snapshot, flip)) is not None:
                reaped.append(ended[0])
                parts.append(ended[1])
        for one in self.planned.unblocked:
            if (taken := self._step(snapshot, one)) is not None:
                steps.append(taken[0])
                parts.append(taken[1])
        after = _after(self.everything(snapshot), reaped, steps)
        dispatch = self._dispatch(after)
        writes = {path: text for part in parts for path, text in part.writes.items()}
        if self.dispatcher is not None:
            parts += self.dispatcher.changes(
                dispatch, lambda path: writes.get(path) or snapshot.text(path), snapshot.generation + 1, self.now
            )
        change = joined(EVENT, _subject(reaped, steps, dispatch), parts)
        return RecordedPlan(change, tuple(reaped), tuple(steps), dispatch, after)

    def _ended(self, snapshot: Snapshot, flip: Flip) -> tuple[Job, Change] | None:
        path = layout.job_path(TaskId(flip.task), flip.attempt)
        try:
            text = snapshot.text(path)
            if text is None:
                return None
            before, body = codec.decode(JOB, path, text)
        except StateDocumentError:
            # It was readable when it was looked at; whoever broke it is told of by the next tick.
            return None
        after = flip.on(before, self.now)
        if after is None:
            return None
        line = f"{after.status}: {after.reason} [by {self.by}]"
        subject = f"{after.task}: run {after.number} ({after.role}) {after.status}"
        writes = {path: codec.encode(after, codec.append_line(body, self.now, line))}
        return after, Change("reap", after.task, subject, writes, body=after.reason)

    def _step(self, snapshot: Snapshot, one: Unblocked) -> tuple[Decision, Change] | None:
        try:
            taken = self.step.on(snapshot, one.judged, one.judged.head, one.posting)
        except (StateDocumentError, UsageError):
            return None
        return None if taken is None or taken.change is None else (taken.decision, taken.change)

    def _dispatch(self, after: Overview) -> DispatchPlan:
        if self.dispatcher is None:
            return DispatchPlan()
        planned = self.planned
        stopped = planned.stopped | after.unknown
        facts = DispatchFacts(tuple(after.tasks.values()), after.jobs, planned.verdicts, stopped, planned.look.runs)
        return self.dispatcher.plan(facts, self.now)


def _after(found: Overview, reaped: Sequence[Job], steps: Sequence[Decision]) -> Overview:
    """Everything as it is once these are recorded."""
    ended = {job.attempt: job for job in reaped}
    jobs = {task: tuple(ended.get(job.attempt, job) for job in runs) for task, runs in found.jobs.items()}
    return Overview({**found.tasks, **{one.task.id: one.task for one in steps}}, jobs, found.quarantined)


def _subject(reaped: Sequence[Job], steps: Sequence[Decision], dispatch: DispatchPlan) -> str:
    counted = (
        (len(reaped), "job ended", "jobs ended"),
        (len(steps), "task unblocked", "tasks unblocked"),
        (len(dispatch.new) + len(dispatch.changed), "job dispatched", "jobs dispatched"),
        (len(dispatch.asks), "person asked", "people asked"),
    )
    line = ", ".join(f"{number} {one if number == 1 else many}" for number, one, many in counted if number)
    return f"sweep: {line or 'nothing'}"
