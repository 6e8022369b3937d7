"""Whether a card is shown now, and what its outbox says afterwards (pure; NTF-1, T23)."""

from __future__ import annotations

from datetime import datetime, timedelta

from orch_gates.model.card import Claim, ShownIn
from orch_gates.model.feedback import one_line
from orch_gates.model.ids import moment, timestamp
from orch_gates.notify.delivery import Delivery, DeliveryResult

# Longer than any request takes, so that a claim that is older is that of a process that died.
CLAIMED = timedelta(minutes=10)
# A card that fails again is tried after twice this, then after twice as long each time, but once a day.
_AGAIN, _MOST_DOUBLED = timedelta(minutes=5), 8
_LONGEST = timedelta(days=1)
# What a person has to mend is not tried again before.
REFUSED = timedelta(hours=1)


def due(shown: ShownIn, digest: str, now: datetime) -> bool:
    """Whether to call a channel, where nobody else does it now: it shows something else, and no wait is on."""
    return shown.digest != digest and _passed(shown.not_before, now)


def begun(shown: ShownIn) -> bool:
    """Whether anything was shown there, or may have been by a process that died."""
    return bool(shown.digest or shown.message or shown.claim is not None)


def claim(digest: str, nonce: str, at: datetime, *, by_forge: bool) -> Claim:
    """The claim of a process that begins to show a text."""
    return Claim(nonce=nonce, at=timestamp(at), digest=digest, by_forge=by_forge)


def over(made: Claim, date: datetime) -> bool:
    """Whether a claim that the forge dated is that of a process that died, by the forge's clock."""
    return date - moment(made.at) >= CLAIMED


def claimed(shown: ShownIn, before: ShownIn, made: Claim) -> ShownIn | None:
    """With the claim of whoever shows its text; None where another process shows anything since `before`, or did.

    Who read before a card was sent knows nothing of that message, and would send a second one with older words. A claim
    in `before` was over.
    """
    if shown != before or shown.digest == made.digest:
        return None
    return shown.model_copy(update={"claim": made})


def after(
    shown: ShownIn, before: ShownIn, digest: str, nonce: str, delivery: Delivery, now: datetime
) -> ShownIn | None:
    """What the outbox says after a card was shown or not; None where it stays as it is.

    A message that may have been sent stays claimed, so that nobody sends it again at once. What another process has
    claimed since `before` is its own. Of two that edited one card at once nobody knows who was the last, so it is shown
    again.
    """
    mine = shown.claim is not None and shown.claim.nonce == nonce
    theirs = shown.claim is not None and not mine and shown.claim != before.claim
    if delivery.result is DeliveryResult.LEFT or theirs:
        return None
    if (
        delivery.result is DeliveryResult.SHOWN
        and not mine
        and (shown.digest, shown.message) != (before.digest, before.message)
    ):
        return None if shown.digest in {"", digest} else shown.model_copy(update={"digest": ""})
    problem = one_line(delivery.reason)
    if delivery.result is DeliveryResult.LATER and not mine and not delivery.wait and shown.problem == problem:
        return None
    failures = shown.failures + mine
    changes: dict[str, object] = {"problem": problem, "not_before": None, "limited": False, "failures": failures}
    match delivery.result:
        case DeliveryResult.SHOWN | DeliveryResult.ABSENT:
            # Nothing to show it on is looked for again with the next text only.
            changes |= {"digest": digest, "message": delivery.message, "claim": None, "refused": "", "failures": 0}
        case DeliveryResult.REFUSED:
            changes |= {"claim": None, "not_before": timestamp(now + REFUSED), "refused": digest}
        case DeliveryResult.LATER:
            wait = timestamp(now + timedelta(seconds=delivery.wait)) if delivery.wait else _again(failures, now)
            changes |= {"claim": None, "not_before": wait, "limited": delivery.wait > 0}
        case DeliveryResult.UNKNOWN:
            changes |= {"not_before": _again(failures, now)}
    found = shown.model_copy(update=changes)
    return None if found == shown else found


def _again(failures: int, now: datetime) -> str | None:
    """When a card that fails is tried again: each try is a commit or two, and a server may be down for days."""
    if failures < 2:
        return None
    return timestamp(now + min(_AGAIN * 2 ** min(failures - 1, _MOST_DOUBLED), _LONGEST))


def paused_until(everything: tuple[ShownIn, ...], place: str, now: datetime) -> datetime | None:
    """Until when a place is left alone: a limit of one card is that of the whole chat."""
    waits = [
        one.not_before for one in everything if one.place == place and one.limited and not _passed(one.not_before, now)
    ]
    return moment(max(wait for wait in waits if wait)) if waits else None


def _passed(when: str | None, now: datetime) -> bool:
    return when is None or now >= moment(when)
