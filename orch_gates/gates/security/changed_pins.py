"""The files of pins that a range of commits changes, as they were and as they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from orch_gates.errors import BudgetExceeded, GitError
from orch_gates.gates.security.dependencies import ChangedFile
from orch_gates.git.cli import Git
from orch_gates.scanners.pins import kinds
from orch_gates.scanners.pins.pin import Pins, UnpinnedReason

MOST_FILES = 100
MOST_BYTES = 5_000_000
MOST_BYTES_TOGETHER = 50_000_000

_REGULAR = b"100"
_LINK = b"120000"
_ABSENT = b"000000"


@dataclass(frozen=True, slots=True)
class _Blob:
    """An entry of a tree, as git lists it."""

    mode: bytes = _ABSENT
    oid: str = ""


@dataclass(slots=True)
class _Reader:
    """Reads files of pins out of git, up to a number of bytes for all of them together."""

    git: Git
    most: int
    total: int = 0

    def read(self, path: str, blob: _Blob) -> Pins | None:
        """What a file pins, or None where there is no file.

        Raises:
            GitError: git cannot read it.
            BudgetExceeded: the files are too much together.
        """
        if blob.mode == _ABSENT:
            return None
        if not blob.mode.startswith(_REGULAR):
            what = "a symbolic link" if blob.mode == _LINK else "no file"
            return Pins({}, unread=f"is not read: {what}")
        size = int(self.git.text("cat-file", "-s", blob.oid))
        if size > MOST_BYTES:
            return Pins({}, unread=f"is not read: more than {MOST_BYTES} bytes")
        self.total += size
        if self.total > self.most:
            raise BudgetExceeded(f"the changed files that pin dependencies have over {self.most} bytes")
        return kinds.read(self.git.read("cat-file", "blob", blob.oid), path)


def changed_pins(git: Git, base: str, head: str, *, most_bytes: int = MOST_BYTES_TOGETHER) -> tuple[ChangedFile, ...]:
    """Compare the head with where it left the base; everything is new where there is no base.

    Raises:
        GitError: the trees cannot be read.
        BudgetExceeded: more files than an audit takes, or more bytes in them.
    """
    left = _merge_base(git, base, head)
    changes = [change for change in _changes(git, left, head) if kinds.kind(change[0])]
    if len(changes) > MOST_FILES:
        raise BudgetExceeded(f"{len(changes)} changed files pin dependencies, more than {MOST_FILES}")
    reader = _Reader(git, most_bytes)
    found = [(path, reader.read(path, before), reader.read(path, after)) for path, before, after in changes]
    locks_after, locks_before = _Locks(reader, head), _Locks(reader, left)
    return tuple(
        ChangedFile(path, before, after, locks_before.beside(path, before), locks_after.beside(path, after))
        for path, before, after in found
    )


@dataclass(slots=True)
class _Locks:
    """The locks of a tree; nothing is read before a file with ranges asks for those beside it."""

    reader: _Reader
    tree: str
    _listed: list[tuple[str, _Blob]] | None = None
    _names: dict[str, frozenset[str]] = field(default_factory=dict)

    def beside(self, path: str, pins: Pins | None) -> frozenset[str]:
        """The packages that they pin, for a file whose ranges they settle; none where they are too much to read."""
        if (
            not self.tree
            or pins is None
            or not any(entry.why in {UnpinnedReason.RANGE, UnpinnedReason.BUILD} for entry in pins.open)
        ):
            return frozenset()
        if self._listed is None:
            self._listed = [(name, blob) for name, blob in _files(self.reader.git, self.tree) if kinds.kind(name)]
        found: frozenset[str] = frozenset()
        for name, blob in self._listed:
            if kinds.settles(name, path):
                found |= self._pinned(name, blob)
        return found

    def _pinned(self, path: str, blob: _Blob) -> frozenset[str]:
        if path not in self._names:
            try:
                pins = self.reader.read(path, blob)
            except BudgetExceeded:
                pins = None
            self._names[path] = frozenset(pin.name for pin in pins.lines) if pins else frozenset()
        return self._names[path]


def _changes(git: Git, left: str, head: str) -> Iterator[tuple[str, _Blob, _Blob]]:
    """Each path that differs, with its file before and after."""
    if not left:
        yield from ((path, _Blob(), blob) for path, blob in _files(git, head))
        return
    fields = git.read("diff-tree", "-r", "-z", "--no-renames", "--raw", "--no-abbrev", left, head).split(b"\0")
    for raw, name in zip(fields[::2], fields[1::2], strict=False):
        before, after, old, new, _ = raw.removeprefix(b":").split(b" ")
        yield _path(name), _Blob(before, old.decode("ascii")), _Blob(after, new.decode("ascii"))


def _files(git: Git, tree: str) -> Iterator[tuple[str, _Blob]]:
    for row in git.read("ls-tree", "-r", "-z", "--full-tree", tree).split(b"\0"):
        if row:
            listed, name = row.split(b"\t", 1)
            mode, _, oid = listed.split(b" ")
            yield _path(name), _Blob(mode, oid.decode("ascii"))


def _path(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _merge_base(git: Git, base: str, head: str) -> str:
    """Where head left base; empty for no base and for unrelated histories, which git answers with 1."""
    if not base:
        return ""
    done = git.run("merge-base", base, head)
    if done.returncode not in {0, 1}:
        raise GitError(f"git merge-base failed ({done.returncode}): {done.complaint}")
    return done.stdout.decode("ascii").strip()
