"""Readable views of an object's bytes: what a line scanner must be shown (SEC-3)."""

from __future__ import annotations

import re
from dataclasses import dataclass

# A credential is a run of printable ASCII; the shortest that any known rule accepts is longer.
SHORTEST_RUN = 8

_PRINTABLE = rb"[\t\n\r\x20-\x7e]"
_ENCODINGS = (
    ("ascii", re.compile(rb"%s{%d,}" % (_PRINTABLE, SHORTEST_RUN)), slice(0, None, 1)),
    ("utf-16-le", re.compile(rb"(?:%s\0){%d,}" % (_PRINTABLE, SHORTEST_RUN)), slice(0, None, 2)),
    ("utf-16-be", re.compile(rb"(?:\0%s){%d,}" % (_PRINTABLE, SHORTEST_RUN)), slice(1, None, 2)),
    ("utf-32-le", re.compile(rb"(?:%s\0\0\0){%d,}" % (_PRINTABLE, SHORTEST_RUN)), slice(0, None, 4)),
    ("utf-32-be", re.compile(rb"(?:\0\0\0%s){%d,}" % (_PRINTABLE, SHORTEST_RUN)), slice(3, None, 4)),
)


@dataclass(frozen=True, slots=True)
class Segment:
    """Consecutive lines; `first_line` counts from 1 in the object's own bytes."""

    first_line: int
    data: bytes


def segments(data: bytes) -> list[Segment]:
    """The object as text: itself, or, where it holds NUL bytes, every printable run in it.

    Runs are looked for as ASCII, UTF-16 and UTF-32 of both byte orders and at any alignment, with
    or without a byte order mark, because scanners pass over all of these (scanners.md §1).
    """
    if b"\0" not in data:
        return [Segment(1, data)] if data else []
    found: list[Segment] = []
    for _, pattern, every in _ENCODINGS:
        line, position = 1, 0
        for match in pattern.finditer(data):
            line += data.count(b"\n", position, match.start())
            position = match.start()
            found.append(Segment(line, match.group()[every]))
    return found
