"""The commits of the state branch from one to another, checked in the order in which they were made (ST-6, ST-8)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from orch_gates.git.tree import MissingObject, Objects
from orch_gates.model.root import Root
from orch_gates.state.history.check import CheckedCommit, CommitChecker, base_of, restores
from orch_gates.state.history.files import StateProblem
from orch_gates.state.kinds import Kinds


@dataclass(frozen=True, slots=True)
class Chain:
    """All commits that lead to a tip, oldest first; `follows` says that they begin where they had to.

    What a restore has set aside is among them: no history is skipped because a message says so (ST-8).
    """

    commits: tuple[str, ...]
    follows: bool


def chain(objects: Objects, tip: str, *, start: str = "") -> Chain:
    """The commits after `start` up to `tip`; all of them without a `start`.

    Raises:
        MissingObject: history is cut off on the way.
    """
    own = list(lineage(objects, tip, start))
    follows = not start or tip == start or (bool(own) and base_of(objects.commit(own[-1])) == start)
    known = set(own)
    if start and any(restores(objects.commit(oid)) for oid in own):
        known |= set(lineage(objects, start))
    return Chain(tuple(_with_set_aside(objects, own, known)), follows)


def lineage(objects: Objects, tip: str, stop: str = "") -> Iterator[str]:
    """A commit and what it follows, newest first, without what a restore has set aside; ends before `stop`.

    Raises:
        MissingObject: history is cut off on the way.
    """
    while tip and tip != stop:
        yield tip
        tip = base_of(objects.commit(tip))


def _with_set_aside(objects: Objects, own: list[str], known: set[str]) -> Iterator[str]:
    for oid in reversed(own):
        commit = objects.commit(oid)
        if restores(commit):
            aside = []
            for other in lineage(objects, commit.parents[0]):
                if other in known:
                    break
                aside.append(other)
            known.update(aside)
            yield from _with_set_aside(objects, aside, known)
        yield oid


def descends(objects: Objects, tip: str, ancestor: str) -> bool | None:
    """Whether `ancestor` is `tip` or before it in its own history; None where that is not here far enough to tell.

    What a restore has set aside is reachable, and no part of the history (ST-8).
    """
    try:
        return any(oid == ancestor for oid in lineage(objects, tip))
    except MissingObject:
        return None


def checked(
    objects: Objects, kinds: Kinds, commits: tuple[str, ...], configured: Callable[[Root], bool]
) -> Iterator[CheckedCommit]:
    """Each commit with what is illegal in it, an op id used twice included; `configured` as for `CommitChecker`.

    Raises:
        MissingObject: an object is not here.
        GitError: an object is broken, or what is configured cannot be told.
    """
    checker = CommitChecker(objects, kinds, configured)
    ops: dict[str, str] = {}
    for oid in commits:
        found = checker.check(oid)
        op = found.entry.op
        if op in ops:
            again = StateProblem("", "Orch-Op", f"was used before, by commit {ops[op]}")
            found = CheckedCommit(found.entry, (*found.problems, again))
        elif op:
            ops[op] = oid
        yield found
