"""Objects that lie in a file each, as git keeps what is new: read without what packs take."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path

from orch_gates.errors import GitError

_OID = re.compile(r"[0-9a-f]{40}")
_HEADER = re.compile(rb"(commit|tree|blob|tag) (0|[1-9][0-9]{0,17})\0")
_LONGEST_HEADER = 32


@dataclass(frozen=True, slots=True)
class Loose:
    """An object as its file holds it; `size` are the bytes of its content."""

    oid: str
    kind: str
    size: int
    _packed: bytes
    _start: int

    def data(self) -> bytes:
        """Its content.

        Raises:
            GitError: the file is cut off, or holds another object than its name says.
        """
        stream = zlib.decompressobj()
        try:
            # One byte more than it says would be found out.
            whole = stream.decompress(self._packed, self._start + self.size + 1)
        except zlib.error as error:
            raise GitError(f"object {self.oid} cannot be read: {error}") from error
        if not stream.eof and len(whole) <= self._start + self.size:
            raise GitError(f"object {self.oid} is cut off")
        if (
            stream.unused_data
            or len(whole) != self._start + self.size
            or sha1(whole, usedforsecurity=False).hexdigest() != self.oid
        ):
            raise GitError(f"object {self.oid} cannot be read: its file holds something else")
        return whole[self._start :]


def holds(folders: Sequence[Path], oid: str) -> bool:
    """Whether an object has a file of its own, whatever is in it."""
    return any((folder / oid[:2] / oid[2:]).is_file() for folder in folders)


def find(folders: Sequence[Path], oid: str) -> Loose | None:
    """An object that has a file of its own in one of some `objects` folders.

    Raises:
        GitError: that is no object id, or the file is no object's.
    """
    if not _OID.fullmatch(oid):
        raise GitError(f"{oid!r} is no object id")
    for folder in folders:
        try:
            # A path object for each of 10,000 objects costs more than to look for their files.
            with open(f"{folder}/{oid[:2]}/{oid[2:]}", "rb") as stream:
                packed = stream.read()
        except OSError:
            continue
        return _opened(oid, packed)
    return None


def _opened(oid: str, packed: bytes) -> Loose:
    try:
        head = _HEADER.match(zlib.decompressobj().decompress(packed, _LONGEST_HEADER))
    except zlib.error as error:
        raise GitError(f"object {oid} cannot be read: {error}") from error
    if head is None:
        raise GitError(f"object {oid} is cut off, or no object")
    return Loose(oid, head[1].decode("ascii"), int(head[2]), packed, head.end())
