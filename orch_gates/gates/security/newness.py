"""Which matches a range adds: a line that stood there before the range is nobody's new leak (SEC-1, SEC-3)."""

from __future__ import annotations

import hashlib
import io
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter

from orch_gates.git.changes import CommitChange
from orch_gates.git.objects import Object
from orch_gates.scanners.answer import Hit

Read = Callable[[Sequence[str]], Iterator[Object]]
_MOST_SOURCES = 100
_CHUNK = 1 << 16
# What a first line is looked up by; a line of fifty million bytes is no key to keep.
_HEAD = 64
_ALONE = frozenset(b" \t\"'`,>|-[({\r")


@dataclass(frozen=True, slots=True)
class Placement:
    """An object at a path in a commit; `sources` are the objects, by id and path, that it was made from."""

    commit: str
    path: str
    oid: str
    sources: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """The placements of objects, oldest commit first, and for each wanted name the oldest commit that adds below it."""

    placements: tuple[Placement, ...]
    names: Mapping[str, str]


def place(changes: Iterable[CommitChange], wanted: Collection[str], names: Collection[str]) -> Placed:
    """Find the places of `wanted` objects, and what each was made from; `changes` come newest first.

    A file that stands where none stood may have been moved: files that the same commit removes are its sources.
    """
    found: list[Placement] = []
    added: dict[str, str] = {}
    for commit, group in groupby(changes, key=attrgetter("commit")):
        # A commit of some kilobytes may have millions of changes; those that tell nothing here are not kept.
        removed = _Removed()
        wanted_here = []
        for change in group:
            if change.oid in wanted:
                wanted_here.append(change)
            elif not change.oid:
                removed.add(change)
            if change.oid and not change.before and names:
                added |= {name: commit for name in _above(change.path) if name in names}
        for change in wanted_here:
            sources = tuple((oid, change.path) for oid in change.before) or removed.likely(change.path)
            found.append(Placement(commit, change.path, change.oid, sources))
    return Placed(tuple(reversed(found)), added)


class _Removed:
    """What a commit removes, of each name and each ending no more than a moved file is compared with."""

    def __init__(self) -> None:
        self._all: list[tuple[str, str]] = []
        self._alike: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)

    def add(self, change: CommitChange) -> None:
        """Count a file that is removed."""
        for oid in change.before:
            for known in (self._all, *(self._alike[key] for key in _alike(change.path))):
                if len(known) < _MOST_SOURCES:
                    known.append((oid, change.path))

    def likely(self, path: str) -> tuple[tuple[str, str], ...]:
        """What a file was most likely moved from: files of its name first, then of its ending."""
        found = [source for key in _alike(path) for source in self._alike.get(key, ())]
        return tuple(dict.fromkeys((*found, *self._all)))[:_MOST_SOURCES]


def _alike(path: str) -> tuple[str, str]:
    """What says that two files are alike: their whole name, and the ending of it; neither is ever the other."""
    name = path.rpartition("/")[2]
    return f"/{name}", f".{name.rpartition('.')[2]}"


def _above(path: str) -> Iterator[str]:
    yield path
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


@dataclass(slots=True)
class Newness:
    """Decides about the hits of one placement after another, oldest first.

    `exempt` says whether a hit is none at a path. What is excused there excuses nothing elsewhere: a
    value that moves out of a vendored folder is looked at again.
    """

    hits: Mapping[str, Sequence[Hit]]
    is_new: Callable[[str], bool]
    exempt: Callable[[Hit, str], bool]
    read: Read
    _blocks: dict[str, list[_Block]] = field(default_factory=dict)
    _judged: dict[tuple[str, str], set[int]] = field(default_factory=dict)

    def of(self, placement: Placement) -> list[Hit]:
        """The hits that are new at a placement."""
        hits = self.hits.get(placement.oid, ())
        if not hits:
            return []
        stood = self._stood(placement) if placement.sources else frozenset()
        judged = self._judged.setdefault((placement.oid, placement.path), set())
        new = []
        for number, hit in enumerate(hits):
            if number in stood:
                judged.add(number)
            elif not self.exempt(hit, placement.path):
                judged.add(number)
                new.append(hit)
        return new

    def _stood(self, placement: Placement) -> set[int]:
        """The numbers of the hits whose lines a source has: an old one, or one that was judged already."""
        blocks = self._of(placement.oid)
        stood: set[_Block] = set()
        before = []
        for oid, path in placement.sources:
            if not self.is_new(oid):
                before.append(oid)
            elif judged := self._judged.get((oid, path)):
                stood.update(block for number, block in enumerate(self._of(oid)) if number in judged)
        wanted = set(blocks)
        for old in self.read(list(dict.fromkeys(before))):
            stood |= _present(old.data, wanted - stood)
        hits = self.hits[placement.oid]
        # A key store is a secret as a whole; that it begins like the one before says nothing.
        return {n for n, block in enumerate(blocks) if block in stood and hits[n].carrier != "key store"}

    def _of(self, oid: str) -> list[_Block]:
        if oid not in self._blocks:
            [found] = self.read([oid])
            self._blocks[oid] = list(_blocks(found.data, self.hits[oid]))
        return self._blocks[oid]


@dataclass(frozen=True, slots=True)
class _Block:
    """Some whole lines: how the first begins, and the length and the digest of all of them."""

    head: bytes
    length: int
    digest: bytes


def _blocks(data: bytes, hits: Sequence[Hit]) -> Iterator[_Block]:
    """The lines of each hit; with the one above where nothing but the value stands on its first: the name is there."""
    starts = _starts(data, {number for hit in hits for number in (max(hit.first - 1, 1), hit.first, hit.last)})
    for hit in hits:
        first = starts[hit.first]
        if hit.first > 1 and not set(data[first : first + hit.column]) - _ALONE:
            first = starts[hit.first - 1]
        end = _end(data, starts[hit.last])
        head = data[first : min(_end(data, first), first + _HEAD)]
        yield _Block(head, end - first, _digest(data, first, end))


def _starts(data: bytes, numbers: Collection[int]) -> dict[int, int]:
    """Where lines begin, by their numbers; a file may have too many lines to keep them all."""
    found = {}
    at, line = 0, 1
    for number in sorted(numbers):
        while line < number and (more := data.count(b"\n", at, at + _CHUNK)) < number - line:
            if at >= len(data):
                break
            line, at = line + more, at + _CHUNK
        while line < number and (end := data.find(b"\n", at)) >= 0:
            line, at = line + 1, end + 1
        found[number] = at
    return found


def _end(data: bytes, start: int) -> int:
    end = data.find(b"\n", start)
    return len(data) if end < 0 else end


def _digest(data: bytes, start: int, end: int) -> bytes:
    return hashlib.sha256(memoryview(data)[start:end]).digest()


def _present(data: bytes, wanted: set[_Block]) -> set[_Block]:
    lengths: defaultdict[bytes, set[int]] = defaultdict(set)
    for block in wanted:
        lengths[block.head].add(block.length)
    found: set[_Block] = set()
    at = 0
    for line in io.BytesIO(data):
        head = line[:_HEAD].rstrip(b"\n")
        for length in lengths.get(head, ()):
            end = at + length
            if end <= len(data) and data[end : end + 1] in {b"", b"\n"}:
                found.add(_Block(head, length, _digest(data, at, end)))
        at += len(line)
    return found & wanted
