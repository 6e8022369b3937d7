"""Private keys span lines, so they are looked for in whole versions, not in added lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_BEGIN = b"-----BEGIN"
_LABEL = re.compile(rb"-----BEGIN[^\n-]{0,100}PRIVATE KEY")
_END = re.compile(rb"KEY(?: BLOCK)?-----[^\n]{0,100}")
# As far apart as fits one read of gitleaks (100 kB) together with what stands around it.
LONGEST_KEY = 90_000
# A file with more is no file of keys; looking behind each marker would take for ever.
MOST_KEYS = 500


def mentions_key(data: bytes) -> bool:
    """Whether any key block may be in the data; cheap."""
    return b"PRIVATE KEY" in data


def new_key_blocks(data: bytes, before: Iterable[bytes]) -> list[tuple[int, bytes]]:
    """Key blocks that no earlier version holds in one piece, each with its first line from 1.

    A key can be assembled from lines that were all there before, in another order or apart. What
    follows the `MOST_KEYS`-th block is given as one block.
    """
    versions = tuple(before)
    return [
        (data.count(b"\n", 0, start) + 1, data[start:end])
        for start, end in _blocks(data)
        if not any(data[start:end] in version for version in versions)
    ]


def _blocks(data: bytes) -> Iterator[tuple[int, int]]:
    position = data.find(_BEGIN)
    for _ in range(MOST_KEYS):
        if position < 0:
            return
        label = _LABEL.match(data, position)
        end = _END.search(data, label.end(), label.end() + LONGEST_KEY) if label else None
        # The label's own line ends like a key does.
        if end is not None and b"\n" not in data[position : end.start()]:
            end = _END.search(data, end.end(), end.end() + LONGEST_KEY)
        if end is not None:
            yield position, end.end()
        position = data.find(_BEGIN, position + len(_BEGIN))
    if position >= 0:
        yield position, len(data)
