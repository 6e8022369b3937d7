"""A scripted Plane on loopback: it answers as a real one was recorded, and is held against that one's description.

What is against the description is in `violations` and answered with 500; `serve` fails the test then.
"""

from __future__ import annotations

import contextlib
import copy
import json
import re
import secrets
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.github.description import Description, described
from tests.fakes.loopback import Handler, Server, running

RECORDED_FOLDER = Path(__file__).parents[1] / "recorded"
RECORDED: dict[str, Any] = json.loads((RECORDED_FOLDER / "plane-1.3.1.json").read_bytes())
DESCRIPTION = RECORDED_FOLDER / "plane-openapi-1.3.1.json"
WORKSPACE, IDENTIFIER = "t", "PRK"
PROJECT = RECORDED["create project"]["body"]["id"]
_BASE = "/api/v1"
_MOST_PER_PAGE = 1000
_HERE = "/workspaces/{slug}/projects/{project_id}/"
# Where the real one answered otherwise than it describes.
_UNTRUE = ("['avatar_url']", "['cover_image_url']", "['slug']")
_ITEM = "[0-9a-f-]{36}"
_AN_ITEM = f"{{project}}work-items/(?P<item>{_ITEM})/"
# The name of an operation, its method, its path below the API, and its template there.
_ROUTES = (
    ("me", "GET", "/users/me/", "/users/me/"),
    ("project", "GET", "{project}", "/workspaces/{slug}/projects/{pk}/"),
    ("members", "GET", "{project}members/", f"{_HERE}members/"),
    ("states", "GET", "{project}states/", f"{_HERE}states/"),
    ("new_state", "POST", "{project}states/", f"{_HERE}states/"),
    ("items", "GET", "{project}work-items/", f"{_HERE}work-items/"),
    ("item", "GET", _AN_ITEM, f"{_HERE}work-items/{{pk}}/"),
    ("change", "PATCH", _AN_ITEM, f"{_HERE}work-items/{{pk}}/"),
    ("activities", "GET", f"{_AN_ITEM}activities/", f"{_HERE}work-items/{{issue_id}}/activities/"),
    ("comments", "GET", f"{_AN_ITEM}comments/", f"{_HERE}work-items/{{issue_id}}/comments/"),
    ("new_comment", "POST", f"{_AN_ITEM}comments/", f"{_HERE}work-items/{{issue_id}}/comments/"),
    (
        "change_comment",
        "PATCH",
        f"{_AN_ITEM}comments/(?P<comment>{_ITEM})/",
        f"{_HERE}work-items/{{issue_id}}/comments/{{pk}}/",
    ),
    (
        "by_key",
        "GET",
        f"/workspaces/{WORKSPACE}/work-items/(?P<key>[A-Za-z]+)-(?P<number>[0-9]+)/",
        "/workspaces/{slug}/work-items/{project_identifier}-{issue_identifier}/",
    ),
)


@dataclass(frozen=True, slots=True)
class Scripted:
    """An answer that is given once, instead of or `after` doing what a request asks."""

    status: int
    body: object
    method: str
    path: str
    after: bool
    headers: Mapping[str, str] = field(default_factory=dict)


class _Refusal(Exception):
    """Plane answers as it was recorded."""


class Plane(Server):
    """One project with the states of a new one; `meanwhile` is called before each request is answered."""

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.description: Description = described(DESCRIPTION)
        self.members: dict[str, str] = {}
        self.tokens: dict[str, str] = {}
        self.states: list[dict[str, Any]] = copy.deepcopy(RECORDED["states"]["body"]["results"])
        self.items: list[dict[str, Any]] = []
        self.activities: list[dict[str, Any]] = []
        self.comments: list[dict[str, Any]] = []
        self.script: list[Scripted] = []
        self.asked: list[str] = []
        self.violations: list[str] = []
        self.meanwhile: Callable[[str], None] = lambda _: None
        self.lock = threading.RLock()
        self._ticks = 0
        self._made = 0

    def member(self, name: str) -> str:
        """Somebody new in the project; their token."""
        who, token = str(uuid.uuid4()), f"plane_api_{secrets.token_hex(16)}"
        self.members[who], self.tokens[token] = name, who
        return token

    def stranger(self) -> str:
        """A token of somebody who is in no project."""
        token = f"plane_api_{secrets.token_hex(16)}"
        self.tokens[token] = str(uuid.uuid4())
        return token

    def now(self) -> str:
        self._ticks += 1
        return f"2026-11-26T06:{self._ticks // 60:02}:{self._ticks % 60:02}.000000Z"

    def state(self, name: str) -> str:
        return next(str(one["id"]) for one in self.states if one["name"].casefold() == name.casefold())

    def make(self, title: str, by: str, state: str = "Backlog", id: str = "") -> int:
        """A new work item; its number."""
        # No number is given twice, also where the item of one is gone.
        self._made += 1
        number = self._made
        made = RECORDED["create item 0"]["body"] | {
            "id": id or str(uuid.uuid4()),
            "name": title,
            "sequence_id": number,
            "state": self.state(state),
            "created_by": by,
            "created_at": self.now(),
            "external_id": None,
            "external_source": None,
        }
        self.items.append(made)
        created = RECORDED["activities"]["body"]["results"][0]
        self.activities.append(created | {"issue": made["id"], "actor": by, "created_at": made["created_at"]})
        return number

    def numbered(self, number: int) -> dict[str, Any]:
        return next(one for one in self.items if one["sequence_id"] == number)

    def move(self, item: dict[str, Any], state: str, by: str) -> None:
        before, item["state"], item["updated_by"] = item["state"], state, by
        updated = RECORDED["activities"]["body"]["results"][1]
        told = {"issue": item["id"], "actor": by, "created_at": self.now(), "id": str(uuid.uuid4())}
        self.activities.append(updated | told | {"old_identifier": before, "new_identifier": state})

    def comment(self, item: dict[str, Any], by: str, said: Mapping[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = RECORDED["comment"]["body"] | {
            "id": str(uuid.uuid4()),
            "issue": item["id"],
            "actor": by,
            "created_by": by,
            "created_at": self.now(),
            **said,
        }
        made["comment_html"] = _cleaned(made["comment_html"])
        self.comments.append(made)
        return made

    def says(
        self, status: int, body: object, method: str = "", path: str = "", *, after: bool = False, **headers: str
    ) -> None:
        """Answer the next such request like this."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.script.append(Scripted(status, body, method, path, after, named))


@contextlib.contextmanager
def serve() -> Iterator[Plane]:
    """Serve a new project; what was against the description fails the test at its end."""
    server = Plane()
    with running(server):
        yield server
    assert server.violations == [], "not as Plane describes its API"


class _Handler(Handler):
    server: Plane  # type: ignore[mutable-override]

    def answer(self) -> None:
        data = self.body()
        plane = self.server
        with plane.lock:
            plane.asked.append(f"{self.command} {self.path}")
            plane.meanwhile(f"{self.command} {self.path}")
            try:
                status, body, headers = self._told(json.loads(data) if data else None)
            except _Refusal as refusal:
                found = RECORDED[str(refusal)]
                status, body, headers = found["status"], found["body"], found["headers"]
            self._send(status, body, headers)

    def _told(self, body: Any) -> tuple[int, object, Mapping[str, str]]:
        plane, parts = self.server, urlsplit(self.path)
        path, query = parts.path.removeprefix(_BASE), dict(parse_qsl(parts.query, keep_blank_values=True))
        if not path.endswith("/"):
            location = f"{parts.path}/" + (f"?{parts.query}" if parts.query else "")
            return 301, "", {"Location": location}
        who = self._who(path)
        project = f"/workspaces/{WORKSPACE}/projects/{PROJECT}/"
        for name, method, pattern, template in _ROUTES:
            match = re.fullmatch(pattern.replace("{project}", re.escape(project)), path)
            if match is None or method != self.command:
                continue
            operation = plane.description.operation(method, f"{_BASE}{template}")
            # Plane takes more rows than it describes.
            asked = {key: value for key, value in query.items() if key not in {"per_page", "state"}}
            wrong = [*operation.wrong_request(asked, body)]
            scripted = self._scripted()
            if scripted and not scripted.after:
                return scripted.status, scripted.body, scripted.headers
            status, found = _Project(plane, who, match.groupdict(), query, body).done(name)
            if scripted:
                return scripted.status, scripted.body, scripted.headers
            wrong += self._wrong_answer(operation.template, method, status, found)
            plane.violations += [f"{method} {self.path}: {one}" for one in wrong]
            return (500, {"error": "; ".join(wrong)}, {}) if wrong else (status, found, {})
        raise _Refusal("get malformed")

    def _who(self, path: str) -> str:
        token = self.headers.get("X-API-Key")
        if token is None:
            raise _Refusal("no token")
        if token not in self.server.tokens:
            raise _Refusal("bad token")
        who = self.server.tokens[token]
        here = path.startswith((f"/workspaces/{WORKSPACE}/projects/{PROJECT}/", f"/workspaces/{WORKSPACE}/work-items/"))
        if not path.startswith("/users/") and (not here or who not in self.server.members):
            raise _Refusal("unknown project")
        return who

    def _wrong_answer(self, template: str, method: str, status: int, body: object) -> list[str]:
        responses = self.server.description.root["paths"][template][method.lower()]["responses"]
        if str(status) not in responses:
            return [f"status {status} is not described"]
        schema = responses[str(status)].get("content", {}).get("application/json", {}).get("schema")
        if schema is None or status >= 400:
            return []
        # The list of members is described as one of them.
        rows = body if template.endswith("members/") and isinstance(body, list) else [body]
        wrong = (one for row in rows for one in self.server.description.wrong(schema, row, f"answer {status}"))
        return [one for one in wrong if not one.partition(": ")[0].endswith(_UNTRUE)]

    def _scripted(self) -> Scripted | None:
        for one in self.server.script:
            if one.method in {"", self.command} and one.path in self.path:
                self.server.script.remove(one)
                return one
        return None

    def _send(self, status: int, body: object, headers: Mapping[str, str]) -> None:
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@dataclass(frozen=True, slots=True)
class _Project:
    """One request, by somebody who may make it."""

    plane: Plane
    who: str
    args: Mapping[str, str]
    query: Mapping[str, str]
    body: Any

    def done(self, name: str) -> tuple[int, object]:
        found: tuple[int, object] = getattr(self, name)()
        return found

    def me(self) -> tuple[int, object]:
        return 200, self._user(self.who)

    def project(self) -> tuple[int, object]:
        return 200, RECORDED["create project"]["body"]

    def members(self) -> tuple[int, object]:
        return 200, [self._user(who) for who in self.plane.members]

    def states(self) -> tuple[int, object]:
        return 200, self._page(self.plane.states)

    def new_state(self) -> tuple[int, object]:
        if there := [one["id"] for one in self.plane.states if one["name"] == self.body["name"]]:
            return 409, RECORDED["create state twice"]["body"] | {"id": there[0]}
        made = RECORDED["create state"]["body"] | {"id": str(uuid.uuid4()), **self.body}
        self.plane.states.append(made)
        return 200, made

    def items(self) -> tuple[int, object]:
        rows = sorted(self.plane.items, key=lambda one: one["created_at"], reverse=True)
        wanted = self.query.get("fields", "").split(",") if self.query.get("fields") else None
        return 200, self._page([{key: row[key] for key in wanted or row} for row in rows])

    def item(self) -> tuple[int, object]:
        return 200, self._item()

    def by_key(self) -> tuple[int, object]:
        if self.args["key"] != IDENTIFIER:
            raise _Refusal("by key lower")
        found = [one for one in self.plane.items if one["sequence_id"] == int(self.args["number"])]
        if not found:
            raise _Refusal("by key unknown")
        return 200, found[0]

    def change(self) -> tuple[int, object]:
        item, state = self._item(), self.body["state"]
        if state not in {one["id"] for one in self.plane.states}:
            return 400, {"state": [f'Invalid pk "{state}" - object does not exist.']}
        self.plane.move(item, state, self.who)
        return 200, item

    def activities(self) -> tuple[int, object]:
        return 200, self._page([one for one in self.plane.activities if one["issue"] == self._item()["id"]])

    def comments(self) -> tuple[int, object]:
        found = [one for one in self.plane.comments if one["issue"] == self._item()["id"]]
        return 200, self._page(found[::-1])

    def new_comment(self) -> tuple[int, object]:
        name = (self.body.get("external_source"), self.body.get("external_id"))
        there = [one for one in self.plane.comments if (one["external_source"], one["external_id"]) == name]
        if all(name) and there:
            return 409, {"error": "Work item comment with the same external id already exists", "id": there[0]["id"]}
        return 201, self.plane.comment(self._item(), self.who, self.body)

    def change_comment(self) -> tuple[int, object]:
        found = next((one for one in self.plane.comments if one["id"] == self.args["comment"]), None)
        if found is None:
            raise _Refusal("get unknown")
        found["comment_html"] = _cleaned(self.body["comment_html"])
        return 200, found

    def _item(self) -> dict[str, Any]:
        found = next((one for one in self.plane.items if one["id"] == self.args["item"]), None)
        if found is None:
            raise _Refusal("get unknown")
        return found

    def _user(self, who: str) -> dict[str, Any]:
        known: dict[str, Any] = RECORDED["v1 me"]["body"]
        return known | {"id": who, "display_name": self.plane.members.get(who, "nobody")}

    def _page(self, rows: list[Any]) -> dict[str, Any]:
        cursor = self.query.get("cursor", "")
        if cursor and not re.fullmatch(r"[0-9]+:[0-9]+:[01]", cursor):
            raise _Refusal("bad cursor")
        size = int(self.query.get("per_page", _MOST_PER_PAGE))
        if size > _MOST_PER_PAGE:
            raise _Refusal("per_page 1001")
        page = int(cursor.split(":")[1]) if cursor else 0
        shown = rows[page * size : (page + 1) * size]
        known: dict[str, Any] = RECORDED["list"]["body"]
        return known | {
            "results": shown,
            "count": len(shown),
            "total_count": len(rows),
            "total_results": len(rows),
            "total_pages": -(-len(rows) // size),
            "next_cursor": f"{size}:{page + 1}:0",
            "prev_cursor": f"{size}:{page - 1}:1",
            "next_page_results": (page + 1) * size < len(rows),
            "prev_page_results": page > 0,
        }


def _cleaned(html: str) -> str:
    """As Plane stores it: comments of HTML are gone, and letters that need no entity have none."""
    return re.sub(r"<!--.*?-->", "", html, flags=re.DOTALL).replace("&#x27;", "'").replace("&quot;", '"')
