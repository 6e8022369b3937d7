"""What a person does to the jobs of a task: cancel one, or have its work tried again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from orch_gates.engine import events, jobs
from orch_gates.engine.decide import decide
from orch_gates.engine.work import Role, WorkRules, failed_work, runs_of
from orch_gates.errors import JobWaits, UsageError
from orch_gates.jobs import book
from orch_gates.jobs.book import JobPage
from orch_gates.jobs.run import require_room, state_of
from orch_gates.model.feedback import one_line
from orch_gates.model.job import Job
from orch_gates.model.task import Task, TaskState
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Change, Store
from orch_gates.tasks import book as tasks
from orch_gates.tasks.change import recorded, with_effects
from orch_gates.tasks.configured import Configured


@dataclass(frozen=True, slots=True)
class JobAnswer:
    """What became of it, in one line; `job` is the one that it is about, as it was before.

    `refused`: nothing was done.
    """

    line: str
    job: Job | None = None
    refused: bool = False


def chosen(pages: Sequence[JobPage], which: str) -> JobPage | None:
    """The job that a person names by its attempt, the beginning of that, or its number; of a number the newest."""
    numbered = [page for page in pages if which.isdecimal() and str(page.job.number) == which]
    found = numbered[-1:] or [page for page in pages if which and page.job.attempt.startswith(which)]
    return found[0] if len(found) == 1 else None


def need(pages: Sequence[JobPage], task: str, which: str) -> JobPage:
    """As `chosen`; without a name the newest.

    Raises:
        UsageError: there is no such job, or several.
    """
    found = chosen(pages, which) if which else (pages[-1] if pages else None)
    if found is None:
        what = f"no job {which}, or several whose ids begin like that" if which else "no job"
        raise UsageError(f"{task} has {what}; `orch-gates job list --task {task} --all` shows those there are")
    return found


def cancel(store: Store, name: str, which: str, reason: str, *, by: str, now: datetime) -> JobAnswer:
    """End a job of a task by a person's word; without a name it is the one that runs or waits.

    Raises:
        UsageError: there is no such task or job, or several run or wait.
        StateError: it could not be recorded.
    """
    found: JobAnswer | None = None
    why = one_line(f"cancelled by {by}: {reason}")

    def decision(snapshot: Snapshot) -> Change | None:
        nonlocal found
        task = tasks.need(snapshot, name).task
        pages = book.jobs_of(snapshot, task.id)
        active = [page for page in pages if not page.job.status.terminal]
        if not which and len(active) > 1:
            attempts = ", ".join(page.job.attempt for page in active)
            raise UsageError(f"{name} has {len(active)} unfinished jobs; name one of {attempts}")
        page = need(pages if which or not active else active, name, which)
        over = jobs.cancelled(page.job, why, now)
        found = JobAnswer(
            why if over is not None else f"it has ended: {state_of(page.job)}", page.job, refused=over is None
        )
        if over is None:
            return None
        return Change(
            event="job-cancel",
            task=over.task,
            subject=f"{over.task}: run {over.number} of {over.role} cancelled",
            body=why,
            writes=book.changed(page, over, now, why),
        )

    store.transact(decision)
    assert found is not None
    return found


@dataclass(frozen=True, slots=True)
class Retry:
    """A person's word that the work of a task is to be tried again; `nonce` makes attempts."""

    store: Store
    configured: Configured
    rules: WorkRules
    by: str
    reason: str
    now: datetime
    nonce: Callable[[], str]

    def ask(self, name: str) -> JobAnswer:
        """Let a task go on whose work failed, and queue a run of it where its role is dispatched.

        Raises:
            UsageError: there is no such task.
            JobWaits: it is worked on, or as many jobs run as may.
            StateError: it could not be recorded.
        """
        self.configured.agree(self.store)
        found: JobAnswer | None = None

        def decision(snapshot: Snapshot) -> Change | None:
            nonlocal found
            self.configured.check(tasks.root_of(snapshot))
            found, change = self._decided(snapshot, tasks.need(snapshot, name))
            return change

        self.store.transact(decision)
        assert found is not None
        return found

    def _decided(self, snapshot: Snapshot, page: tasks.TaskPage) -> tuple[JobAnswer, Change | None]:
        task, resumed, done = page.task, None, ""
        if failed_work(task):
            event = events.ResumeRequested(self.by, self.reason)
            pipeline, generation = self.configured.pipeline_of(task), snapshot.generation + 1
            decided = with_effects(decide(task, event, (), self.now, pipeline, generation=generation), task, ())
            task, resumed, done = decided.task, recorded(page, decided, self.by, self.now), "it goes on, and "
        elif task.state is not TaskState.ACTIVE:
            return JobAnswer(f"it is {task.state}: {task.reason}{_way_on(task)}", refused=True), None
        pages = book.jobs_of(snapshot, task.id)
        busy = next((one.job for one in pages if not one.job.status.terminal and one.job.stage == task.stage), None)
        if busy is not None:
            raise JobWaits(f"{task.id} already has a job: {state_of(busy)}")
        role = self._role(task)
        if role is None:
            stage = self.configured.pipeline_of(task).stage(task.stage)
            who = stage.role if stage is not None else "ROLE"
            line = f"no role here starts this job; run `orch-gates job run --task {task.id} --role {who} -- COMMAND`"
            return JobAnswer(f"{done}{line}", refused=resumed is None), resumed
        try:
            require_room(self.rules, role.name, book.read(snapshot, active=True).pages)
        except JobWaits as error:
            if resumed is None:
                raise
            return JobAnswer(f"{done}its job starts when another one ends: {error}"), resumed
        return self._queued(task, role, [one.job for one in pages], resumed, done)

    def _queued(
        self, task: Task, role: Role, earlier: Sequence[Job], resumed: Change | None, done: str
    ) -> tuple[JobAnswer, Change]:
        number = max((run.number for run in runs_of(task, earlier)), default=0) + 1
        job = jobs.queued(task, role.name, self.nonce(), number, by=self.by, now=self.now, way=role.way)
        line = f"queued as run {number} in {task.stage} [by {self.by}]{f': {self.reason}' if self.reason else ''}"
        writes = book.changed(book.new(job), job, self.now, line)
        change = Change(
            event="job-retry",
            task=task.id,
            subject=f"{task.id}: run {number} of {role.name} is requested",
            body=line,
            writes={**(resumed.writes if resumed is not None else {}), **writes},
        )
        return JobAnswer(f"{done}run {number} of {role.name} is queued ({role.starts})", job), change

    def _role(self, task: Task) -> Role | None:
        stage = self.configured.pipeline_of(task).stage(task.stage)
        return None if stage is None or stage.human else self.rules.roles.get(stage.role)


def _way_on(task: Task) -> str:
    match task.state:
        case TaskState.HELD:
            return f"; `orch-gates task resume {task.id}` continues it"
        case TaskState.ESCALATED | TaskState.DEFERRED:
            return f"; `orch-gates task retry {task.id}` continues it"
        case _:
            return ""
