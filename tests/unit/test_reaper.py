"""Which jobs a reaper ends, and which it leaves alone: streaks, spacing, ages, attempts (REAP-1, REAP-2)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orch_gates.engine import legality
from orch_gates.engine.sighting import UNKNOWN, Life, Sighting
from orch_gates.model.ids import timestamp
from orch_gates.model.job import Job, JobStatus
from orch_gates.model.sweep import MAX_STREAKS, Streak
from orch_gates.sweep.reaper import SPACING, Flip, ReaperRules, plan
from tests.tasks_builders import NOW, make_job

ONE = "0123456789abcdef"
ALIVE, DEAD = Sighting(Life.ALIVE), Sighting(Life.DEAD, "its process 7 is gone")
RULES = ReaperRules(dead_ticks=2, max_running=timedelta(hours=6))
JOB = make_job(started=timestamp(NOW - timedelta(hours=1)))


def streak(ticks: int, seconds_ago: float = 60) -> Streak:
    return Streak(attempt=ONE, ticks=ticks, last=timestamp(NOW - timedelta(seconds=seconds_ago)))


def looked(seen: Sighting, *before: Streak, job: Job = JOB, rules: ReaperRules = RULES) -> tuple[list[Flip], list[int]]:
    flips, after = plan([job], {job.attempt: seen}, before, NOW, rules)
    return list(flips), [one.ticks for one in after]


def test_a_job_is_ended_by_the_second_tick_that_sees_it_dead() -> None:
    """One look may be wrong; in its reason the last one says what it saw."""
    assert looked(DEAD) == ([], [1])
    flips, after = looked(DEAD, streak(1))
    assert after == [2]
    assert [(flip.task, flip.attempt, flip.exit_code) for flip in flips] == [("T-1", ONE, None)]
    assert flips[0].reason == "its process 7 is gone, in 2 sweeps in a row"


@pytest.mark.parametrize("seen", [ALIVE, UNKNOWN])
def test_a_streak_is_broken_by_whatever_else_is_seen(seen: Sighting) -> None:
    """What cannot be told is not death, and does not add up with it (P2)."""
    assert looked(seen, streak(1)) == ([], [])


def test_what_was_not_looked_at_is_unknown() -> None:
    assert plan([JOB], {}, [streak(1)], NOW, RULES) == ((), ())


@pytest.mark.parametrize(("seconds", "ticks"), [(0, 1), (9, 1), (10, 2), (11, 2)])
def test_ticks_at_once_are_one_look(seconds: float, ticks: int) -> None:
    """Ten sweeps at once end nothing that one would not."""
    flips, after = looked(DEAD, streak(1, seconds))
    assert after == [ticks]
    assert len(flips) == ticks - 1


def test_a_streak_of_a_clock_that_was_ahead_grows_all_the_same() -> None:
    """ST-7: a machine whose clock was wrong once does not keep a dead job for ever."""
    flips, after = looked(DEAD, streak(1, -3600))
    assert (len(flips), after) == (1, [2])
    assert looked(DEAD, streak(1, -5)) == ([], [1])


def test_an_exit_that_was_never_recorded_ends_it_at_once() -> None:
    """REAP-3: 0 is no success of the task; the gate decides at the next tick."""
    for code, status in ((0, JobStatus.SUCCEEDED), (3, JobStatus.FAILED), (None, JobStatus.FAILED)):
        flips, after = looked(Sighting(Life.ENDED, "its command ended", code))
        ended = flips[0].on(JOB, NOW)
        assert after == []
        assert ended is not None
        assert (ended.status, ended.exit_code, ended.ended) == (status, code, timestamp(NOW))


@pytest.mark.parametrize(("seconds", "ends"), [(21_599, False), (21_600, False), (21_601, True)])
def test_a_job_ends_when_it_has_run_too_long(seconds: int, ends: bool) -> None:
    """Whatever is seen of it, alive and unknown too."""
    job = make_job(started=timestamp(NOW - timedelta(seconds=seconds)))
    for seen in (ALIVE, UNKNOWN):
        flips, _ = looked(seen, job=job)
        assert bool(flips) is ends
        assert not flips or "more than 21600 s (reaper.max_running_s)" in flips[0].reason


def test_a_job_of_the_future_has_no_age_and_can_be_dead() -> None:
    """ST-7: by another machine's clock no time is told; that a process of this one is gone is no matter of clocks."""
    job = make_job(started=timestamp(NOW + timedelta(days=9000)))
    assert looked(ALIVE, job=job) == ([], [])
    assert len(looked(Sighting(Life.ENDED, "x", 1), job=job)[0]) == 1
    assert len(looked(DEAD, streak(1, 60), job=job)[0]) == 1


@pytest.mark.parametrize("status", ["queued", "succeeded", "failed", "cancelled"])
def test_only_running_jobs_are_looked_at(status: str) -> None:
    assert looked(DEAD, streak(9), job=make_job(status=status)) == ([], [])


def test_a_flip_is_about_the_attempt_that_was_seen() -> None:
    """T1: a job that was started anew meanwhile is alive, whatever was seen of the one before."""
    (flip,), _ = plan([JOB], {ONE: DEAD}, [streak(1)], NOW, RULES)
    again = make_job(attempt="fedcba9876543210", number=2)
    assert flip.on(again, NOW) is None
    assert flip.on(make_job(status="succeeded"), NOW) is None
    ended = flip.on(JOB, NOW)
    assert ended is not None
    assert legality.job_change(JOB, ended) == ()


def test_of_too_many_streaks_the_longest_are_kept() -> None:
    """The memory is bounded; what is nearest to its end is not forgotten."""
    jobs = [make_job(attempt=f"{number:016x}") for number in range(MAX_STREAKS + 5)]
    before = [Streak(attempt=jobs[-1].attempt, ticks=7, last=timestamp(NOW - SPACING))]
    _, after = plan(jobs, {job.attempt: DEAD for job in jobs}, before, NOW, ReaperRules(dead_ticks=100))
    assert len(after) == MAX_STREAKS
    assert after[0].attempt == jobs[-1].attempt


lives = st.sampled_from([ALIVE, DEAD, UNKNOWN])


@settings(max_examples=200)
@given(looks=st.lists(st.tuples(lives, st.integers(0, 30)), max_size=12), needed=st.integers(1, 4))
def test_death_is_what_so_many_distinct_looks_in_a_row_saw(looks: list[tuple[Sighting, int]], needed: int) -> None:
    """However looks follow each other, it is ended by the first at which that many, spaced, saw it dead in a row."""
    now: datetime = NOW
    streaks: tuple[Streak, ...] = ()
    counted, last = 0, None
    for seen, seconds in looks:
        now += timedelta(seconds=seconds)
        if seen.life is not Life.DEAD:
            counted, last = 0, None
        elif last is None or now - last >= SPACING:
            counted, last = counted + 1, now
        flips, streaks = plan(
            [JOB], {ONE: seen}, streaks, now, ReaperRules(dead_ticks=needed, max_running=timedelta(days=9))
        )
        assert bool(flips) is (seen.life is Life.DEAD and counted >= needed)
