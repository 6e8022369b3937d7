"""A Gitea of statuses only, on loopback: it keeps what is posted, and calls a test before and after each request."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.fakes import scripted_http
from tests.fakes.scripted_http import Answer, says


@dataclass
class StatusServer:
    """`meanwhile` is called with the method, and whether the request was done; `answer` takes the place of its own."""

    url: str = ""
    rows: list[dict[str, Any]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    meanwhile: Callable[[str, bool], object] = lambda _method, _done: None
    answer: Answer | None = None

    def add(self, commit: str, context: str, state: str, description: str = "", url: str = "") -> None:
        """A status, as anybody may post one."""
        row = {"context": context, "status": state, "description": description, "target_url": url}
        self.rows.append({"id": len(self.rows) + 1, "commit": commit, **row})

    def posted(self, context: str) -> list[tuple[str, str]]:
        """State and description of every status of a context, the oldest first."""
        return [(row["status"], row["description"]) for row in self.rows if row["context"] == context]

    def __call__(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        self.requests.append(f"{handler.command} {handler.path.partition('?')[0]}")
        self.meanwhile(handler.command, False)
        reply = self.answer or self._done(handler, body)
        self.meanwhile(handler.command, True)
        reply(handler)

    def _done(self, handler: BaseHTTPRequestHandler, body: bytes) -> Answer:
        parts = handler.path.partition("?")[0].split("/")
        if handler.command == "GET":
            found = [row for row in self.rows if row["commit"] == parts[-2]][::-1]
            return says(200, found, X_Total_Count=str(len(found)))
        asked = json.loads(body)
        self.add(parts[-1], asked["context"], asked["state"], asked["description"], asked["target_url"])
        return says(201, self.rows[-1])


@contextmanager
def serving() -> Iterator[StatusServer]:
    """One that listens."""
    made = StatusServer()
    with scripted_http.serving(lambda handler: made(handler, server.seen[-1].body)) as server:
        made.url = server.url
        yield made
