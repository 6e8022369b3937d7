"""Which running jobs are over although nobody said so: a pure plan over what one look saw (REAP-1, REAP-2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from orch_gates.engine import jobs as engine
from orch_gates.engine.sighting import UNKNOWN, Life, Sighting
from orch_gates.model.feedback import one_line
from orch_gates.model.ids import moment, timestamp
from orch_gates.model.job import Job, JobStatus
from orch_gates.model.sweep import MAX_STREAKS, Streak

# Ticks at once, and those of a loop, are one look at the world.
SPACING = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class ReaperRules:
    """In how many distinct ticks a job has to be seen dead, and after how long it is ended whatever is seen."""

    dead_ticks: int = 2
    max_running: timedelta = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Flip:
    """The one change that a reaper makes to a job: it ends the attempt that was seen running (REAP-2)."""

    task: str
    attempt: str
    exit_code: int | None
    reason: str

    def on(self, job: Job, now: datetime) -> Job | None:
        """The job as it ends; None where it is another attempt's, or is over already."""
        return engine.ended(job, self.attempt, self.exit_code, self.reason, now)


def plan(
    jobs: Sequence[Job], sightings: Mapping[str, Sighting], streaks: Sequence[Streak], now: datetime, rules: ReaperRules
) -> tuple[tuple[Flip, ...], tuple[Streak, ...]]:
    """What to end, and the streaks after this look; `sightings` are by attempt, what was not looked at is unknown.

    A streak stays until its job is over, so that a tick whose commit failed is made up for by the next.
    """
    known = {streak.attempt: streak for streak in streaks}
    flips, kept = [], []
    for job in jobs:
        if job.status is not JobStatus.RUNNING or job.started is None:
            continue
        seen = sightings.get(job.attempt, UNKNOWN)
        streak = _streak(job, known.get(job.attempt), now) if seen.life is Life.DEAD else None
        if streak is not None:
            kept.append(streak)
        if (flip := _flip(job, seen, streak, now, rules)) is not None:
            flips.append(flip)
    # Of too many, those that are nearest to their end are kept.
    kept.sort(key=lambda streak: (-streak.ticks, streak.attempt))
    return tuple(flips), tuple(kept[:MAX_STREAKS])


def _flip(job: Job, seen: Sighting, streak: Streak | None, now: datetime, rules: ReaperRules) -> Flip | None:
    assert job.started is not None
    if seen.life is Life.ENDED:
        return Flip(job.task, job.attempt, seen.exit_code, one_line(f"{seen.why}; it was never recorded"))
    if streak is not None and streak.ticks >= rules.dead_ticks:
        return Flip(job.task, job.attempt, None, one_line(f"{seen.why}, in {streak.ticks} sweeps in a row"))
    # By a clock that is ahead of ours no age can be told; that a process is gone can.
    if now - moment(job.started) > rules.max_running:
        most = rules.max_running.total_seconds()
        return Flip(job.task, job.attempt, None, f"it ran for more than {most:g} s (reaper.max_running_s)")
    return None


def _streak(job: Job, before: Streak | None, now: datetime) -> Streak:
    if before is None:
        return Streak(attempt=job.attempt, ticks=1, last=timestamp(now))
    if abs(now - moment(before.last)) < SPACING:
        return before
    return before.model_copy(update={"ticks": before.ticks + 1, "last": timestamp(now)})
