"""Private keys span lines, so they are looked for in whole versions, not in added lines."""

from __future__ import annotations

import re
from collections.abc import Iterable

_BLOCK = re.compile(rb"-----BEGIN[^\n-]{0,100}PRIVATE KEY[\s\S]{0,24000}?KEY(?: BLOCK)?-----[^\n]*")


def mentions_key(data: bytes) -> bool:
    """Whether any key block may be in the data; cheap."""
    return b"PRIVATE KEY" in data


def new_key_blocks(data: bytes, before: Iterable[bytes]) -> list[tuple[int, bytes]]:
    """Key blocks that no earlier version holds in one piece, each with its first line from 1.

    A key can be assembled from lines that were all there before, in another order or apart.
    """
    versions = tuple(before)
    return [
        (data.count(b"\n", 0, match.start()) + 1, match.group())
        for match in _BLOCK.finditer(data)
        if not any(match.group() in version for version in versions)
    ]
