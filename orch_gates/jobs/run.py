"""A run of a task's work, from its begin to its end on the state branch: one commit each (JOB-1, REAP-2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from orch_gates.engine import events, jobs, spent
from orch_gates.engine.decide import decide
from orch_gates.engine.work import WorkRules, runs_of
from orch_gates.errors import GitError, JobWaits, StateDenied, StateDocumentError, UsageError
from orch_gates.jobs import book, output
from orch_gates.jobs.book import JobPage, Jobs
from orch_gates.model.ids import moment
from orch_gates.model.job import CiRun, Job, JobStatus, Process
from orch_gates.model.task import Task, TaskState
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Change, Store
from orch_gates.tasks import book as tasks
from orch_gates.tasks import edge
from orch_gates.tasks.change import recorded, with_effects
from orch_gates.tasks.configured import Configured
from orch_gates.tasks.edge import HeadOf


@dataclass(frozen=True, slots=True)
class RunRequest:
    """The work that is to begin: of a task, by a role; with an `attempt` that very one, which was queued before."""

    task: str
    role: str
    attempt: str = ""


@dataclass(frozen=True, slots=True)
class Began:
    """The job as it runs, and its task."""

    job: Job
    task: Task


@dataclass(frozen=True, slots=True)
class NotQueued:
    """The attempt does not wait any more, so nothing is run; `reason` says who runs it, or how it ended (JOB-1)."""

    job: Job
    reason: str


@dataclass(frozen=True, slots=True)
class CommandOutcome:
    """What the command came to: without an `exit_code` it was ended by us, whatever it said of itself."""

    exit_code: int | None
    reason: str
    ended: datetime
    output: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class RecordedEnd:
    """The job as it is now; `ours` says whether it ended as it was said, or somebody else ended it meanwhile.

    `ready`: the task's work counts as done again (ENG-9).
    """

    job: Job | None
    reason: str
    ours: bool
    ready: bool = False


@dataclass(frozen=True, slots=True)
class Runs:
    """Begins and ends runs for one process; `nonce` makes attempts, `runner` names it for people."""

    store: Store
    configured: Configured
    rules: WorkRules
    by: str
    runner: str
    process: Process
    ci: CiRun | None
    nonce: Callable[[], str]

    def begin(self, wanted: RunRequest, now: datetime) -> Began | NotQueued:
        """Record that the work begins here, unless that attempt began elsewhere.

        Raises:
            UsageError: there is no such task or attempt, or that is not its work now.
            JobWaits: it may begin later.
            StateError: it could not be recorded.
        """
        self.configured.agree(self.store)
        found: Began | NotQueued | UsageError | None = None

        def decision(snapshot: Snapshot) -> Change | None:
            nonlocal found
            self.configured.check(tasks.root_of(snapshot))
            task = tasks.need(snapshot, wanted.task).task
            if not wanted.attempt:
                self._require(task, wanted, now)
                found, change = self._by_hand(snapshot, task, wanted, now)
                return change
            page = book.find(snapshot, task.id, wanted.attempt)
            if page is None:
                shows = f"`orch-gates job list --task {task.id}` shows them"
                raise UsageError(f"{task.id} has no attempt {wanted.attempt}; {shows}")
            if page.job.status is not JobStatus.QUEUED:
                found = NotQueued(page.job, f"nothing is run: {state_of(page.job)}")
                return None
            if why := self._stale(task, page.job, wanted):
                found = UsageError(why)
                return _cancelled(page, why, now)
            self._require(task, wanted, now)
            self._require_idle(book.read(snapshot, task.id))
            found, change = self._begun(page, task, now)
            return change

        self.store.transact(decision, others_wait=True)
        assert found is not None
        if isinstance(found, UsageError):
            raise found
        return found

    def end(self, began: Began, outcome: CommandOutcome, head_of: HeadOf) -> RecordedEnd:
        """Record how it ended, unless somebody else ended it.

        Raises:
            StateError: it could not be recorded.
        """
        ending = _Ending(self.store, self.configured, began, outcome, head_of)
        try:
            return ending.record(outcome.output)
        except StateDenied:
            if not outcome.output:
                raise
        # A server's own rules may find in the output what is no secret here; how it ended counts more.
        return ending.record("", "the command's output is not saved: the server refused it")

    def _by_hand(self, snapshot: Snapshot, task: Task, wanted: RunRequest, now: datetime) -> tuple[Began, Change]:
        """The job that waits for this, or a new one, which has to be one of few enough."""
        found = book.read(snapshot, task.id)
        self._require_idle(found)
        mine = found.pages
        runs = runs_of(task, [page.job for page in mine])
        waiting = [
            page
            for page in mine
            if page.job in runs and page.job.status is JobStatus.QUEUED and page.job.role == wanted.role
        ]
        if waiting:
            return self._begun(waiting[-1], task, now)
        require_room(self.rules, wanted.role, book.read(snapshot, active=True).pages)
        number = max((run.number for run in runs), default=0) + 1
        queued = jobs.queued(task, wanted.role, self.nonce(), number, by=self.by, now=now)
        return self._begun(book.new(queued), task, now)

    def _begun(self, page: JobPage, task: Task, now: datetime) -> tuple[Began, Change]:
        job = jobs.begun(page.job, self.process, self.ci, self.runner, now)
        assert job is not None
        queued = [] if page.body else [f"queued as run {job.number} in {job.stage} [by {job.by}]"]
        writes = book.changed(page, job, now, *queued, f"begun by {job.runner}")
        change = Change(
            event="job-begin",
            task=job.task,
            subject=f"{job.task}: run {job.number} of {job.role} begins",
            body=f"attempt {job.attempt}, by {job.runner}",
            writes=writes,
        )
        return Began(job, task), change

    def _stale(self, task: Task, job: Job, wanted: RunRequest) -> str:
        """Why a job that waits is not the task's work any more; empty where it is."""
        if job.role != wanted.role:
            raise UsageError(f"job {job.attempt} of {job.task} is for role {job.role}, not {wanted.role}")
        if job.stage != task.stage or job.created < jobs.visit_began(task):
            return f"{task.id} had left stage {job.stage} before this job began"
        waits = task.state.finished or task.state.waits_for_a_person
        return f"{task.id} is {task.state} by now: {task.reason}" if waits else ""

    def _require(self, task: Task, wanted: RunRequest, now: datetime) -> None:
        stage = self.configured.pipeline_of(task).stage(task.stage)
        if task.state.finished:
            raise UsageError(f"{task.id} is {task.state}; nothing is left to do for it")
        if task.state.waits_for_a_person:
            go_on = "resume" if task.state is TaskState.HELD else "retry"
            raise UsageError(
                f"{task.id} is {task.state}: {task.reason}; to continue, run `orch-gates task {go_on} {task.id}`"
            )
        if stage is None:
            raise UsageError(f"{task.id} is in {task.stage}, which is not in the configured pipeline")
        if stage.role != wanted.role:
            raise UsageError(f"{task.id} is in stage {task.stage}, which is for role {stage.role}, not {wanted.role}")
        if task.available_at is not None and now < moment(task.available_at):
            raise JobWaits(f"{task.id} is deferred until {task.available_at}: {task.reason}")

    def _require_idle(self, found: Jobs) -> None:
        if found.quarantined:
            raise StateDocumentError(
                f"{found.quarantined[0].why}; could not check whether a job runs for this task: fix that file first"
            )
        for page in found.pages:
            if page.job.status is JobStatus.RUNNING:
                job = page.job
                raise JobWaits(
                    f"{job.task} already has a running job: {state_of(job)}; to stop it, run "
                    f"`orch-gates job cancel {job.task} --reason TEXT`"
                )


@dataclass(frozen=True, slots=True)
class _Ending:
    """The end of one run, which is recorded once."""

    store: Store
    configured: Configured
    began: Began
    outcome: CommandOutcome
    head_of: HeadOf

    def record(self, shown: str, note: str = "") -> RecordedEnd:
        outcome, attempt = self.outcome, self.began.job.attempt
        head = self._head()
        found: RecordedEnd | None = None

        def look_again() -> None:
            nonlocal head
            head = self._head()

        def decision(snapshot: Snapshot) -> Change | None:
            nonlocal found
            page = book.find(snapshot, self.began.task.id, attempt)
            if page is None:
                found = RecordedEnd(None, "its file on the state branch is gone", ours=False)
                return None
            over = jobs.ended(page.job, attempt, outcome.exit_code, outcome.reason, outcome.ended)
            if over is None:
                found = RecordedEnd(page.job, state_of(page.job), ours=False)
                return None
            line = f"{outcome.reason}, after {took(over)} [{over.status}]"
            lines = [one for one in (line, outcome.note, note) if one]
            writes = book.changed(page, over, outcome.ended, *lines, more=output.block(shown))
            ready = None if head is None else self._ready(snapshot, over, head)
            found = RecordedEnd(over, outcome.reason, ours=True, ready=ready is not None)
            return Change(
                event="job-end",
                task=over.task,
                subject=f"{over.task}: run {over.number} of {over.role} {over.status}",
                body="\n".join(lines),
                writes={**writes, **(ready.writes if ready is not None else {})},
            )

        self.store.transact(decision, look_again, others_wait=outcome.exit_code == 0)
        assert found is not None
        return found

    def _head(self) -> str | None:
        """The commit at the head of the task's branch; None where nothing depends on it, or it cannot be known."""
        sent = self.began.task.sent_back
        if self.outcome.exit_code != 0 or sent is None or sent.ready:
            return None
        try:
            return self.head_of(self.began.task.branch)
        except GitError:
            return None

    def _ready(self, snapshot: Snapshot, over: Job, head: str) -> Change | None:
        """The job's word that the work of a task that was sent back before was done again (ENG-9)."""
        try:
            page = tasks.find(snapshot, over.task)
            merge = edge.merge_of(snapshot, page.task) if page is not None else edge.NO_MERGE
        except StateDocumentError:
            return None
        if page is None or page.task.sent_back is None or page.task.sent_back.at > over.created:
            return None
        task, pipeline = page.task, self.configured.pipeline_of(page.task)
        if task.stage != over.stage or not spent.blocked(task, merge.head(lambda _: head, pipeline, task)):
            return None
        by = f"{over.role} (job {over.attempt}, {over.runner})"
        now, generation = self.outcome.ended, snapshot.generation + 1
        ready = events.MarkedReady(by, f"run {over.number} of its work ended well")
        decided = decide(task, ready, (), now, pipeline, generation=generation)
        if decided.refused or decided.task == task:
            return None
        return recorded(page, with_effects(decided, task, ()), by, now)


def require_room(rules: WorkRules, role: str, active: Sequence[JobPage]) -> None:
    """See that one more job of a role may run.

    Raises:
        JobWaits: as many run or wait to run as may.
    """
    if len(active) >= rules.most:
        raise JobWaits(f"{len(active)} jobs run or wait; the limit is {rules.most} (ORCH_JOBS_MAX_CONCURRENCY)")
    known = rules.roles.get(role)
    same = sum(page.job.role == role for page in active)
    if known is not None and known.most and same >= known.most:
        raise JobWaits(f"{same} jobs of {role} run or wait; the limit is {known.most} (roles.{role})")


def state_of(job: Job) -> str:
    """Where a job stands, in words."""
    which = f"run {job.number} of {job.role}"
    match job.status:
        case JobStatus.QUEUED:
            return f"{which} waits to begin since {job.created}"
        case JobStatus.RUNNING:
            return f"{which} is run by {job.runner} since {job.started}"
        case _:
            return f"{which} {job.status} at {job.ended}{f': {job.reason}' if job.reason else ''}"


def took(job: Job) -> str:
    """How long a job ran, or runs until its end is known; empty before it began."""
    if job.started is None or job.ended is None:
        return ""
    return f"{(moment(job.ended) - moment(job.started)).total_seconds():.0f} s"


def _cancelled(page: JobPage, why: str, now: datetime) -> Change:
    job = jobs.cancelled(page.job, why, now)
    assert job is not None
    return Change(
        event="job-cancel",
        task=job.task,
        subject=f"{job.task}: run {job.number} of {job.role} cancelled",
        body=why,
        writes=book.changed(page, job, now, f"cancelled: {why}"),
    )
