"""Whether the schedule is late or dead, of any interval; and alerts that are told once (SWP-1, T13)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orch_gates.errors import GitError
from orch_gates.model.ids import timestamp
from orch_gates.model.sweep import MAX_ALERTS, MAX_TICKS, Alert, Tick, nothing
from orch_gates.sweep.lag import Schedule, lag
from orch_gates.sweep.remember import EndedTick, after
from orch_gates.sweep.unit_result import UnitResult, alerts_after, isolated, summed
from tests.tasks_builders import BEFORE, NOW

MINUTES = timedelta(minutes=1)


def tick(ago: timedelta) -> Tick:
    at = timestamp(NOW - ago)
    return Tick(started=at, ended=at, by="a bot", generation=1)


@pytest.mark.parametrize(
    ("every", "ago", "schedule"),
    [
        (10, 0, Schedule.ON_TIME),
        (10, 20, Schedule.ON_TIME),
        (10, 21, Schedule.LATE),
        (10, 60, Schedule.LATE),
        (10, 61, Schedule.DEAD),
        # Of long intervals, a day says that it is dead, but never before it is late.
        (360, 721, Schedule.LATE),
        (360, 1441, Schedule.DEAD),
        (1440, 2880, Schedule.ON_TIME),
        (1440, 2881, Schedule.DEAD),
        # Another machine's clock may be ahead.
        (10, -9, Schedule.ON_TIME),
    ],
)
def test_when_a_schedule_is_late_and_when_it_is_dead(every: int, ago: int, schedule: Schedule) -> None:
    found = lag([tick(timedelta(days=9)), tick(ago * MINUTES)], NOW, every * MINUTES)
    assert found.schedule is schedule
    assert ("the schedule" in found.line) is (schedule is not Schedule.ON_TIME)


def test_a_tick_from_the_future_hides_no_dead_schedule() -> None:
    """A clock that is a little ahead is usual; one that is far ahead is named, as nothing is known until then (P2)."""
    every = timedelta(minutes=10)
    assert lag([tick(timedelta(minutes=-9))], NOW, every).schedule is Schedule.ON_TIME
    found = lag([tick(timedelta(days=-9))], NOW, every)
    assert (found.schedule, "9 days in the future" in found.line) == (Schedule.LATE, True)


def test_before_the_first_tick_nothing_is_late() -> None:
    assert lag([], NOW, MINUTES).line == "no sweep has run yet"


def test_the_line_says_how_long_ago_and_what_was_expected() -> None:
    line = lag([tick(75 * MINUTES)], NOW, 10 * MINUTES).line
    assert line.startswith("the last sweep began 75 minutes ago, at 2026-03-01T10:45:00Z; one is due every 10 minutes")
    assert line.endswith("the schedule seems to be dead")


OLD = Alert(key="marker main a", since=BEFORE, line="main has lost a")


def test_an_alert_is_told_once_and_ends_when_it_is_looked_for_in_vain() -> None:
    result = UnitResult(alerts={"marker main a": "again", "marker main b": "main has lost b"}, looked=("marker main ",))
    found = alerts_after((OLD,), result, NOW)
    assert [one.key for one in found.opened] == ["marker main b"]
    assert found.open[0] == OLD
    over = alerts_after(found.open, UnitResult(looked=("marker main ",)), NOW)
    assert (over.open, over.opened) == ((), ())
    assert [one.key for one in over.closed] == ["marker main a", "marker main b"]


@pytest.mark.parametrize("looked", [(), ("marker release ",), ("file ",)])
def test_what_could_not_be_looked_for_stays(looked: tuple[str, ...]) -> None:
    """P2: a git error is no proof that it is there again."""
    assert alerts_after((OLD,), UnitResult(looked=looked), NOW).open == (OLD,)


def test_alerts_are_bounded() -> None:
    result = UnitResult(alerts={f"file {number}": "x" * 999 for number in range(MAX_ALERTS + 7)})
    found = alerts_after((OLD,), result, NOW)
    assert len(found.open) == MAX_ALERTS
    assert all(len(one.line) <= 400 for one in found.open)


@pytest.mark.parametrize(("more", "told"), [(0, False), (1, True), (30, True)])
def test_what_is_more_than_can_be_remembered_is_told(more: int, told: bool) -> None:
    """P3: a thing that needs a person is never left out without a word, in this tick and in the next."""
    result = UnitResult(
        alerts={f"file {number:04}": "broken" for number in range(MAX_ALERTS + more)}, looked=("file ",)
    )
    found = alerts_after((), result, NOW)
    assert len(found.open) == MAX_ALERTS
    assert (f"{more} more alerts than can be stored" in found.dropped) is told
    assert alerts_after(found.open, result, NOW).dropped == found.dropped


def test_what_a_unit_raises_is_what_could_not_be_done() -> None:
    """P3: also what nobody thought of; the cause is told."""

    def broken(error: Exception) -> UnitResult:
        raise error

    result = summed([isolated("one", lambda: broken(GitError("no"))), isolated("two", lambda: broken(KeyError("x")))])
    assert result.problems == ("one: no", "two: KeyError: 'x'")


def test_the_memory_after_a_tick_is_bounded_and_counts() -> None:
    memory = nothing()
    for number in range(MAX_TICKS + 3):
        ended = EndedTick(NOW, NOW, f"bot {number}", number)
        memory = after(memory, {"reaped": 2}, (), cursor=f"T-{number}", tick=ended)
    assert len(memory.ticks) == MAX_TICKS
    assert memory.ticks[-1].generation == MAX_TICKS + 2
    assert memory.counters["reaped"] == 2 * (MAX_TICKS + 3)
    assert memory.counters["ticks"] == MAX_TICKS + 3
    assert memory.cursor == f"T-{MAX_TICKS + 2}"


def test_a_tick_about_an_event_leaves_cursor_and_schedule_alone() -> None:
    memory = after(nothing(), {"unblocked": 1}, (), cursor=None, tick=None)
    assert (memory.ticks, memory.cursor, memory.counters["ticks"]) == ((), "", 0)
    assert memory.counters["unblocked"] == 1
