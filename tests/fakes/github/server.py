"""A scripted GitHub on loopback: it keeps what it is told, and each request and answer is held against the description.

It serves as an Enterprise Server does, below `/api/v3`. What is against the description is in `violations`
and answered with 500, so that nothing passes by it; `ready` fails the test then.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from tests.fakes.github.asked import Asked, Refusal
from tests.fakes.github.description import Description, Operation
from tests.fakes.github.project import Project
from tests.fakes.github.routes import ROUTES
from tests.fakes.github.shapes import Shapes
from tests.fakes.loopback import Handler, Server, running

PREFIX = "/api/v3"
Told: TypeAlias = tuple[int, object, dict[str, str]]
_DOCS = "https://docs.github.com/rest"


@dataclass(frozen=True, slots=True)
class Scripted:
    """An answer that is given instead of the server's own, once; an empty `path` is any."""

    status: int
    body: object
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = ""
    path: str = ""
    after: bool = False
    like_github: bool = True

    @property
    def told(self) -> Told:
        return self.status, self.body, dict(self.headers)


@dataclass(frozen=True, slots=True)
class Token:
    """Whose it is; `scopes` only a classic one tells. An app's own is nobody's."""

    login: str
    scopes: str | None = None
    app: bool = False


class Github(Server):
    """One project, and who asks for it."""

    def __init__(self, description: Description, project: Project) -> None:
        super().__init__(_Handler)
        self.description, self.project = description, project
        self.shapes = Shapes(description, project, self.url)
        self.tokens: dict[str, Token] = {}
        self.violations: list[str] = []
        self.script: list[Scripted] = []
        self.asked: list[str] = []
        self.lock = threading.RLock()
        self.routes = [(method, _pattern(template), template, answer) for (method, template), answer in ROUTES.items()]

    def token(self, login: str, scopes: str | None = None, *, app: bool = False) -> str:
        """A new token of somebody."""
        made = f"ghp_{secrets.token_hex(18)}"
        self.tokens[made] = Token(login, scopes, app)
        return made

    def says(
        self,
        status: int,
        body: object,
        headers: Mapping[str, str] | None = None,
        *,
        method: str = "",
        path: str = "",
        after: bool = False,
        like_github: bool = True,
    ) -> None:
        """Answer the next such request like this, instead of or `after` doing what it asks."""
        self.script.append(Scripted(status, body, headers or {}, method, path, after, like_github))


@contextlib.contextmanager
def serve(description: Description, project: Project) -> Iterator[Github]:
    """Serve a project; what was against the description fails the test at its end."""
    server = Github(description, project)
    with running(server):
        yield server
    assert server.violations == [], "not as GitHub describes its API"


class _Handler(Handler):
    @property
    def _github(self) -> Github:
        assert isinstance(self.server, Github)
        return self.server

    def answer(self) -> None:
        data = self.body()
        with self._github.lock:
            parts = urlsplit(self.path)
            query, path = dict(parse_qsl(parts.query, keep_blank_values=True)), parts.path.removeprefix(PREFIX)
            self._github.asked.append(f"{self.command} {path}")
            for method, pattern, template, answer in self._github.routes:
                if method == self.command and (match := pattern.fullmatch(path)) and parts.path.startswith(PREFIX):
                    operation = self._github.description.operation(method, template)
                    args = {name: unquote(value) for name, value in match.groupdict().items()}
                    status, body, headers = self._done(operation, answer, args, query, data)
                    break
            else:
                self._github.violations.append(f"{self.command} {self.path} is not served here")
                status, body, headers = 404, _message("Not Found", 404), {}
            self._send(status, body, headers)

    def _done(
        self, operation: Operation, answer: Any, args: dict[str, str], query: dict[str, str], data: bytes
    ) -> Told:
        github, name = self._github, f"{operation.method} {self.path}"
        body = json.loads(data) if data else None
        wrong = [*self._wrong_headers(data), *operation.wrong_request(query, body)]
        if not wrong:
            scripted = self._scripted()
            if scripted is None:
                found = self._asked(operation, answer, args, query, body)
            else:
                if scripted.after:
                    self._asked(operation, answer, args, query, body)
                found = scripted.told
            if scripted is None or scripted.like_github:
                wrong += operation.wrong_answer(found[0], found[1])
            if not wrong:
                return found
        github.violations += [f"{name}: {one}" for one in wrong]
        return 500, _message("; ".join(wrong), 500), {}

    def _asked(self, operation: Operation, answer: Any, args: dict[str, str], query: dict[str, str], body: Any) -> Told:
        github = self._github
        token = github.tokens.get(self.headers.get("Authorization", "").removeprefix("Bearer "))
        if token is None:
            return 401, _message("Bad credentials", 401), {}
        headers = {} if token.scopes is None else {"X-OAuth-Scopes": token.scopes}
        try:
            self._within(args)
            status, told = answer(Asked(github.project, github.shapes, token.login, args, query, body, token.app))
        except Refusal as refusal:
            return refusal.status, {**_message(refusal.message, refusal.status), **refusal.more}, headers
        told, more = self._paged(told, query, operation)
        return status, told, {**headers, **more}

    def _within(self, args: Mapping[str, str]) -> None:
        named = f"{args['owner']}/{args['repo']}" if "owner" in args else self._github.project.full_name
        if named != self._github.project.full_name:
            raise Refusal(404, "Not Found")

    def _wrong_headers(self, data: bytes) -> Iterator[str]:
        if self.headers.get("Accept") != "application/vnd.github+json":
            yield "Accept is not GitHub's"
        if self.headers.get("X-GitHub-Api-Version") != "2022-11-28":
            yield "the version of the API is not named"
        if not self.headers.get("Authorization", "").startswith("Bearer "):
            yield "no token is sent"
        if data and self.headers.get("Content-Type") != "application/json":
            yield "the body is not said to be JSON"

    def _scripted(self) -> Scripted | None:
        for one in self._github.script:
            if one.path in self.path and one.method in {"", self.command}:
                self._github.script.remove(one)
                return one
        return None

    def _paged(self, told: Any, query: Mapping[str, str], operation: Operation) -> tuple[Any, dict[str, str]]:
        """One page of a list, which may be inside a document, with links to the others as GitHub gives them."""
        if operation.method != "GET" or "page" not in {*query}:
            return told, {}
        key = (
            next((name for name, value in told.items() if isinstance(value, list)), "")
            if isinstance(told, dict)
            else ""
        )
        rows = told[key] if key else told
        size, page = int(query.get("per_page", 30)), int(query["page"])
        last = max(1, -(-len(rows) // size))
        links = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
        shown = [name for name in links if (page < last if name in {"next", "last"} else page > 1)]
        base = f"{self._github.url}{urlsplit(self.path).path}"
        link = ", ".join(f'<{base}?{urlencode({**query, "page": links[name]})}>; rel="{name}"' for name in shown)
        rows = rows[(page - 1) * size : page * size]
        return ({**told, key: rows} if key else rows), ({"Link": link} if link else {})

    def _send(self, status: int, body: object, headers: Mapping[str, str]) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"X-GitHub-Enterprise-Version": "3.19.0", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template)))


def _message(words: str, status: int) -> dict[str, str]:
    return {"message": words, "documentation_url": _DOCS, "status": str(status)}
