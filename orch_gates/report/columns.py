"""Rows as columns of plain text: as wide as they are in a pipe, as wide as the terminal in one (UX-1)."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

_GAP = "  "
# A last column that is narrower is not read; the line is longer than the terminal then.
_NARROWEST = 16


def columns(rows: Sequence[Sequence[str]], width: int | None = None) -> str:
    """Rows with every column as wide as its widest cell; the first row is the heading.

    `width`: where a line would be longer, the last column goes on below itself; None for no end.
    A word is never broken, so that an address can be copied.
    """
    *widths, _ = (max(len(row[number]) for row in rows) for number in range(len(rows[0])))
    indent = sum(widths) + len(_GAP) * len(widths)
    room = None if width is None else max(width - indent, _NARROWEST)
    lines = []
    for *cells, last in rows:
        first, *more = _folded(last, room)
        padded = (cell.ljust(size) for cell, size in zip(cells, widths, strict=True))
        lines.append(_GAP.join((*padded, first)).rstrip())
        lines += [" " * indent + part for part in more]
    return "".join(f"{line}\n" for line in lines)


def _folded(text: str, room: int | None) -> list[str]:
    if room is None or len(text) <= room:
        return [text]
    return textwrap.wrap(text, room, break_on_hyphens=False, break_long_words=False) or [text]
