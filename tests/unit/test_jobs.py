"""How a job changes, and whether the work of a stage is to be done: every answer of two pure modules."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from orch_gates.engine import jobs, legality, why, work
from orch_gates.engine.stages import DEFAULT
from orch_gates.engine.work import AskPerson, Role, Start, Wait, WorkRules
from orch_gates.model.ids import timestamp
from orch_gates.model.job import Job, Process, Way
from orch_gates.model.task import Task
from orch_gates.model.verdict import Outcome, Verdict
from tests.tasks_builders import BEFORE, HEAD, NOW, make_job, make_task

DEVELOPER = Role("developer", Way.COMMAND, "./develop")
RULES = WorkRules({"developer": DEVELOPER})
HERE = Process(host="one boot", pid=7, started="99")
RED = Verdict("ci-green", Outcome.FAIL, "1 status is red")
ABSENT = Verdict("ci-green", Outcome.FAIL, "no status yet", absent=True)
LATE = NOW + timedelta(hours=1)


def ago(minutes: float) -> str:
    """So long before NOW."""
    return timestamp(NOW - timedelta(minutes=minutes))


def need(task: Task, *runs: Job, verdict: Verdict | None = None, rules: WorkRules = RULES) -> work.Need:
    return work.need(task, runs, verdict, NOW, DEFAULT, rules)


def test_a_queued_job_begins_once() -> None:
    """JOB-1: whoever comes second runs nothing."""
    waiting = jobs.queued(make_task(), "developer", "f" * 16, 1, by="ann", now=NOW)
    first = jobs.begun(waiting, HERE, None, "ann on here", NOW)
    assert first is not None
    assert legality.job_change(None, waiting) == legality.job_change(waiting, first) == ()
    assert jobs.begun(first, HERE, None, "bob on there", NOW) is None


@pytest.mark.parametrize("changes", [{"status": "queued"}, {"status": "failed"}, {"attempt": "e" * 16}])
def test_only_the_attempt_that_was_seen_running_is_ended(changes: dict[str, Any]) -> None:
    """REAP-2, faults.md T1: a reaper that comes late ends no newer attempt."""
    assert jobs.ended(make_job(**changes), "0123456789abcdef", None, "it died", NOW) is None


@pytest.mark.parametrize(("code", "status"), [(0, "succeeded"), (3, "failed"), (-9, "failed"), (None, "failed")])
def test_how_a_job_ends(code: int | None, status: str) -> None:
    """Without an exit code it died, which is no success."""
    running = make_job()
    over = jobs.ended(running, running.attempt, code, "it ended", NOW)
    assert over is not None
    assert (over.status.value, over.exit_code) == (status, code)
    assert legality.job_change(running, over) == ()
    assert jobs.cancelled(over, "a person", NOW) is None


def test_a_dispatch_is_confirmed_and_repeated_by_its_key() -> None:
    """JOB-1: a confirmation that comes late is about a dispatch that was repeated since."""
    waiting = jobs.queued(make_task(), "developer", "f" * 16, 1, by="ann", now=NOW, way=Way.WORKFLOW)
    assert waiting.dispatch is not None
    again = jobs.asked_again(waiting, waiting.dispatch.key, "its run never began", LATE)
    assert again is not None
    assert again.dispatch is not None
    assert (again.dispatch.tries, again.dispatch.sent) == (2, None)
    assert jobs.sent(again, waiting.dispatch.key, 7, LATE) is None
    confirmed = jobs.sent(again, again.dispatch.key, 7, LATE)
    assert confirmed is not None
    assert legality.job_change(waiting, again) == legality.job_change(again, confirmed) == ()
    assert jobs.gave_up(confirmed, "refused", LATE) is not None


def test_the_work_of_a_stage_starts_once() -> None:
    """A task that came into a stage gets a job, and no second one while that lasts."""
    assert need(make_task()) == Start(DEVELOPER, 1)
    assert isinstance(need(make_task(), make_job()), Wait)
    assert isinstance(need(make_task(), make_job(status="queued")), Wait)


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "held"},
        {"state": "escalated"},
        {"state": "cancelled"},
        {"state": "deferred", "available_at": BEFORE},
        {"stage": "analysis"},
        {"stage": "review"},
        {"stage": "gone"},
    ],
)
def test_no_work_starts_by_itself(changes: dict[str, Any]) -> None:
    """Not for a task that waits for a person, in a person's stage, or of a role that nobody starts."""
    assert isinstance(need(make_task(**changes)), Wait)


def test_runs_of_an_earlier_visit_do_not_count() -> None:
    """A task that was sent back, or that a person let go on, has all its tries again."""
    old = [make_job(status="failed", number=number, created=ago(50 + number)) for number in (1, 2, 3)]
    assert isinstance(need(make_task(since=ago(55)), *old), AskPerson)
    assert need(make_task(since=ago(40)), *old) == Start(DEVELOPER, 1)
    assert need(make_task(since=ago(59), resumed=ago(40)), *old) == Start(DEVELOPER, 1)
    back = {"head": HEAD, "at": ago(40), "ready": False, "spent": (), "charged": ()}
    assert need(make_task(since=ago(59), sent_back=back), *old) == Start(DEVELOPER, 1)


def test_what_died_is_tried_again_after_a_pause_and_then_a_person_is_asked() -> None:
    """Poison work does not run for ever, and the person is told every reason."""
    task = make_task(since=ago(60))
    first = make_job(status="failed", reason="it died", created=ago(50), ended=ago(0.1))
    assert isinstance(need(task, first), Wait)
    assert need(task, first.model_copy(update={"ended": ago(1)})) == Start(DEVELOPER, 2)
    second = make_job(status="failed", number=2, reason="exit code 3", created=ago(40), ended=ago(30))
    third = make_job(status="failed", number=3, reason="too long", created=ago(20), ended=ago(10))
    asked = need(task, first.model_copy(update={"ended": ago(45)}), second, third)
    assert isinstance(asked, AskPerson)
    for reason in ("it died", "exit code 3", "too long"):
        assert reason in asked.reason


def test_a_cancelled_run_is_started_again_by_a_person_only() -> None:
    """What a person ended stays ended."""
    assert isinstance(need(make_task(), make_job(status="cancelled", ended=ago(30))), Wait)


@pytest.mark.parametrize(
    ("ended", "verdict", "starts"),
    [
        (1, RED, False),
        (5, RED, True),
        (5, None, False),
        (5, Verdict("ci-green", Outcome.DEFER, "1 status is pending"), False),
        (5, Verdict("ci-green", Outcome.HOLD, "somebody has to look"), False),
        (5, ABSENT, False),
        (31, ABSENT, True),
    ],
)
def test_the_gate_decides_whether_a_run_did_its_work(ended: float, verdict: Verdict | None, starts: bool) -> None:
    """REAP-3: exit code 0 is not success; a gate that is red, or has no evidence in time, asks for another run."""
    done = make_job(status="succeeded", created=ago(55), ended=ago(ended))
    assert isinstance(need(make_task(since=ago(60)), done, verdict=verdict), Start) is starts


def test_what_ours_caught_up_is_worked_on_anew_at_once_and_was_no_failure() -> None:
    """ENG-12: a staging run or image of the commit before says nothing; it is made anew, a bounded number of times."""
    task, moved = make_task(since=ago(60)), "d" * 40
    missing = replace(ABSENT, anew=moved)
    before = [make_job(status="failed", number=number, created=ago(50), ended=ago(1), head=HEAD) for number in (1, 2)]
    assert need(task, *before, verdict=missing) == Start(DEVELOPER, 3, moved)
    again = make_job(status="succeeded", number=3, created=ago(40), ended=ago(5), head=moved)
    assert isinstance(need(task, *before, again, verdict=missing), Wait)
    late = again.model_copy(update={"ended": ago(31)})
    assert need(task, *before, late, verdict=missing) == Start(DEVELOPER, 4, moved)
    more = [late.model_copy(update={"number": number}) for number in (4, 5)]
    assert isinstance(need(task, *before, late, *more, verdict=missing), AskPerson)


@pytest.mark.parametrize("status", ["queued", "running", "cancelled"])
def test_a_run_that_lasts_or_that_a_person_ended_is_not_made_anew(status: str) -> None:
    """Two never work on one branch at once, and what a person ended stays ended."""
    last = make_job(status=status, created=ago(40), ended=ago(5) if status == "cancelled" else None, head=HEAD)
    assert isinstance(need(make_task(since=ago(60)), last, verdict=replace(ABSENT, anew="d" * 40)), Wait)


@pytest.mark.parametrize(
    ("runs", "message", "follows"),
    [
        ([], "its developer is not started yet", "a sweep starts it"),
        ([{"status": "queued"}], f"run 1 (developer) is queued since {BEFORE}", "run 1 (developer) begins"),
        ([{"runner": "ann on b"}], f"run 1 (developer) is running since {BEFORE}: ann on b", "run 1 (developer) ends"),
        (
            [{"status": "failed", "reason": "it died"}],
            "run 1 (developer) failed: it died",
            "a sweep starts the next run after 2026-03-01T12:00:30Z",
        ),
        ([{"status": "succeeded"}], "run 1 (developer) succeeded at", "a sweep evaluates the gate again"),
        ([{"status": "cancelled", "reason": "no"}], "run 1 (developer) was cancelled: no", ""),
    ],
)
def test_what_the_work_has_come_to(runs: list[dict[str, Any]], message: str, follows: str) -> None:
    """ENG-8: whoever waits for a run is told which, since when and where."""
    jobs = [make_job(**run) for run in runs]
    task = make_task()
    found = work.work_status(task, jobs, DEFAULT, RULES)
    assert found is not None
    assert found.line.startswith(message)
    assert found.next_action == follows
    line = why.explain(task, DEFAULT, why.QueueContext(1, 1, ""), NOW).at_work(found).line
    assert message in line
    assert (f"next: {follows}, by itself" in line) is bool(follows)


def test_nobody_waits_for_work_that_nobody_starts() -> None:
    """A person's stage, and a task that a person stopped."""
    assert work.work_status(make_task(stage="review"), [], DEFAULT, RULES) is None
    held = make_task(state="held")
    plain = why.explain(held, DEFAULT, why.QueueContext(0, 0, ""), NOW)
    assert plain.at_work(work.work_status(held, [], DEFAULT, RULES)) == plain


def test_a_clock_that_was_ahead_makes_no_work_that_nobody_may_do() -> None:
    """ST-7, T9: the job belongs to the task's visit of its stage, whatever the clock said that began it."""
    task = make_task(since=timestamp(LATE))
    waiting = jobs.queued(task, "developer", "f" * 16, 1, by="ann", now=NOW, way=Way.COMMAND)
    assert work.runs_of(task, [waiting]) == (waiting,)
    assert isinstance(need(task, waiting), Wait)
