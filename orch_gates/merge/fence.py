"""The fence: which change of the target a server takes, by comparing what is pushed with what is recorded (MRG-5).

What stands on the state branch was recorded before the push; nothing that the push brings says anything about itself
but the trailers, and those are compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from orch_gates.merge import trailers
from orch_gates.merge.trailers import Validated
from orch_gates.model.attempt import Attempt, Phase
from orch_gates.model.ids import moment
from orch_gates.model.lease import Lease


@dataclass(frozen=True, slots=True)
class TargetUpdate:
    """A change of the target: from `old` to `new`, empty where it is made or deleted.

    `parents`, `tree` and `message` are those of `new`. `on_base`: the second parent has the first in its history.
    """

    target: str
    old: str
    new: str
    parents: tuple[str, ...] = ()
    tree: str = ""
    message: str = ""
    on_base: bool = False


@dataclass(frozen=True, slots=True)
class HeldLease:
    """The lease on the target, and the attempt that it belongs to, as they were before the push."""

    lease: Lease
    attempt: Attempt | None


def refusal(push: TargetUpdate, recorded: HeldLease | None, now: datetime) -> str:
    """Why the server refuses a change of the target, in words for whoever pushes; empty where it takes it.

    `recorded` is None where the state holds no lease on this target.
    """
    if not push.new:
        return f"{push.target} is never deleted"
    # A merge of an attempt that was given up must not pass where a person meant another change.
    of_ours = trailers.mentioned(push.message)
    if recorded is not None and not of_ours and broken_glass(recorded.lease, push.old, now):
        return ""
    if not push.old:
        return (
            f"{push.target} is protected by the fence but does not exist; an administrator must create it with the "
            "fence off"
        )
    if why := _no_validated_merge(push):
        return f"{why}; only merges of `orch-gates merge` may change {push.target}"
    validated = trailers.parse(push.message)
    assert isinstance(validated, Validated)
    if why := _differs_from_trailers(push, validated):
        return f"this merge differs from the validated one: {why}"
    if recorded is None:
        return f"no lease on {push.target} was ever granted; merge with `orch-gates merge`"
    return _not_recorded(validated, recorded, push.target)


def broken_glass(lease: Lease, tip: str, now: datetime) -> bool:
    """Whether an emergency lets one change of the target pass that stands at `tip` (MRG-15)."""
    glass = lease.break_glass
    return glass is not None and tip != "" and glass.tip == tip and now < moment(glass.expires)


def _no_validated_merge(push: TargetUpdate) -> str:
    if len(push.parents) != 2:
        return f"{push.new[:10]} is not a merge of two commits"
    parsed = trailers.parse(push.message)
    return parsed if isinstance(parsed, str) else ""


def _differs_from_trailers(push: TargetUpdate, validated: Validated) -> str:
    first, second = push.parents
    if first != push.old:
        return f"{push.target} is at {push.old[:10]}, but the merge was made on {first[:10]}"
    if validated.base != push.old:
        return f"it was tested with {validated.base[:10]}, but {push.target} is at {push.old[:10]}"
    if second != validated.commit:
        return f"{validated.commit[:10]} was validated, but {second[:10]} is merged"
    if not push.on_base:
        return f"{validated.commit[:10]} does not have {validated.base[:10]} in its history"
    if push.tree != validated.tree:
        return f"the tree of the merge is {push.tree[:10]}, but {validated.tree[:10]} was validated"
    return ""


def _not_recorded(validated: Validated, recorded: HeldLease, target: str) -> str:
    lease, attempt = recorded.lease, recorded.attempt
    holder = lease.holder or "nobody"
    if (lease.holder, lease.generation) != (validated.task, validated.generation) or attempt is None:
        return (
            f"the merge is for {validated.task}, generation {validated.generation}, but {holder} holds the lease on "
            f"{target}, generation {lease.generation}: {lease.reason}"
        )
    if (attempt.id, attempt.generation, attempt.target) != (lease.attempt, lease.generation, target):
        return f"the lease on {target} and the attempt of {holder} do not belong together"
    if attempt.phase is not Phase.MERGING or attempt.outcome is not None or attempt.closing:
        stands = "given up" if attempt.closing else attempt.outcome or attempt.phase
        return f"the attempt of {holder} is {stands}; only an attempt in phase `merging` may merge"
    if (attempt.base, attempt.commit, attempt.tree) != (validated.base, validated.commit, validated.tree):
        return f"the attempt of {holder} validated {attempt.commit[:10]} with {attempt.base[:10]}, not this merge"
    return ""
