"""Whether the work of a task's stage is to be done now, waits, or has failed too often: pure (JOB-1, REAP-3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias, assert_never

from orch_gates.engine import spent
from orch_gates.engine.jobs import visit_began
from orch_gates.engine.stages import Pipeline
from orch_gates.model.feedback import one_line
from orch_gates.model.ids import moment, timestamp
from orch_gates.model.job import Job, JobStatus, Way
from orch_gates.model.task import Task, TaskState
from orch_gates.model.verdict import Outcome, Verdict

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=15)
_FAILED = "its work failed"


@dataclass(frozen=True, slots=True)
class Role:
    """How the work of a role is started: a local command, or a workflow of the forge on a branch.

    `ref` is empty for the target branch. At most `most` jobs of it run at once; 0 for no bound of its own.
    """

    name: str
    way: Way
    command: str = ""
    workflow: str = ""
    ref: str = ""
    most: int = 0

    @property
    def starts(self) -> str:
        """What starts it, for people."""
        if self.way is Way.COMMAND:
            return f"command: {one_line(self.command)}"
        return f"workflow: {self.workflow}{f' on {self.ref}' if self.ref else ''}"


@dataclass(frozen=True, slots=True)
class WorkRules:
    """The roles that are dispatched, and what bounds them.

    `attempts` runs may fail before a person is asked. A job that ended well has its gate green within `evidence`.
    `ways` are those that can be used from here.
    """

    roles: Mapping[str, Role] = field(default_factory=dict)
    most: int = 4
    attempts: int = 3
    grace: timedelta = timedelta(minutes=2)
    evidence: timedelta = timedelta(minutes=30)
    ways: frozenset[Way] = frozenset(Way)


@dataclass(frozen=True, slots=True)
class Start:
    """The work is to be started: the `number`-th run of it, about `head`; empty for the task's last commit."""

    role: Role
    number: int
    head: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is to be started; `reason` says what is waited for."""

    reason: str


@dataclass(frozen=True, slots=True)
class AskPerson:
    """It failed as often as it may: a person is asked, with the reason of every run."""

    reason: str


Need: TypeAlias = Start | Wait | AskPerson


def runs_of(task: Task, jobs: Sequence[Job]) -> tuple[Job, ...]:
    """The runs of the work that a task is at now, the oldest first."""
    began = visit_began(task)
    found = (job for job in jobs if job.task == task.id and job.stage == task.stage and job.created >= began)
    return tuple(sorted(found, key=lambda job: (job.created, job.number)))


@dataclass(frozen=True, slots=True)
class WorkStatus:
    """What the work of a task has come to, for people; `next_action` is what follows and `when`, empty for nothing."""

    line: str
    next_action: str = ""
    when: str = "by itself"


def work_status(task: Task, jobs: Sequence[Job], pipeline: Pipeline, rules: WorkRules) -> WorkStatus | None:
    """What the newest run of a task's work does, or did; None where none was made and nobody starts one."""
    runs = runs_of(task, jobs)
    stage = pipeline.stage(task.stage)
    starts = None if stage is None or stage.human else rules.roles.get(stage.role)
    if not runs:
        return WorkStatus(f"its {starts.name} is not started yet", "a sweep starts it") if starts else None
    last = runs[-1]
    who = f"run {last.number} ({last.role})"
    match last.status:
        case JobStatus.QUEUED:
            why = last.dispatch.reason if last.dispatch is not None and last.dispatch.sent is None else ""
            line = f"{who} is queued since {last.created}{f': {why}' if why else ''}"
            return WorkStatus(line, f"{who} begins")
        case JobStatus.RUNNING:
            return WorkStatus(f"{who} is running since {last.started}: {last.runner}", f"{who} ends")
        case JobStatus.CANCELLED:
            return WorkStatus(f"{who} was cancelled: {last.reason}")
        case JobStatus.SUCCEEDED:
            return WorkStatus(f"{who} succeeded at {last.ended}", "a sweep evaluates the gate again" if starts else "")
        case JobStatus.FAILED:
            more = starts is not None and len(runs) < rules.attempts
            due = timestamp(_due(last, len([run for run in runs if run.status is not JobStatus.CANCELLED])))
            return WorkStatus(
                f"{who} failed: {last.reason}", f"a sweep starts the next run after {due}" if more else ""
            )
        case _:
            assert_never(last.status)


def failed_work(task: Task) -> bool:
    """Whether a person is asked about a task because its work failed as often as it may, see `AskPerson`."""
    return task.state is TaskState.HELD and task.reason.startswith(_FAILED)


def need(
    task: Task, jobs: Sequence[Job], verdict: Verdict | None, now: datetime, pipeline: Pipeline, rules: WorkRules
) -> Need:
    """What is to be done about the work of a task; `verdict` is what stops it on its edge, None where nobody asked.

    The gate decides whether a run that ended well did its work (REAP-3): red, it counts as one that failed.
    """
    stage = pipeline.stage(task.stage)
    role = None if stage is None or stage.human else rules.roles.get(stage.role)
    if role is None or role.way not in rules.ways:
        return Wait("no sweep can start it here")
    if task.state is not TaskState.ACTIVE:
        return Wait(f"the task is {task.state}")
    runs = runs_of(task, jobs)
    anew = verdict.anew if verdict is not None else ""
    if not runs:
        return Start(role, 1, anew)
    # What was done about a commit that ours caught up since is done again, and was no failure (ENG-12).
    failed = [run for run in runs if run.status is not JobStatus.CANCELLED and anew in {"", run.head}]
    active = next((run for run in runs if not run.status.terminal), None)
    if active is None and not failed and runs[-1].status is not JobStatus.CANCELLED:
        return Start(role, runs[-1].number + 1, anew)
    if why := _waits(task, active or runs[-1], verdict, now, rules):
        return Wait(why)
    if len(failed) >= rules.attempts:
        return AskPerson(_reasons(failed, verdict))
    if now < _due(runs[-1], len(failed)):
        return Wait(f"run {runs[-1].number} failed: {runs[-1].reason}; the next one starts after a pause")
    return Start(role, runs[-1].number + 1, anew)


def _waits(task: Task, last: Job, verdict: Verdict | None, now: datetime, rules: WorkRules) -> str:
    """What the newest run waits for; empty where it is known to have failed."""
    if not last.status.terminal:
        return f"run {last.number} is {last.status}"
    if last.status is JobStatus.CANCELLED:
        return f"run {last.number} was cancelled; `orch-gates job retry {task.id}` starts another one"
    return _unfinished(task, last, verdict, now, rules) if last.status is JobStatus.SUCCEEDED else ""


def _due(last: Job, failed: int) -> datetime:
    """When the next run may start: what died gets a pause, a gate that is red has been waited for already."""
    assert last.ended is not None
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failed - 1, 10))
    return moment(last.ended) + (pause if last.status is JobStatus.FAILED else timedelta(0))


def _unfinished(task: Task, last: Job, verdict: Verdict | None, now: datetime, rules: WorkRules) -> str:
    """Why a run that ended well is not held against its gate yet; empty where the gate is red in spite of it."""
    assert last.ended is not None
    ended = moment(last.ended)
    if verdict is None or now < ended + rules.grace:
        return f"run {last.number} succeeded; its gate is evaluated again"
    if verdict.outcome is not Outcome.FAIL:
        return f"{verdict.gate}: {verdict.outcome}, {verdict.reason}"
    if (verdict.absent or spent.blocked(task, task.head)) and now < ended + rules.evidence:
        return f"{verdict.gate}: {verdict.reason}"
    return ""


def _reasons(runs: Sequence[Job], verdict: Verdict | None) -> str:
    lines = [f"run {run.number} {run.status}{f' ({run.reason})' if run.reason else ''}" for run in runs]
    red = f"; {verdict.gate}: {verdict.reason}" if verdict is not None and verdict.outcome is Outcome.FAIL else ""
    return f"{_FAILED} {len(runs)} times: {'; '.join(lines)}{red}"
