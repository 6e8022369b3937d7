"""How a job changes: asked for, begun, ended; pure, and None where a guard forbids it (JOB-1, REAP-2)."""

from __future__ import annotations

from datetime import datetime

from orch_gates.model.feedback import one_line
from orch_gates.model.ids import timestamp
from orch_gates.model.job import CiRun, Dispatch, Job, JobStatus, Process, Way
from orch_gates.model.task import Task


def visit_began(task: Task) -> str:
    """Since when the work of a task's stage is to be done: it came in, was sent back there, or was let go on."""
    sent_back = task.sent_back.at if task.sent_back is not None else ""
    return max(task.since, sent_back, task.resumed or "")


def queued(
    task: Task,
    role: str,
    attempt: str,
    number: int,
    *,
    by: str,
    now: datetime,
    way: Way | None = None,
    head: str = "",
) -> Job:
    """A job that waits to begin; with a `way` it is to be dispatched. `head`: another commit than the task's last one.

    It belongs to the task's present visit of its stage, also where another machine's clock was ahead when that began.
    """
    at = timestamp(now)
    dispatch = Dispatch(way=way, tries=1, planned=at, sent=None, run=0, reason="") if way is not None else None
    return Job(
        task=task.id,
        stage=task.stage,
        role=role,
        attempt=attempt,
        number=number,
        status=JobStatus.QUEUED,
        reason="",
        by=one_line(by),
        head=head or task.head,
        created=max(at, visit_began(task)),
        started=None,
        ended=None,
        exit_code=None,
        runner="",
        process=None,
        run=None,
        dispatch=dispatch,
    )


def begun(job: Job, process: Process, run: CiRun | None, runner: str, now: datetime) -> Job | None:
    """The job as this process runs it; None where it does not wait any more: somebody else runs it (JOB-1)."""
    if job.status is not JobStatus.QUEUED:
        return None
    update = {
        "status": JobStatus.RUNNING,
        "reason": "",
        "started": timestamp(now),
        "process": process,
        "run": run,
        "runner": one_line(runner),
    }
    return job.model_copy(update=update)


def ended(job: Job, seen: str, exit_code: int | None, reason: str, now: datetime) -> Job | None:
    """The job as it ended, `seen` being the attempt that was seen running; None where that is not so any more (REAP-2).

    Without an `exit_code` it died: what its command came to is not known.
    """
    if job.status is not JobStatus.RUNNING or job.attempt != seen:
        return None
    status = JobStatus.SUCCEEDED if exit_code == 0 else JobStatus.FAILED
    return _over(job, status, reason, now, exit_code)


def gave_up(job: Job, reason: str, now: datetime) -> Job | None:
    """A queued job that could not be started; None where it does not wait any more."""
    return _over(job, JobStatus.FAILED, reason, now, None) if job.status is JobStatus.QUEUED else None


def cancelled(job: Job, reason: str, now: datetime) -> Job | None:
    """The job as a person ended it; None where it is over."""
    return None if job.status.terminal else _over(job, JobStatus.CANCELLED, reason, now, None)


def sent(job: Job, key: str, run: int, now: datetime) -> Job | None:
    """The job with its dispatch confirmed; None where it began meanwhile, or was asked for again."""
    if job.status is not JobStatus.QUEUED or job.dispatch is None or job.dispatch.key != key:
        return None
    return job.model_copy(update={"dispatch": job.dispatch.model_copy(update={"sent": timestamp(now), "run": run})})


def not_started(job: Job, key: str, reason: str) -> Job | None:
    """The job with the reason why it could not be started, which says nothing against the work; None as for `sent`."""
    if job.status is not JobStatus.QUEUED or job.dispatch is None or job.dispatch.key != key:
        return None
    why = one_line(f"it could not be started: {reason}")
    return job.model_copy(update={"dispatch": job.dispatch.model_copy(update={"reason": why})})


def asked_again(job: Job, key: str, reason: str, now: datetime) -> Job | None:
    """The job with its dispatch planned once more; None where it began meanwhile, or was asked for again."""
    if job.status is not JobStatus.QUEUED or job.dispatch is None or job.dispatch.key != key:
        return None
    update = {
        "tries": job.dispatch.tries + 1,
        "planned": timestamp(now),
        "sent": None,
        "run": 0,
        "reason": one_line(reason),
    }
    return job.model_copy(update={"dispatch": job.dispatch.model_copy(update=update)})


def _over(job: Job, status: JobStatus, reason: str, now: datetime, exit_code: int | None) -> Job:
    update = {"status": status, "reason": one_line(reason), "ended": timestamp(now), "exit_code": exit_code}
    return job.model_copy(update=update)
