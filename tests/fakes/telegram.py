"""A Telegram on loopback: it keeps messages, and breaks off calls that the description of the Bot API does not have."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from tests.fakes import scripted_http
from tests.fakes.scripted_http import Answer, says

METHODS = json.loads((Path(__file__).parents[1] / "recorded" / "telegram-methods.json").read_text("utf-8"))["methods"]
DAY = 86_400
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current content "
    "and reply markup of the message"
)
_TYPES: dict[str, Callable[[object], bool]] = {
    "Integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "String": lambda value: isinstance(value, str),
    "Boolean": lambda value: isinstance(value, bool),
    "LinkPreviewOptions": lambda value: isinstance(value, dict),
}


class _Parsed(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text, self.open = "", list[str]()
        self.feed(html)
        self.close()
        assert self.open == [], "can't parse entities"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {"a", "b", "i", "code", "pre"}, f'unsupported start tag "{tag}"'
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, "can't parse entities"

    def handle_data(self, data: str) -> None:
        self.text += data


@dataclass
class Message:
    """One message; `ours` is False where another bot sent it."""

    text: str
    chat: str
    sent: int
    silent: bool = False
    topic: int = 0
    ours: bool = True


@dataclass
class Telegram:
    """`answers` take the place of its own, by method, once each; `clock` is its time in seconds.

    `blocked` refuses every call. `broken` are the answers to every edit of a message. `late`: the next call of a method
    is done when the event is set, whether somebody still waits for its answer or not.
    """

    token: str
    url: str = ""
    chats: set[str] = field(default_factory=lambda: {"-100500"})
    messages: dict[int, Message] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    answers: list[tuple[str, Answer]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    blocked: bool = False
    broken: dict[int, Answer] = field(default_factory=dict)
    late: dict[str, threading.Event] = field(default_factory=dict)
    clock: int = 0
    last: int = 0

    def fail(self, method: str, status: int, description: str, **parameters: int) -> None:
        """Have the next call of a method refused."""
        body: dict[str, object] = {"ok": False, "error_code": status, "description": description}
        self.answers.append((method, says(status, {**body, "parameters": parameters} if parameters else body)))

    def __call__(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        _, bot, method = handler.path.split("/")
        self.calls.append(method)
        for number, (wanted, answer) in enumerate(self.answers):
            if wanted == method:
                del self.answers[number]
                answer(handler)
                return
        if self.blocked:
            described = "Forbidden: bot was kicked from the supergroup chat"
            says(403, {"ok": False, "error_code": 403, "description": described})(handler)
            return
        if method == "editMessageText" and (broken := self.broken.get(json.loads(body)["message_id"])) is not None:
            broken(handler)
            return
        if (until := self.late.pop(method, None)) is not None:
            assert until.wait(120)
        status, result = (401, "Unauthorized") if bot != f"bot{self.token}" else self._done(method, json.loads(body))
        if method in self.lost:
            # Done, and the answer is lost.
            self.lost.remove(method)
            handler.close_connection = True
            return
        good = {"ok": True, "result": result}
        says(status, good if status == 200 else {"ok": False, "error_code": status, "description": result})(handler)

    def _done(self, method: str, asked: dict[str, Any]) -> tuple[int, Any]:
        assert method in METHODS, f"no method {method}"
        fields = {one["name"]: one for one in METHODS[method].get("fields", ())}
        assert set(asked) <= set(fields), f"unknown fields {set(asked) - set(fields)}"
        for name, one in fields.items():
            assert name in asked or not one["required"], f"{method} needs {name}"
            assert name not in asked or any(_TYPES[kind](asked[name]) for kind in one["types"] if kind in _TYPES), name
        if asked["chat_id"] not in self.chats:
            lost = {"editMessageText": "message to edit not found", "deleteMessage": "message to delete not found"}
            return 400, f"Bad Request: {lost.get(method, 'chat not found')}"
        if "text" in asked:
            shown = _Parsed(asked["text"]).text
            assert 1 <= len(shown.encode("utf-16-le")) // 2 <= 4096, "message is too long"
        return getattr(self, f"_{method}")(asked)  # type: ignore[no-any-return]

    def _getChat(self, asked: dict[str, Any]) -> tuple[int, Any]:  # noqa: N802 - the methods' own names
        return 200, {"id": asked["chat_id"], "type": "supergroup"}

    def _sendMessage(self, asked: dict[str, Any]) -> tuple[int, Any]:  # noqa: N802
        self.last += 1
        silent, topic = asked.get("disable_notification", False), asked.get("message_thread_id", 0)
        self.messages[self.last] = Message(asked["text"], asked["chat_id"], self.clock, silent, topic)
        return 200, {"message_id": self.last, "date": self.clock, "text": asked["text"]}

    def _editMessageText(self, asked: dict[str, Any]) -> tuple[int, Any]:  # noqa: N802
        found = self.messages.get(asked["message_id"])
        if found is None:
            return 400, "Bad Request: message to edit not found"
        if not found.ours:
            return 400, "Bad Request: message can't be edited"
        if found.text == asked["text"]:
            return 400, f"Bad Request: {NOT_MODIFIED}"
        found.text = asked["text"]
        return 200, {"message_id": asked["message_id"], "date": found.sent, "text": found.text}

    def _deleteMessage(self, asked: dict[str, Any]) -> tuple[int, Any]:  # noqa: N802
        found = self.messages.get(asked["message_id"])
        if found is None:
            return 400, "Bad Request: message to delete not found"
        if self.clock - found.sent >= 2 * DAY:
            return 400, "Bad Request: message can't be deleted"
        del self.messages[asked["message_id"]]
        return 200, True


@contextmanager
def serving(token: str) -> Iterator[Telegram]:
    """One that listens."""
    made = Telegram(token)
    with scripted_http.serving(lambda handler: made(handler, server.seen[-1].body)) as server:
        made.url = server.url
        yield made
