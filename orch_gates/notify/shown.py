"""What came of showing a card in a channel."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Result(StrEnum):
    """How it ended. `later` was certainly not done, `unknown` may have been; `left` is another process's.

    `absent`: there is nothing yet that it could be shown on.
    """

    SHOWN = "shown"
    LEFT = "left"
    ABSENT = "absent"
    LATER = "later"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Came:
    """The end, why it is not shown, the message that the card is now, and the seconds before the next call."""

    result: Result
    reason: str = ""
    message: int = 0
    wait: int = 0
