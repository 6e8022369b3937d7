"""The state branch in memory: what a `Store` promises, without git; also the model of the property tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha1

from orch_gates.errors import MissingState, RewoundState, StateDocumentError, WipedState
from orch_gates.git.tree import Commit
from orch_gates.state.branch import generation
from orch_gates.state.history import message
from orch_gates.state.history.message import LogEntry, log_entry
from orch_gates.state.layout import ROOT
from orch_gates.state.outcome import (
    Committed,
    Exists,
    Initialised,
    NothingToDo,
    Restoration,
    Restored,
    Result,
    denied,
)
from orch_gates.state.snapshot import TreeEntry
from orch_gates.state.store import Change, Decide, LookAgain


@dataclass(frozen=True, slots=True)
class MemoryCommit:
    files: Mapping[str, bytes]
    parents: tuple[str, ...]
    message: str


@dataclass(slots=True)
class MemoryRemote:
    """The server: commits and refs. `refusal` is what a hook of it says to every push.

    `before_push` runs once, between the next decision and its push.
    """

    commits: dict[str, MemoryCommit] = field(default_factory=dict)
    branch: str = ""
    witness: str = ""
    refusal: str = ""
    lost: list[str] = field(default_factory=list)
    before_push: Callable[[], object] | None = None

    def add(self, files: Mapping[str, bytes], parents: tuple[str, ...], text: str) -> str:
        oid = sha1(f"{len(self.commits)} {sorted(files)} {parents} {text}".encode()).hexdigest()
        self.commits[oid] = MemoryCommit(dict(files), parents, text)
        return oid

    def history(self, tip: str) -> Iterator[str]:
        """A tip and its ancestors, nearest first."""
        found = [tip]
        for oid in found:
            yield oid
            found += [parent for parent in self.commits[oid].parents if parent not in found]

    def lineage(self, tip: str) -> Iterator[str]:
        """A tip and what it is built upon, without what a restore has set aside."""
        oid = tip
        while oid:
            yield oid
            oid = "".join(self.commits[oid].parents[-1:])

    def reaches(self, tip: str, ancestor: str) -> bool:
        return ancestor in self.lineage(tip)

    def related(self, one: str, other: str) -> bool:
        """Whether two histories began as one, and neither goes through the other."""
        begun = [list(self.lineage(tip))[-1] for tip in (one, other)]
        return begun[0] == begun[1] and one not in self.history(other) and other not in self.history(one)


class MemorySnapshot:
    def __init__(self, remote: MemoryRemote, tip: str) -> None:
        self.tip = tip
        self._files = remote.commits[tip].files
        self.generation = generation.read(self.text(ROOT))

    def text(self, path: str) -> str | None:
        data = self._files.get(path)
        try:
            return None if data is None else data.decode()
        except UnicodeDecodeError as error:
            raise StateDocumentError(f"{path}: byte {error.start + 1} is not UTF-8") from error

    def files(self, prefix: str = "") -> Iterator[TreeEntry]:
        folder = prefix.strip("/")
        for path in sorted(self._files):
            if not folder or path.startswith(f"{folder}/"):
                yield TreeEntry(path, sha1(self._files[path]).hexdigest())

    def folders(self, path: str) -> Mapping[str, str]:
        below: dict[str, list[tuple[str, str]]] = {}
        for entry in self.files(path):
            name, slash, rest = entry.path.removeprefix(f"{path}/").partition("/")
            if slash:
                below.setdefault(name, []).append((rest, entry.oid))
        return {name: sha1(str(content).encode()).hexdigest() for name, content in below.items()}

    def read(self, entry: TreeEntry) -> str:
        text = self.text(entry.path)
        assert text is not None
        return text


class MemoryStore:
    """A `Store` on a `MemoryRemote`; each has its own memory of what it saw."""

    def __init__(self, remote: MemoryRemote) -> None:
        self._remote = remote
        self._kept: dict[str, str] = {}
        self._seen = ""

    def load(self) -> MemorySnapshot:
        remote = self._remote
        if not remote.branch:
            how = "restore" if remote.witness else "init"
            known = remote.witness or self._seen
            raise (WipedState if known else MissingState)(f"there is no state branch: run `orch-gates state {how}`")
        for before in (remote.witness, self._seen):
            if before and not remote.reaches(remote.branch, before):
                raise RewoundState(f"{remote.branch} does not descend from {before}: run `orch-gates state restore`")
        snapshot = MemorySnapshot(remote, remote.branch)
        self._seen = remote.branch
        return snapshot

    def transact(self, decide: Decide, look_again: LookAgain | None = None, *, others_wait: bool = False) -> Result:
        attempts = 0
        while True:
            snapshot = self.load()
            if attempts and look_again is not None:
                look_again()
            change = decide(snapshot)
            if change is None:
                return NothingToDo(snapshot.tip)
            made, op = self._made(snapshot, change)
            attempts += 1
            if self._remote.refusal:
                raise denied(self._remote.refusal)
            if (meanwhile := self._remote.before_push) is not None:
                self._remote.before_push = None
                meanwhile()
            # Somebody may have been called from within `decide`.
            if self._remote.branch == snapshot.tip:
                self._remote.branch = self._remote.witness = self._seen = made
                return Committed(made, snapshot.generation + 1, op, attempts)

    def initialise(self, files: Mapping[str, str], *, anew: bool = False) -> Initialised:
        remote = self._remote
        first = generation.read(files.get(ROOT))
        if remote.branch:
            return Exists(self.load().tip)
        if remote.witness:
            raise MissingState("the state branch was deleted: run `orch-gates state restore`")
        if self._seen and not anew:
            raise MissingState("branch and witness ref were deleted: run `orch-gates state restore`")
        if remote.refusal:
            raise denied(remote.refusal)
        op = self._op(first)
        text = message.compose(Change(event="init", task="-", subject="init: the state branch"), op, "a tester")
        made = remote.add({path: text.encode() for path, text in files.items()}, (), text)
        remote.branch = remote.witness = self._seen = made
        return Committed(made, first, op, 1)

    def recall(self, name: str) -> str:
        return self._kept.get(name, "")

    def keep(self, name: str, text: str) -> None:
        self._kept[name] = text

    def restore(self, *, forget: bool = False) -> Restoration:
        remote = self._remote
        good = remote.witness
        if not remote.branch and not good and self._seen:
            remote.witness = self._seen
            return self._restored(self._seen)
        if not remote.branch and not good:
            raise MissingState("there is no state branch: run `orch-gates state init`")
        if self._seen and (not good or remote.reaches(self._seen, good)):
            good = self._seen
        if remote.branch and (not good or remote.reaches(remote.branch, good)):
            if not self._seen or remote.reaches(remote.branch, self._seen):
                return NothingToDo(remote.branch)
            if not forget:
                raise RewoundState("branch and witness lack what was seen: `orch-gates state restore --forget`")
            return self._restored(remote.branch)
        if remote.refusal:
            raise denied(remote.refusal)
        if not remote.branch or remote.reaches(good, remote.branch):
            return self._restored(good)
        lost = remote.branch
        remote.lost.append(lost)
        if not remote.related(lost, good):
            return self._restored(good, lost)
        right = MemorySnapshot(remote, good)
        raised = max(right.generation, MemorySnapshot(remote, lost).generation) + 1
        root = generation.raised(right.text(ROOT), raised).encode()
        change = Change(event="restore", task="-", subject=f"restore: the files of {good}")
        text = message.compose(change, self._op(raised), "a tester")
        remote.witness = remote.add({**remote.commits[good].files, ROOT: root}, (lost, good), text)
        return self._restored(remote.witness, lost)

    def log(self) -> Iterator[LogEntry]:
        for oid in self._remote.lineage(self.load().tip):
            commit = self._remote.commits[oid]
            yield log_entry(oid, Commit("", commit.parents, "tester@example.invalid", 0, commit.message))

    def _restored(self, to: str, lost: str = "") -> Restored:
        self._remote.branch = self._seen = to
        return Restored(to, MemorySnapshot(self._remote, to).generation, "mended", lost)

    def _made(self, snapshot: MemorySnapshot, change: Change) -> tuple[str, str]:
        if not (change.writes or change.removals or change.moves):
            raise ValueError("a change has to change something")
        files = dict(self._remote.commits[snapshot.tip].files)
        for source, target in change.moves.items():
            moved = [path for path in files if path == source or path.startswith(f"{source}/")]
            if not moved or any(path == target or path.startswith(f"{target}/") for path in files):
                raise ValueError(f"cannot move {source} to {target}")
            for path in moved:
                files[target + path[len(source) :]] = files.pop(path)
        for gone in change.removals:
            for path in [path for path in files if path == gone or path.startswith(f"{gone}/")]:
                del files[path]
        files |= {path: text.encode() for path, text in change.writes.items()}
        raised = snapshot.generation + 1
        files[ROOT] = generation.raised(change.writes.get(ROOT) or snapshot.text(ROOT), raised).encode()
        op = self._op(raised)
        return self._remote.add(files, (snapshot.tip,), message.compose(change, op, change.by or "a tester")), op

    def _op(self, raised: int) -> str:
        return message.op_id(raised, f"{len(self._remote.commits):032x}")
