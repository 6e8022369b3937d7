"""How long a claim has been there, by clocks that count: the forge's, or this machine's while it looks on (ST-7)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from orch_gates.model.card import Claim
from orch_gates.notify import plan
from orch_gates.state.store import Store

_KEPT = "cards"
# A claim that nobody took over for so long is gone, or its card is not shown any more.
_FORGOTTEN_S = 7 * 86_400


@dataclass
class Claims:
    """The claims that this machine sees; `now` is its clock, and `host` the machine and its boot.

    `forge` asks the forge for its time, at most once; None where there is none that tells it.
    """

    store: Store
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    forge: Callable[[], datetime | None]
    host: str
    _answers: list[tuple[datetime | None, float]] = field(default_factory=list)

    def date(self) -> datetime | None:
        """The forge's time by now."""
        if not self._answers:
            date = self.forge()
            self._answers.append((date, self.monotonic()))
        date, since = self._answers[0]
        return None if date is None else date + timedelta(seconds=self.monotonic() - since)

    def made(self, digest: str, nonce: str) -> Claim:
        """A claim of this process that begins now."""
        date = self.date()
        return plan.claim(digest, nonce, date or self.now(), by_forge=date is not None)

    def over(self, claim: Claim) -> bool:
        """Whether whoever made it has certainly died since."""
        if claim.by_forge and (date := self.date()) is not None:
            return plan.over(claim, date)
        return self.seen(claim.nonce) >= plan.CLAIMED

    def dated(self, claim: Claim) -> Claim | None:
        """The same, as if it was made now by the forge's clock; None where it counts by that already, or it tells none.

        Else a claim that a machine without a forge left would never be over for machines that keep nothing.
        """
        if claim.by_forge or (date := self.date()) is None:
            return None
        return plan.claim(claim.digest, claim.nonce, date, by_forge=True)

    def seen(self, nonce: str) -> timedelta:
        """For how long this machine has seen a claim, since its boot; from now on it does."""
        now = self.monotonic()
        since = self._kept(now)
        if nonce not in since:
            since[nonce] = now
            self.store.keep(_KEPT, json.dumps([self.host, since]))
        return timedelta(seconds=now - since[nonce])

    def _kept(self, now: float) -> dict[str, float]:
        try:
            host, since = json.loads(self.store.recall(_KEPT) or "null") or ("", {})
            if host == self.host:
                seen = {str(nonce): float(moment) for nonce, moment in since.items()}
                return {nonce: moment for nonce, moment in seen.items() if now - _FORGOTTEN_S < moment <= now}
        except (ValueError, TypeError, AttributeError):
            # What was kept is damaged; it is seen for the first time.
            pass
        return {}
