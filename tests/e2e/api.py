"""HTTP for the tests: one request, one answer, whatever its status."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_TIMEOUT = 60


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


# No proxy of this machine stands between a test and its server.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body of one answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        """What the server said went wrong."""
        return str(self.json.get("message", "")) if self.text.startswith("{") else self.text.strip()

    @property
    def said(self) -> tuple[int, str]:
        return self.status, self.message

    def ok(self) -> Any:
        """The document in an answer that has to be a good one."""
        assert self.status < 300, f"{self.status} {self.text[:500]}"
        return self.json if self.body.strip() else None


@dataclass(frozen=True, slots=True)
class Api:
    """The server's API with the credentials of one user; they are in a header only."""

    url: str
    authorization: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def call(self, method: str, path: str, document: object = None) -> Answer:
        """Send a request to a path below `/api/v1`."""
        return self.send(method, f"/api/v1{path}", document)

    def send(self, method: str, path: str, document: object = None) -> Answer:
        """Send a request to any path."""
        headers = {"Accept": "application/json" if path.startswith("/api/") else "*/*", **self.headers}
        if self.authorization:
            headers["Authorization"] = self.authorization
        if document is not None:
            headers["Content-Type"] = "application/json"
        data = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with _OPENER.open(request, timeout=_TIMEOUT) as answer:
                return Answer(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read())

    def get(self, path: str) -> Answer:
        return self.call("GET", path)

    def post(self, path: str, document: object = None) -> Answer:
        return self.call("POST", path, {} if document is None else document)
