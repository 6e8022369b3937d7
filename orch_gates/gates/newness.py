"""Which matches a range adds: a line that stood there before the range is nobody's new leak (SEC-1, SEC-3)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from orch_gates.git.changes import Change
from orch_gates.git.objects import Object
from orch_gates.scanners.answer import Hit

Read = Callable[[Sequence[str]], Iterator[Object]]
_Block = tuple[bytes, ...]
_MOST_SOURCES = 100
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


def place(
    changes: Iterable[Change], wanted: Collection[str], names: Collection[str], is_new: Callable[[str], bool]
) -> Placed:
    """Find the places of `wanted` objects and of the new ones that they were made from; `changes` come newest first.

    A file that stands where none stood may have been moved: files that the same commit removes are its sources.
    """
    looked_for = set(wanted)
    found: list[Placement] = []
    added: dict[str, str] = {}
    for commit, group in _by_commit(changes):
        removed = tuple((oid, change.path) for change in group if not change.oid for oid in change.before)
        for change in group:
            if change.oid and not change.before and names:
                added |= {name: commit for name in _above(change.path) if name in names}
            if change.oid not in looked_for:
                continue
            sources = tuple((oid, change.path) for oid in change.before) or _likely(removed, change.path)
            found.append(Placement(commit, change.path, change.oid, sources))
            looked_for.update(oid for oid, _ in sources if is_new(oid))
    return Placed(tuple(reversed(found)), added)


def _likely(removed: Sequence[tuple[str, str]], path: str) -> tuple[tuple[str, str], ...]:
    """What a file was most likely moved from: files of its name first, then of its ending.

    A commit that moves very many files would have each compared with each.
    """
    name, ending = path.rpartition("/")[2], path.rpartition(".")[2]
    ordered = sorted(removed, key=lambda source: (source[1].rpartition("/")[2] != name, not source[1].endswith(ending)))
    return tuple(ordered[:_MOST_SOURCES])


def _by_commit(changes: Iterable[Change]) -> Iterator[tuple[str, list[Change]]]:
    commit = ""
    group: list[Change] = []
    for change in changes:
        if change.commit != commit and group:
            yield commit, group
            group = []
        commit = change.commit
        group.append(change)
    if group:
        yield commit, group


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
            lines = found.data.split(b"\n")
            self._blocks[oid] = [_block(lines, hit) for hit in self.hits[oid]]
        return self._blocks[oid]


def _block(lines: Sequence[bytes], hit: Hit) -> _Block:
    """The lines of a hit; with the one above where nothing but the value stands on its first, as the name is there."""
    first = hit.first - 1
    if first > 0 and not set(lines[first][: hit.column]) - _ALONE:
        first -= 1
    return tuple(lines[first : hit.last])


def _present(data: bytes, wanted: set[_Block]) -> set[_Block]:
    lines = data.split(b"\n")
    heads: dict[bytes, list[_Block]] = defaultdict(list)
    for block in wanted:
        heads[block[0]].append(block)
    found: set[_Block] = set()
    for number, line in enumerate(lines):
        for block in heads.get(line, ()):
            if block not in found and tuple(lines[number : number + len(block)]) == block:
                found.add(block)
    return found
