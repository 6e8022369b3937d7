"""Making the state branch, and mending one that was wiped, rewound or replaced (ST-4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orch_gates.documents import escape
from orch_gates.errors import StateDenied, StateDocumentError, StateUnreachable
from orch_gates.git.answers import PushAnswer, Pushed
from orch_gates.git.remote import Update
from orch_gates.git.tree import Objects
from orch_gates.state.git_snapshot import GitSnapshot
from orch_gates.state.layout import ROOT
from orch_gates.state.outcome import (
    Committed,
    Denied,
    Exhausted,
    Exists,
    Initialised,
    Missing,
    NothingToDo,
    Restoration,
    Restored,
    Unknown,
    Unreachable,
)
from orch_gates.state.reading import Reader, certain, descends, missing, proven
from orch_gates.state.refs import LOST, WITNESS
from orch_gates.state.source import Heads, Source
from orch_gates.state.store import Change
from orch_gates.state.timing import Deadline
from orch_gates.state.writer import Attempt, Base, Writer


def initialise(
    source: Source, reader: Reader, writer: Writer, deadline: Deadline, files: Mapping[str, str]
) -> Initialised:
    """The first commit, unless there is a branch; of many at once, one makes it.

    Raises:
        StateDocumentError: `orch-state.md` is not among the files, or malformed.
        StateError: the cache or the repository cannot be used.
    """
    change = Change(event="init", task="-", subject="init: the state branch", writes=files)
    sent: list[Attempt] = []
    trouble = ""
    while True:
        try:
            heads = source.fetch(deadline.share())
            known = _present(source, heads, sent, deadline)
        except StateDenied as error:
            return Denied(str(error)) if not sent else Unknown(sent[-1].op, str(error))
        except StateUnreachable as error:
            trouble = str(error)
        else:
            if known is not None:
                return known
            attempt = writer.root(change)
            answer = writer.push(attempt, "", deadline.share())
            trouble = escape.visible(answer.reason)
            if answer.meaning is Pushed.LANDED:
                source.forget()
                reader.after(attempt.commit)
                return Committed(attempt.commit, attempt.generation, attempt.op, len(sent) + 1)
            if answer.meaning is Pushed.REFUSED:
                return Denied(trouble)
            if answer.meaning is not Pushed.TWIN:
                sent.append(attempt)
        if deadline.over():
            return _late(sent, trouble)
        deadline.back_off(len(sent), 0.04, 2.0)


def _present(source: Source, heads: Heads, sent: list[Attempt], deadline: Deadline) -> Initialised | None:
    for made in sent:
        if heads.tip and proven(source, heads, heads.tip, made.commit, deadline):
            return Committed(made.commit, made.generation, made.op, len(sent), confirmed_late=True)
    if heads.tip:
        return Exists(heads.tip)
    return Missing(missing(heads, None)) if heads.witness else None


def _late(sent: list[Attempt], trouble: str) -> Unknown | Unreachable:
    return Unknown(sent[-1].op, trouble) if sent else Unreachable(trouble)


def restore(source: Source, reader: Reader, writer: Writer, deadline: Deadline) -> Restoration:
    """Put the branch back to what the witness, or else this machine, has seen; only ever forward.

    Raises:
        StateError: the cache or the repository cannot be used.
    """
    op = trouble = ""
    attempts = 0
    while True:
        try:
            answer, plan = _restored(source, writer, deadline)
        except StateDenied as error:
            return Denied(str(error)) if not op else Unknown(op, str(error))
        except StateUnreachable as error:
            trouble = str(error)
        else:
            if not isinstance(plan, _Plan):
                return plan
            attempts += 1
            if answer.meaning is Pushed.LANDED:
                source.forget()
                reader.took(Base(plan.snapshot(source, deadline), plan.witness))
                return plan.done
            if answer.meaning is Pushed.REFUSED:
                return Denied(escape.visible(answer.reason))
            if answer.meaning is Pushed.UNCLEAR:
                op = plan.done.commit
            trouble = escape.visible(answer.reason)
        if deadline.over():
            return Unknown(op, trouble) if op else Exhausted(attempts, deadline.spent())
        deadline.back_off(attempts, 0.04, 2.0)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What to push, and what is true once that has landed."""

    updates: list[Update]
    witness: str
    done: Restored

    def snapshot(self, source: Source, deadline: Deadline) -> GitSnapshot:
        return GitSnapshot(source, self.done.commit, max(deadline.left(), deadline.reserve))


def _restored(source: Source, writer: Writer, deadline: Deadline) -> tuple[PushAnswer, _Plan | NothingToDo | Missing]:
    heads = source.fetch(deadline.share())
    if not (heads.tip or heads.witness):
        return PushAnswer(Pushed.LANDED), Missing(missing(heads, source.seen()))
    with source.with_history(heads, deadline.share()) as whole:
        plan = _plan(source, whole.objects, writer, heads, deadline)
        if isinstance(plan, _Plan) and plan.updates:
            return source.push(plan.updates, deadline.share(), whole), plan
    return PushAnswer(Pushed.LANDED), plan


def _plan(
    source: Source, objects: Objects, writer: Writer, heads: Heads, deadline: Deadline
) -> _Plan | NothingToDo | Missing:
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
        return _Plan([], heads.witness, Restored(heads.tip, found.generation, how))
    if certain(objects, good, heads.tip):
        how = f"the branch was rewound to {heads.tip} and is forward again"
        return _forward(source, heads, good, how, deadline)
    return _joined(source, writer, heads, good, deadline)


def _forward(source: Source, heads: Heads, good: str, how: str, deadline: Deadline) -> _Plan:
    found = GitSnapshot(source, good, deadline.share())
    return _Plan([Update(source.ref, heads.tip, good)], heads.witness, Restored(good, found.generation, how))


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
    return _Plan(updates, made.commit, Restored(made.commit, made.generation, how, heads.tip))
