"""One live card per task in a chat of Telegram: edited in place, or made anew at the bottom (NTF-1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from orch_gates.notify.bot import Bot, BotTrouble, Reply
from orch_gates.notify.delivery import Delivery, DeliveryResult

# The card is further down; this one is too old to be deleted.
POINTER = "↓ the card of {task} is further down"
_GONE = frozenset({BotTrouble.DONE, BotTrouble.GONE})


@dataclass(frozen=True, slots=True)
class Chat:
    """Where cards are shown: a chat by its number or @name, and the topic in it, 0 for none.

    `bump`: a card that changes is made anew at the bottom.
    """

    bot: Bot
    chat: str
    topic: int = 0
    bump: bool = False

    @property
    def place(self) -> str:
        """Whose messages these are, and where: another bot can edit none of them."""
        return f"{self.bot.id} {self.chat} {self.topic}"

    def check(self) -> Delivery:
        """Whether the bot reaches the chat; nothing is sent."""
        return _delivery(self._call("getChat"))

    def show(self, task: str, html: str, message: int, claim: Callable[[], bool]) -> Delivery:
        """Let the card say this; `message` is the one that it is now, 0 for none.

        `claim` is asked once before a message is sent or edited: False where another process does. Of two edits at
        once older words could be the last. At most one message is sent, and nothing is waited for.
        """
        edits = bool(message) and not self.bump
        if edits:
            if not claim():
                return Delivery(DeliveryResult.LEFT, "another process edits it", message)
            reply = self._edit(message, html)
            if reply.sort is not BotTrouble.GONE:
                return _changed(reply, message)
        # One answer has two causes: a message that is gone, and a chat that the bot may not enter any more.
        reached = self._call("getChat")
        if reached.sort is not BotTrouble.DONE:
            return _delivery(reached, message)
        if not edits and not claim():
            return Delivery(DeliveryResult.LEFT, "another process sends it", message)
        if message and self.bump:
            left = self._cleared(task, message)
            if left is not None:
                return _delivery(left, message)
        sent = self._call("sendMessage", **_text(html), **self._topic(), disable_notification=True)
        return _changed(sent, sent.message or message)

    def _cleared(self, task: str, message: int) -> Reply | None:
        """Take the old card away, or let it point to the new one; the reply that keeps both from being done."""
        deleted = self._call("deleteMessage", message_id=message)
        if deleted.sort is BotTrouble.TOO_OLD:
            pointed = self._edit(message, POINTER.format(task=task))
            return pointed if pointed.sort in {BotTrouble.LATER, BotTrouble.UNSENT} else None
        return None if deleted.sort in _GONE else deleted

    def _edit(self, message: int, html: str) -> Reply:
        return self._call("editMessageText", message_id=message, **_text(html))

    def _call(self, method: str, **fields: Any) -> Reply:
        return self.bot.call(method, {"chat_id": self.chat, **fields})

    def _topic(self) -> dict[str, int]:
        return {"message_thread_id": self.topic} if self.topic else {}


def _text(html: str) -> dict[str, object]:
    return {"text": html, "parse_mode": "HTML", "link_preview_options": {"is_disabled": True}}


def _changed(reply: Reply, message: int) -> Delivery:
    """What came of a call that may still be done after its answer was lost: an edit over the next one, for example."""
    if reply.sort is BotTrouble.UNCLEAR:
        return Delivery(DeliveryResult.UNKNOWN, reply.reason, message)
    return _delivery(reply, message)


def _delivery(reply: Reply, message: int = 0) -> Delivery:
    match reply.sort:
        case BotTrouble.DONE | BotTrouble.SAME:
            return Delivery(DeliveryResult.SHOWN, "", message)
        case BotTrouble.LATER:
            return Delivery(DeliveryResult.LATER, reply.reason, message, reply.wait)
        case BotTrouble.UNSENT | BotTrouble.UNCLEAR:
            return Delivery(DeliveryResult.LATER, reply.reason, message)
        case BotTrouble.REFUSED | BotTrouble.GONE | BotTrouble.TOO_OLD:
            return Delivery(DeliveryResult.REFUSED, reply.reason, message)
