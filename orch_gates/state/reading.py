"""Reading the branch as it is now, and noticing when it lost commits (ST-4, faults.md T16)."""

from __future__ import annotations

from collections.abc import Iterator

from orch_gates.errors import MissingState, RewoundState, StateError
from orch_gates.git.tree import Objects
from orch_gates.state.cache import Seen
from orch_gates.state.git_snapshot import GitSnapshot
from orch_gates.state.refs import WITNESS
from orch_gates.state.source import Heads, Source
from orch_gates.state.timing import Deadline, Timing
from orch_gates.state.writer import Base

_LOOKS = 5


class Reader:
    """Reads one state branch and remembers what it saw."""

    def __init__(self, source: Source, timing: Timing, timeout: float) -> None:
        self._source = source
        self._timing = timing
        self._timeout = timeout
        self._latest: Base | None = None

    def latest(self) -> Base | None:
        """What was read or written last by any process of this machine, if it is still here; it may be out of date."""
        seen, latest = self._source.warm(), self._latest
        if seen is None:
            return None
        # A hand edit raises no generation: of two commits with the same one, the recorded one was seen later.
        known = latest is not None and (latest.snapshot.tip == seen.tip or latest.snapshot.generation > seen.generation)
        if not known:
            try:
                self._latest = Base(self._snapshot(seen.tip), seen.witness)
            except StateError:
                return None
        return self._latest

    def fresh(self, deadline: Deadline) -> Base:
        """The branch as it is now.

        Raises:
            MissingState: there is none.
            RewoundState: it lost commits.
            StateUnreachable, StateDenied, StateError: it could not be read.
        """
        # Taken before anything is fetched: what others record meanwhile may be newer than what is fetched.
        seen = self._source.seen()
        heads = Heads("", "")
        for look in range(_LOOKS):
            before, heads = heads, self._source.fetch(deadline.share())
            if not heads.tip:
                raise MissingState(missing(heads, seen))
            base = Base(self._snapshot(heads.tip), heads.witness)
            lost = self._lost(base, heads, seen, deadline)
            if lost is None:
                self.took(base)
                return base
            # A push between reading one ref and the other looks like a loss, but not twice the same.
            if heads == before or look == _LOOKS - 1:
                raise RewoundState(lost)
            self._timing.sleep(min(0.02 * 2**look, max(deadline.left(), 0)))
        raise AssertionError

    def took(self, base: Base) -> None:
        """Remember where the branch stands."""
        self._latest = base
        snapshot = base.snapshot
        self._source.note(Seen(snapshot.tip, base.witness, snapshot.generation))

    def after(self, commit: str) -> None:
        """Remember that `commit`, made here, is the branch and its witness now."""
        self.took(Base(self._snapshot(commit), commit))

    def since(self, base: Base, commit: str) -> Iterator[str]:
        """The commits of the branch that came after `commit`, newest first."""
        for oid, _ in self._source.objects.history(base.snapshot.tip):
            if oid == commit:
                return
            yield oid

    def _snapshot(self, tip: str) -> GitSnapshot:
        return GitSnapshot(self._source, tip, self._timeout)

    def _lost(self, base: Base, heads: Heads, seen: Seen | None, deadline: Deadline) -> str | None:
        snapshot = base.snapshot
        if base.witness and not self._descends(heads, base.witness, deadline):
            return (
                f"the state branch was rewound or replaced: it stands at {snapshot.tip} (generation "
                f"{snapshot.generation}), which does not follow its witness {base.witness}; "
                "`orch-gates state restore` mends it"
            )
        if seen is None or self._follows(snapshot, heads, seen, deadline):
            return None
        return (
            f"the state branch was rewound or replaced: it stands at {snapshot.tip} (generation "
            f"{snapshot.generation}), which does not follow {seen.tip} (generation {seen.generation}), seen here "
            "before; `orch-gates state restore` mends it"
        )

    def _follows(self, snapshot: GitSnapshot, heads: Heads, seen: Seen, deadline: Deadline) -> bool:
        return snapshot.generation >= seen.generation and self._descends(heads, seen.tip, deadline)

    def _descends(self, heads: Heads, ancestor: str, deadline: Deadline) -> bool:
        return proven(self._source, heads, heads.tip, ancestor, deadline)


def descends(objects: Objects, tip: str, ancestor: str) -> bool | None:
    """Whether `ancestor` is `tip` or before it; None where history is not here far enough to tell."""
    cut = False
    for oid, parents in objects.history(tip):
        if oid == ancestor:
            return True
        cut = cut or parents is None
    return None if cut else False


def proven(source: Source, heads: Heads, tip: str, ancestor: str, deadline: Deadline) -> bool:
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
        raise StateError("the history of the state branch is cut off on its remote, so nothing proves it whole")
    return answer


def missing(heads: Heads, seen: Seen | None) -> str:
    """Why there is no branch: never made, or wiped."""
    if heads.witness:
        return f"the state branch was wiped; its witness {WITNESS} is at {heads.witness}: `orch-gates state restore`"
    if seen is not None:
        return (
            f"the state branch and its witness {WITNESS} were wiped; it stood at {seen.tip} (generation "
            f"{seen.generation}): push that commit from a clone that has it, or start anew with `orch-gates state init`"
        )
    return "there is no state branch yet: `orch-gates state init`"
