"""Which changes of a lease and of an attempt are legal, whoever made them (MRG-4, MRG-14, OWN-3)."""

from __future__ import annotations

from collections.abc import Iterator

from orch_gates.engine.legality import Violation, unchanged
from orch_gates.model.attempt import Attempt, Phase
from orch_gates.model.lease import Lease

# Known once they are there; `commit` and `tree` come together with `base`.
_ONCE = ("base", "commit", "tree", "how", "depends", "pull", "merge")
_FIXED = ("task", "branch", "target", "generation", "head", "earlier", "rounds", "started")


def lease_alone(lease: Lease) -> tuple[Violation, ...]:
    """What a lease must be, whatever it was before."""
    return tuple(_lease_alone(lease))


def _lease_alone(lease: Lease) -> Iterator[Violation]:
    if lease.holder == "" and (lease.attempt or lease.claim or lease.held):
        yield Violation("holder", "must be set while the lease has an attempt, a claim or a hold")
    elif lease.claim is not None and lease.claim.number != lease.claims:
        yield Violation("claim.number", "must equal that of the last claim")


def lease_change(before: Lease | None, after: Lease) -> tuple[Violation, ...]:
    """What is wrong with a lease: every grant raises its generation, nothing lowers it (MRG-4)."""
    found = list(_lease_alone(after))
    if before is None:
        return tuple(found)
    found += unchanged(before, after, ("target",))
    granted = after.holder != "" and (after.holder, after.granted, after.attempt) != (
        before.holder,
        before.granted,
        before.attempt,
    )
    if after.generation < before.generation or (granted and after.generation == before.generation):
        found.append(Violation("generation", "must grow with every grant, and must not be lowered"))
    if after.generation == before.generation:
        found += _claims(before, after)
    found += _glass(before, after)
    return tuple(found)


def _claims(before: Lease, after: Lease) -> Iterator[Violation]:
    """Within one generation every process that takes the attempt on has a number of its own."""
    if after.claims < before.claims and after.holder:
        yield Violation("claims", "must not be lowered")
    if after.claim is None:
        return
    goes_on = before.claim is not None and _process(before) == _process(after)
    if not goes_on and after.claims == before.claims:
        yield Violation("claims", "must grow with every process that takes over the attempt")


def _glass(before: Lease, after: Lease) -> Iterator[Violation]:
    """What an emergency did stays to be seen; another one takes the lease from whoever has it (MRG-15)."""
    was, now = before.break_glass, after.break_glass
    if now is None:
        if was is not None:
            yield Violation("break_glass", "may be acknowledged, but must not be removed")
        return
    known = was is not None and now in (was, was.model_copy(update={"acknowledged": True}))
    if not known and after.generation == before.generation:
        yield Violation("break_glass", "a new one must revoke the lease, and so raise the generation")


def _process(lease: Lease) -> tuple[str, int, str]:
    assert lease.claim is not None
    return lease.claim.host, lease.claim.pid, lease.claim.started


def attempt_alone(attempt: Attempt) -> tuple[Violation, ...]:
    """What an attempt must be, whatever it was before."""
    return tuple(_attempt_alone(attempt))


def _attempt_alone(attempt: Attempt) -> Iterator[Violation]:
    caught_up = attempt.phase.number >= Phase.CAUGHT_UP.number
    if {value != "" for value in (attempt.base, attempt.commit, attempt.tree, attempt.how)} != {caught_up}:
        yield Violation("base", "base, commit, tree and how must be set from phase caught-up on, and empty before")
    if attempt.phase.number >= Phase.VALIDATED.number and not attempt.proven:
        yield Violation("proven", "must be set from phase validated on")
    if (attempt.phase is Phase.LANDED) is not (attempt.merge != "" and attempt.proof != ""):
        yield Violation("merge", "merge and proof must be set in phase landed, and not both before")


def attempt_change(before: Attempt | None, after: Attempt) -> tuple[Violation, ...]:
    """What is wrong with an attempt that began (`before` is None or another one) or changed."""
    found = list(_attempt_alone(after))
    if before is None or before.id != after.id:
        found += _begun(before, after)
    elif before != after:
        found += _changed(before, after)
    return tuple(found)


def _begun(before: Attempt | None, after: Attempt) -> Iterator[Violation]:
    if after.phase is not Phase.ACQUIRED or after.outcome is not None:
        yield Violation("phase", f"must be {Phase.ACQUIRED} in a new attempt, which has no outcome")
    if before is None:
        return
    if not before.over:
        yield Violation("id", "must not change before the earlier attempt has ended")
    if after.generation <= before.generation:
        yield Violation("generation", "must be greater than that of the earlier attempt")


def _changed(before: Attempt, after: Attempt) -> Iterator[Violation]:
    if before.over:
        yield Violation("outcome", "an attempt that ended must not change again")
        return
    yield from unchanged(before, after, _FIXED)
    if before.closing and (not after.closing or after.phase not in {before.phase, Phase.LANDED}):
        yield Violation("closing", "an attempt that is given up may only land, or end")
    if after.phase.number < before.phase.number:
        yield Violation("phase", f"may only go forward, not from {before.phase} to {after.phase}")
    if after.phase.number - before.phase.number > 1 and (before.phase, after.phase) != (
        Phase.CAUGHT_UP,
        Phase.VALIDATED,
    ):
        yield Violation("phase", f"must not skip what is between {before.phase} and {after.phase}")
    for field in _ONCE:
        was, now = getattr(before, field), getattr(after, field)
        if was and was != now:
            yield Violation(field, "must not change once it is known")
