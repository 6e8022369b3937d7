"""The alarm ends what does not look at the clock itself (SEC-9)."""

from __future__ import annotations

import signal

import pytest

from orch_gates import clock
from orch_gates.errors import BudgetExceeded


def test_work_that_never_looks_at_the_clock_is_ended() -> None:
    """An error is raised inside of it."""

    def work() -> None:
        with clock.alarm(0.05, lambda: BudgetExceeded("the time is up")):
            while True:
                sum(range(100))

    with pytest.raises(BudgetExceeded):
        work()


def test_an_alarm_that_was_not_needed_does_not_ring() -> None:
    """What the process did about such a signal before, it does again."""
    before = signal.getsignal(signal.SIGALRM)
    with clock.alarm(60, lambda: BudgetExceeded("the time is up")):
        pass
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    assert signal.getsignal(signal.SIGALRM) is before
