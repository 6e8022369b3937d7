"""From new objects to the fragments of text they add, each with its place of origin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from orch_gates.content import keys, metadata
from orch_gates.content.added import added, added_to_text
from orch_gates.content.views import segments
from orch_gates.git.objects import NewObjects, Object, ObjectReader
from orch_gates.git.placement import Placement

_CHUNK_BYTES = 4_000_000
_CHUNK_OBJECTS = 200
_CACHED_BYTES = 24_000_000


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a fragment's bytes stand; `also` are other paths that were given the same object."""

    carrier: str
    path: str
    commit: str
    oid: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fragment:
    """Consecutive lines of one object; `fresh` are the numbers of the added ones, None for all."""

    origin: Origin
    first_line: int
    data: bytes
    fresh: frozenset[int] | None = None


@dataclass(slots=True)
class FragmentSource:
    """Turns every new object into fragments and counts what it read (SEC-2, SEC-3)."""

    reader: ObjectReader
    new: NewObjects
    id_bytes: int
    objects_read: int = 0
    commits_read: int = 0
    bytes_read: int = 0
    _done: set[str] = field(default_factory=set)
    _roots: dict[str, str] = field(default_factory=dict)
    _versions: dict[str, bytes] = field(default_factory=dict)
    _compared: set[str] = field(default_factory=set)
    _also: dict[str, set[str]] = field(default_factory=dict)
    _messages: metadata.MessageReader = field(default_factory=metadata.MessageReader)

    def fragments(self, placed: Iterable[Placement]) -> Iterator[Fragment]:
        """All fragments: messages, then files and names in order of history, then the rest."""
        roots: list[Placement] = []
        for commit in self.reader.read(self.new.commits):
            yield from self._message(commit, "commit", commit.oid)
            roots.append(self._root(commit))
        plan = list(self._firsts(_merged(roots, placed)))
        self._compared = {name for item in plan for name in item.before}
        yield from self._chunks(plan)
        rest = [oid for oid in self.new.headers if oid not in self._done]
        yield from self._chunks(Placement(oid, "", "", ()) for oid in rest)

    def _root(self, commit: Object) -> Placement:
        tree, parents = metadata.root_tree_and_parents(commit.data)
        self._roots[commit.oid] = tree
        before = tuple(self._roots.get(parent, f"{parent}^{{tree}}") for parent in parents)
        return Placement(tree, "", commit.oid, before)

    def _firsts(self, placed: Iterable[Placement]) -> Iterator[Placement]:
        """Each new object once, compared only with versions that are old or were read before it.

        Two new objects that each name the other as their earlier version would otherwise excuse
        one another.
        """
        given = set(self._done)
        for item in placed:
            if item.oid not in self.new.headers:
                continue
            if item.oid in given:
                self._also.setdefault(item.oid, set()).add(item.path)
                continue
            given.add(item.oid)
            known = tuple(name for name in item.before if name in given or name not in self.new.headers)
            yield Placement(item.oid, item.path, item.commit, tuple(n for n in known if n != item.oid))

    def _chunks(self, placed: Iterable[Placement]) -> Iterator[Fragment]:
        chunk: list[Placement] = []
        size = 0
        for item in placed:
            chunk.append(item)
            size += self.new.headers[item.oid].size
            if size > _CHUNK_BYTES or len(chunk) >= _CHUNK_OBJECTS:
                yield from self._read(chunk)
                chunk, size = [], 0
        yield from self._read(chunk)

    def _read(self, chunk: Sequence[Placement]) -> Iterator[Fragment]:
        wanted = dict.fromkeys(name for item in chunk for name in item.before)
        coming = {item.oid for item in chunk}
        absent = [name for name in wanted if name not in self._versions and name not in coming]
        for name, old in zip(absent, self.reader.read(absent), strict=True):
            self._versions[name] = old.data
        for item, found in zip(chunk, self.reader.read([item.oid for item in chunk]), strict=True):
            yield from self._object(item, found)
            if item.oid in self._compared:
                self._versions[item.oid] = found.data
        self._forget()

    def _object(self, item: Placement, found: Object) -> Iterator[Fragment]:
        before = [self._versions[name] for name in item.before if name in self._versions]
        if found.kind == "blob":
            self._count(found)
            also = tuple(sorted(self._also.get(found.oid, set()) - {item.path}))
            yield from _file(Origin("file", item.path, item.commit, found.oid, also), found.data, before)
        elif found.kind == "tree":
            self._count(found)
            known = [metadata.entry_names(tree, self.id_bytes) for tree in before]
            names = metadata.entry_names(found.data, self.id_bytes).difference(*known)
            if names:
                origin = Origin("file name", item.path, item.commit, found.oid)
                yield from _whole(origin, b"\n".join(sorted(names)))
        else:
            yield from self._message(found, found.kind, item.commit)

    def _message(self, found: Object, carrier: str, commit: str) -> Iterator[Fragment]:
        self._count(found)
        self.commits_read += found.kind == "commit"
        yield from _whole(Origin(carrier, "", commit, found.oid), self._messages.readable(found.data))

    def _count(self, found: Object) -> None:
        self._done.add(found.oid)
        self.objects_read += 1
        self.bytes_read += len(found.data)

    def _forget(self) -> None:
        """Drop the versions that were read longest ago, so that memory stays bounded."""
        held = sum(map(len, self._versions.values()))
        for name in list(self._versions):
            if held <= _CACHED_BYTES:
                break
            held -= len(self._versions.pop(name))


def _file(origin: Origin, data: bytes, before: Sequence[bytes]) -> Iterator[Fragment]:
    if not before:
        yield from _whole(origin, data)
        return
    views = segments(data)
    if b"\0" in data:
        # Both sides decoded: a key in UTF-16 is assembled from lines as well as one in ASCII.
        before = [view.data for old in before for view in segments(old)]
        known = {line for old in before for line in old.split(b"\n")}
        runs = [run for view in views for run in added(view, known)]
    else:
        runs = added_to_text(data, before)
    for run, fresh in runs:
        yield Fragment(origin, run.first_line, run.data, fresh)
    for view in views:
        if keys.mentions_key(view.data):
            for line, block in keys.new_key_blocks(view.data, before):
                yield Fragment(origin, view.first_line + line - 1, block)


def _whole(origin: Origin, data: bytes) -> Iterator[Fragment]:
    for segment in segments(data):
        yield Fragment(origin, segment.first_line, segment.data)


def _merged(roots: Sequence[Placement], placed: Iterable[Placement]) -> Iterator[Placement]:
    """Each commit's root tree before the files that the commit changes."""
    waiting = iter(roots)
    commit = ""
    for item in placed:
        if item.commit != commit:
            commit = item.commit
            for root in waiting:
                yield root
                if root.commit == commit:
                    break
        yield item
    yield from waiting


def ref_names(names: Iterable[str]) -> Iterator[Fragment]:
    """The names that a push gives to refs; they are stored like any other byte (SEC-3)."""
    for name in names:
        data = name.encode("utf-8", "surrogateescape")
        yield Fragment(Origin("ref name", "", "", name), 1, data)
