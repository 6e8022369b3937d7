"""Reading the branch as it is now, and noticing when it lost commits (ST-4)."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator

from orch_gates.errors import MissingState, RewoundState, StateBusy, StateError, WipedState
from orch_gates.git.tree import Objects
from orch_gates.state.branch.cache import SeenRefs
from orch_gates.state.branch.git_snapshot import GitSnapshot
from orch_gates.state.branch.source import StateHeads, StateRemote, cut_off
from orch_gates.state.branch.timing import Deadline, Timing
from orch_gates.state.branch.writer import CommitBase
from orch_gates.state.history.commits import descends
from orch_gates.state.refs import WITNESS

_LOOKS = 5
_FIRST_WAIT, _LONGEST_WAIT, _DOUBLINGS = 0.1, 10.0, 6


class Reader:
    """Reads one state branch and remembers what it saw."""

    def __init__(self, source: StateRemote, timing: Timing, timeout: float) -> None:
        self._source = source
        self._timing = timing
        self._timeout = timeout
        self._latest: CommitBase | None = None
        self._noted: SeenRefs | None = None

    def latest(self) -> CommitBase | None:
        """What was read or written last by any process of this machine, if it is still here; it may be out of date."""
        seen, latest = self._source.warm(), self._latest
        if seen is None:
            return None
        # A hand edit raises no generation: of two commits with the same one, the recorded one was seen later.
        known = latest is not None and (latest.snapshot.tip == seen.tip or latest.snapshot.generation > seen.generation)
        if not known:
            try:
                self._latest = CommitBase(self._snapshot(seen.tip), seen.witness)
            except StateError:
                return None
        return self._latest

    def patient(self, deadline: Deadline) -> CommitBase:
        """As `fresh`; a server that has no time just now is asked again within the deadline.

        Raises:
            StateError: as `fresh`.
        """
        for number in itertools.count(1):
            try:
                return self.fresh(deadline)
            except StateBusy as error:
                if deadline.over() or error.retry_after > deadline.left():
                    raise
                deadline.back_off(min(number, _DOUBLINGS), _FIRST_WAIT, _LONGEST_WAIT, least=error.retry_after)
        raise AssertionError

    def fresh(self, deadline: Deadline) -> CommitBase:
        """The branch as it is now.

        Raises:
            MissingState: there is none.
            WrongStateBranch: it is another one.
            RewoundState: it lost commits.
            StateUnreachable, StateDenied, StateError: it could not be read.
        """
        # Taken before anything is fetched: what others record meanwhile may be newer than what is fetched.
        seen = self._source.seen()
        heads = StateHeads("", "")
        for look in range(_LOOKS):
            before, heads = heads, self._source.fetch(deadline.share(), exact=look > 0)
            if not heads.tip:
                self._source.refuse_wrong_name(heads, deadline.share())
                known = heads.witness or seen is not None
                raise (WipedState if known else MissingState)(missing(heads, seen))
            lost = self._lost(heads, seen, deadline)
            if lost is None:
                base = CommitBase(self._snapshot(heads.tip), heads.witness)
                self._took(base, seen)
                return base
            # A push between reading one ref and the other looks like a loss, but not twice the same.
            if heads == before or look == _LOOKS - 1:
                self._source.refuse_wrong_name(heads, deadline.share())
                raise RewoundState(lost)
            self._timing.sleep(min(0.02 * 2**look, max(deadline.left(), 0)))
        raise AssertionError

    def took(self, base: CommitBase) -> None:
        """Remember where the branch stands."""
        self._took(base, self._noted)

    def after(self, commit: str) -> None:
        """Remember that `commit`, made here, is the branch and its witness now."""
        # It has landed, whatever became of the cache meanwhile: the next call reads it anew.
        with contextlib.suppress(StateError):
            self.took(CommitBase(self._snapshot(commit), commit))

    def since(self, base: CommitBase, commit: str) -> Iterator[str]:
        """The commits of the branch that came after `commit`, newest first."""
        for oid, _ in self._source.objects.history(base.snapshot.tip):
            if oid == commit:
                return
            yield oid

    def _snapshot(self, tip: str) -> GitSnapshot:
        return GitSnapshot(self._source, tip, self._timeout)

    def _took(self, base: CommitBase, followed: SeenRefs | None) -> None:
        self._latest = base
        self._noted = SeenRefs(base.snapshot.tip, base.witness, base.snapshot.generation)
        self._source.note(self._noted, followed)

    def _lost(self, heads: StateHeads, seen: SeenRefs | None, deadline: Deadline) -> str | None:
        """Why the branch is not what it was; asked before a single file of it is read, which may be anybody's."""
        if heads.witness and not proven(self._source, heads, heads.tip, heads.witness, deadline):
            return _rewound(heads.tip, f"its witness {heads.witness}")
        if seen is not None and not proven(self._source, heads, heads.tip, seen.tip, deadline):
            return _rewound(heads.tip, f"{seen.tip} (generation {seen.generation}), seen here before")
        return None


def _rewound(tip: str, known: str) -> str:
    return (
        f"the state branch was rewound or replaced: it is at {tip}, which does not descend from {known}; "
        "`orch-gates state restore` repairs it"
    )


def proven(source: StateRemote, heads: StateHeads, tip: str, ancestor: str, deadline: Deadline) -> bool:
    """As `descends`, with history fetched where it is needed.

    Raises:
        StateUnreachable, StateDenied: it could not be fetched.
        StateError: the remote itself does not have it all.
    """
    answer = descends(source.objects, tip, ancestor)
    if answer is None:
        with source.with_history(heads, deadline.share()) as whole:
            return certain(whole.objects, tip, ancestor)
    return answer


def certain(objects: Objects, tip: str, ancestor: str) -> bool:
    """As `descends`.

    Raises:
        StateError: history is cut off before the answer.
    """
    answer = descends(objects, tip, ancestor)
    if answer is None:
        raise cut_off()
    return answer


def missing(heads: StateHeads, seen: SeenRefs | None) -> str:
    """Why there is no branch: never made, or wiped."""
    if heads.witness:
        return (
            f"the state branch was deleted; its witness ref {WITNESS} is at {heads.witness}: run "
            "`orch-gates state restore`"
        )
    if seen is not None:
        return (
            f"the state branch and its witness ref {WITNESS} were deleted; the branch was at {seen.tip} (generation "
            f"{seen.generation}). If this clone has that commit, `orch-gates state restore` puts it back; otherwise "
            "push it from a clone that has it. For a new repository at an old URL, run `orch-gates state init --anew`"
        )
    return "there is no state branch yet: run `orch-gates state init`"
