"""Whether one commit of the state branch is legal: one set of rules for the guard and for `verify` (ST-6, OWN-3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from orch_gates.documents.frontmatter import MAX_DOCUMENT
from orch_gates.engine import legality
from orch_gates.git.tree import FILE_MODE, Changed, Commit, Objects, TooBig
from orch_gates.model.ids import TaskId
from orch_gates.model.root import Root
from orch_gates.model.task import Task
from orch_gates.state import layout
from orch_gates.state.history import files, message
from orch_gates.state.history.files import DecodedFile, StateProblem
from orch_gates.state.history.message import LogEntry, log_entry
from orch_gates.state.history.moves import Moves, Trees
from orch_gates.state.kinds import TASK, Body, DocumentKind, FreeText, Kinds, Location, UnknownPath

RESTORE = "restore"


@dataclass(frozen=True, slots=True)
class CheckedCommit:
    """A commit, what it says about itself, and everything that is illegal in it."""

    entry: LogEntry
    problems: tuple[StateProblem, ...]


def base_of(commit: Commit) -> str:
    """The commit whose files a commit changes: its parent, or what a restore has restored; empty for the first."""
    return commit.parents[-1] if restores(commit) else "".join(commit.parents[:1])


def restores(commit: Commit) -> bool:
    """Whether it joins what had replaced the branch with what the witness knew (ST-4)."""
    return len(commit.parents) == 2 and log_entry("", commit).event == RESTORE


class CommitChecker:
    """Checks commits whose objects, and those of the commits before them, are here."""

    def __init__(self, objects: Objects, kinds: Kinds, configured: Callable[[Root], bool]) -> None:
        """`configured`: whether the trusted configuration has these stages and this rework stage (P5, ST-8)."""
        self._objects = objects
        self._kinds = kinds
        self._configured = configured
        # Every document is met twice: once as what it becomes, once as what it was.
        self._read = lru_cache(maxsize=4096)(self._read_file)

    def check(self, oid: str) -> CheckedCommit:
        """Everything that is illegal in a commit.

        Raises:
            MissingObject: history is cut off here.
            GitError: an object is broken.
        """
        commit = self._objects.commit(oid)
        entry = log_entry(oid, commit)
        return CheckedCommit(entry, tuple(self._problems(commit, entry)))

    def _problems(self, commit: Commit, entry: LogEntry) -> Iterator[StateProblem]:
        if not commit.well_formed:
            yield StateProblem("", "author", "author and committer must be `name <address> seconds zone`")
        if len(commit.parents) > 1 and not restores(commit):
            yield StateProblem("", "parents", "a commit of this branch must have one parent; it must not be a merge")
            return
        base = base_of(commit)
        before = self._objects.commit(base).tree if base else ""
        root = self._root(commit.tree)
        if isinstance(root, StateProblem):
            yield root
            return
        yield from _trailers(entry, root)
        changes = list(self._objects.changed(before, commit.tree))
        if restores(commit):
            yield from self._restored(commit, root, changes)
            return
        yield from self._raised(before, root, by_hand=not entry.op)
        yield from self._files(Trees(self._objects, before, commit.tree), root, changes)
        if not entry.op:
            yield from self._by_hand(changes)

    def _root(self, tree: str) -> Root | StateProblem:
        found = self._at(tree, layout.ROOT)
        if found is None:
            return StateProblem(layout.ROOT, "", "must not be removed")
        if isinstance(found.document, Root):
            return found.document
        return found.problem or StateProblem(layout.ROOT, "", "must be a root document")

    def _raised(self, before: str, root: Root, *, by_hand: bool) -> Iterator[StateProblem]:
        earlier = self._at(before, layout.ROOT) if before else None
        # A root document that could not be read is mended by whatever can be.
        if earlier is not None and isinstance(earlier.document, Root):
            broken = legality.root_change(earlier.document, root, by_hand=by_hand)
        else:
            broken = legality.root_alone(root)
        yield from _named(layout.ROOT, broken)
        before_root = earlier.document if earlier is not None else root
        same = isinstance(before_root, Root) and _pipeline(before_root) == _pipeline(root)
        if not same and not self._configured(root):
            yield StateProblem(layout.ROOT, "stages", "must be a pipeline that the default branch configures")

    def _restored(self, commit: Commit, root: Root, changes: Sequence[Changed]) -> Iterator[StateProblem]:
        for change in changes:
            if change.path != layout.ROOT:
                yield StateProblem(change.path, "", "must not change in a restore; only the generation may")
        yield from self._forked(*commit.parents)
        for parent in commit.parents:
            found = self._at(self._objects.commit(parent).tree, layout.ROOT)
            if found is not None and isinstance(found.document, Root) and found.document.generation >= root.generation:
                yield StateProblem(layout.ROOT, "generation", "a restore must raise it above both histories")

    def _forked(self, replaced: str, good: str) -> Iterator[StateProblem]:
        """What a restore joins has to be two ways on from one beginning; else nothing had been replaced (ST-8)."""
        histories = [{oid for oid, _ in self._objects.history(tip)} for tip in (replaced, good)]
        firsts = [{oid for oid in one if not self._objects.commit(oid).parents} for one in histories]
        if replaced in histories[1] or good in histories[0]:
            yield StateProblem("", "parents", "a restore is allowed only after the branch was replaced, and it was not")
        elif not firsts[0] & firsts[1]:
            yield StateProblem(
                "", "parents", "a restore must join histories of one branch; these have no common commit"
            )

    def _files(self, trees: Trees, root: Root, changes: Sequence[Changed]) -> Iterator[StateProblem]:
        moves = Moves(changes)
        touched = set()
        for change in changes:
            location = self._kinds.locate(change.path)
            if isinstance(location, Location) and location.task:
                touched.add(TaskId(location.task))
            yield from self._file(change, location, root, moves)
            if change.before is None and isinstance(location, Location) and not location.year:
                yield from self._made(change.path, location, trees)
        for task in sorted(touched):
            if trees.orphaned(task):
                yield StateProblem(layout.task_path(task), "", "reports and jobs must stay with their task")

    def _by_hand(self, changes: Sequence[Changed]) -> Iterator[StateProblem]:
        """What only a writer of the state changes (P7); what could not be read is mended by whatever can be."""
        for change in changes:
            earlier = self._earlier(change)
            before = earlier.document if earlier is not None else None
            node = change.after
            after = self._read(change.path, node.oid).document if node is not None and node.mode == FILE_MODE else None
            if after is None:
                continue
            kind = self._kinds.by_name[after.KIND]
            if before is None and earlier is None and kind.ours_alone:
                yield StateProblem(change.path, "", "may be written by orch-gates only, not by hand")
            if before is None or before.KIND != after.KIND:
                continue
            for field in kind.ours:
                if getattr(before, field) != getattr(after, field):
                    yield StateProblem(change.path, field, "may be written by orch-gates only, not by hand")

    def _made(self, path: str, location: Location, trees: Trees) -> Iterator[StateProblem]:
        if location.kind is TASK and trees.archived(TaskId(location.task)):
            yield StateProblem(path, "id", "a finished task of this name is archived; names must not be used again")
        other = location.kind.one_number if isinstance(location.kind, DocumentKind) else ""
        if other and trees.has(self._kinds.by_name[other].at(number=location.keys["number"])):
            yield StateProblem(path, "number", f"must not be that of a document of kind {other}; this one is taken")

    def _file(
        self, change: Changed, location: Location | UnknownPath, root: Root, moves: Moves
    ) -> Iterator[StateProblem]:
        after = change.after
        if isinstance(location, Location) and location.year:
            yield from self._archived(change, moves)
        elif after is None:
            documented = isinstance(location, Location) and not isinstance(location.kind, FreeText)
            if documented and not moves.moved(change):
                yield StateProblem(change.path, "", "must not be removed; only a finished task moves, to the archive")
        elif after.mode != FILE_MODE:
            yield StateProblem(change.path, "", "must be a plain file (mode 100644)")
        else:
            yield from self._written(change.path, self._earlier(change), self._read(change.path, after.oid), root)

    def _earlier(self, change: Changed) -> DecodedFile | None:
        if change.before is None:
            return None
        if not change.before.regular:
            return DecodedFile(problem=StateProblem(change.path, "", "not a plain file"))
        return self._read(change.path, change.before.oid)

    def _written(self, path: str, before: DecodedFile | None, after: DecodedFile, root: Root) -> Iterator[StateProblem]:
        if after.problem is not None:
            yield after.problem
            return
        document = after.document
        if document is None:
            return
        kind = self._kinds.by_name[document.KIND]
        # What could not be read is mended by whatever can be: it was no state that a rule could start from.
        if before is not None and before.problem is not None:
            yield from _named(path, kind.alone(document))
            return
        yield from _named(path, kind.change(before.document if before is not None else None, document, root))
        grown = before is None or after.body.startswith(before.body.rstrip("\n"))
        if kind.body is Body.LOG and not grown:
            yield StateProblem(path, "", "below the frontmatter, lines may only be added")

    def _archived(self, change: Changed, moves: Moves) -> Iterator[StateProblem]:
        if change.before is not None:
            yield StateProblem(change.path, "", "an archived file must not change")
        elif not moves.arrived(change):
            yield StateProblem(change.path, "", "must be the very file that leaves the task's folder in this commit")
        elif not self._finished(change, moves):
            yield StateProblem(
                change.path, "state", "only a finished task may be archived, with no effect left to be done"
            )

    def _finished(self, change: Changed, moves: Moves) -> bool:
        left = moves.task_document(change)
        if left is None or left.before is None:
            return False
        task = self._read(left.path, left.before.oid).document
        return isinstance(task, Task) and task.state.finished and not task.effects

    def _at(self, tree: str, path: str) -> DecodedFile | None:
        node = self._objects.find(tree, path)
        if node is None:
            return None
        if node.mode != FILE_MODE:
            return DecodedFile(problem=StateProblem(path, "", "must be a plain file (mode 100644)"))
        return self._read(path, node.oid)

    def _read_file(self, path: str, oid: str) -> DecodedFile:
        try:
            return files.read(self._kinds, path, self._objects.blob(oid, most=MAX_DOCUMENT))
        except TooBig as error:
            return DecodedFile(problem=StateProblem(path, "", str(error)))


def _pipeline(root: Root) -> tuple[tuple[str, ...], str, str]:
    return root.stages, root.rework, root.configuration


def _named(path: str, broken: Sequence[legality.Violation]) -> Iterator[StateProblem]:
    for violation in broken:
        yield StateProblem(path, violation.field, violation.rule)


def _trailers(entry: LogEntry, root: Root) -> Iterator[StateProblem]:
    if not entry.op:
        return
    found = message.OP.fullmatch(entry.op)
    # The generation in it makes it fresh: no two commits of one history raise to the same (ST-3, ST-4).
    if found is None or int(found["generation"]) != root.generation:
        yield StateProblem("", "Orch-Op", f"must be {root.generation}-<32 hexadecimal digits>, as the generation is")
    for name, value in (("Orch-Event", entry.event), ("Orch-By", entry.by)):
        if not value:
            yield StateProblem("", name, "must be set")
