"""One response of a forge, and what its error means by the forge's own table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from typing import Any

from orch_gates.documents import escape

_LONGEST = 500
_LONGEST_WAIT = 86_400.0


@dataclass(frozen=True, slots=True)
class ForgeResponse:
    """Status, headers (whatever their case) and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def ok(self) -> bool:
        """Whether the forge did what it was asked."""
        return 200 <= self.status < 300

    @property
    def document(self) -> Any:
        """The body as JSON, None for an empty one.

        Raises:
            ValueError: it is none.
        """
        try:
            return json.loads(self.body) if self.body.strip() else None
        except RecursionError as error:
            raise ValueError("nested too deeply") from error

    @property
    def message(self) -> str:
        """The forge's own error message, in one line without control characters; empty where there is none."""
        return escape.visible(" ".join(self.raw_message.split()))[:_LONGEST]

    @property
    def raw_message(self) -> str:
        """The error message as the forge sent it, with its line ends: to be searched, never to be shown."""
        try:
            found = self.document
        except ValueError:
            return ""
        message = found.get("message") if isinstance(found, dict) else None
        return message if isinstance(message, str) else ""

    @property
    def of_a_forge(self) -> bool:
        """Whether it is in a forge's own words: a document with a message, or with those of git.

        A page, and what a proxy says in a form of its own, is of something in between, and proves nothing.
        """
        try:
            found = self.document
        except ValueError:
            return False
        return isinstance(found, dict) and ("message" in found or "StdErr" in found)

    @property
    def wait(self) -> float | None:
        """Seconds that the forge asks to wait, at most a day; a date is not read, as clocks differ (ST-7)."""
        seconds = self.headers.get("Retry-After", "")
        return min(float(seconds), _LONGEST_WAIT) if seconds.isdecimal() else None

    @property
    def date(self) -> datetime | None:
        """What time the forge had when it answered (ST-7); None where it tells none."""
        try:
            found = parsedate_to_datetime(self.headers.get("Date", ""))
        except ValueError:
            return None
        # A zone of -0000 is read as none.
        return found if found.tzinfo else found.replace(tzinfo=UTC)


class TroubleKind(Enum):
    """What follows from an error: never ask like this again; nothing was done, later it may be; could not tell."""

    REFUSED = auto()
    LATER = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class Trouble:
    """What an error response means; `message` says what to do."""

    sort: TroubleKind
    message: str
    wait: float = 1.0


def from_between(answer: ForgeResponse) -> Trouble:
    """What a refusal means that is not in the forge's own words: a proxy, a login page, a server that restarts."""
    location = escape.visible(answer.headers.get("Location", ""))[:_LONGEST]
    where = f", which leads to {location}" if location else ""
    message = f"{answer.status} from a proxy between here and the forge{where}; check the URL, and that the forge is up"
    return Trouble(TroubleKind.FAILED, message, answer.wait or 1.0)
