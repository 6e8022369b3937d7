"""Cutting an object into overlapping pieces that an engine reads in bounded time (SEC-3, SEC-9)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# Some rules take time that grows with the square of what they are given: 10 MB of lone BEGIN markers cost 1.2 s
# in pieces of 64 kB and 12.9 s in pieces of 256 kB.
PIECE_BYTES = 60_000
# The longest token that a rule reads in one piece, wherever a border falls.
OVERLAP_BYTES = 4_000
# The longest private key that is read in one piece, wherever a border falls.
KEY_BYTES = 24_000

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
_BEGIN = re.compile(rb"-----BEGIN[ \w-]{0,100}PRIVATE KEY", re.IGNORECASE)
_END = re.compile(rb"-----END[ \w-]{0,100}PRIVATE KEY", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive text, and where its parts stand in the object.

    `anchors` are pairs of an offset in `data` and the offset in the object that it came from, in order; `step`
    is the number of the object's bytes for each byte of text.
    """

    data: bytes
    anchors: tuple[tuple[int, int], ...]
    step: int = 1

    def origin(self, offset: int) -> int:
        """The offset in the object of what stands at an offset in the piece."""
        low, high = 0, len(self.anchors)
        while high - low > 1:
            middle = (low + high) // 2
            if self.anchors[middle][0] <= offset:
                low = middle
            else:
                high = middle
        start, origin = self.anchors[low]
        return origin + max(0, offset - start) * self.step


def plain(data: bytes, start: int = 0, stop: int | None = None) -> Iterator[Piece]:
    """The pieces of an object that is text already, or of a part of it."""
    stop = len(data) if stop is None else stop
    while start < stop:
        end = min(start + PIECE_BYTES, stop)
        piece = data[start:end]
        yield Piece(piece, ((0, start),))
        if end == stop:
            return
        start = end - kept(piece)


def kept(piece: bytes) -> int:
    """How many bytes of a piece's end the next piece repeats: an unfinished private key is repeated whole.

    In a run of base64 the next piece begins where four digits do, or nothing in it would be read.
    """
    begin = len(piece) - KEY_BYTES
    markers = list(_BEGIN.finditer(piece, max(begin, 0)))
    if markers and markers[-1].start() > 0 and not _END.search(piece, markers[-1].end()):
        return max(OVERLAP_BYTES, len(piece) - markers[-1].start())
    start = len(piece) - OVERLAP_BYTES
    # A run that began before the piece is in step with it already.
    run = len(piece.rstrip(_BASE64))
    return OVERLAP_BYTES + (start - run) % 4 if run <= start else OVERLAP_BYTES
