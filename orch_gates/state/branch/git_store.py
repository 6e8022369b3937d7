"""The state branch on a real remote: the `Store` on git (ST-2, ST-3, ST-4)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from orch_gates.errors import StateDocumentError
from orch_gates.git.tree import Author, Objects
from orch_gates.model.root import Root
from orch_gates.state.branch import repair
from orch_gates.state.branch.attempts import PushAttempts
from orch_gates.state.branch.git_snapshot import GitSnapshot
from orch_gates.state.branch.memory import MemoryRef
from orch_gates.state.branch.reader import Reader
from orch_gates.state.branch.restore_plan import Planner
from orch_gates.state.branch.source import StateHeads, StateRemote
from orch_gates.state.branch.timing import Deadline, Timing
from orch_gates.state.branch.transaction import Transaction
from orch_gates.state.branch.turn import Patience
from orch_gates.state.branch.writer import Writer
from orch_gates.state.history import commits
from orch_gates.state.history.check import CheckedCommit
from orch_gates.state.history.message import LogEntry, log_entry
from orch_gates.state.kinds import Kinds
from orch_gates.state.outcome import Committed, Initialised, Restoration, Result
from orch_gates.state.store import Change, Decide, LookAgain

# Of a call's time: for the turn in all, for one that does not change hands, and for the rest after a commit.
_QUEUE, _PATIENCE = 0.5, 0.25
# Whoever holds the turn longer hangs, and somebody else may have better luck.
_LONGEST_TURN = 5.0
# Who writes again at once is always a fetch ahead of the others, who would never win.
_REST = 2.0


@dataclass(frozen=True, slots=True)
class CommitIdentity:
    """Who commits are by; `by` is who is written in `Orch-By`."""

    author: Author
    by: str


@dataclass(frozen=True, slots=True)
class Audit:
    """A history, the generation that it leads to (0 where that cannot be read), and the objects to check it by.

    `witnessed`: a witness says how far it went, so that a loss at its end would be seen.
    """

    generation: int
    witnessed: bool
    objects: Objects
    chain: commits.Chain
    kinds: Kinds

    def checked(self, configured: Callable[[Root], bool]) -> Iterator[CheckedCommit]:
        """Every commit, oldest first, with what is illegal in it; `configured` as for `CommitChecker`.

        Raises:
            GitError: an object is missing or broken, or what is configured cannot be told: nothing is proven.
        """
        return commits.checked(self.objects, self.kinds, self.chain.commits, configured)


class GitStore:
    """Reads and changes the state branch of one remote; for one thread."""

    def __init__(
        self, source: StateRemote, identity: CommitIdentity, timeout: float, kinds: Kinds, timing: Timing | None = None
    ) -> None:
        """`timeout`: seconds that one call may take in all, waiting for others included."""
        self._source = source
        self._identity = identity
        self._kinds = kinds
        self._timing = timing or Timing()
        self._timeout = timeout
        self._rest_until = 0.0
        self._reader = Reader(source, self._timing, timeout)
        self._writer = Writer(source, self._timing, identity.author, identity.by)

    def load(self) -> GitSnapshot:
        """The branch as it is now; see `Store.load`."""
        return self._reader.patient(self._deadline()).snapshot

    def transact(self, decide: Decide, look_again: LookAgain | None = None, *, others_wait: bool = False) -> Result:
        """One transaction; see `Store.transact`."""
        deadline = self._deadline()
        rest = min(self._rest_until - self._timing.monotonic(), deadline.left() * _PATIENCE)
        self._timing.sleep(max(0.0, rest))
        unmoved = min(deadline.left() * _PATIENCE, _LONGEST_TURN)
        with self._source.turn(self._timing, Patience(deadline.left() * _QUEUE, unmoved)):
            begun = deadline.spent()
            result = Transaction(self._reader, self._writer, deadline, decide, look_again).run()
        if isinstance(result, Committed) and not others_wait:
            took = (deadline.spent() - begun) / result.attempts
            self._rest_until = self._timing.monotonic() + self._timing.uniform(0, _REST * took)
        return result

    def initialise(self, files: Mapping[str, str], *, anew: bool = False) -> Initialised:
        """Make the branch; see `Store.initialise`."""
        deadline = self._deadline()
        change = Change(event="init", task="-", subject="init: the state branch", writes=files)
        call = repair.Initialising(self._source, self._reader, self._writer, deadline, change, anew=anew)
        return PushAttempts(call, deadline, patient=False).run()

    def recall(self, name: str) -> str:
        """What was kept; see `Store.recall`."""
        return self._source.recall(name)

    def keep(self, name: str, text: str) -> None:
        """Keep a text; see `Store.keep`."""
        self._source.keep(name, text)

    def restore(self, *, forget: bool = False) -> Restoration:
        """Mend the branch; see `Store.restore`."""
        deadline = self._deadline()
        planner = Planner(self._source, self._writer, deadline, self._kinds, forget=forget)
        return repair.Restoring(self._source, self._reader, planner, deadline).run()

    @property
    def memory(self) -> MemoryRef:
        """What the sweep remembers, beside the branch; to be asked for once the branch was read."""
        return MemoryRef(self._source, self._timing, self._identity.author, self._identity.by, self._timeout)

    def witnessed(self) -> bool:
        """Whether a witness says how far the branch went, so that a loss at its end would be seen (ST-4).

        Raises:
            StateError: as `load`.
        """
        return bool(self._reader.patient(self._deadline()).witness)

    def log(self) -> Iterator[LogEntry]:
        """Every commit, newest first; see `Store.log`."""
        deadline = self._deadline()
        base = self._reader.patient(deadline)
        heads = StateHeads(base.snapshot.tip, base.witness)
        with self._source.with_history(heads, deadline.share()) as whole:
            for oid in commits.lineage(whole.objects, heads.tip):
                yield log_entry(oid, whole.objects.commit(oid))

    @contextlib.contextmanager
    def audit(self) -> Iterator[Audit]:
        """The whole history with every file that it ever had, to be checked while the block lasts (ST-6).

        Raises:
            MissingState, RewoundState, StateUnreachable, StateDenied, StateError: as `load`.
        """
        deadline = self._deadline()
        try:
            base = self._reader.patient(deadline)
            heads, generation = StateHeads(base.snapshot.tip, base.witness), base.snapshot.generation
        except StateDocumentError:
            # Which commit broke the root document is what the history itself can tell.
            heads, generation = self._source.fetch(deadline.share()), 0
        with self._source.with_history(heads, deadline.left(), files=True) as whole:
            yield Audit(
                generation, bool(heads.witness), whole.objects, commits.chain(whole.objects, heads.tip), self._kinds
            )

    def close(self) -> None:
        """Let go of the cache; the store and its snapshots are of no use afterwards."""
        self._source.close()

    def _deadline(self) -> Deadline:
        return Deadline(self._timing, self._timeout)
