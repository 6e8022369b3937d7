"""One transaction: decide on the branch as it is, commit, push (ST-2, ST-3, P6)."""

from __future__ import annotations

from collections.abc import Mapping

from orch_gates.errors import OrchError, StateUnreachable
from orch_gates.state.branch.attempts import Concluded, LandedCommit, PushAttempts, Sent
from orch_gates.state.branch.reader import Reader
from orch_gates.state.branch.timing import Deadline
from orch_gates.state.branch.writer import CommitBase, PushAttempt, Writer
from orch_gates.state.outcome import Committed, NothingToDo, Result
from orch_gates.state.store import Change, Decide, LookAgain


class Transaction:
    """One transaction, from the first decision to the last word on it."""

    def __init__(
        self,
        reader: Reader,
        writer: Writer,
        deadline: Deadline,
        decide: Decide,
        look_again: LookAgain | None = None,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._deadline = deadline
        self._decide = decide
        self._look_again = look_again
        self._decided = False
        self._made: dict[str, PushAttempt] = {}

    def run(self) -> Result:
        """Attempt until one has the last word, or time is up.

        Raises:
            StateError: nothing was written, or whether anything was could not be found out; see `Store.transact`.
        """
        return PushAttempts(self, self._deadline).run(self._early())

    def look(self, sent: Mapping[str, PushAttempt], deadline: Deadline) -> tuple[CommitBase, str]:
        """The branch as it is now, and an attempt on it whose push said otherwise; see `Call.look`."""
        base = self._reader.fresh(deadline)
        if not sent:
            return base, ""
        oldest = next(iter(sent.values())).parent
        return base, next((commit for commit in self._reader.since(base, oldest) if commit in sent), "")

    def tip(self, base: CommitBase) -> str:
        """Where it stands; see `Call.tip`."""
        return base.snapshot.tip

    def act(self, base: CommitBase) -> Sent | Concluded[Result]:
        """Decide and push; see `Call.act`."""
        if self._decided and self._look_again is not None:
            try:
                self._look_again()
            except OrchError as error:
                raise StateUnreachable(str(error)) from error
        self._decided = True
        change = self._decide(base.snapshot)
        return Concluded(NothingToDo(base.snapshot.tip)) if change is None else self._write(base, change)

    def settle(self, landed: LandedCommit) -> Result:
        """The commit that was made; see `Call.settle`."""
        made = self._made[landed.commit]
        if not landed.late:
            self._reader.after(landed.commit)
        return Committed(landed.commit, made.generation, made.op, landed.attempts, confirmed_late=landed.late)

    def _early(self) -> Sent | None:
        """The push is the compare-and-swap, so a first attempt may stand on what was read before."""
        base = self._reader.latest()
        if base is None:
            return None
        self._decided = True
        try:
            change = self._decide(base.snapshot)
        except Exception:  # noqa: BLE001 - on old facts it says nothing; on fresh ones it is raised
            return None
        try:
            return None if change is None else self._write(base, change)
        except StateUnreachable:
            return None

    def _write(self, base: CommitBase, change: Change) -> Sent:
        attempt = self._writer.commit(base, change, self._deadline.share())
        self._made[attempt.commit] = attempt
        return Sent(attempt, self._writer.push(attempt, base.witness, self._deadline.share()))
