"""Whether the schedule of the sweep is late or dead: pure (SWP-1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from orch_gates.model.ids import moment
from orch_gates.model.sweep import Tick

_LATE = 2
_DEAD = 6
_LONGEST = timedelta(hours=24)


class Schedule(StrEnum):
    """How the schedule does."""

    NEVER = "never"
    ON_TIME = "on time"
    LATE = "late"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Lag:
    """How long ago the last tick began, and what that says of the schedule."""

    schedule: Schedule
    last: str = ""
    ago: timedelta = timedelta(0)
    every: timedelta = timedelta(0)

    @property
    def line(self) -> str:
        """The same for people."""
        if self.schedule is Schedule.NEVER:
            return "no sweep has run yet"
        if self.ago < timedelta(0):
            return (
                f"the last sweep reports its start at {self.last}, {spelled(-self.ago)} in the future: the clock of "
                "its machine or of this one is wrong, so a dead schedule cannot be detected"
            )
        line = f"the last sweep began {spelled(self.ago)} ago, at {self.last}"
        if self.schedule is Schedule.ON_TIME:
            return line
        what = "is late" if self.schedule is Schedule.LATE else "seems to be dead"
        return f"{line}; one is due every {spelled(self.every)} (sweep.every_s): the schedule {what}"


def lag(ticks: Sequence[Tick], now: datetime, every: timedelta) -> Lag:
    """The gap between the last tick and now; late after two intervals, dead after six, or after a day.

    One that began in more than an interval from now is called late: nothing is known until then.
    """
    if not ticks:
        return Lag(Schedule.NEVER, every=every)
    last = ticks[-1].started
    ago = now - moment(last)
    if ago < -every:
        return Lag(Schedule.LATE, last, ago, every)
    # Another machine's clock may be a little ahead of this one's.
    ago = max(ago, timedelta(0))
    dead = min(_DEAD * every, max(_LONGEST, _LATE * every))
    if ago > dead:
        return Lag(Schedule.DEAD, last, ago, every)
    return Lag(Schedule.LATE if ago > _LATE * every else Schedule.ON_TIME, last, ago, every)


def spelled(span: timedelta) -> str:
    """A span in the largest unit that it has at least two of."""
    seconds = int(span.total_seconds())
    for size, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} seconds"
