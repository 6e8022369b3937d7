"""How a card was delivered to a channel."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class DeliveryResult(StrEnum):
    """How a delivery ended. `later` was certainly not done, `unknown` may have been; `left` is another process's.

    `absent`: there is nothing yet that it could be shown on.
    """

    SHOWN = "shown"
    LEFT = "left"
    ABSENT = "absent"
    LATER = "later"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Delivery:
    """How it ended, why the card is not shown, its message in the channel, and the seconds before the next call."""

    result: DeliveryResult
    reason: str = ""
    message: int = 0
    wait: int = 0
