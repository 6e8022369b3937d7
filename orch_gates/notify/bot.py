"""Calls of Telegram's Bot API, and what its answers mean; nothing here raises or waits."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

from orch_gates.documents import escape
from orch_gates.wire.post import Answered, Unanswered, post
from orch_gates.wire.session import without

_USUAL_WAIT = 60
_LONGEST_WAIT = 86_400
_LONGEST_REASON = 300


class BotTrouble(Enum):
    """What an answer means for what was asked."""

    DONE = auto()
    # Not the text, the message or the right to delete it: what is done then is another call.
    SAME = auto()
    GONE = auto()
    TOO_OLD = auto()
    LATER = auto()
    REFUSED = auto()
    UNSENT = auto()
    UNCLEAR = auto()


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: `message` is the id of the message that it is about, `wait` the seconds before the next call."""

    sort: BotTrouble
    reason: str = ""
    message: int = 0
    wait: int = 0


# By what the server's own source answers; the first that is contained.
_BAD_REQUESTS = (
    ("message is not modified", BotTrouble.SAME),
    ("message to edit not found", BotTrouble.GONE),
    ("message to delete not found", BotTrouble.GONE),
    ("message can't be deleted", BotTrouble.TOO_OLD),
)


@dataclass(frozen=True, slots=True, repr=False)
class Bot:
    """A bot by its token, which is part of every address and so is in no message."""

    token: str
    url: str
    timeout: float

    @property
    def id(self) -> str:
        """The number of the bot, which is no secret; empty where the token has none."""
        number, colon, _ = self.token.partition(":")
        return number if colon and number.isdecimal() else ""

    def call(self, method: str, fields: dict[str, Any]) -> Reply:
        """Call a method once."""
        address = f"{self.url.rstrip('/')}/bot{self.token}/{method}"
        answer = post(address, json.dumps(fields).encode(), timeout=self.timeout)
        if isinstance(answer, Answered):
            answer = replace(answer, body=without(answer.body, self.token))
        return read(method, answer)


def read(method: str, answer: Answered | Unanswered) -> Reply:
    """What an answer means (pure)."""
    if isinstance(answer, Unanswered):
        return Reply(BotTrouble.UNSENT if answer.unsent else BotTrouble.UNCLEAR, f"Telegram {answer.why}")
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("ok"), bool):
        return Reply(BotTrouble.UNCLEAR, f"Telegram did not answer {method} as it should (status {answer.status})")
    if found["ok"]:
        return _done(method, found.get("result"))
    described = escape.clip(escape.visible(str(found.get("description", ""))), _LONGEST_REASON)
    reason = f"Telegram answered {method} with {answer.status}: {described}"
    parameters = found.get("parameters")
    parameters = parameters if isinstance(parameters, dict) else {}
    if answer.status == 429:
        return Reply(
            BotTrouble.LATER, reason, wait=_wait(parameters.get("retry_after"), answer.headers.get("Retry-After"))
        )
    if isinstance(moved := parameters.get("migrate_to_chat_id"), int):
        return Reply(
            BotTrouble.REFUSED, f"{reason}; the group has another number now: set ORCH_TELEGRAM_CHAT to {moved}"
        )
    if answer.status in {401, 404}:
        return Reply(
            BotTrouble.REFUSED,
            f"{reason}; Telegram knows no bot with the token in ORCH_TELEGRAM_TOKEN: copy it again from @BotFather",
        )
    if answer.status == 400:
        return Reply(next((sort for part, sort in _BAD_REQUESTS if part in described), BotTrouble.REFUSED), reason)
    return Reply(BotTrouble.REFUSED if 400 <= answer.status < 500 else BotTrouble.UNCLEAR, reason)


def _done(method: str, result: object) -> Reply:
    if method != "sendMessage":
        return Reply(BotTrouble.DONE)
    message = result.get("message_id") if isinstance(result, dict) else None
    if not isinstance(message, int) or isinstance(message, bool) or message < 1:
        return Reply(BotTrouble.UNCLEAR, "Telegram did not say which message it sent")
    return Reply(BotTrouble.DONE, message=message)


def _wait(retry_after: object, header: str | None) -> int:
    if isinstance(retry_after, int) and not isinstance(retry_after, bool):
        seconds = retry_after
    else:
        seconds = int(header) if header is not None and header.isdecimal() and len(header) < 7 else _USUAL_WAIT
    return min(max(seconds, 1), _LONGEST_WAIT)
