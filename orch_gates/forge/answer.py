"""One answer of a forge, and what an error means: the words that a forge's own table gives (P2)."""

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
class Answer:
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
        """What the forge says went wrong, in one line without anything that a terminal obeys; empty where nothing."""
        try:
            found = self.document
        except ValueError:
            return ""
        said = found.get("message") if isinstance(found, dict) else None
        return escape.visible(" ".join(said.split()))[:_LONGEST] if isinstance(said, str) else ""

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
        said = self.headers.get("Retry-After", "")
        return min(float(said), _LONGEST_WAIT) if said.isdecimal() else None

    @property
    def date(self) -> datetime | None:
        """What time the forge had when it answered (ST-7); None where it tells none."""
        try:
            found = parsedate_to_datetime(self.headers.get("Date", ""))
        except ValueError:
            return None
        # A zone of -0000 is read as none.
        return found if found.tzinfo else found.replace(tzinfo=UTC)


class Sort(Enum):
    """What follows from an error: never ask like this again; nothing was done, later it may be; could not tell."""

    REFUSED = auto()
    LATER = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class Trouble:
    """What an answer that is not a good one means; `words` say what to do."""

    sort: Sort
    words: str
    wait: float = 1.0


def from_between(answer: Answer) -> Trouble:
    """What a refusal means that is not in the forge's own words: a proxy, a login page, a server that restarts."""
    place = escape.visible(answer.headers.get("Location", ""))[:_LONGEST]
    where = f", which leads to {place}" if place else ""
    words = f"{answer.status} from a proxy between here and the forge{where}; check the URL, and that the forge is up"
    return Trouble(Sort.FAILED, words, answer.wait or 1.0)
