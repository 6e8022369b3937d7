"""The lines that an object adds to what stood in its place before."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from orch_gates.content.views import Segment

# Rules may match a name and its value up to a few line breaks apart; without its surroundings, a
# value added under a name that was there before would be passed over.
CONTEXT_LINES = 3

Run = tuple[Segment, frozenset[int]]


def added(segment: Segment, before: Collection[bytes]) -> list[Run]:
    """Cut a segment down to the runs of lines that `before` does not have, with some context.

    A line is new when none of the earlier lines has the same bytes; that needs no diff algorithm
    and cannot be steered by one. Each run comes with the numbers of its new lines.
    """
    lines = segment.data.split(b"\n")
    fresh = [index for index, line in enumerate(lines) if line and line not in before]
    runs: list[Run] = []
    position = 0
    while position < len(fresh):
        first = last = position
        while last + 1 < len(fresh) and fresh[last + 1] - fresh[last] <= 2 * CONTEXT_LINES:
            last += 1
        start = max(0, fresh[first] - CONTEXT_LINES)
        stop = min(len(lines), fresh[last] + CONTEXT_LINES + 1)
        run = Segment(segment.first_line + start, b"\n".join(lines[start:stop]))
        numbers = frozenset(segment.first_line + index for index in fresh[first : last + 1])
        runs.append((run, numbers))
        position = last + 1
    return runs


def added_to_text(data: bytes, before: Sequence[bytes]) -> list[Run]:
    """As `added`, for whole texts: what both begin and end with is not even split into lines."""
    if len(before) != 1:
        return added(Segment(1, data), {line for old in before for line in old.split(b"\n")})
    old = before[0]
    start = _lines_back(data, _common_prefix(data, old), CONTEXT_LINES)
    rest, old_rest = data[start:], old[start:]
    tail = _common_suffix(rest, old_rest)
    keep = _lines_on(rest, len(rest) - tail, CONTEXT_LINES)
    old_end = len(old_rest) - (len(rest) - keep)
    middle = Segment(data.count(b"\n", 0, start) + 1, rest[:keep])
    return added(middle, frozenset(old_rest[:old_end].split(b"\n")))


def _common_prefix(left: bytes, right: bytes) -> int:
    same, differ = 0, min(len(left), len(right)) + 1
    while differ - same > 1:
        middle = (same + differ) // 2
        if left[same:middle] == right[same:middle]:
            same = middle
        else:
            differ = middle
    return same


def _common_suffix(left: bytes, right: bytes) -> int:
    same, differ = 0, min(len(left), len(right)) + 1
    while differ - same > 1:
        middle = (same + differ) // 2
        if left[len(left) - middle : len(left) - same] == right[len(right) - middle : len(right) - same]:
            same = middle
        else:
            differ = middle
    return same


def _lines_back(data: bytes, position: int, lines: int) -> int:
    """The start of the line that is `lines` lines before the one at `position`."""
    for _ in range(lines + 1):
        position = data.rfind(b"\n", 0, max(position, 0))
        if position < 0:
            return 0
    return position + 1


def _lines_on(data: bytes, position: int, lines: int) -> int:
    """The end of the line that is `lines` lines after the one at `position`, its break excluded."""
    for _ in range(lines + 1):
        position = data.find(b"\n", position)
        if position < 0:
            return len(data)
        position += 1
    return position - 1
