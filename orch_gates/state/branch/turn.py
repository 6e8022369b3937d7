"""Writers of one machine take turns, so that they do not send each other back.

A courtesy, not the lock: the server's compare-and-swap decides (ST-2). So whoever has waited long
enough, or sees that nothing moves, goes ahead, and a turn ends with its process, however that ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orch_gates.state.branch.timing import Timing

# Of all that wait, one is next; the others need not look as often.
_LOOK_AGAIN = 0.004
_LOOK_RARELY = 0.02


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for the turn in all, and while it does not change hands."""

    whole: float
    unmoved: float


@contextlib.contextmanager
def turn(folder: Path, timing: Timing, patience: Patience) -> Iterator[None]:
    """Wait for the turn among those that use `folder`, and keep it while the block lasts; or do without."""
    queue = _Queue(folder / "turn", timing, patience)
    with contextlib.ExitStack() as held:
        # Two gates: who has just had the turn finds the first one taken by who waits for the second.
        with contextlib.ExitStack() as waiting, contextlib.suppress(OSError):
            if _taken(waiting, folder / "next", queue, _LOOK_RARELY) is not None:
                descriptor = _taken(held, folder / "turn", queue, _LOOK_AGAIN)
                if descriptor is not None:
                    os.pwrite(descriptor, timing.nonce().encode("ascii"), 0)
        yield


class _Queue:
    """Whether waiting is of any use: the turn changes hands, and there is time."""

    def __init__(self, path: Path, timing: Timing, patience: Patience) -> None:
        self._path = path
        self._timing = timing
        self._patience = patience
        self._holder = b""
        self._begun = self._moved = timing.monotonic()

    def wait(self, seconds: float) -> bool:
        """Wait a moment; False where that is of no use any more."""
        now = self._timing.monotonic()
        holder = self._path.read_bytes() if self._path.exists() else b""
        if holder != self._holder:
            self._holder, self._moved = holder, now
        if now - self._begun >= self._patience.whole or now - self._moved >= self._patience.unmoved:
            return False
        self._timing.sleep(seconds)
        return True


def _taken(held: contextlib.ExitStack, path: Path, queue: _Queue, look_again: float) -> int | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    held.callback(os.close, descriptor)
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not queue.wait(look_again):
                return None
        else:
            return descriptor
