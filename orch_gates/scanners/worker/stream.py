"""What `git cat-file --batch` prints, object by object, into a collector; and the count of what was read (SEC-2)."""

from __future__ import annotations

import bisect
import hashlib
import re
from dataclasses import dataclass, field, replace
from typing import IO

from orch_gates.content import metadata
from orch_gates.content.views import views
from orch_gates.errors import BudgetExceeded, GitError
from orch_gates.scanners.answer import Hit
from orch_gates.scanners.rules.paths import by_path
from orch_gates.scanners.worker.hits import HitCollector
from orch_gates.scanners.worker.parallel import Files

_BATCH_BYTES = 30_000
# Most folders have no such file, and need not be taken apart.
_KEY_STORE = re.compile(rb"\.(?:p12|pfx|pkcs12)\0", re.IGNORECASE)
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_BETWEEN_NAMES = b"\n~\n"


class CutOff(GitError):
    """The stream ended in the middle of an object."""


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """The most bytes of one object and of all together."""

    object_bytes: int
    content_bytes: int


@dataclass(slots=True)
class Counts:
    """How much was read; `digest` is that of all ids in the order in which they came."""

    objects: int = 0
    commits: int = 0
    bytes: int = 0
    digest: str = ""


@dataclass(slots=True)
class ObjectFeed:
    """Feeds every object to the collector as what it is: file, names of a folder, message."""

    collector: HitCollector
    files: Files
    limits: StreamLimits
    counts: Counts = field(default_factory=Counts)
    _names: dict[bytes, tuple[str, str]] = field(default_factory=dict)
    _waiting: list[bytes] = field(default_factory=list)
    _size: int = 0
    _key_stores: list[Hit] = field(default_factory=list)
    _empty: set[str] = field(default_factory=set)
    _messages: metadata.MessageReader = field(default_factory=metadata.MessageReader)

    def read(self, stream: IO[bytes]) -> None:
        """Read the stream to its end.

        Raises:
            GitError: an object is missing, or the stream was cut off.
            BudgetExceeded: an object, or all together, are larger than the limits.
        """
        ids = hashlib.sha256()
        while head := stream.readline():
            if not head.endswith(b"\n"):
                raise _cut_off(_text(head))
            oid, kind, size, path = _head(head)
            self._check(oid, size)
            data = stream.read(size)
            if len(data) != size or not stream.read(1):
                raise _cut_off(oid)
            ids.update(oid.encode("ascii"))
            self.counts.objects += 1
            self.counts.bytes += size
            self._object(oid, kind, path, data)
        self._scan_names()
        self.files.finish()
        self.collector.hits += [hit for hit in self._key_stores if hit.oid not in self._empty]
        self.counts.digest = ids.hexdigest()

    def _check(self, oid: str, size: int) -> None:
        if size > self.limits.object_bytes:
            raise BudgetExceeded(
                f"object {oid[:10]} has {size} bytes, more than the {self.limits.object_bytes} that one "
                "may have; keep large files outside git (LFS), or raise ORCH_SECURITY_MAX_OBJECT_BYTES"
            )
        if self.counts.bytes + size > self.limits.content_bytes:
            raise BudgetExceeded(
                f"more than {self.limits.content_bytes} bytes were added, which is the most that one check "
                "scans; push in smaller parts, or raise ORCH_SECURITY_MAX_BYTES"
            )

    def _object(self, oid: str, kind: str, path: str, data: bytes) -> None:
        if kind == "blob":
            if not data or data.startswith(_LFS_POINTER):
                self._empty.add(oid)
            self.files.add(oid, path, data)
        elif kind == "tree":
            self._tree(oid, path, data)
        else:
            self.counts.commits += kind == "commit"
            self._commit_or_tag(oid, kind, data)

    def _commit_or_tag(self, oid: str, kind: str, data: bytes) -> None:
        text, people = self._messages.readable(data)
        before = len(self.collector.hits)
        self.collector.text(kind, oid, "", text)
        found = self.collector.hits[before:]
        self.collector.hits[before:] = [replace(hit, carrier=people.get(hit.first, kind)) for hit in found]

    def _tree(self, oid: str, path: str, data: bytes) -> None:
        """The names in a folder, each scanned once; and the files that are secrets by their name alone."""
        listed = metadata.folder(data, len(oid) // 2)
        for text in listed.odd:
            self.collector.text("folder", oid, path, text)
        for name, _ in listed.entries:
            if name not in self._names:
                self._names[name] = (oid, path)
                self._waiting.append(name)
                self._size += len(name)
        for name, file in listed.files if _KEY_STORE.search(data) else ():
            if rule := by_path(_text(name), b"any"):
                hit = Hit("key store", file.hex(), _joined(path, name), rule, 1, 1, 0, file.hex().encode("ascii"))
                self._key_stores.append(hit)
        if self._size > _BATCH_BYTES:
            self._scan_names()

    def _scan_names(self) -> None:
        starts, size = [], 0
        for name in self._waiting:
            starts.append(size)
            size += len(name) + len(_BETWEEN_NAMES)
        for piece in views(_BETWEEN_NAMES.join(self._waiting)):
            for match in self.collector.matches(piece.data):
                name = self._waiting[bisect.bisect_right(starts, piece.origin(match.raw.start)) - 1]
                tree, folder = self._names[name]
                rule = self.collector.rules[match.raw.rule]
                hit = Hit("file name", tree, _joined(folder, name), rule.id, 0, 0, 0, match.raw.secret)
                self.collector.hits.append(hit)
        self._waiting, self._size = [], 0


def _head(line: bytes) -> tuple[str, str, int, str]:
    """The id, kind, size and path in the line before an object.

    Raises:
        GitError: git says instead that there is no such object.
    """
    fields = line.rstrip(b"\n").split(b" ", 3)
    if len(fields) < 3 or not fields[2].isdigit():
        raise GitError(f"object {_text(fields[0])} cannot be read: the history that was given is incomplete")
    return fields[0].decode("ascii"), fields[1].decode("ascii"), int(fields[2]), _text(fields[3]) if fields[3:] else ""


def _cut_off(what: str) -> CutOff:
    return CutOff(f"object {what} was cut off: git ended early, ran out of memory or took too long")


def _joined(folder: str, name: bytes) -> str:
    return f"{folder}/{_text(name)}" if folder else _text(name)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
