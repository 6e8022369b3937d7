"""Bundles: the files a scanner is given, each ending in a canary, with a way back to the origin.

Bundles are small because gitleaks tries a rule on all of a file as soon as one of the rule's
keywords is in it (measured: a quarter of the time with 2 kB bundles against 90 kB ones), and never
larger than its 100 kB read buffer: what it splits, it may miss at the seam.
"""

from __future__ import annotations

import bisect
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from orch_gates.content import keys
from orch_gates.content.fragments import Fragment
from orch_gates.errors import BudgetExceeded

BUNDLE_BYTES = 2_000
PIECE_BYTES = 4_000
# Rules that span lines reach a few hundred bytes; private keys, which reach further, are cut out whole.
OVERLAP_BYTES = 600
LONG_LINE_BYTES = 60_000
LONG_LINE_OVERLAP = 4_000

_Placed = tuple[int, int, Fragment]


@dataclass(slots=True)
class Bundles:
    """Writes fragments into bundles below `directory` and finds them again by line."""

    directory: Path
    canary: Callable[[], bytes]
    most_bytes: int
    bytes_written: int = 0
    canaries: dict[str, bytes] = field(default_factory=dict)
    _placed: dict[str, list[_Placed]] = field(default_factory=dict)
    _separator: bytes = field(default_factory=lambda: b"\n~ " + secrets.token_hex(4).encode() + b" ~\n")
    _parts: list[bytes] = field(default_factory=list)
    _current: list[_Placed] = field(default_factory=list)
    _size: int = 0
    _line: int = 1

    def write(self, fragments: Iterable[Fragment]) -> None:
        """Write all fragments.

        Raises:
            BudgetExceeded: more than `most_bytes` have to be scanned (SEC-9).
        """
        for fragment in fragments:
            for piece in pieces(fragment):
                self._add(piece)
                if self._size >= BUNDLE_BYTES:
                    self._close()
        if self._parts or not self.canaries:
            self._close()

    def _add(self, piece: Fragment) -> None:
        if not self._parts:
            self._put(self._separator)
        last_line = self._line + piece.data.count(b"\n")
        self._current.append((self._line, last_line, piece))
        self._put(piece.data)
        self._put(self._separator)

    def _put(self, data: bytes) -> None:
        self._parts.append(data)
        self._size += len(data)
        self._line += data.count(b"\n")

    def _close(self) -> None:
        canary = self.canary()
        name = f"bundle-{len(self.canaries):06d}.txt"
        content = b"".join([*self._parts, b"\n", canary, b"\n"])
        self.bytes_written += len(content)
        if self.bytes_written > self.most_bytes:
            raise BudgetExceeded(
                f"more than {self.most_bytes} bytes of text were added, which is the most that one check "
                "scans; push in smaller parts, or raise ORCH_SECURITY_MAX_BYTES"
            )
        (self.directory / name).write_bytes(content)
        self.canaries[name] = canary
        self._placed[name] = self._current
        self._parts, self._current, self._size, self._line = [], [], 0, 1

    def runs_over(self, text: bytes) -> bool:
        """Whether a match runs over the end of its fragment into the next one."""
        return self._separator.strip() in text

    def write_apart(self, bundle: str, to: Bundles) -> None:
        """Write each fragment of a bundle into a bundle of its own."""
        for _, _, piece in self._placed[bundle]:
            to.write([piece])

    def locate(self, bundle: str, line: int, secret: bytes) -> tuple[Fragment, int] | None:
        """The fragment that a match stands in, and its line there.

        The engine's line may be off by one where a rule matches white space first; the secret's
        own bytes decide. None for a line that belongs to no fragment.
        """
        placed = self._placed.get(bundle, [])
        index = bisect.bisect_right(placed, line, key=lambda item: item[0]) - 1
        near = [placed[at] for at in (index, index + 1) if 0 <= at < len(placed)]
        for first, _, fragment in near:
            found = _line_of(fragment.data, secret, line - first)
            if found is not None:
                return fragment, found
        for first, last, fragment in near:
            if first - 1 <= line <= last + 1:
                return fragment, min(max(line, first), last) - first
        return None


def _line_of(data: bytes, secret: bytes, near: int) -> int | None:
    """The line, from 0, on which the occurrence of `secret` nearest to line `near` begins."""
    best: int | None = None
    start = data.find(secret) if secret else -1
    while start >= 0:
        line = data.count(b"\n", 0, start)
        if best is None or abs(line - near) < abs(best - near):
            best = line
        if line > near:
            break
        start = data.find(secret, start + 1)
    return best if best is not None and abs(best - near) <= 2 else None


def pieces(fragment: Fragment) -> Iterator[Fragment]:
    """Cut a fragment into overlapping pieces, at line ends where lines are not too long.

    A private key may be longer than the overlap, so each one is a piece of its own besides.
    """
    data = fragment.data
    if len(data) <= PIECE_BYTES:
        yield fragment
        return
    start, line = 0, fragment.first_line
    while True:
        end, following = _cut(data, start)
        yield Fragment(fragment.origin, line, data[start:end], fragment.fresh)
        if end == len(data):
            break
        line += data.count(b"\n", start, following)
        start = following
    if keys.mentions_key(data):
        for first, block in keys.new_key_blocks(data, ()):
            yield Fragment(fragment.origin, fragment.first_line + first - 1, block, fragment.fresh)


def _cut(data: bytes, start: int) -> tuple[int, int]:
    """Where the piece that begins at `start` ends, and where the next one begins."""
    if len(data) - start <= PIECE_BYTES:
        return len(data), len(data)
    end = data.find(b"\n", start + PIECE_BYTES, start + LONG_LINE_BYTES)
    if end < 0:
        if len(data) - start <= LONG_LINE_BYTES:
            return len(data), len(data)
        end = start + LONG_LINE_BYTES
        return end, end - LONG_LINE_OVERLAP
    # Always forward by most of a piece: one byte at a time, 4 kB of text would be 2 MB of pieces.
    back = data.rfind(b"\n", start + PIECE_BYTES // 2, end - OVERLAP_BYTES)
    return end, back + 1 if back >= 0 else end - OVERLAP_BYTES
