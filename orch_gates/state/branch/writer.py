"""One commit on a snapshot, made in memory and pushed as one compare-and-swap (ST-2, ST-3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orch_gates.errors import GitError, StateError
from orch_gates.git.answers import PushAnswer
from orch_gates.git.draft import TreeDraft, absent_folders
from orch_gates.git.remote import Update
from orch_gates.git.tree import Author, MissingObject
from orch_gates.state.branch import generation
from orch_gates.state.branch.git_snapshot import ONE_FOLDER, GitSnapshot
from orch_gates.state.branch.source import StateRemote
from orch_gates.state.branch.timing import Timing
from orch_gates.state.history import message
from orch_gates.state.layout import ROOT
from orch_gates.state.refs import WITNESS
from orch_gates.state.store import Change


@dataclass(frozen=True, slots=True)
class CommitBase:
    """What a commit is made upon: a snapshot and where the witness stood."""

    snapshot: GitSnapshot
    witness: str


@dataclass(frozen=True, slots=True)
class PushAttempt:
    """A commit that was made here; whether it is on the branch is another question."""

    commit: str
    parent: str
    generation: int
    op: str


class Writer:
    """Makes the commits of one store."""

    def __init__(self, source: StateRemote, timing: Timing, author: Author, by: str) -> None:
        self._source = source
        self._timing = timing
        self._author = author
        self._by = by

    def commit(self, base: CommitBase, change: Change, timeout: float) -> PushAttempt:
        """The change as a commit on the base, with the generation raised by one.

        Raises:
            ValueError: the change is empty or not possible: it names a wrong path.
            StateError: an object could not be read or written.
        """
        if not (change.writes or change.removals or change.moves):
            raise ValueError("a change has to change something")
        tree = self._source.objects.commit(base.snapshot.tip).tree
        raised = base.snapshot.generation + 1
        root = change.writes.get(ROOT) or base.snapshot.text(ROOT)
        texts = {**change.writes, ROOT: generation.raised(root, raised)}
        paths = {*texts, *change.removals, *change.moves, *change.moves.values()}
        tried: set[str] = set()
        while absent := absent_folders(self._source.objects, tree, paths) - tried:
            self._source.fill(absent, timeout, only=ONE_FOLDER)
            tried |= absent
        try:
            return self._made(self._drafted(tree, change, texts), (base.snapshot.tip,), raised, change)
        except MissingObject as error:
            raise StateError(f"the cache of the state branch is incomplete: {error}; run the command again") from error
        except GitError as error:
            raise StateError(f"the state commit could not be made: {error}") from error

    def root(self, change: Change) -> PushAttempt:
        """The first commit of a branch.

        Raises:
            ValueError, StateError: as `commit`.
        """
        first = generation.read(change.writes.get(ROOT))
        try:
            return self._made(self._drafted(None, change, change.writes), (), first, change)
        except GitError as error:
            raise StateError(f"the state commit could not be made: {error}") from error

    def join(self, tree: str, parents: tuple[str, ...], root: str, raised: int, change: Change) -> PushAttempt:
        """A commit with another commit's files that follows all of `parents`.

        Raises:
            StateError: as `commit`.
        """
        try:
            draft = TreeDraft(self._source.objects, tree)
            draft.put(ROOT, generation.raised(root, raised).encode())
            return self._made(draft.write(), parents, raised, change)
        except GitError as error:
            raise StateError(f"the state commit could not be made: {error}") from error

    def push(self, attempt: PushAttempt, witness: str, timeout: float) -> PushAnswer:
        """Push a commit as branch and witness, if both still stand where they stood."""
        updates = [
            Update(self._source.ref, attempt.parent, attempt.commit),
            Update(WITNESS, witness, attempt.commit),
        ]
        return self._source.push(updates, timeout)

    def _drafted(self, tree: str | None, change: Change, texts: Mapping[str, str]) -> str:
        draft = TreeDraft(self._source.objects, tree)
        for source, target in change.moves.items():
            draft.move(source, target)
        for path in change.removals:
            draft.take(path)
        for path, text in texts.items():
            draft.put(path, text.encode())
        return draft.write()

    def _made(self, tree: str, parents: tuple[str, ...], raised: int, change: Change) -> PushAttempt:
        op = message.op_id(raised, self._timing.nonce())
        text = message.compose(change, op, change.by or self._by)
        seconds = int(self._timing.now().timestamp())
        commit = self._source.objects.put_commit(tree, parents, self._author, seconds, text)
        return PushAttempt(commit, parents[0] if parents else "", raised, op)
