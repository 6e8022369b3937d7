"""The commits of the state branch from one to another, judged in the order in which they were made (ST-6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orch_gates.git.tree import Objects
from orch_gates.state.files import Problem
from orch_gates.state.judge_change import ChangeJudge, Judged, base_of, restores
from orch_gates.state.kinds import Kinds


@dataclass(frozen=True, slots=True)
class Chain:
    """Commits that follow one another, oldest first; `follows` says that they begin where they had to.

    `joined` are the tips of what had replaced the branch and was set aside by a restore: they are
    reachable, and no part of the history.
    """

    commits: tuple[str, ...]
    follows: bool
    joined: frozenset[str]


def chain(objects: Objects, tip: str, *, old: str = "", witness: str = "") -> Chain:
    """The commits from `old` to `tip`; from `witness` where there was no `old`, or a restore has set it aside (ST-4).

    Without either they are all commits, from the first one on.

    Raises:
        MissingObject: history is cut off on the way.
    """
    found: list[str] = []
    joined: set[str] = set()
    oid, goal = tip, old or witness
    while oid and oid != goal:
        found.append(oid)
        commit = objects.commit(oid)
        if restores(commit):
            joined.add(commit.parents[0])
            goal = witness if commit.parents[0] == old else goal
        oid = base_of(commit)
    follows = oid == goal and not (old in joined and not witness)
    return Chain(tuple(reversed(found)), follows, frozenset(joined))


def judged(objects: Objects, kinds: Kinds, commits: tuple[str, ...]) -> Iterator[Judged]:
    """Each commit with what is illegal in it, the same op id twice included (ST-3).

    Raises:
        MissingObject: an object is not here.
        GitError: an object is broken.
    """
    judge = ChangeJudge(objects, kinds)
    ops: dict[str, str] = {}
    for oid in commits:
        found = judge.judge(oid)
        op = found.logged.op
        if op in ops:
            again = Problem("", "Orch-Op", f"was used before, by commit {ops[op]}")
            found = Judged(found.logged, (*found.problems, again))
        elif op:
            ops[op] = oid
        yield found
