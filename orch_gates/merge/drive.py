"""Driving an attempt, phase by phase, to a validated commit: gather, decide, commit, perform each time (MRG-14)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orch_gates.documents import escape
from orch_gates.errors import GitError, OrchError
from orch_gates.gates.security import scan
from orch_gates.git.answers import Fetched, Pushed
from orch_gates.git.cli import Git
from orch_gates.git.remote import Update
from orch_gates.git.scratch import scratch
from orch_gates.merge import catch_up, ledger, retest, statuses, steps
from orch_gates.merge import lease as leases
from orch_gates.merge.catch_up import Conflict, Empty, How, Unrelated
from orch_gates.merge.context import Clock, Context
from orch_gates.merge.lease import Proof, Sight, Standing
from orch_gates.merge.ledger import Page, Written
from orch_gates.merge.steps import CaughtUp
from orch_gates.model.attempt import Attempt, Phase
from orch_gates.model.feedback import ReportedFinding
from orch_gates.model.lease import Lease
from orch_gates.model.proven import Proven
from orch_gates.model.task import Task
from orch_gates.model.verdict import Outcome
from orch_gates.settings import Settings
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Change
from orch_gates.tasks import book

_SHOWN_OUTPUT = 3000
_ANEW = "Run it again: it begins anew."
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
    proof: Proof
    attempt: Attempt


class Attempting:
    """One process that works on one task's attempts; `nonce` gives attempts their ids."""

    def __init__(self, context: Context, task: Task, nonce: Callable[[], str]) -> None:
        self.context = context
        self.task = task
        self.clock = Clock(context.monotonic)
        self._nonce = nonce
        self.proof: Proof | None = None

    # ---- acquire

    def acquire(self, head: str) -> Attempt | Stop:
        """The attempt for the branch's commit `head`, claimed by this process; a new one where none goes on.

        Raises:
            StateError: it could not be recorded.
            ForgeUnavailable: the forge does not tell its time.
        """
        context, runner = self.context, self.context.runner()
        seen = ledger.page(context.store.load(), context.target, self.task.id)
        sight, asked = context.sight(seen.lease), context.monotonic()
        got: _Granted | Stop | None = None

        def decide(snapshot: Snapshot) -> Change | None:
            nonlocal got
            context.configured.check(book.root_of(snapshot))
            page = ledger.page(snapshot, context.target, self.task.id)
            # What is known of its claim and its age is about the lease that was looked at.
            known = sight if page.lease == seen.lease else Sight(sight.now, sight.date)
            busy = _busy(page, leases.standing(page.lease, self.task.id, runner, known))
            got = busy or (self._go_on(page, head, known) if _goes_on(page) else self._grant(page, head, known))
            return got.change if isinstance(got, _Granted) else None

        context.store.transact(decide)
        assert got is not None
        if isinstance(got, Stop):
            return got
        self.proof = got.proof
        self.clock.began(got.proof, asked)
        return got.attempt

    def _grant(self, page: Page, head: str, sight: Sight) -> _Granted:
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
            return _Granted(ledger.change(page, Written(reason, lease), "attempt", now), proof, before)
        attempt = steps.begun(
            self.task, context.target, head, attempt=name, generation=lease.generation, before=before, now=now
        )
        return _Granted(ledger.change(page, Written(reason, lease, attempt), "attempt", now), proof, attempt)

    def _go_on(self, page: Page, head: str, sight: Sight) -> _Granted:
        context = self.context
        limits, attempt = context.settings.lease, page.attempt
        assert attempt is not None
        lease, proof = leases.claimed(page.lease, context.runner(), sight.now, limits.phase, limits.max_hold)
        lease = lease.model_copy(update={"held": "", "reason": f"claimed for {head[:10]}"})
        line = f"{attempt.phase}: taken on by {context.runner_name}"
        return _Granted(ledger.change(page, Written(line, lease), "claim", sight.now), proof, attempt)

    def take_over(self, *, forced: bool) -> Attempt | Stop:
        """The attempt that holds the lease, claimed to be ended; `forced`: by a person's word, whoever works on it.

        Raises:
            StateError, ForgeUnavailable: as `acquire`.
        """
        context, runner = self.context, self.context.runner()
        seen = ledger.page(context.store.load(), context.target, self.task.id)
        sight, asked = context.sight(seen.lease), context.monotonic()
        got: _Granted | Stop | None = None

        def decide(snapshot: Snapshot) -> Change | None:
            nonlocal got
            page = ledger.page(snapshot, context.target, self.task.id)
            # Somebody else's: what counts is whether it is over, not that it is this task's.
            standing = leases.standing(page.lease, "", runner, sight)
            if not _goes_on(page):
                got = Stop(Outcome.DEFER, f"the lease on {context.target} is not {self.task.id}'s any more")
            elif not forced and (page.lease != seen.lease or standing is not Standing.OVERDUE):
                got = _busy(page, standing if standing is Standing.HELD else Standing.BUSY)
            else:
                got = self._go_on(page, page.lease.attempt, sight)
            return got.change if isinstance(got, _Granted) else None

        context.store.transact(decide)
        assert got is not None
        if isinstance(got, Stop):
            return got
        self.proof = got.proof
        self.clock.began(got.proof, asked)
        return got.attempt

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
        context, proof, asked = self.context, self.proof, self.context.monotonic()
        assert proof is not None
        made: tuple[Proof | None, Attempt] | None = None
        now = context.now()

        def decide(snapshot: Snapshot) -> Change | None:
            nonlocal made
            page = ledger.page(snapshot, context.target, self.task.id)
            attempt = make(ledger.under(proof, page))
            limits, renewed = context.settings.lease, None
            if lease is None:
                after, renewed = leases.renewed(page.lease, now, seconds or limits.phase, limits.max_hold)
                after = after.model_copy(update={"reason": _RENEWED})
            else:
                after = lease(page.lease)
            trees = None if proven is None else proven(ledger.proven(snapshot, context.target))
            made = (renewed, attempt)
            outcome = f" {attempt.outcome}" if attempt.outcome is not None else ""
            return ledger.change(
                page, Written(f"{attempt.phase}{outcome}: {attempt.reason}", after, attempt, trees), event, now
            )

        context.store.transact(decide)
        assert made is not None
        self.proof, attempt = made
        if self.proof is not None:
            self.clock.began(self.proof, asked)
        return attempt

    def end(
        self,
        outcome: Outcome,
        reason: str,
        next_step: str = "",
        findings: tuple[ReportedFinding, ...] = (),
        runs: int = 0,
        *,
        moved: bool = False,
    ) -> Attempt:
        """End the attempt and free the lease; HOLD keeps it for a person (ENG-6).

        Raises:
            LeaseLost, StateError: as `record`.
        """
        now = self.context.now()

        def freed(lease: Lease) -> Lease:
            return leases.held(lease, reason) if outcome is Outcome.HOLD else leases.released(lease, reason)

        return self.record(
            lambda attempt: steps.ended(
                attempt, outcome, reason, now, next_step=next_step, findings=findings, runs=runs, moved=moved
            ),
            "hold" if outcome is Outcome.HOLD else "end",
            lease=freed,
        )

    def wait(self, reason: str, phase: Callable[[Attempt], Attempt]) -> Attempt:
        """Let the attempt wait where it is: the lease stays, nobody works on it.

        Raises:
            LeaseLost, StateError: as `record`.
        """
        most = self.context.settings.lease.max_hold
        now = self.context.now()
        return self.record(phase, "wait", lease=lambda lease: leases.waiting(lease, now, most, reason))

    # ---- validate

    def validate(self, attempt: Attempt, *, stay: bool) -> Attempt:
        """Drive a claimed attempt until it is validated, waits, or ended; `stay` keeps the claim for the merge.

        Raises:
            LeaseLost: somebody else has it by now.
            OrchError: something could not be told; the attempt stays where it is, and whoever comes next goes on.
        """
        if attempt.phase.number >= Phase.VALIDATED.number:
            return attempt
        with scratch(self.context.git) as bench:
            if attempt.phase is Phase.ACQUIRED:
                attempt = self._catch_up(bench, attempt)
            if attempt.phase is Phase.CAUGHT_UP and not attempt.over:
                attempt = self._move_branch(bench, attempt)
            if attempt.over:
                return attempt
            return self._test(bench, attempt, stay=stay)

    def _catch_up(self, bench: Git, attempt: Attempt) -> Attempt:
        tip, head = self._fetch(bench, attempt)
        if head != attempt.head:
            return self._superseded(attempt, head)
        found = catch_up.catch_up(bench, tip, attempt.head, How(self.context.settings.merge.catch_up))
        match found:
            case CaughtUp():
                now = self.context.now()
                return self.record(lambda one: steps.caught_up(one, found, now), "caught-up")
            case Conflict(files=files):
                shown = ", ".join(files[:5]) + ("…" if len(files) > 5 else "")
                return self.end(
                    Outcome.FAIL,
                    f"{attempt.branch} conflicts with {attempt.target} at {tip[:10]}: {shown}",
                    f"Merge or rebase {attempt.target} into {attempt.branch}, resolve the conflicts, and push.",
                    tuple(_conflict(file, attempt.head, attempt.target) for file in files),
                )
            case Empty():
                return self.end(
                    Outcome.FAIL,
                    f"nothing of {attempt.branch} is left to merge: {attempt.target} at {tip[:10]} has all of it",
                    f"Cancel the task, or push what is missing to {attempt.branch}.",
                )
            case Unrelated():
                return self.end(
                    Outcome.FAIL,
                    f"{attempt.branch} and {attempt.target} have no common commit",
                    f"Begin the branch anew from {attempt.target}.",
                )

    def _fetch(self, bench: Git, attempt: Attempt) -> tuple[str, str]:
        """The target's and the branch's commits, with all that belongs to them, in the scratch repository.

        Raises:
            GitError: they are not there, or did not come.
        """
        self.context.git.refuse_shallow()
        names = {"refs/heads/target": attempt.target, "refs/heads/branch": attempt.branch}
        specs = [f"+refs/heads/{name}:{ref}" for ref, name in names.items()]
        answer = self.context.remote.fetch(bench.directory, specs, timeout=self.context.settings.state.timeout)
        if answer.meaning is not Fetched.DONE:
            raise GitError(f"{attempt.target} and {attempt.branch} could not be fetched: {answer.reason}")
        if (bench.directory / "shallow").exists():
            raise GitError("the server's own history is cut off, so nothing can be caught up with it")
        # Both may have been known before a fetch in this process.
        fresh = Git(bench.directory, bench.env, bench.timeout)
        return fresh.resolve("refs/heads/target"), fresh.resolve("refs/heads/branch")

    def _move_branch(self, bench: Git, attempt: Attempt) -> Attempt:
        """Push the caught-up commit to the branch, where a person has not pushed meanwhile (MRG-2)."""
        if attempt.how == How.NOTHING:
            return attempt
        where = self.context.where(attempt.branch)
        if where.head == attempt.commit:
            return attempt
        if where.head != attempt.head:
            return self._superseded(attempt, where.head)
        if not bench.has(attempt.commit):
            # Another process made it: the same two commits give the same one.
            self._fetch(bench, attempt)
            again = catch_up.catch_up(bench, attempt.base, attempt.head, How(attempt.how))
            if not isinstance(again, CaughtUp) or again.commit != attempt.commit:
                return self.end(Outcome.DEFER, f"{attempt.commit[:10]} could not be made again here", _ANEW)
        self.clock.check()
        update = Update(f"refs/heads/{attempt.branch}", attempt.head, attempt.commit)
        answer = self.context.remote.push(bench.directory, (update,), timeout=self.context.settings.state.timeout)
        if answer.meaning is Pushed.REFUSED:
            return self.end(
                Outcome.ERROR,
                f"the server refused the push to {attempt.branch}: {answer.told or answer.reason}",
                f"Let the bot push to {attempt.branch}, or catch the branch up yourself.",
            )
        if answer.meaning is not Pushed.LANDED:
            now_at = self.context.where(attempt.branch).head
            if now_at == attempt.head:
                raise GitError(f"{attempt.branch} could not be pushed: {answer.reason}")
            if now_at != attempt.commit:
                return self._superseded(attempt, now_at)
        return attempt

    def _superseded(self, attempt: Attempt, head: str) -> Attempt:
        """A person pushed to the branch: they win."""
        what = f"stands at {head[:10]} now" if head else "is not there any more"
        reason = f"{attempt.branch} {what}; this attempt was about another commit"
        return self.end(Outcome.DEFER, reason, _ANEW, moved=True)

    def _test(self, bench: Git, attempt: Attempt, *, stay: bool) -> Attempt:
        command = retest.command(self.context.settings.merge, self.context.settings.inherited_env)
        if command is None:
            return statuses.by_statuses(self, attempt, stay=stay)
        digest = command.digest(attempt.tree, bench.text("version"))
        days = self.context.settings.merge.cache_days
        proven = ledger.proven(self.context.store.load(), attempt.target) if days else None
        if (before := retest.known(proven, digest, self.context.now())) is not None:
            reason = f"this very tree was tested green for {before.task} at {before.tested}"
            return self.validated(attempt, "cache", 0, reason, stay=stay)
        seconds = command.timeout * (command.retries + 1) * 2 + self.context.settings.lease.phase
        now = self.context.now()
        attempt = self.record(
            lambda one: steps.testing(one, "the test command is running", now), "testing", seconds=seconds
        )
        if not bench.has(attempt.commit):
            self._fetch(bench, attempt)
        tested = retest.run(bench, attempt.commit, command)
        if not tested.green:
            return self._red(bench, attempt, command, tested)
        now = self.context.now()

        def remembered(before: Proven | None) -> Proven:
            return retest.remembered(before, attempt.target, digest, attempt.tree, self.task, now, days)

        return self.validated(
            attempt, "command", tested.runs, tested.reason, stay=stay, proven=remembered if days else None
        )

    def _red(self, bench: Git, attempt: Attempt, command: retest.Command, tested: retest.Tested) -> Attempt:
        """A red branch is charged for only where its target is green by the same command (ENG-7)."""
        if not bench.has(attempt.base):
            self._fetch(bench, attempt)
        alone = retest.run(bench, attempt.base, command)
        if not alone.green:
            return self.end(
                Outcome.DEFER,
                f"{attempt.target} itself is red at {attempt.base[:10]}: {alone.reason}",
                f"Make {attempt.target} green first; nothing is charged.",
                runs=tested.runs + alone.runs,
            )
        return self.end(
            Outcome.FAIL,
            f"{tested.reason}, on {attempt.branch} together with {attempt.target} at {attempt.base[:10]}, "
            f"where {attempt.target} alone is green",
            "Fix what the test command found, and push.",
            (_red_test(attempt, tested, self.context.settings),),
            runs=tested.runs + alone.runs,
        )

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
            return self._superseded(attempt, where.head)
        if where.target != attempt.base:
            return self.moved(attempt, where.target)
        most, now = self.context.settings.lease.max_hold, self.context.now()
        kept = None if stay else lambda lease: leases.waiting(lease, now, most, "validated, and waits to be merged")
        return self.record(
            lambda one: steps.validated(one, how, runs, reason, now), "validated", lease=kept, proven=proven
        )

    def moved(self, attempt: Attempt, tip: str) -> Attempt:
        """The target moved under the attempt: what was tested is not what would be merged."""
        return self.end(
            Outcome.DEFER,
            f"{attempt.target} moved to {tip[:10]}; {attempt.commit[:10]} was tested with {attempt.base[:10]}",
            _ANEW,
            moved=True,
        )


def _goes_on(page: Page) -> bool:
    attempt = page.attempt
    return attempt is not None and not attempt.over and page.lease.attempt == attempt.id


def _busy(page: Page, standing: Standing) -> Stop | None:
    lease = page.lease
    match standing:
        case Standing.FREE | Standing.OURS:
            return None
        case Standing.CLAIMED:
            who = lease.claim.runner if lease.claim is not None else "another process"
            until = lease.claim.until if lease.claim is not None else lease.expires
            return Stop(Outcome.DEFER, f"{who} works on this attempt until {until}", "Run it again then.")
        case Standing.HELD:
            reason = f"{lease.holder} holds the lease on {lease.target}: {lease.held}"
            return Stop(Outcome.DEFER, reason, f"See to {lease.holder} first: `orch-gates lease show`.")
        case Standing.BUSY:
            reason = f"{lease.holder} holds the lease on {lease.target} until {lease.expires}"
            return Stop(Outcome.DEFER, reason, "Run it again then.")
        case Standing.OVERDUE:
            reason = f"the lease of {lease.holder} on {lease.target} is over since {lease.expires}"
            step = f"Take it back: `orch-gates lease reclaim --target {lease.target}`."
            return Stop(Outcome.DEFER, reason, step, overdue=True)


def _conflict(file: str, head: str, target: str) -> ReportedFinding:
    return ReportedFinding(
        id=file,
        rule="conflict",
        path=file,
        line=0,
        commit=head,
        description=f"conflicts with {target}",
        fix=f"Merge {target} and resolve the conflict in this file.",
        carrier="file",
    )


def _red_test(attempt: Attempt, tested: retest.Tested, settings: Settings) -> ReportedFinding:
    """The end of what the test command wrote; what it prints is the branch's choice, so secrets are looked for."""
    try:
        shown = scan.redacted(settings, escape.well_formed(tested.output))[-_SHOWN_OUTPUT:]
    except OrchError as error:
        shown = f"(kept back, as it could not be searched for secrets: {error})"
    return ReportedFinding(
        id="test-command",
        rule="re-test",
        path=attempt.branch,
        line=0,
        commit=attempt.commit,
        description=shown or "it wrote nothing",
        fix="Run the test command on the branch together with its target, and fix what it finds.",
        carrier="output",
    )
