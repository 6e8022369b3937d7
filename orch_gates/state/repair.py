"""Making the state branch, and mending one that was wiped, rewound or replaced (ST-4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orch_gates.errors import MissingState, StateDocumentError
from orch_gates.git.remote import Update
from orch_gates.git.tree import Objects
from orch_gates.state.attempts import Done, Landed, Sent
from orch_gates.state.git_snapshot import GitSnapshot
from orch_gates.state.layout import ROOT
from orch_gates.state.outcome import Committed, Exists, Initialised, NothingToDo, Restoration, Restored
from orch_gates.state.reading import Reader, certain, descends, missing, proven
from orch_gates.state.refs import LOST, WITNESS
from orch_gates.state.source import Heads, Source
from orch_gates.state.store import Change
from orch_gates.state.timing import Deadline
from orch_gates.state.writer import Attempt, Base, Writer


class Initialising:
    """The first commit, unless there is a branch; of many at once, one makes it."""

    def __init__(
        self, source: Source, reader: Reader, writer: Writer, deadline: Deadline, files: Mapping[str, str]
    ) -> None:
        self._source = source
        self._reader = reader
        self._writer = writer
        self._deadline = deadline
        self._change = Change(event="init", task="-", subject="init: the state branch", writes=files)
        self._made: dict[str, Attempt] = {}

    def look(self, sent: Mapping[str, Attempt], deadline: Deadline) -> tuple[Heads, str]:
        """Where branch and witness stand, and what was sent and is there; see `Call.look`."""
        heads = self._source.fetch(deadline.share())
        return heads, _on_branch(self._source, heads, sent, deadline)

    def tip(self, base: Heads) -> str:
        """Where the branch stands; see `Call.tip`."""
        return base.tip

    def act(self, base: Heads) -> Sent | Done[Initialised]:
        """Make the branch where there is none; see `Call.act`.

        Raises:
            MissingState: there was one, and it can be restored.
            RewoundState, StateDocumentError: there is one that cannot be used as it is.
            StateDocumentError: `orch-state.md` is not among the files, or malformed.
        """
        if base.tip:
            return Done(Exists(self._reader.fresh(self._deadline).snapshot.tip))
        if base.witness:
            raise MissingState(missing(base, None))
        attempt = self._writer.root(self._change)
        self._made[attempt.commit] = attempt
        return Sent(attempt, self._writer.push(attempt, "", self._deadline.share()))

    def settle(self, landed: Landed) -> Initialised:
        """The commit that was made; see `Call.settle`."""
        made = self._made[landed.commit]
        if not landed.late:
            self._source.forget()
            self._reader.after(landed.commit)
        return Committed(landed.commit, made.generation, made.op, landed.attempts, confirmed_late=landed.late)


class Restoring:
    """Putting the branch back to what the witness, or else this machine, has seen; only ever forward."""

    def __init__(self, source: Source, reader: Reader, writer: Writer, deadline: Deadline) -> None:
        self._source = source
        self._reader = reader
        self._writer = writer
        self._deadline = deadline
        self._plans: dict[str, _Plan] = {}

    def look(self, sent: Mapping[str, Attempt], deadline: Deadline) -> tuple[Heads, str]:
        """Where branch and witness stand, and what was sent and is there; see `Call.look`."""
        heads = self._source.fetch(deadline.share())
        return heads, _on_branch(self._source, heads, sent, deadline)

    def tip(self, base: Heads) -> str:
        """Where the branch stands; see `Call.tip`."""
        return base.tip

    def act(self, base: Heads) -> Sent | Done[Restoration]:
        """Compare, plan, push; see `Call.act`.

        Raises:
            MissingState: there is nothing to restore it from.
        """
        if not (base.tip or base.witness):
            raise MissingState(missing(base, self._source.seen()))
        with self._source.with_history(base, self._deadline.share()) as whole:
            plan = _plan(self._source, whole.objects, self._writer, base, self._deadline)
            if not isinstance(plan, _Plan):
                return Done(plan)
            self._plans[plan.attempt.commit] = plan
            if not plan.updates:
                return Done(self.settle(Landed(plan.attempt.commit, 0, late=False)))
            return Sent(plan.attempt, self._source.push(plan.updates, self._deadline.share(), whole))

    def settle(self, landed: Landed) -> Restoration:
        """What was done; see `Call.settle`."""
        plan = self._plans[landed.commit]
        self._source.forget()
        if not landed.late:
            snapshot = GitSnapshot(self._source, landed.commit, max(self._deadline.left(), self._deadline.reserve))
            self._reader.took(Base(snapshot, plan.witness))
        return plan.done


def _on_branch(source: Source, heads: Heads, sent: Mapping[str, Attempt], deadline: Deadline) -> str:
    if not heads.tip:
        return ""
    return next((commit for commit in sent if proven(source, heads, heads.tip, commit, deadline)), "")


@dataclass(frozen=True, slots=True)
class _Plan:
    """What to push, and what is true once that has landed."""

    attempt: Attempt
    updates: list[Update]
    witness: str
    done: Restored


def _plan(source: Source, objects: Objects, writer: Writer, heads: Heads, deadline: Deadline) -> _Plan | NothingToDo:
    seen = source.seen()
    known = seen.tip if seen is not None and source.objects.has(seen.tip) else ""
    good = heads.witness or known
    if known and known != good and descends(objects, known, good):
        good = known
    if not heads.tip:
        how = "the branch was gone and is back"
        return _forward(source, Heads("", heads.witness), good, how, deadline)
    if not good or certain(objects, heads.tip, good):
        if seen is None or certain(objects, heads.tip, seen.tip):
            return NothingToDo(heads.tip)
        found = GitSnapshot(source, heads.tip, deadline.share())
        how = f"branch and witness agree; the record of this machine, which had {seen.tip}, was dropped"
        kept = Attempt(heads.tip, heads.tip, found.generation, heads.tip)
        return _Plan(kept, [], heads.witness, Restored(heads.tip, found.generation, how))
    if certain(objects, good, heads.tip):
        how = f"the branch was rewound to {heads.tip} and is forward again"
        return _forward(source, heads, good, how, deadline)
    return _joined(source, writer, heads, good, deadline)


def _forward(source: Source, heads: Heads, good: str, how: str, deadline: Deadline) -> _Plan:
    found = GitSnapshot(source, good, deadline.share())
    put_back = Attempt(good, heads.tip, found.generation, good)
    updates = [Update(source.ref, heads.tip, good)]
    return _Plan(put_back, updates, heads.witness, Restored(good, found.generation, how))


def _joined(source: Source, writer: Writer, heads: Heads, good: str, deadline: Deadline) -> _Plan:
    right = GitSnapshot(source, good, deadline.share())
    try:
        highest = max(right.generation, GitSnapshot(source, heads.tip, deadline.share()).generation)
    except StateDocumentError:
        highest = right.generation
    change = Change(
        event="restore",
        task="-",
        subject=f"restore: the files of {good}",
        body=f"The branch had been replaced by {heads.tip}, which does not follow {good}.",
    )
    root = right.text(ROOT)
    assert root is not None
    made = writer.join(right.tree, (heads.tip, good), root, highest + 1, change)
    updates = [
        Update(source.ref, heads.tip, made.commit),
        Update(WITNESS, heads.witness, made.commit),
        Update(f"{LOST}/{made.generation}", "", heads.tip),
    ]
    how = f"the branch had been replaced; the files are those of {good} again"
    return _Plan(made, updates, made.commit, Restored(made.commit, made.generation, how, heads.tip))
