"""What a file adds to the version of it that was scanned just before: the rest was scanned with that one.

Versions of a file follow one another in a history, and differ in some lines. A version in which nothing was found is
held, and of the next one at its path only what stands between their common beginning and their common end is scanned,
with as much around it as any rule reaches.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from orch_gates.content.pieces import OVERLAP_BYTES

# Below this there is nothing to gain.
_WORTHWHILE = 9_000
# As far as a rule reaches anywhere: the pieces of one object overlap as much.
_AROUND = OVERLAP_BYTES
# Only private keys reach further.
_KEY = re.compile(rb"----[- ](?i:begin)")
_MOST_HELD = 8_000_000
_SMALLEST_STEP = 64


@dataclass(slots=True)
class Versions:
    """The clean versions of files by path, the latest of each; those held longest go first."""

    _held: dict[str, bytes] = field(default_factory=dict)
    _bytes: int = 0

    def changed(self, path: str, data: bytes) -> tuple[int, int]:
        """From where to where a version has to be scanned; all of it where nothing is known of the one before."""
        before = self._held.get(path)
        if before is None or len(data) < _WORTHWHILE or b"\0" in data or _KEY.search(data):
            return 0, len(data)
        shorter = min(len(before), len(data))
        start = _common(before, data, shorter)
        end = _common_end(before, data, shorter - start)
        # At the beginning of a line, as some rules begin there.
        first = data.rfind(b"\n", 0, max(0, start - _AROUND)) + 1
        return first, min(len(data), len(data) - end + _AROUND)

    def hold(self, path: str, data: bytes) -> None:
        """Keep a version in which nothing was found."""
        self.drop(path)
        if len(data) < _WORTHWHILE or len(data) > _MOST_HELD // 4:
            return
        self._held[path] = data
        self._bytes += len(data)
        while self._bytes > _MOST_HELD:
            self._bytes -= len(self._held.pop(next(iter(self._held))))

    def drop(self, path: str) -> None:
        """Forget a file: something was found in its latest version."""
        self._bytes -= len(self._held.pop(path, b""))


def _common(left: bytes, right: bytes, most: int) -> int:
    """How much both begin with, or a little less."""
    same, step = 0, most
    while step >= _SMALLEST_STEP:
        if same + step <= most and left[same : same + step] == right[same : same + step]:
            same += step
        else:
            step //= 2
    return same


def _common_end(left: bytes, right: bytes, most: int) -> int:
    """How much both end with, or a little less."""
    same, step = 0, most
    while step >= _SMALLEST_STEP:
        a, b = len(left) - same, len(right) - same
        if same + step <= most and left[a - step : a] == right[b - step : b]:
            same += step
        else:
            step //= 2
    return same
