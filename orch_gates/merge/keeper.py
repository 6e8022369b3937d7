"""What people and sweeps do to a lease: take back one that is over, release one, break the glass (REAP-4, MRG-15)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from orch_gates.errors import StateDocumentError, UpgradeNeeded, UsageError
from orch_gates.merge import landing, ledger, steps
from orch_gates.merge import lease as leases
from orch_gates.merge.attempt_worker import AttemptWorker, Stop
from orch_gates.merge.context import MergeContext
from orch_gates.merge.ledger import LeasePage, LedgerWrite
from orch_gates.merge.steps import AttemptEnd
from orch_gates.model.attempt import Attempt, Phase
from orch_gates.model.feedback import one_line
from orch_gates.model.ids import moment, timestamp
from orch_gates.model.lease import BreakGlass, Lease
from orch_gates.model.verdict import Outcome
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Change
from orch_gates.tasks import book


@dataclass(frozen=True, slots=True)
class KeeperAnswer:
    """What was done to a lease, in one line; `changed` says whether anything was."""

    line: str
    changed: bool


@dataclass(frozen=True, slots=True)
class Keeper:
    """One person or sweep, at one target; `nonce` as for attempts."""

    context: MergeContext
    nonce: Callable[[], str]

    def reclaim(self) -> KeeperAnswer:
        """Take back a lease that is over or cannot be read; what is merging is proven first, and given time.

        Raises:
            StateError, ForgeUnavailable, GitError: it could not be told, or not be recorded.
        """
        context = self.context
        if not context.settings.lease.reclaim_enabled:
            return KeeperAnswer("reclaiming is switched off (ORCH_LEASE_RECLAIM_ENABLED)", changed=False)
        try:
            page = ledger.page(context.store.load(), context.target, "")
        except UpgradeNeeded:
            raise
        except StateDocumentError as error:
            return self._freed(f"reclaimed, as it could not be read: {error}")
        return self._ended(page.lease, "the lease expired", forced=False)

    def release(self, reason: str) -> KeeperAnswer:
        """End whatever attempt holds the lease, by a person's word.

        Raises:
            StateError, ForgeUnavailable, GitError: as `reclaim`.
        """
        page = ledger.page(self.context.store.load(), self.context.target, "")
        return self._ended(page.lease, one_line(f"released by {self.context.by}: {reason}"), forced=True)

    def _ended(self, lease: Lease, reason: str, *, forced: bool) -> KeeperAnswer:
        context = self.context
        if not lease.holder:
            return KeeperAnswer(f"the lease on {context.target} is free: {lease.reason}", changed=False)
        snapshot = context.store.load()
        page = ledger.page(snapshot, context.target, lease.holder)
        task = book.find(snapshot, lease.holder)
        if task is None or page.attempt is None or page.attempt.over or page.attempt.id != lease.attempt:
            return self._freed(f"{reason}; no attempt of {lease.holder} belongs to this lease")
        worker = AttemptWorker(context, task.task, snapshot, self.nonce)
        attempt = worker.take_over(forced=forced)
        if isinstance(attempt, Stop):
            return KeeperAnswer(attempt.reason, changed=False)
        ended = landing.settle(worker, attempt, reason)
        return KeeperAnswer(f"{lease.holder}: {ended.phase} {ended.outcome}: {ended.reason}", changed=True)

    def _freed(self, reason: str) -> KeeperAnswer:
        """Write a free lease over one that leads nowhere; its generation is above any that was granted."""
        context, now = self.context, self.context.now()

        def decide(snapshot: Snapshot) -> Change:
            try:
                page = ledger.page(snapshot, context.target, "")
            except StateDocumentError:
                # Every grant is a commit of its own, so no lease has a generation like the branch's.
                page = LeasePage(
                    leases.free(context.target).model_copy(update={"generation": snapshot.generation}), None
                )
            return ledger.change(page, LedgerWrite(reason, leases.released(page.lease, reason)), "reclaim", now)

        context.store.transact(decide)
        return KeeperAnswer(f"the lease on {context.target} is free: {reason}", changed=True)

    def break_glass(self, tip: str, reason: str, lasts: timedelta) -> KeeperAnswer:
        """Let one change of the target pass that stands at `tip`, and take the lease from whoever has it (MRG-15).

        Raises:
            UsageError: it does not stand there.
            GitError: where it stands could not be asked.
            StateError: it could not be recorded.
        """
        context, reason = self.context, one_line(reason)
        stands = context.where(context.target).target
        if tip != stands:
            where = f"is at {stands}" if stands else "is not there"
            raise UsageError(
                f"{context.target} {where}, but --tip is {tip}; check that commit, and pass its id as --tip"
            )
        now = context.sight(leases.free(context.target)).now
        glass = BreakGlass(tip=tip, expires=timestamp(now + lasts), by=one_line(context.by), reason=reason)
        end = f"one push on {tip[:10]} until {glass.expires}"
        line = f"released by the break-glass override of {context.by}: {end}: {reason}"

        def decide(snapshot: Snapshot) -> Change:
            page = ledger.page(snapshot, context.target, "")
            attempt = None
            if page.lease.holder:
                page = ledger.page(snapshot, context.target, page.lease.holder)
                attempt = _revoked(page.attempt, line, now)
            lease = leases.released(page.lease, line)
            lease = lease.model_copy(update={"break_glass": glass, "generation": lease.generation + 1})
            return ledger.change(page, LedgerWrite(line, lease, attempt), "break-glass", now)

        context.store.transact(decide)
        return KeeperAnswer(line, changed=True)

    def acknowledge(self) -> KeeperAnswer:
        """Say that somebody has looked at what was done while the glass was broken.

        Raises:
            UsageError: it was not broken.
            StateError: it could not be recorded.
        """
        context, now = self.context, self.context.now()
        stands = context.where(context.target).target
        line = f"break-glass override acknowledged by {context.by}"

        def decide(snapshot: Snapshot) -> Change | None:
            page = ledger.page(snapshot, context.target, "")
            glass = page.lease.break_glass
            if glass is None:
                raise UsageError(f"{context.target} has no break-glass override")
            if glass.acknowledged:
                return None
            if glass.tip == stands and now < moment(glass.expires):
                what = f"the override still lets a push to {context.target} pass, until {glass.expires}"
                raise UsageError(f"{what}; acknowledge it after that")
            lease = page.lease.model_copy(update={"break_glass": glass.model_copy(update={"acknowledged": True})})
            return ledger.change(page, LedgerWrite(line, lease), "acknowledge", now)

        context.store.transact(decide)
        return KeeperAnswer(line, changed=True)


def _revoked(attempt: Attempt | None, reason: str, now: datetime) -> Attempt | None:
    if attempt is None or attempt.over:
        return None
    if attempt.phase is Phase.LANDED:
        return None
    if attempt.phase is Phase.MERGING:
        # What the server took before may still land: whoever comes next proves it.
        return steps.closing(attempt, reason, now)
    return steps.ended(attempt, AttemptEnd(Outcome.DEFER, reason, moved=True), now)
