"""Making the state branch, and mending one that was wiped, rewound or replaced (ST-4)."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from importlib import resources

from orch_gates.errors import MissingState, StateDenied, StateError
from orch_gates.model.root import Root
from orch_gates.state import codec, layout
from orch_gates.state.branch.attempts import Concluded, LandedCommit, PushAttempts, Sent
from orch_gates.state.branch.git_snapshot import GitSnapshot
from orch_gates.state.branch.reader import Reader, missing, proven
from orch_gates.state.branch.restore_plan import Planner, RestorePlan
from orch_gates.state.branch.source import StateHeads, StateRemote
from orch_gates.state.branch.timing import Deadline
from orch_gates.state.branch.writer import CommitBase, PushAttempt, Writer
from orch_gates.state.kinds import ROOT
from orch_gates.state.outcome import Committed, Exists, Initialised, Restoration
from orch_gates.state.store import Change


def branch_files(root: Root) -> Mapping[str, str]:
    """The page that explains the branch to whoever lands on it, and its own document."""
    readme = resources.files(__package__).joinpath("branch_readme.md").read_text("utf-8")
    return {layout.README: readme, layout.ROOT: codec.encode(root, ROOT.example.body)}


class Initialising:
    """The first commit, unless there is a branch; of many at once, one makes it."""

    def __init__(
        self, source: StateRemote, reader: Reader, writer: Writer, deadline: Deadline, change: Change, *, anew: bool
    ) -> None:
        self._source = source
        self._reader = reader
        self._writer = writer
        self._deadline = deadline
        self._change = change
        self._anew = anew
        self._made: dict[str, PushAttempt] = {}

    def look(self, sent: Mapping[str, PushAttempt], deadline: Deadline) -> tuple[StateHeads, str]:
        """Where branch and witness stand, and what was sent and is there; see `Call.look`."""
        heads = self._source.fetch(deadline.share(), exact=True)
        return heads, _on_branch(self._source, heads, sent, deadline)

    def tip(self, base: StateHeads) -> str:
        """Where the branch stands; see `Call.tip`."""
        return base.tip

    def act(self, base: StateHeads) -> Sent | Concluded[Initialised]:
        """Make the branch where there is none; see `Call.act`.

        Raises:
            MissingState: there was one, and it can be restored.
            RewoundState, StateDocumentError: there is one that cannot be used as it is.
            StateDocumentError: `orch-state.md` is not among the files, or malformed.
        """
        if base.tip:
            return Concluded(Exists(self._reader.fresh(self._deadline).snapshot.tip))
        seen = None if self._anew else self._source.seen()
        if base.witness or seen is not None:
            self._source.refuse_wrong_name(base, self._deadline.share())
            raise MissingState(missing(base, seen))
        attempt = self._writer.root(self._change)
        self._made[attempt.commit] = attempt
        return Sent(attempt, self._writer.push(attempt, "", self._deadline.share()))

    def settle(self, landed: LandedCommit) -> Initialised:
        """The commit that was made; see `Call.settle`."""
        made = self._made[landed.commit]
        if not landed.late:
            self._source.forget()
            self._reader.after(landed.commit)
        return Committed(landed.commit, made.generation, made.op, landed.attempts, confirmed_late=landed.late)


class Restoring:
    """Putting the branch back to what the witness, or else this machine, has seen."""

    def __init__(self, source: StateRemote, reader: Reader, planner: Planner, deadline: Deadline) -> None:
        self._source = source
        self._reader = reader
        self._deadline = deadline
        self._planner = planner
        self._plans: dict[str, RestorePlan] = {}
        self._last: RestorePlan | None = None

    def run(self) -> Restoration:
        """Mend the branch; see `Store.restore`.

        Raises:
            StateError: as `Store.restore`.
        """
        try:
            return PushAttempts(self, self._deadline, patient=False).run()
        except StateDenied as error:
            if self._last is None:
                raise
            if not self._last.forced:
                raise StateDenied(
                    f"{error}; push the configuration to the default branch first; if that does not help, an "
                    "administrator can switch the guard off for this push: `orch-gates help state`"
                ) from error
            good, bad = self._last.done.commit, self._last.done.lost
            raise StateDenied(
                f"{error}; an administrator puts it back with `git update-ref {self._source.ref} {good} {bad}` "
                "in that repository"
            ) from error

    def look(self, sent: Mapping[str, PushAttempt], deadline: Deadline) -> tuple[StateHeads, str]:
        """Where branch and witness stand, and what was sent and is there; see `Call.look`."""
        heads = self._source.fetch(deadline.share(), exact=True)
        return heads, _on_branch(self._source, heads, sent, deadline)

    def tip(self, base: StateHeads) -> str:
        """Where the branch stands; see `Call.tip`."""
        return base.tip

    def act(self, base: StateHeads) -> Sent | Concluded[Restoration]:
        """Compare, plan, push; see `Call.act`.

        Raises:
            MissingState: there is nothing to restore it from.
            RewoundState: the branch lacks steps that only this machine has seen.
            WrongStateBranch: the state is on another branch.
        """
        if not (base.tip or base.witness):
            known = self._planner.from_here()
            self._plans[known.attempt.commit] = self._last = known
            return Sent(known.attempt, self._source.push(known.updates, self._deadline.share()))
        if base.tip != base.witness:
            self._source.refuse_wrong_name(base, self._deadline.share())
        with self._source.with_history(base, self._deadline.share()) as whole:
            plan = self._planner.plan(base, whole.objects)
            if not isinstance(plan, RestorePlan):
                return Concluded(plan)
            self._plans[plan.attempt.commit] = self._last = plan
            if not plan.updates:
                return Concluded(self.settle(LandedCommit(plan.attempt.commit, 0, late=False)))
            return Sent(plan.attempt, self._source.push(plan.updates, self._deadline.share(), whole))

    def settle(self, landed: LandedCommit) -> Restoration:
        """What was done; see `Call.settle`."""
        plan = self._plans[landed.commit]
        self._source.forget()
        # It has landed, whatever became of the cache meanwhile.
        with contextlib.suppress(StateError):
            snapshot = GitSnapshot(self._source, landed.commit, max(self._deadline.left(), self._deadline.reserve))
            self._reader.took(CommitBase(snapshot, plan.witness))
        return plan.done


def _on_branch(source: StateRemote, heads: StateHeads, sent: Mapping[str, PushAttempt], deadline: Deadline) -> str:
    if not heads.tip:
        return ""
    return next((commit for commit in sent if proven(source, heads, heads.tip, commit, deadline)), "")
