"""Which work starts now, and what becomes of a start that was lost: the plan of dispatches (JOB-1)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orch_gates.engine import legality
from orch_gates.engine.jobs import not_started
from orch_gates.engine.stages import DEFAULT, Pipeline
from orch_gates.engine.work import Role, WorkRules
from orch_gates.forge.port.workflows import RunState
from orch_gates.jobs.dispatch_plan import MOST_TRIES, DispatchFacts, DispatchPlan, plan
from orch_gates.jobs.dispatcher import Dispatcher, RunNames
from orch_gates.model.ids import timestamp
from orch_gates.model.job import Job, JobStatus, Way
from orch_gates.model.task import Task, TaskState
from orch_gates.state import codec, layout
from orch_gates.state.kinds import TASK
from tests.tasks_builders import BEFORE, NOW, make_job, make_task

ROLES = {
    "developer": Role("developer", Way.WORKFLOW, workflow="develop.yml", most=2),
    "tester": Role("tester", Way.COMMAND, command="./test"),
}
RULES = WorkRules(ROLES, most=3)


def default(_task: Task) -> Pipeline:
    return DEFAULT


def planned(tasks: list[Task], jobs: list[Job] | None = None, rules: WorkRules = RULES, **facts: Any) -> DispatchPlan:
    by_task: dict[str, list[Job]] = {}
    for job in jobs or []:
        by_task.setdefault(job.task, []).append(job)
    names = (f"{number:016x}" for number in itertools.count(1))
    return plan(DispatchFacts(tasks, by_task, **facts), NOW, default, rules, lambda _task, _number: next(names), "ann")


def waiting(seconds: float = 0, *, sent: float | None = None, tries: int = 1, run: int = 0, **changes: Any) -> Job:
    """A queued job whose start was planned so long ago, and confirmed so long ago."""
    dispatch = {
        "way": changes.pop("way", "workflow"),
        "tries": tries,
        "planned": timestamp(NOW - timedelta(seconds=seconds)),
        "sent": None if sent is None else timestamp(NOW - timedelta(seconds=sent)),
        "run": run,
        "reason": "",
    }
    return make_job(status="queued", dispatch=dispatch, **changes)


def test_who_waits_longest_is_started_first_and_no_more_than_fit() -> None:
    """A role's own bound, then the repository's; a task that has to wait blocks no other."""
    since = [timestamp(NOW - timedelta(minutes=minutes)) for minutes in (10, 20, 30)]
    tasks = [make_task(id=f"T-{number}", since=moment) for number, moment in enumerate(since)]
    tasks += [make_task(id=f"T-{number}", stage="testing") for number in (7, 8)]
    started = planned(tasks).new
    assert [(job.task, job.role) for job in started] == [("T-7", "tester"), ("T-8", "tester"), ("T-2", "developer")]
    assert [job.dispatch and job.dispatch.way for job in started] == [Way.COMMAND, Way.COMMAND, Way.WORKFLOW]
    assert all(job.by == "ann" and legality.job_change(None, job) == () for job in started)
    assert len(planned(tasks[:3]).new) == 2


def test_what_the_forge_refuses_to_start_stays_queued_and_is_no_failed_run() -> None:
    """A token that has expired holds no task, however often it is tried: the reason is kept, and it is tried again."""
    job, task = waiting(seconds=60), make_task()
    for _ in range(2 * MOST_TRIES):
        assert job.dispatch is not None
        refused = not_started(job, job.dispatch.key, "401, the token has expired")
        assert refused is not None
        assert legality.job_change(job, refused) == ()
        late = planned([task], [_ago(refused, 3600)])
        assert (late.asks, late.new) == ((), ())
        (job,) = late.starts
        assert job.status is JobStatus.QUEUED
        assert job.dispatch is not None
        assert "401, the token has expired" in job.dispatch.reason
    assert not_started(job, "another@dispatch", "401") is None


def _ago(job: Job, seconds: float) -> Job:
    assert job.dispatch is not None
    planned = timestamp(NOW - timedelta(seconds=seconds))
    return job.model_copy(update={"dispatch": job.dispatch.model_copy(update={"planned": planned})})


def test_what_runs_or_waits_takes_a_place() -> None:
    """So does a job of a task that is held; one that is given up makes room."""
    running = make_job(task="T-7", stage="testing", role="tester")
    tasks = [make_task(id="T-1"), make_task(id="T-7", stage="testing", state="held")]
    assert planned(tasks, [running], WorkRules(ROLES, most=1)).new == ()
    lost = waiting(task="T-7", stage="testing", role="tester", sent=90, run=4)
    assert planned(tasks, [lost], WorkRules(ROLES, most=1)).new == ()
    gone = [make_task(id="T-1"), make_task(id="T-7", stage="review")]
    assert [job.task for job in planned(gone, [lost], WorkRules(ROLES, most=1)).new] == ["T-1"]


def test_nothing_starts_for_a_task_that_a_person_stopped() -> None:
    """REC-5: Blocked and Needs Input; neither is what waits for it started again."""
    assert planned([make_task()], stopped=frozenset({"T-1"})) == DispatchPlan()
    assert planned([make_task()], [waiting(600)], stopped=frozenset({"T-1"})) == DispatchPlan()


@pytest.mark.parametrize(
    ("job", "state", "becomes"),
    [
        (waiting(59), None, None),
        (waiting(60), None, "again"),
        (waiting(60, tries=2), None, None),
        (waiting(120, tries=2), None, "again"),
        (waiting(3599, tries=MOST_TRIES + 50), None, None),
        (waiting(3600, tries=MOST_TRIES + 50), None, "again"),
        (waiting(600, sent=500, tries=MOST_TRIES, way="command"), None, "failed"),
        (waiting(600, sent=500, run=4), RunState.WAITING, None),
        (waiting(600, sent=500, run=4), RunState.RUNNING, None),
        (waiting(600, sent=0, run=4), RunState.CANCELLED, "again"),
        (waiting(600, sent=59, run=4), RunState.SUCCESS, None),
        (waiting(600, sent=60, run=4), RunState.SUCCESS, "again"),
        (waiting(600, sent=-60, run=4), RunState.SUCCESS, "again"),
        (waiting(-60), None, "again"),
        (waiting(600, sent=60, run=4), RunState.FAILURE, "failed"),
        (waiting(600, sent=60, run=4), RunState.SKIPPED, "again"),
        (waiting(900, sent=899, run=4), RunState.UNKNOWN, None),
        (waiting(900, sent=900), None, "again"),
        (waiting(600, sent=119, way="command"), None, None),
        (waiting(600, sent=120, way="command"), None, "again"),
    ],
)
def test_a_lost_start_is_made_again(job: Job, state: RunState | None, becomes: str | None) -> None:
    """Gitea cancels a run that waits without starting it: that is no failure of the work."""
    runs: Mapping[int, RunState] = {} if state is None else {4: state}
    changed = planned([make_task()], [job], runs=runs).changed
    if becomes is None:
        assert changed == ()
        return
    (after,) = changed
    assert legality.job_change(job, after) == ()
    assert after.dispatch is not None
    assert job.dispatch is not None
    if becomes == "again":
        assert (after.status, after.attempt) == (JobStatus.QUEUED, job.attempt)
        assert (after.dispatch.tries, after.dispatch.sent) == (job.dispatch.tries + 1, None)
    else:
        assert (after.status, after.exit_code) == (JobStatus.FAILED, None)


@pytest.mark.parametrize("changes", [{"stage": "review"}, {"state": "cancelled"}, {"resumed": timestamp(NOW)}])
def test_work_that_nobody_needs_any_more_is_cancelled(changes: dict[str, Any]) -> None:
    """The task moved on before it began."""
    (after,) = planned([make_task(**changes)], [waiting(1, created=BEFORE)]).changed
    assert after.status is JobStatus.CANCELLED


def test_only_what_can_be_started_from_here_is() -> None:
    """A CI job starts no command that would end with it, and nobody without a token starts a workflow."""
    tasks = [make_task(id="T-1"), make_task(id="T-2", stage="testing"), make_task(id="T-3", stage="testing")]
    queued = waiting(600, way="command", task="T-3", stage="testing", role="tester")
    found = planned(tasks, [queued], WorkRules(ROLES, ways=frozenset({Way.WORKFLOW})))
    assert [job.task for job in found.starts] == ["T-1"]
    found = planned(tasks, [queued], WorkRules(ROLES, ways=frozenset({Way.COMMAND})))
    assert [job.task for job in found.starts] == ["T-2", "T-3"]


def test_a_task_whose_last_stage_is_still_worked_in_waits() -> None:
    """Two runs never work on one branch: a job of the stage before may go on after its gate was green."""
    before = make_job(stage="development")
    assert planned([make_task(stage="testing")], [before]) == DispatchPlan()
    over = before.model_copy(update={"status": JobStatus.CANCELLED, "ended": BEFORE})
    assert [job.role for job in planned([make_task(stage="testing")], [over]).new] == ["tester"]


def test_who_is_asked_about_failed_work_is_told_on_the_issue() -> None:
    """TRK-1: the hold is a step as any other, so the issue says so; the change is one of its task."""
    task = make_task(issue=12, since=BEFORE)
    dispatcher = Dispatcher(RULES, default, RunNames(lambda: "f" * 16), "ann")
    text = codec.encode(task, "\n# T-1\n")
    (change,) = dispatcher.changes(DispatchPlan(asks=((task, "its work failed 3 times"),)), lambda _: text, 7, NOW)
    held = codec.decode(TASK, layout.task_path(task.id), change.writes[layout.task_path(task.id)])[0]
    assert (change.tasks, held.state) == (("T-1",), TaskState.HELD)
    assert [(effect.kind, effect.generation) for effect in held.effects] == [("issue", 7)]


def test_a_job_by_hand_waits_for_its_person() -> None:
    """Nobody starts what was queued without a dispatch, and nobody gives it up."""
    assert planned([make_task()], [make_job(status="queued")]) == DispatchPlan()


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.sampled_from(["development", "testing"]), st.sampled_from(["active", "held"])),
        max_size=5,
        unique_by=lambda row: row[0],
    ),
    st.lists(
        st.tuples(st.integers(0, 4), st.sampled_from(list(JobStatus)), st.integers(0, 1200), st.booleans()), max_size=6
    ),
    st.integers(1, 4),
)
def test_a_plan_is_legal_bounded_and_quiet(
    tasks: list[tuple[int, str, str]], runs: list[tuple[int, JobStatus, int, bool]], most: int
) -> None:
    """Whatever there is: no more at once than fit, one job for one task, and planned again nothing is new (SWP-1)."""
    roles = {"development": "developer", "testing": "tester"}
    known = {number: make_task(id=f"T-{number}", stage=stage, state=state) for number, stage, state in tasks}
    jobs = []
    for index, (number, status, seconds, sent) in enumerate(runs):
        if (task := known.get(number)) is None:
            continue
        common: dict[str, Any] = {
            "task": task.id,
            "stage": task.stage,
            "role": roles[task.stage],
            "attempt": f"{index + 100:016x}",
        }
        queued = waiting(seconds, sent=seconds if sent else None, **common)
        jobs.append(queued if status is JobStatus.QUEUED else make_job(status=status.value, **common))
    rules = WorkRules(ROLES, most=most)
    found = planned(list(known.values()), jobs, rules)
    after = {job.attempt: job for job in jobs} | {job.attempt: job for job in (*found.new, *found.changed)}
    active = [job for job in after.values() if not job.status.terminal]
    assert not found.new or len(active) <= most
    assert len({job.task for job in found.new}) == len(found.new)
    asked = {task.id for task, _ in found.asks}
    left = [task for task in known.values() if task.id not in asked]
    assert not planned(left, list(after.values()), rules).changed
