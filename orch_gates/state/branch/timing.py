"""Time and randomness as the store gets them handed in (ST-7)."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from orch_gates import clock


@dataclass(frozen=True, slots=True)
class Timing:
    """`now` only dates commits; durations come from `monotonic`. `nonce` gives 32 hex digits."""

    now: Callable[[], datetime] = clock.utc_now
    monotonic: Callable[[], float] = clock.monotonic
    sleep: Callable[[float], None] = clock.sleep
    uniform: Callable[[float, float], float] = random.SystemRandom().uniform
    nonce: Callable[[], str] = lambda: secrets.token_hex(16)


class Deadline:
    """The end of the time that one call may take."""

    def __init__(self, timing: Timing, seconds: float) -> None:
        self._timing = timing
        self._begin = timing.monotonic()
        self._seconds = seconds

    def left(self) -> float:
        """Seconds that are left; zero or less when it has passed."""
        return self._seconds - self.spent()

    def spent(self) -> float:
        """Seconds since the call began."""
        return self._timing.monotonic() - self._begin

    def over(self) -> bool:
        """Whether it is too late to begin anything but finding out what became of the last push."""
        return self.left() <= self.reserve

    @property
    def reserve(self) -> float:
        """Seconds kept for that."""
        return min(5.0, self._seconds * 0.1)

    def extended(self) -> Deadline:
        """A last deadline, for finding out what became of the last push."""
        return Deadline(self._timing, max(self.left(), self.reserve))

    def share(self) -> float:
        """What one network operation may take: enough is left to find out what became of it (ST-3)."""
        return max(self.left() * 0.6, 0.1)

    def back_off(self, attempt: int, first: float, cap: float, *, least: float = 0) -> None:
        """Wait before another attempt: full jitter, so that many losers spread out (ST-2).

        `least` are seconds that the server asked for.
        """
        most = min(cap, first * 2 ** min(attempt, 30))
        self._timing.sleep(max(0.0, min(least + self._timing.uniform(0, most), self.left() - self.reserve)))
