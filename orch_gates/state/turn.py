"""Writers of one machine take turns, so that they do not send each other back (faults.md T7).

A courtesy, not the lock: the server's compare-and-swap decides (ST-2). So whoever has waited long
enough goes ahead, and a turn ends with its process, however that ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from orch_gates.state.timing import Timing

_LOOK_AGAIN = 0.004


@contextlib.contextmanager
def turn(folder: Path, timing: Timing, patience: float) -> Iterator[None]:
    """Wait at most `patience` seconds for the turn among those that use `folder`, and keep it while the block lasts."""
    give_up = timing.monotonic() + patience
    with contextlib.ExitStack() as held:
        # Two gates: who has just had the turn finds the first one taken by who waits for the second.
        with contextlib.ExitStack() as waiting, contextlib.suppress(OSError):
            if _taken(waiting, folder / "next", timing, give_up):
                _taken(held, folder / "turn", timing, give_up)
        yield


def _taken(held: contextlib.ExitStack, path: Path, timing: Timing, give_up: float) -> bool:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    held.callback(os.close, descriptor)
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if timing.monotonic() >= give_up:
                return False
            timing.sleep(_LOOK_AGAIN)
        else:
            return True
