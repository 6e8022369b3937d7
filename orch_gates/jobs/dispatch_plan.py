"""Which work is to be started now, and what becomes of work that was started and never began: pure (JOB-1).

Whatever is started twice runs once, so where it is not known whether it was started, it is started again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import assert_never

from orch_gates.engine import jobs, work
from orch_gates.engine.board import turn
from orch_gates.engine.stages import Pipeline
from orch_gates.engine.work import AskPerson, Start, Wait, WorkRules
from orch_gates.forge.port.workflows import RunState
from orch_gates.model.ids import moment
from orch_gates.model.job import Dispatch, Job, JobStatus, Way
from orch_gates.model.task import Task, TaskState
from orch_gates.model.verdict import Verdict

# Whoever planned a dispatch asks for it at once; after this much time nobody does any more.
CLAIM = timedelta(minutes=1)
LONGEST_CLAIM = timedelta(hours=1)
# How long a started command may take to say that it runs, and a run of which nothing is known.
COMMAND_BEGINS = timedelta(minutes=2)
RUN_BEGINS = timedelta(minutes=15)
MOST_TRIES = 5


@dataclass(frozen=True, slots=True)
class DispatchFacts:
    """What the plan rests on: the tasks, their jobs, what stopped each on its edge, and the runs that were started.

    `stopped` are the tasks that nothing automatic may touch (REC-5); a run that could not be asked for is left out.
    """

    tasks: Sequence[Task]
    jobs: Mapping[str, Sequence[Job]]
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    stopped: frozenset[str] = frozenset()
    runs: Mapping[int, RunState] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DispatchPlan:
    """What is to be recorded: new jobs, jobs that changed, and the tasks that a person is asked about, with why.

    `starts` are the jobs, new or not, that are to be started once that is recorded.
    """

    new: tuple[Job, ...] = ()
    changed: tuple[Job, ...] = ()
    asks: tuple[tuple[Task, str], ...] = ()

    @property
    def starts(self) -> tuple[Job, ...]:
        """The jobs that are to be started now."""
        return tuple(job for job in (*self.new, *self.changed) if job.status is JobStatus.QUEUED)


def plan(
    facts: DispatchFacts,
    now: datetime,
    pipeline_of: Callable[[Task], Pipeline],
    rules: WorkRules,
    attempt_of: Callable[[str, int], str],
    by: str,
) -> DispatchPlan:
    """What is to be started, again or anew; of what has to wait for its turn, the task that waits longest comes first.

    `attempt_of` gives the attempt of the n-th run of a task's work: a random one, the same where it is asked again.
    """
    by_id: dict[str, Task] = {task.id: task for task in facts.tasks}
    changed = tuple(
        after
        for task, runs in sorted(facts.jobs.items())
        for job in runs
        if job.status is JobStatus.QUEUED and task not in facts.stopped
        if (after := _waiting(job, by_id.get(task), facts.runs, rules, now)) is not None
    )
    over = {job.attempt for job in changed if job.status.terminal}
    active = [
        job for runs in facts.jobs.values() for job in runs if not job.status.terminal and job.attempt not in over
    ]
    room = _Room(rules, Counter(job.role for job in active))
    new: list[Job] = []
    asks: list[tuple[Task, str]] = []
    for task in sorted(facts.tasks, key=turn):
        if task.id in facts.stopped or any(job.task == task.id for job in changed):
            continue
        # Also a job of the stage before works on the task's branch.
        if any(not job.status.terminal and job.attempt not in over for job in facts.jobs.get(task.id, ())):
            continue
        pipeline = pipeline_of(task)
        match work.need(task, facts.jobs.get(task.id, ()), facts.verdicts.get(task.id), now, pipeline, rules):
            case Start(role=role, number=number, head=head):
                if room.take(role.name, role.most):
                    attempt = attempt_of(task.id, number)
                    new.append(jobs.queued(task, role.name, attempt, number, by=by, now=now, way=role.way, head=head))
            case AskPerson(reason=reason):
                asks.append((task, reason))
            case Wait():
                pass
            case other:
                assert_never(other)
    return DispatchPlan(tuple(new), changed, tuple(asks))


class _Room:
    """How many more jobs may run at once."""

    def __init__(self, rules: WorkRules, active: Counter[str]) -> None:
        self._rules = rules
        self._active = active

    def take(self, role: str, most: int) -> bool:
        """Take a place for one more; false where there is none."""
        if self._active.total() >= self._rules.most or (most and self._active[role] >= most):
            return False
        self._active[role] += 1
        return True


def _waiting(job: Job, task: Task | None, runs: Mapping[int, RunState], rules: WorkRules, now: datetime) -> Job | None:
    """What a job becomes that waits to begin; None where it is left alone."""
    if task is None or task.stage != job.stage or task.state.finished or job.created < jobs.visit_began(task):
        return jobs.cancelled(job, "the task moved on before it began", now)
    if job.dispatch is None or job.dispatch.way not in rules.ways or task.state is not TaskState.ACTIVE:
        return None
    why, over = _lost(job.dispatch, runs, now)
    if not why:
        return None
    # A start that is not known to have been asked for proves nothing against the work.
    if over or (job.dispatch.sent is not None and job.dispatch.tries >= MOST_TRIES):
        return jobs.gave_up(job, f"{why}; it was started {job.dispatch.tries} times", now)
    return jobs.asked_again(job, job.dispatch.key, why, now)


def _lost(dispatch: Dispatch, runs: Mapping[int, RunState], now: datetime) -> tuple[str, bool]:
    """Why a start is known or taken to be lost, empty where it is waited for; and whether it is of no use again."""
    if dispatch.sent is None:
        # A forge that is down is asked ever more rarely, each time with a commit.
        due = min(LONGEST_CLAIM, CLAIM * 2 ** min(dispatch.tries - 1, 10))
        why = dispatch.reason or "unknown whether it was started"
        return (why if abs(now - moment(dispatch.planned)) >= due else ""), False
    # Where another clock was ahead, it is asked again rather than never.
    waited = abs(now - moment(dispatch.sent))
    if dispatch.way is Way.COMMAND:
        return ("its command never began" if waited >= COMMAND_BEGINS else ""), False
    match runs.get(dispatch.run, RunState.UNKNOWN):
        case RunState.WAITING | RunState.RUNNING:
            return "", False
        case RunState.CANCELLED:
            # A run that waits in a concurrency group is cancelled by a newer one, on Gitea always (build-facts §11).
            return f"CI run {dispatch.run} was cancelled before it began", False
        case RunState.FAILURE | RunState.SUCCESS | RunState.SKIPPED as ended:
            # Its job may just be recording that it runs; one that came too early ended well, and ran nothing.
            why = f"CI run {dispatch.run} ended ({ended}) without running it"
            return (why if waited >= CLAIM else ""), ended is RunState.FAILURE
        case RunState.UNKNOWN:
            return ("its CI run never began" if waited >= RUN_BEGINS else ""), False
        case other:
            assert_never(other)
