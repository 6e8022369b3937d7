"""The line that `orch-gates init` writes above what is its own, so that it is recognised without a guess (pure)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_DIGITS = 16
_MARKER = re.compile(
    r"[ ]*# Written by orch-gates init \((?P<version>\S+), level (?P<level>[012]); "
    rf"(?P<lines>\d{{1,5}}) lines?, sha256 (?P<digest>[0-9a-f]{{{_DIGITS}}})\)\."
)


@dataclass(frozen=True, slots=True)
class MarkedPart:
    """A part of a file that init wrote: the marker at line `start` and what it covers, up to `end` (from 0).

    `intact`: those lines are as they were written.
    """

    level: int
    start: int
    end: int
    intact: bool


def stamped(body: str, version: str, level: int, indent: str = "") -> str:
    """A body that ends its last line, below the marker that covers it."""
    lines = body.splitlines()
    noun = "line" if len(lines) == 1 else "lines"
    about = f"{version}, level {level}; {len(lines)} {noun}, sha256 {_digest(lines)}"
    return f"{indent}# Written by orch-gates init ({about}).\n{body}"


def find(text: str) -> MarkedPart | None:
    """The first part of a file that init wrote; None where there is none. How its lines end makes no difference."""
    return next(_marks(text), None)


def parts(text: str) -> tuple[MarkedPart, ...]:
    """Every part of a file that init wrote: a merge by hand may have kept two of them."""
    return tuple(_marks(text))


def _marks(text: str) -> Iterator[MarkedPart]:
    lines = text.splitlines()
    below = 0
    for start, line in enumerate(lines):
        if start < below or not (found := _MARKER.fullmatch(line)):
            continue
        end = start + 1 + int(found["lines"])
        intact = end <= len(lines) and _digest(lines[start + 1 : end]) == found["digest"]
        # Where a part was cut off, another one may begin within the lines that it had.
        below = end if intact else start + 1
        yield MarkedPart(int(found["level"]), start, min(end, len(lines)), intact)


def covered(text: str) -> str:
    """What the marker at the top of a whole file covers; empty where the file is not one that init wrote.

    A file to which lines were added is changed, so it is none either.
    """
    mark = find(text)
    if mark is None or mark.start != 0 or not mark.intact or mark.end != len(text.splitlines()):
        return ""
    return "".join(f"{line}\n" for line in text.splitlines()[1:])


def without(text: str, marks: Iterable[MarkedPart]) -> str:
    """A file without these parts that init wrote."""
    ours = {number for mark in marks for number in range(mark.start, mark.end)}
    return "".join(line for number, line in enumerate(text.splitlines(keepends=True)) if number not in ours)


def _digest(lines: Sequence[str]) -> str:
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")).hexdigest()[
        :_DIGITS
    ]
