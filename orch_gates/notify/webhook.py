"""The card as a signed POST: a receiver can tell who sent it, when, and whether it had it before (NTF-1)."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from orch_gates.documents import escape
from orch_gates.notify.delivery import Delivery, DeliveryResult
from orch_gates.wire.post import Unanswered, may_be_posted_to, post

_USUAL_WAIT = 60
_LONGEST_WAIT = 86_400
# A server or a proxy before it that is busy or restarting: it did not take it.
_PASSING = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where cards are posted, and the secret that they are signed with; the address may hold a token of its own."""

    url: str = field(repr=False)
    secret: str = field(repr=False)
    timeout: float

    @property
    def problem(self) -> str:
        """Why nothing is posted there; empty where it may be."""
        if not self.secret:
            return "no secret is given to sign with; put one into ORCH_WEBHOOK_SECRET"
        if not may_be_posted_to(self.url):
            return "ORCH_WEBHOOK_URL has to be an https:// address; plain http is for this machine only"
        return ""

    @property
    def place(self) -> str:
        """Which receiver this is: its host, and the rest as a hash, as it may hold a token."""
        found = urlsplit(self.url)
        return f"{escape.visible(found.hostname or '')} {hashlib.sha256(self.url.encode()).hexdigest()[:16]}"

    def send(self, document: str, delivery_id: str, now: int) -> Delivery:
        """Post it once; `delivery` is the same where the same is posted again, `now` the seconds since 1970.

        A redirect is no success, as the card would go where nobody set it.
        """
        if self.problem:
            return Delivery(DeliveryResult.REFUSED, self.problem)
        content = document.encode()
        headers = {
            "X-Orch-Delivery": delivery_id,
            "X-Orch-Timestamp": str(now),
            "X-Orch-Signature-256": f"sha256={signature(self.secret, now, content)}",
        }
        answer = post(self.url, content, timeout=self.timeout, headers=headers)
        server = escape.visible(urlsplit(self.url).hostname or "")
        if isinstance(answer, Unanswered):
            return Delivery(
                DeliveryResult.LATER if answer.unsent else DeliveryResult.UNKNOWN,
                f"the webhook at {server} {answer.why}",
            )
        reason = f"the webhook at {server} answered with {answer.status}"
        if 200 <= answer.status < 300:
            return Delivery(DeliveryResult.SHOWN)
        if answer.status in _PASSING:
            return Delivery(DeliveryResult.LATER, reason, wait=_wait(answer.headers.get("Retry-After", "")))
        if 300 <= answer.status < 400:
            return Delivery(
                DeliveryResult.REFUSED, f"{reason}, but no redirect is followed; set ORCH_WEBHOOK_URL to where it leads"
            )
        return Delivery(DeliveryResult.REFUSED if answer.status < 500 else DeliveryResult.UNKNOWN, reason)


def signature(secret: str, timestamp: int, content: bytes) -> str:
    """HMAC-SHA256 of `<timestamp>.<body>`: the time is signed too, so that an old post cannot be sent as a new one."""
    return hmac.new(secret.encode(), str(timestamp).encode() + b"." + content, hashlib.sha256).hexdigest()


def _wait(header: str) -> int:
    seconds = int(header) if header.isascii() and header.isdecimal() and len(header) < 7 else _USUAL_WAIT
    return min(max(seconds, 1), _LONGEST_WAIT)
