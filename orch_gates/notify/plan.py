"""Whether a card is shown now, and what its outbox says afterwards (pure; NTF-1, T23)."""

from __future__ import annotations

from datetime import datetime, timedelta

from orch_gates.model.card import Claim, ShownIn
from orch_gates.model.feedback import one_line
from orch_gates.model.ids import moment, timestamp
from orch_gates.notify.shown import Came, Result

# Longer than any request takes, so that a claim that is older is that of a process that died.
CLAIMED = timedelta(minutes=10)
# What a person has to mend is tried again so often.
REFUSED = timedelta(hours=1)


def due(shown: ShownIn, digest: str, now: datetime) -> bool:
    """Whether a channel is to be told: it shows something else, may be asked, and nobody else sends."""
    return shown.digest != digest and _passed(shown.not_before, now) and claimable(shown, now)


def begun(shown: ShownIn) -> bool:
    """Whether anything was shown there, or may have been by a process that died."""
    return bool(shown.digest or shown.message or shown.claim is not None)


def claimable(shown: ShownIn, now: datetime) -> bool:
    """Whether a message may be claimed: nobody has, or whoever did has died since."""
    return shown.claim is None or now - moment(shown.claim.at) >= CLAIMED


def claimed(shown: ShownIn, before: ShownIn, digest: str, nonce: str, now: datetime) -> ShownIn | None:
    """With the claim of whoever sends this text; None where another process sends, or has sent anything since `before`.

    Who read before a card was sent knows nothing of that message, and would send a second one with older words.
    """
    if shown != before or shown.digest == digest or not claimable(shown, now):
        return None
    return shown.model_copy(update={"claim": Claim(nonce=nonce, at=timestamp(now), digest=digest)})


def after(shown: ShownIn, before: ShownIn, digest: str, nonce: str, came: Came, now: datetime) -> ShownIn | None:
    """What the outbox says after a card was shown or not; None where it stays as it is.

    A message that may have been sent stays claimed, so that nobody sends it again at once. What another process has
    claimed since is its own. Of two that edited one card at once nobody knows who was the last, so it is shown again.
    """
    mine = shown.claim is not None and shown.claim.nonce == nonce
    if came.result is Result.LEFT or (shown.claim is not None and not mine and not claimable(shown, now)):
        return None
    if came.result is Result.SHOWN and not mine and (shown.digest, shown.message) != (before.digest, before.message):
        return None if shown.digest in {"", digest} else shown.model_copy(update={"digest": ""})
    changes: dict[str, object] = {"problem": one_line(came.reason), "not_before": None, "limited": False}
    match came.result:
        case Result.SHOWN | Result.ABSENT:
            # Nothing to show it on is looked for again with the next text only.
            changes |= {"digest": digest, "message": came.message, "claim": None}
        case Result.REFUSED:
            changes |= {"claim": None, "not_before": timestamp(now + REFUSED)}
        case Result.LATER:
            wait = timestamp(now + timedelta(seconds=came.wait)) if came.wait else None
            changes |= {"claim": None, "not_before": wait, "limited": wait is not None}
        case Result.UNKNOWN:
            changes |= {"claim": shown.claim}
    found = shown.model_copy(update=changes)
    return None if found == shown else found


def paused_until(everything: tuple[ShownIn, ...], place: str, now: datetime) -> datetime | None:
    """Until when a place is left alone: a limit of one card is that of the whole chat."""
    waits = [
        one.not_before for one in everything if one.place == place and one.limited and not _passed(one.not_before, now)
    ]
    return moment(max(wait for wait in waits if wait)) if waits else None


def _passed(when: str | None, now: datetime) -> bool:
    return when is None or now >= moment(when)
