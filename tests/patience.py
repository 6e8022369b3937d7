"""How long a test rests between two looks at what other processes do."""

from __future__ import annotations

import time

_LEAST_S, _MOST_S = 0.05, 1.0


def rest(began: float) -> None:
    """Wait a tenth of what was waited since `began` (monotonic), so that looking costs little beside what is looked at.

    A look at a real forge is dozens of processes: every 50 ms they took more than all that was waited for.
    """
    time.sleep(min(_MOST_S, max(_LEAST_S, (time.monotonic() - began) / 10)))
