"""One process that works on a task's attempts: taking one on, recording its steps, ending it (MRG-4, MRG-14)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from orch_gates.errors import GitError, StateDocumentError, UsageError
from orch_gates.gates.merge import NAME
from orch_gates.merge import lease as leases
from orch_gates.merge import ledger, steps
from orch_gates.merge.context import Clock, MergeContext
from orch_gates.merge.lease import Availability, LeaseProof, Sight
from orch_gates.merge.ledger import LeasePage, LedgerWrite, PendingClaim
from orch_gates.merge.steps import AttemptEnd
from orch_gates.model.attempt import Attempt, Phase
from orch_gates.model.feedback import ReportedFinding
from orch_gates.model.lease import Lease
from orch_gates.model.proven import Proven
from orch_gates.model.task import Task
from orch_gates.model.verdict import Outcome
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Change
from orch_gates.tasks import book

ANEW = "Run the merge again; it starts over."
_RENEWED = "the lease was renewed"


@dataclass(frozen=True, slots=True)
class Stop:
    """Why no attempt is driven now, as a verdict says it; `overdue`: somebody else's lease may be taken back."""

    outcome: Outcome
    reason: str
    next_step: str = ""
    absent: bool = False
    overdue: bool = False


@dataclass(frozen=True, slots=True)
class _Granted:
    change: Change
    proof: LeaseProof
    attempt: Attempt


class AttemptWorker:
    """One process that works on one task's attempts, seen in a snapshot; `nonce` gives attempts their ids."""

    def __init__(self, context: MergeContext, task: Task, snapshot: Snapshot, nonce: Callable[[], str]) -> None:
        self.context = context
        self.task = task
        self.snapshot = snapshot
        self.clock = Clock(context.monotonic)
        self._nonce = nonce
        self.proof: LeaseProof | None = None
        self._pending: PendingClaim | None = None
        # The moment that was looked at, by the forge's clock where it has one, and by this process's own.
        self._seen_at = (context.now(), context.monotonic())
        # Caught-up commits that are in the scratch repository.
        self.made: set[str] = set()

    def now(self) -> datetime:
        """The time that is written down: the forge's, where it tells one, carried on by this process's clock (ST-7)."""
        then, monotonic = self._seen_at
        return then + timedelta(seconds=self.context.monotonic() - monotonic)

    # ---- acquire

    def acquire(self, head: str) -> Attempt | Stop:
        """The attempt for the branch's commit `head`, claimed by this process; a new one where none goes on.

        Where nothing but questions comes before the next step, the claim is recorded together with that.

        Raises:
            StateError: it could not be recorded.
            ForgeUnavailable: the forge does not tell its time.
        """
        context = self.context
        seen = ledger.page(self.snapshot, context.target, self.task.id)
        sight, requested_at = self._look(seen.lease)
        got: _Granted | Stop | None = None

        def decide(snapshot: Snapshot) -> Change | None:
            nonlocal got
            context.configured.check(book.root_of(snapshot))
            page = ledger.page(snapshot, context.target, self.task.id)
            # What is known of its claim and its age is about the lease that was looked at.
            known = sight if page.lease == seen.lease else Sight(sight.now, sight.date)
            busy = _busy(page, self._availability(snapshot, page.lease, known))
            got = busy or (self._resume(page, head, known) if _goes_on(page) else self._grant(page, head, known))
            return got.change if isinstance(got, _Granted) else None

        if self._only_asks(seen):
            context.configured.check(book.root_of(self.snapshot))
            claimed, proof = self._claim(seen.lease, head, sight)
            self._pending = PendingClaim(seen.lease, claimed)
            assert seen.attempt is not None
            return self._began(proof, seen.attempt, requested_at)
        context.store.transact(decide, others_wait=True)
        return self._claimed(got, requested_at)

    def _only_asks(self, page: LeasePage) -> bool:
        """Whether it waited for CI, which is only asked: whoever records first what it says has the claim."""
        if not _goes_on(page) or page.lease.claim is not None or self.context.settings.merge.test:
            return False
        assert page.attempt is not None
        return page.attempt.phase is Phase.TESTING and page.attempt.outcome is None

    def _availability(self, snapshot: Snapshot, lease: Lease, sight: Sight, *, of_others: bool = False) -> Availability:
        """How the lease stands to this task; `of_others`: as if it were another one that wants it."""
        task = "" if of_others else self.task.id
        availability = leases.availability(lease, task, self.context.runner(), sight)
        if availability in {Availability.BUSY, Availability.HELD} and self._left(snapshot, lease):
            unclaimed = lease.model_copy(update={"expires": None, "held": ""})
            return leases.availability(unclaimed, task, self.context.runner(), sight)
        return availability

    def _left(self, snapshot: Snapshot, lease: Lease) -> bool:
        """Whether the holder has no use for it any more: it is over, or went back to where nothing is merged yet."""
        try:
            page = book.find(snapshot, lease.holder)
        except (StateDocumentError, UsageError):
            # Its time tells.
            return False
        if page is None or page.task.state.finished:
            return True
        if page.task.enqueued is not None and page.task.state.waits_for_a_person and not lease.held:
            # A person stopped it: in a queue others go on, unless it may be landing.
            attempt = ledger.page(snapshot, self.context.target, page.task.id).attempt
            return attempt is None or attempt.phase.number < Phase.MERGING.number
        pipeline = self.context.configured.pipeline_of(page.task)
        stage = pipeline.stage(page.task.stage)
        merges = stage is not None and any(gate.name == NAME for gate in stage.gates)
        return not merges and not pipeline.merged_before(page.task.stage)

    def _claimed(self, got: _Granted | Stop | None, requested_at: float) -> Attempt | Stop:
        """The attempt that was granted; its claim counts from the moment that was `asked` about."""
        assert got is not None
        return got if isinstance(got, Stop) else self._began(got.proof, got.attempt, requested_at)

    def _began(self, proof: LeaseProof, attempt: Attempt, requested_at: float) -> Attempt:
        self.proof = proof
        self.clock.began(proof, requested_at)
        return attempt

    def _look(self, lease: Lease) -> tuple[Sight, float]:
        requested_at = self.context.monotonic()
        sight = self.context.sight(lease)
        self._seen_at = (sight.now, requested_at)
        return sight, requested_at

    def _grant(self, page: LeasePage, head: str, sight: Sight) -> _Granted:
        context = self.context
        before, now = page.attempt, sight.now
        if before is not None and not before.over:
            # It lost its lease while it may have been merged: that is found out before another one begins.
            name, reason = before.id, f"granted to {self.task.id} again, to find out what became of {before.id[:6]}"
        else:
            name, reason = self._nonce(), f"granted to {self.task.id} for {head[:10]}"
        lease, proof = leases.granted(
            page.lease, self.task.id, name, context.runner(), now, context.settings.lease.phase, reason
        )
        if before is not None and not before.over:
            return _Granted(ledger.change(page, LedgerWrite(reason, lease), "attempt", now), proof, before)
        attempt = steps.begun(
            self.task, context.target, head, attempt=name, generation=lease.generation, before=before, now=now
        )
        return _Granted(ledger.change(page, LedgerWrite(reason, lease, attempt), "attempt", now), proof, attempt)

    def _resume(self, page: LeasePage, head: str, sight: Sight) -> _Granted:
        """Go on; the fence takes no merge of an attempt that is held, and a held task does not come here."""
        assert page.attempt is not None
        return self._go_on(page, head, sight, steps.resumed(page.attempt, sight.now))

    def _go_on(self, page: LeasePage, head: str, sight: Sight, changed: Attempt | None = None) -> _Granted:
        context, attempt = self.context, changed or page.attempt
        assert attempt is not None
        lease, proof = self._claim(page.lease, head, sight)
        line = f"{attempt.phase}: taken on by {context.runner_name}"
        written = LedgerWrite(line, lease, attempt if attempt != page.attempt else None)
        return _Granted(ledger.change(page, written, "claim", sight.now), proof, attempt)

    def _claim(self, lease: Lease, head: str, sight: Sight) -> tuple[Lease, LeaseProof]:
        limits = self.context.settings.lease
        claimed, proof = leases.claimed(lease, self.context.runner(), sight.now, limits.phase, limits.max_hold)
        return claimed.model_copy(update={"held": "", "reason": f"claimed for {head[:10]}"}), proof

    def take_over(self, *, forced: bool) -> Attempt | Stop:
        """The attempt that holds the lease, claimed to be ended; `forced`: by a person's word, whoever works on it.

        Raises:
            StateError, ForgeUnavailable: as `acquire`.
        """
        context = self.context
        seen = ledger.page(self.snapshot, context.target, self.task.id)
        sight, requested_at = self._look(seen.lease)
        got: _Granted | Stop | None = None

        def decide(snapshot: Snapshot) -> Change | None:
            nonlocal got
            page = ledger.page(snapshot, context.target, self.task.id)
            availability = self._availability(snapshot, page.lease, sight, of_others=True)
            if not _goes_on(page):
                got = Stop(Outcome.DEFER, f"the lease on {context.target} is not {self.task.id}'s any more")
            elif not forced and (page.lease != seen.lease or availability is not Availability.OVERDUE):
                got = _busy(page, availability if availability is Availability.HELD else Availability.BUSY)
            else:
                got = self._go_on(page, page.lease.attempt, sight)
            return got.change if isinstance(got, _Granted) else None

        context.store.transact(decide, others_wait=True)
        return self._claimed(got, requested_at)

    # ---- record

    def record(
        self,
        make: Callable[[Attempt], Attempt],
        event: str,
        *,
        seconds: float = 0,
        proven: Callable[[Proven | None], Proven] | None = None,
        lease: Callable[[Lease], Lease] | None = None,
    ) -> Attempt:
        """Record a step under this process's claim, which is renewed with it, or changed as `lease` says.

        Raises:
            LeaseLost: the attempt is somebody else's by now.
            StateError: it could not be recorded.
        """
        self.clock.check()
        context, proof, requested_at = self.context, self.proof, self.context.monotonic()
        assert proof is not None
        made: tuple[LeaseProof | None, Attempt] | None = None
        now = self.now()

        def decide(snapshot: Snapshot) -> Change | None:
            nonlocal made
            page = ledger.page(snapshot, context.target, self.task.id)
            page = page if self._pending is None else self._pending.on(page)
            was = ledger.under(proof, page)
            attempt = steps.marked(make(was), self.task)
            limits, renewed = context.settings.lease, None
            going = was.phase.number < Phase.MERGING.number and attempt.outcome is None
            stopped = self._stopped(snapshot) if going else ""
            if stopped:
                # A person's word, or another gate's, counts until the forge is asked (ENG-10).
                attempt = steps.ended(was, AttemptEnd(Outcome.DEFER, stopped), now)
                after = leases.released(page.lease, stopped)
            elif lease is None:
                after, renewed = leases.renewed(page.lease, now, seconds or limits.phase, limits.max_hold)
                after = after.model_copy(update={"reason": _RENEWED})
            else:
                after = lease(page.lease)
            trees = None if proven is None or stopped else proven(ledger.proven(snapshot, context.target))
            made = (renewed, attempt)
            outcome = f" {attempt.outcome}" if attempt.outcome is not None else ""
            return ledger.change(
                page, LedgerWrite(f"{attempt.phase}{outcome}: {attempt.reason}", after, attempt, trees), event, now
            )

        context.store.transact(decide, others_wait=True)
        assert made is not None
        self._pending = None
        self.proof, attempt = made
        if self.proof is not None:
            self.clock.began(self.proof, requested_at)
        return attempt

    def gave_up(self, reason: str) -> Attempt:
        """End an attempt on which something could not be told, so that the next one begins anew.

        One that may have been merged stays as it is: whoever comes next finds out.

        Raises:
            GitError: as it was, where the attempt stays.
            LeaseLost, StateError: as `record`.
        """
        seen = ledger.page(self.context.store.load(), self.context.target, self.task.id)
        if seen.attempt is None or seen.attempt.phase.number >= Phase.MERGING.number:
            raise GitError(reason)
        return self.end(Outcome.ERROR, reason, "Fix the cause, and run the merge again.")

    def _stopped(self, snapshot: Snapshot) -> str:
        """What became of the task since this process looked at it, where nothing is to be merged any more."""
        page = book.find(snapshot, self.task.id)
        if page is None:
            return f"{self.task.id} is not there any more"
        task = page.task
        back = task.sent_back != self.task.sent_back and not (task.sent_back and task.sent_back.ready)
        if task.state.finished or task.state.waits_for_a_person or task.stage != self.task.stage or back:
            return f"{task.id} is {task.state} in {task.stage} now: {task.reason}"
        return ""

    def end(
        self,
        outcome: Outcome,
        reason: str,
        next_step: str = "",
        findings: tuple[ReportedFinding, ...] = (),
        runs: int = 0,
        *,
        moved: bool = False,
        absent: bool = False,
        red_target: bool = False,
    ) -> Attempt:
        """End the attempt and free the lease; HOLD keeps it for a person (ENG-6).

        Raises:
            LeaseLost, StateError: as `record`.
        """
        now = self.now()

        def freed(lease: Lease) -> Lease:
            return leases.held(lease, reason) if outcome is Outcome.HOLD else leases.released(lease, reason)

        end = AttemptEnd(outcome, reason, next_step, findings, runs, moved, absent, red_target)
        event = "hold" if outcome is Outcome.HOLD else "end"
        return self.record(lambda attempt: steps.ended(attempt, end, now), event, lease=freed)

    def wait(self, reason: str, phase: Callable[[Attempt], Attempt]) -> Attempt:
        """Let the attempt wait where it is: the lease stays, nobody works on it.

        Raises:
            LeaseLost, StateError: as `record`.
        """
        most = self.context.settings.lease.max_hold
        now = self.now()
        return self.record(phase, "wait", lease=lambda lease: leases.waiting(lease, now, most, reason))

    def superseded(self, attempt: Attempt, head: str) -> Attempt:
        """A person pushed to the branch: they win."""
        what = f"is at {head[:10]} now" if head else "is not there any more"
        reason = f"{attempt.branch} {what}; this attempt was for another commit"
        return self.end(Outcome.DEFER, reason, ANEW, moved=True)

    def validated(
        self,
        attempt: Attempt,
        how: str,
        runs: int,
        reason: str,
        *,
        stay: bool,
        proven: Callable[[Proven | None], Proven] | None = None,
    ) -> Attempt:
        """Record that the tree is green, where branch and target still stand where they were tested."""
        where = self.context.where(attempt.branch)
        if where.head != attempt.commit:
            return self.superseded(attempt, where.head)
        if where.target != attempt.base:
            return self.moved(attempt, where.target)
        most, now = self.context.settings.lease.max_hold, self.now()
        kept = None if stay else lambda lease: leases.waiting(lease, now, most, "validated, and waits to be merged")
        return self.record(
            lambda one: steps.validated(one, how, runs, reason, now), "validated", lease=kept, proven=proven
        )

    def moved(self, attempt: Attempt, tip: str) -> Attempt:
        """The target moved under the attempt: what was tested is not what would be merged."""
        return self.end(
            Outcome.DEFER,
            f"{attempt.target} moved to {tip[:10]}; {attempt.commit[:10]} was tested with {attempt.base[:10]}",
            ANEW,
            moved=True,
        )


def _goes_on(page: LeasePage) -> bool:
    attempt = page.attempt
    return attempt is not None and not attempt.over and page.lease.attempt == attempt.id


def _busy(page: LeasePage, availability: Availability) -> Stop | None:
    lease = page.lease
    match availability:
        case Availability.FREE | Availability.OURS:
            return None
        case Availability.CLAIMED:
            who = lease.claim.runner if lease.claim is not None else "another process"
            until = lease.claim.until if lease.claim is not None else lease.expires
            return Stop(Outcome.DEFER, f"{who} works on this attempt until {until}", "Merge again after that.")
        case Availability.HELD:
            reason = f"{lease.holder} holds the lease on {lease.target}: {lease.held}"
            step = f"Resolve the hold of {lease.holder} first: see `orch-gates lease show`."
            return Stop(Outcome.DEFER, reason, step)
        case Availability.BUSY:
            reason = f"{lease.holder} holds the lease on {lease.target} until {lease.expires}"
            return Stop(Outcome.DEFER, reason, "Merge again after that.")
        case Availability.OVERDUE:
            reason = f"the lease of {lease.holder} on {lease.target} expired at {lease.expires}"
            step = f"Reclaim it: `orch-gates lease reclaim --target {lease.target}`."
            return Stop(Outcome.DEFER, reason, step, overdue=True)
