"""How a state branch that was wiped, rewound or replaced is put back (ST-4, ST-8)."""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import dataclass

from orch_gates.documents import escape
from orch_gates.errors import GitError, MissingState, RewoundState, StateError
from orch_gates.git.remote import NAME, Update
from orch_gates.git.tree import MissingObject, Objects
from orch_gates.state.branch.git_snapshot import GitSnapshot
from orch_gates.state.branch.reader import certain, missing
from orch_gates.state.branch.source import StateHeads, StateRemote
from orch_gates.state.branch.timing import Deadline
from orch_gates.state.branch.writer import PushAttempt, Writer
from orch_gates.state.history import commits
from orch_gates.state.history.commits import descends
from orch_gates.state.kinds import Kinds
from orch_gates.state.layout import ROOT
from orch_gates.state.outcome import NothingToDo, Restored
from orch_gates.state.refs import LOST, MOST_LOST, WITNESS
from orch_gates.state.store import Change

_MOST_STEPS = 20


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """What to push, where the witness stands once that has landed, and the answer then.

    `forced`: the branch leaves what stands there, which follows nothing that was known.
    """

    attempt: PushAttempt
    updates: list[Update]
    witness: str
    done: Restored
    forced: bool = False


class Planner:
    """Compares what stands on the remote with what was known, and plans the push that mends it."""

    def __init__(self, source: StateRemote, writer: Writer, deadline: Deadline, kinds: Kinds, *, forget: bool) -> None:
        """`forget`: give up what only this machine has seen, where branch and witness agree."""
        self._source = source
        self._forget = forget
        self._writer = writer
        self._deadline = deadline
        self._kinds = kinds

    def plan(self, heads: StateHeads, objects: Objects) -> RestorePlan | NothingToDo:
        """What to do about a branch whose commits are all among `objects`.

        Raises:
            RewoundState: branch and witness agree, and lack steps that this machine has seen.
            StateError: it cannot be told.
        """
        seen = self._source.seen()
        good = self._known(heads, objects)
        if not heads.tip:
            return self._forward(StateHeads("", heads.witness), good, "the branch was gone and is back")
        if not good or certain(objects, heads.tip, good):
            if seen is None or certain(objects, heads.tip, seen.tip):
                return NothingToDo(heads.tip) if heads.witness else self._witnessed(heads.tip)
            if not self._forget:
                raise RewoundState(_only_here(objects, heads.tip, seen.tip))
            how = f"branch and witness ref agree; the local record of {seen.tip} was dropped"
            found = self._snapshot(heads.tip)
            kept = PushAttempt(heads.tip, heads.tip, found.generation, heads.tip)
            return RestorePlan(kept, [], heads.witness, Restored(heads.tip, found.generation, how))
        if certain(objects, good, heads.tip):
            return self._forward(heads, good, f"the branch was rewound to {heads.tip} and is forward again")
        return self._joined(heads, good) if self._both_legal(heads, objects, good) else self._put_back(heads, good)

    def from_here(self) -> RestorePlan:
        """What to push where the remote has neither branch nor witness: what this machine has seen, if it is here.

        Raises:
            MissingState: nothing was seen here, or not all of it is here.
        """
        seen, none = self._source.seen(), StateHeads("", "")
        if seen is None:
            raise MissingState(missing(none, None))
        if not self._source.holds_all(seen.tip):
            raise MissingState(
                f"the state branch and its witness ref {WITNESS} were deleted, and this machine does not have their "
                f"whole history: in a clone that has it, `git push {NAME} {seen.tip}:{self._source.ref}`; "
                "`orch-gates state init --anew` begins again without it"
            )
        found = self._snapshot(seen.tip)
        updates = [Update(self._source.ref, "", seen.tip), Update(WITNESS, "", seen.tip)]
        done = Restored(seen.tip, found.generation, "branch and witness were gone and are back, as seen here last")
        return RestorePlan(PushAttempt(seen.tip, "", found.generation, seen.tip), updates, seen.tip, done)

    def _witnessed(self, tip: str) -> RestorePlan:
        generation = self._snapshot(tip).generation
        how = f"the witness ref {WITNESS} was missing and is back; commits lost before that cannot be detected"
        return RestorePlan(
            PushAttempt(tip, tip, generation, tip), [Update(WITNESS, "", tip)], tip, Restored(tip, generation, how)
        )

    def _known(self, heads: StateHeads, objects: Objects) -> str:
        """Where the branch has to stand: at its witness, or further where this machine has seen more."""
        seen = self._source.seen()
        known = seen.tip if seen is not None and self._source.objects.has(seen.tip) else ""
        further = known and (not heads.witness or descends(objects, known, heads.witness))
        return known if further else heads.witness

    def _forward(self, heads: StateHeads, good: str, how: str) -> RestorePlan:
        found = self._snapshot(good)
        put_back = PushAttempt(good, heads.tip, found.generation, good)
        updates = [Update(self._source.ref, heads.tip, good)]
        return RestorePlan(put_back, updates, heads.witness, Restored(good, found.generation, how))

    def _both_legal(self, heads: StateHeads, objects: Objects, good: str) -> bool:
        """Whether the two are histories of one state branch, each of them legal: only then are they joined."""
        try:
            chains = [commits.chain(objects, tip) for tip in (heads.tip, good)]
            if chains[0].commits[0] != chains[1].commits[0]:
                return False
            # Either reachable from the other, also through what a restore has set aside, is no fork.
            if any(tip in {oid for oid, _ in objects.history(other)} for tip, other in _pairs(heads.tip, good)):
                return False
            with self._source.with_history(heads, self._deadline.share(), files=True) as whole:
                return not any(self._problems(whole.objects, chain) for chain in chains)
        except GitError as error:
            raise StateError(f"what replaced the state branch cannot be judged: {error}") from error

    def _problems(self, objects: Objects, chain: commits.Chain) -> bool:
        # Which pipelines were configured is asked by the guard and by verify.
        checked = commits.checked(objects, self._kinds, chain.commits, configured=lambda _: True)
        return any(one.problems for one in checked)

    def _joined(self, heads: StateHeads, good: str) -> RestorePlan:
        right = self._snapshot(good)
        highest = max(right.generation, self._snapshot(heads.tip).generation)
        change = Change(
            event="restore",
            task="-",
            subject=f"restore: the files of {good}",
            body=f"The branch had been replaced by {heads.tip}, which does not follow {good}.",
        )
        root = right.text(ROOT)
        assert root is not None
        made = self._writer.join(right.tree, (heads.tip, good), root, highest + 1, change)
        kept = self._free_lost(made.generation)
        updates = [Update(self._source.ref, heads.tip, made.commit), Update(WITNESS, heads.witness, made.commit)]
        updates += [Update(kept, "", heads.tip)] if kept else []
        how = f"the branch had been replaced; the files are those of {good} again"
        return RestorePlan(made, updates, made.commit, Restored(made.commit, made.generation, how, heads.tip, kept))

    def _put_back(self, heads: StateHeads, good: str) -> RestorePlan:
        found = self._snapshot(good)
        kept = self._free_lost(found.generation + 1)
        updates = [Update(self._source.ref, heads.tip, good)]
        updates += [Update(kept, "", heads.tip)] if kept else []
        how = f"the branch had been replaced by an unrelated history, and is back at {good}"
        done = Restored(good, found.generation, how, heads.tip, kept)
        return RestorePlan(
            PushAttempt(good, heads.tip, found.generation, good), updates, heads.witness, done, forced=True
        )

    def _free_lost(self, first: int) -> str:
        """A ref to keep what had replaced the branch, whoever has taken others; empty where there are enough."""
        taken = self._source.below(f"{LOST}/", self._deadline.share())
        if len(taken) >= MOST_LOST:
            return ""
        # A folder of this name is in the way as well.
        numbers = {ref.removeprefix(f"{LOST}/").split("/")[0] for ref in taken}
        return next(f"{LOST}/{n}" for n in range(first, first + MOST_LOST + 1) if str(n) not in numbers)

    def _snapshot(self, tip: str) -> GitSnapshot:
        return GitSnapshot(self._source, tip, self._deadline.share())


def _only_here(objects: Objects, tip: str, seen: str) -> str:
    """What a branch lacks of the history that this machine saw, and what to do about it."""
    there = set(commits.lineage(objects, tip))
    steps: list[str] = []
    with contextlib.suppress(MissingObject):
        steps.extend(
            f"{oid[:10]} {escape.visible(objects.commit(oid).message.partition(chr(10))[0])}"
            for oid in itertools.takewhile(lambda oid: oid not in there, commits.lineage(objects, seen))
        )
    listed = "".join(f"\n  {step}" for step in steps[:_MOST_STEPS])
    more = f"\n  and {len(steps) - _MOST_STEPS} more" if len(steps) > _MOST_STEPS else ""
    return (
        f"branch and witness ref agree at {tip}, but lack commits that this machine has seen, up to {seen}; perhaps an "
        f"older backup was restored:{listed}{more}\nnothing was changed; ask an administrator to push {seen} back from "
        "a clone that has it, or run `orch-gates state restore --forget` to continue without these commits"
    )


def _pairs(one: str, other: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (one, other), (other, one)
