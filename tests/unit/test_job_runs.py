"""When a run begins, what it becomes at its end, and what follows for its task: on a state branch in memory."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from orch_gates.engine import legality
from orch_gates.engine.work import Role, WorkRules
from orch_gates.errors import GitError, JobWaits, StateDocumentError, UsageError
from orch_gates.jobs import book
from orch_gates.jobs.run import Began, CommandOutcome, NotQueued, RecordedEnd, RunRequest, Runs
from orch_gates.model.ids import TaskId, timestamp
from orch_gates.model.job import Job, JobStatus, Process, Way
from orch_gates.state import codec, layout
from tests.step_rig import A, B, Rig
from tests.tasks_builders import NOW, make_job, make_task

HERE = Process(host="one boot", pid=7, started="99")
MINE = RunRequest("T-1", "developer")
T1 = TaskId("T-1")


def runs(rig: Rig, rules: WorkRules | None = None) -> Runs:
    numbers = itertools.count(1)
    return Runs(
        rig.store,
        rig.configured,
        rules or WorkRules(),
        by="ann",
        runner="ann on here",
        process=HERE,
        ci=None,
        nonce=lambda: f"{next(numbers):016x}",
    )


def put(rig: Rig, **values: Any) -> Job:
    """A job as somebody else left it."""
    job = make_job(**values)
    rig.write(layout.job_path(job.task, job.attempt), codec.encode(job, ""))
    return job


def queued(rig: Rig, **values: Any) -> Job:
    return put(rig, status="queued", attempt="f" * 16, created=timestamp(NOW), **values)


def task(rig: Rig, **values: Any) -> None:
    rig.write(layout.task_path(T1), codec.encode(make_task(since=timestamp(NOW), **values), ""))


def begun(rig: Rig, wanted: RunRequest = MINE) -> Began:
    found = runs(rig).begin(wanted, NOW)
    assert isinstance(found, Began)
    return found


def ended(
    rig: Rig, began: Began, code: int | None = 0, head_of: Callable[[str], str] = lambda _: A, **values: Any
) -> RecordedEnd:
    conclusion = CommandOutcome(code, f"exit code {code}", NOW + timedelta(seconds=3), **values)
    return runs(rig).end(began, conclusion, head_of)


def stored(rig: Rig, attempt: str = f"{1:016x}") -> Job:
    page = book.find(rig.store.load(), T1, attempt)
    assert page is not None
    return page.job


def test_a_run_that_nobody_queued_is_made_and_begun_at_once() -> None:
    """One commit, and what it makes is legal."""
    rig = Rig()
    before = rig.commits
    job = begun(rig).job
    assert rig.commits == before + 1
    assert (job.status, job.number, job.by, job.runner, job.dispatch) == ("running", 1, "ann", "ann on here", None)
    assert legality.job_change(None, stored(rig)) == ()


def test_the_runs_of_one_visit_are_numbered() -> None:
    """Those of an earlier visit to the stage are of no matter."""
    rig = Rig()
    put(rig, status="failed", number=7, attempt="e" * 16, created=timestamp(NOW - timedelta(days=1)))
    put(rig, status="failed", number=2, attempt="d" * 16, created=timestamp(NOW))
    assert begun(rig).job.number == 3


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        (
            {"state": "held", "reason": "legal"},
            UsageError,
            "is held: legal; to continue, run `orch-gates task resume T-1`",
        ),
        (
            {"state": "escalated", "reason": "red"},
            UsageError,
            "is escalated: red; to continue, run `orch-gates task retry T-1`",
        ),
        ({"state": "cancelled"}, UsageError, "is cancelled"),
        ({"state": "done", "stage": "done"}, UsageError, "is done"),
        ({"stage": "review"}, UsageError, "which is for role reviewer, not developer"),
        ({"stage": "gone"}, UsageError, "not in the configured pipeline"),
        (
            {"state": "deferred", "available_at": timestamp(NOW + timedelta(minutes=1))},
            JobWaits,
            "is deferred until",
        ),
    ],
)
def test_what_does_not_begin(values: dict[str, Any], error: type[Exception], message: str) -> None:
    """With words that say what to do; nothing is written."""
    rig = Rig()
    task(rig, **values)
    before = rig.commits
    with pytest.raises(error, match=message):
        runs(rig).begin(MINE, NOW)
    assert rig.commits == before


def test_a_deferred_task_whose_time_has_come_begins() -> None:
    rig = Rig()
    task(rig, state="deferred", available_at=timestamp(NOW))
    assert begun(rig).job.status is JobStatus.RUNNING


def test_a_dispatch_for_a_deferred_task_waits_on() -> None:
    """It is not lost: it may begin later."""
    rig = Rig()
    task(rig, state="deferred", available_at=timestamp(NOW + timedelta(minutes=1)))
    job = queued(rig)
    with pytest.raises(JobWaits):
        runs(rig).begin(RunRequest("T-1", "developer", job.attempt), NOW)
    assert stored(rig, job.attempt).status is JobStatus.QUEUED


@pytest.mark.parametrize(
    "values",
    [
        {"state": "held"},
        {"state": "escalated"},
        {"state": "cancelled"},
        {"stage": "review"},
        {"resumed": timestamp(NOW + timedelta(seconds=1))},
    ],
)
def test_a_dispatch_that_comes_too_late_is_over(values: dict[str, Any]) -> None:
    """Else it would wait, and be counted, for ever."""
    rig = Rig()
    task(rig, **values)
    job = queued(rig)
    with pytest.raises(UsageError):
        runs(rig).begin(RunRequest("T-1", "developer", job.attempt), NOW)
    assert stored(rig, job.attempt).status is JobStatus.CANCELLED
    assert legality.job_change(job, stored(rig, job.attempt)) == ()


def test_a_role_that_was_not_meant_leaves_the_dispatch_alone() -> None:
    rig = Rig()
    job = queued(rig)
    with pytest.raises(UsageError, match="is for role developer, not tester"):
        runs(rig).begin(RunRequest("T-1", "tester", job.attempt), NOW)
    assert stored(rig, job.attempt) == job


@pytest.mark.parametrize("status", ["running", "succeeded", "failed", "cancelled"])
def test_a_dispatch_that_arrives_again_runs_nothing(status: str) -> None:
    """JOB-1: also where the task has moved on, is held, or is deferred by then."""
    for values in ({}, {"state": "held"}, {"stage": "review"}):
        rig = Rig()
        task(rig, **values)
        job = put(rig, status=status)
        found = runs(rig).begin(RunRequest("T-1", "developer", job.attempt), NOW)
        assert isinstance(found, NotQueued)
        assert "nothing is run" in found.reason
        assert stored(rig, job.attempt) == job


def test_what_waits_is_taken_and_needs_no_room() -> None:
    """It has its place already."""
    rig = Rig()
    job = queued(rig)
    found = runs(rig, WorkRules(most=1)).begin(MINE, NOW)
    assert isinstance(found, Began)
    assert found.job.attempt == job.attempt


def test_the_bounds_count_what_waits_and_what_runs() -> None:
    """Of every task; what is over is not counted, nor what cannot be read (JOB-1)."""
    rig = Rig()
    for number, status in enumerate(("queued", "running", "failed", "succeeded", "cancelled")):
        job = make_job(task=f"T-{number + 2}", status=status, attempt=f"{number:x}" * 16)
        rig.write(layout.job_path(job.task, job.attempt), codec.encode(job, ""))
    rig.write(layout.job_path(TaskId("T-9"), "9" * 16), "---\nno: job\n---\n")
    roles = {"developer": Role("developer", Way.COMMAND, "x", most=2)}
    for rules in (WorkRules(most=2), WorkRules(roles, most=9)):
        with pytest.raises(JobWaits, match="the limit is 2"):
            runs(rig, rules).begin(MINE, NOW)
    assert isinstance(runs(rig, WorkRules(most=3)).begin(MINE, NOW), Began)


def test_a_task_is_worked_on_once_at_a_time() -> None:
    """Whatever stage the other work is of, and also for one that is dispatched."""
    rig = Rig()
    put(rig, stage="review", role="reviewer", attempt="e" * 16)
    job = queued(rig)
    for wanted in (MINE, RunRequest("T-1", "developer", job.attempt)):
        with pytest.raises(JobWaits, match="already has a running job"):
            runs(rig).begin(wanted, NOW)


def test_a_job_that_cannot_be_read_may_be_at_work() -> None:
    """P2: whether somebody works on the task could not be told, so nobody else begins; ST-6: other tasks go on."""
    rig = Rig()
    rig.write(layout.job_path(T1, "9" * 16), "---\nno: job\n---\n")
    for attempt in ("9" * 16, ""):
        with pytest.raises(StateDocumentError):
            runs(rig).begin(RunRequest("T-1", "developer", attempt), NOW)
    other = layout.job_path(TaskId("T-2"), "9" * 16)
    rig = Rig()
    rig.write(other, "---\nno: job\n---\n")
    assert begun(rig).job.number == 1


# ---- the end


@pytest.mark.parametrize(("code", "status"), [(0, "succeeded"), (3, "failed"), (-15, "failed"), (None, "failed")])
def test_how_it_ends(code: int | None, status: str) -> None:
    """Once; a second word about it changes nothing (REAP-2)."""
    rig = Rig()
    began = begun(rig)
    found = ended(rig, began, code, output="one\n")
    assert found.ours
    assert (stored(rig).status, stored(rig).exit_code) == (status, code)
    assert legality.job_change(began.job, stored(rig)) == ()
    before = rig.commits
    again = ended(rig, began, 0 if code else 3)
    assert (again.ours, rig.commits) == (False, before)
    assert f"run 1 of developer {status} at" in again.reason


@pytest.mark.parametrize("by", ["reaper", "person"])
def test_what_somebody_else_ended_stays_so(by: str) -> None:
    rig = Rig()
    began = begun(rig)
    over = {"status": "failed" if by == "reaper" else "cancelled", "ended": timestamp(NOW), "reason": by}
    put(rig, **began.job.fields() | over)
    assert not ended(rig, began).ours
    assert stored(rig).reason == by


def sent_back(rig: Rig, **values: Any) -> None:
    found = {"head": A, "at": timestamp(NOW), "ready": False, "spent": (), "charged": ()} | values
    task(rig, head=A, sent_back=found)


def test_a_run_that_ended_well_says_that_the_work_was_done_again() -> None:
    """ENG-9: in the very commit that ends it, by its name (ENG-11)."""
    rig = Rig()
    sent_back(rig)
    began = begun(rig)
    before = rig.commits
    assert ended(rig, began).ready
    assert rig.commits == before + 1
    assert rig.task.sent_back is not None
    assert rig.task.sent_back.ready
    assert began.job.attempt in rig.task.cause


@pytest.mark.parametrize(
    ("code", "head_of", "values"),
    [
        (3, lambda _: A, {}),
        (None, lambda _: A, {}),
        (0, lambda _: B, {}),
        (0, lambda _: A, {"ready": True}),
    ],
)
def test_it_says_so_only_where_that_is_needed(
    code: int | None, head_of: Callable[[str], str], values: dict[str, Any]
) -> None:
    """Not where it failed, where there is a new commit, or where somebody said so before."""
    rig = Rig()
    sent_back(rig, **values)
    began, before = begun(rig), rig.task
    assert not ended(rig, began, code, head_of).ready
    assert rig.task == before


def test_a_run_of_before_the_task_was_sent_back_says_nothing() -> None:
    """What it did is what was red."""
    rig = Rig()
    sent_back(rig)
    began = begun(rig)
    sent_back(rig, at=timestamp(NOW + timedelta(seconds=1)))
    assert ended(rig, began).ours
    assert rig.task.sent_back is not None
    assert not rig.task.sent_back.ready


def test_a_head_that_cannot_be_asked_for_keeps_no_job_running() -> None:
    """Nor does a document beside it that cannot be read: how it ended is recorded, and nothing else is said (P3)."""

    def away(_branch: str) -> str:
        raise GitError("the server is away")

    rig = Rig()
    sent_back(rig)
    found = ended(rig, begun(rig), 0, away)
    assert (found.ours, found.ready) == (True, False)
    rig = Rig()
    sent_back(rig)
    began = begun(rig)
    rig.write(layout.attempt_path(T1), "---\nno: attempt\n---\n")
    assert (ended(rig, began).ours, stored(rig).status) == (True, "succeeded")


def test_a_race_is_decided_again() -> None:
    """P6: whoever writes meanwhile changes nothing about how it ended, but who ended it first counts."""
    rig = Rig()
    began = begun(rig)
    rig.remote.before_push = lambda: rig.write("sweep/x.md", "---\na: 1\n---\n")
    assert ended(rig, began, 3).ours
    rig = Rig()
    began = begun(rig)
    over = {"status": "cancelled", "ended": timestamp(NOW), "reason": "a person"}
    rig.remote.before_push = lambda: put(rig, **began.job.fields() | over)
    assert not ended(rig, began, 3).ours
    assert stored(rig).reason == "a person"
