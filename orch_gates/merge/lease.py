"""Granting, claiming, renewing and ending a lease: pure, on a lease as it was read and a `now` (MRG-4, ST-7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from orch_gates.model.ids import moment, timestamp
from orch_gates.model.lease import Claim, Lease

# Others wait this much longer than a runner that stops itself: clocks are not read at one moment.
GRACE = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Runner:
    """A process that works on attempts. `host` names the machine and its boot, `started` the process's own start."""

    name: str
    host: str
    pid: int
    started: str


@dataclass(frozen=True, slots=True)
class Sight:
    """What is known about time and about whoever holds a lease.

    `now` is what is written down. `date` is the forge's clock, None where it tells none; then `unchanged` counts: for
    so long this machine has seen the lease as it is. `dead`: the process that claims it ran on this machine and boot,
    and is not there any more.
    """

    now: datetime
    date: datetime | None = None
    unchanged: timedelta = timedelta(0)
    dead: bool = False

    def past(self, since: str | None, until: str | None) -> bool:
        """Whether a span that somebody wrote down is over, and the grace with it; no other clock is trusted (ST-7)."""
        if since is None or until is None:
            return True
        if self.date is not None:
            return self.date >= moment(until) + GRACE
        return self.unchanged >= moment(until) - moment(since) + GRACE


class Availability(Enum):
    """How a lease stands to somebody who wants to work on one attempt."""

    FREE = auto()
    OURS = auto()
    CLAIMED = auto()
    BUSY = auto()
    OVERDUE = auto()
    HELD = auto()


@dataclass(frozen=True, slots=True)
class LeaseProof:
    """That this process may work on this attempt: made by `granted` and `claimed` only.

    Every commit compares it with the lease as it is by then. It is of no use after `seconds` of this process's own
    monotonic clock.
    """

    target: str
    attempt: str
    generation: int
    claim: int
    seconds: float


def free(target: str) -> Lease:
    """The lease on a target that nobody ever held."""
    return Lease(target=target, generation=0, holder="", granted=None, expires=None, reason="never granted")


def availability(lease: Lease, task: str, runner: Runner, sight: Sight) -> Availability:
    """What somebody may do who wants to merge a task."""
    if not lease.holder:
        return Availability.FREE
    if lease.holder == task:
        return Availability.OURS if _claimable(lease.claim, runner, sight) else Availability.CLAIMED
    if lease.held:
        return Availability.HELD
    # Whoever worked on it is known to be gone: nobody has to wait for its time.
    over = (lease.claim is not None and sight.dead) or sight.past(lease.renewed or lease.granted, lease.expires)
    return Availability.OVERDUE if over and _claimable(lease.claim, runner, sight) else Availability.BUSY


def _claimable(claim: Claim | None, runner: Runner, sight: Sight) -> bool:
    if claim is None or _is(claim, runner):
        return True
    return sight.dead or sight.past(claim.since, claim.until)


def _is(claim: Claim, runner: Runner) -> bool:
    # Where a machine does not tell them, two processes may have the same number.
    known = claim.host != "" and claim.started != ""
    return known and (claim.host, claim.pid, claim.started) == (runner.host, runner.pid, runner.started)


def granted(
    lease: Lease, task: str, attempt: str, runner: Runner, now: datetime, seconds: float, reason: str
) -> tuple[Lease, LeaseProof]:
    """The lease for a new attempt, claimed by a runner; its generation is one that no other attempt had."""
    changed = lease.model_copy(
        update={
            "generation": lease.generation + 1,
            "holder": task,
            "attempt": attempt,
            "granted": timestamp(now),
            "reason": reason,
            "held": "",
        }
    )
    return _claimed(changed, runner, 1, now, seconds, None)


def claimed(lease: Lease, runner: Runner, now: datetime, seconds: float, most: float) -> tuple[Lease, LeaseProof]:
    """The lease of an attempt that goes on, claimed by a runner; a claim that was given up never comes back."""
    goes_on = lease.claim is not None and _is(lease.claim, runner)
    number = lease.claims + (not goes_on)
    return _claimed(lease, runner, number, now, seconds, _end(lease, most))


def renewed(lease: Lease, now: datetime, seconds: float, most: float) -> tuple[Lease, LeaseProof]:
    """The lease for the next phase, with the same runner."""
    assert lease.claim is not None
    claim = lease.claim
    runner = Runner(claim.runner, claim.host, claim.pid, claim.started)
    return _claimed(lease, runner, claim.number, now, seconds, _end(lease, most))


def waiting(lease: Lease, now: datetime, most: float, reason: str) -> Lease:
    """The lease of an attempt that waits: nobody works on it, and it ends by itself `most` seconds after its grant."""
    end = _end(lease, most) or now
    return lease.model_copy(
        update={"claim": None, "renewed": timestamp(now), "expires": timestamp(end), "reason": reason}
    )


def held(lease: Lease, reason: str) -> Lease:
    """The lease of an attempt that a person has to look at: it never ends by itself (ENG-6)."""
    return lease.model_copy(update={"claim": None, "held": reason, "reason": reason})


def released(lease: Lease, reason: str) -> Lease:
    """The free lease; the generation stays, so that what was granted under it is of no use any more."""
    return lease.model_copy(
        update={
            "holder": "",
            "attempt": "",
            "granted": None,
            "expires": None,
            "renewed": None,
            "held": "",
            "claims": 0,
            "claim": None,
            "reason": reason,
        }
    )


def proves(proof: LeaseProof, lease: Lease) -> bool:
    """Whether the lease is still the one that a proof is about."""
    number = lease.claim.number if lease.claim is not None else 0
    return (proof.target, proof.attempt, proof.generation, proof.claim) == (
        lease.target,
        lease.attempt,
        lease.generation,
        number,
    )


def _claimed(
    lease: Lease, runner: Runner, number: int, now: datetime, seconds: float, most: datetime | None
) -> tuple[Lease, LeaseProof]:
    until = now + timedelta(seconds=seconds)
    if most is not None and until > most > now:
        until = most
    claim = Claim(
        number=number,
        runner=runner.name,
        host=runner.host,
        pid=runner.pid,
        started=runner.started,
        since=timestamp(now),
        until=timestamp(until),
    )
    changed = lease.model_copy(
        update={"claims": number, "claim": claim, "renewed": timestamp(now), "expires": timestamp(until)}
    )
    proof = LeaseProof(lease.target, lease.attempt, lease.generation, number, (until - now).total_seconds())
    return changed, proof


def _end(lease: Lease, most: float) -> datetime | None:
    return None if lease.granted is None else moment(lease.granted) + timedelta(seconds=most)
