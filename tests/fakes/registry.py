"""A registry in memory, whose answers to single requests can be replaced by bad ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from tests import image_rig as rig
from tests.fakes import scripted_http
from tests.fakes.scripted_http import Answer, Asked, Scripted, says


@dataclass
class FakeRegistry:
    """Keeps the documents of one repository; `bad` are answers by what a path ends with, in place of the good one."""

    name: str = "acme/app"
    documents: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    bad: dict[str, Answer] = field(default_factory=dict)
    wants: str = ""
    authorization: str = ""
    server: Scripted = field(init=False)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"

    @property
    def seen(self) -> list[Asked]:
        return self.server.seen

    def push(self, built: rig.Built, *tags: str) -> str:
        for part in built.parts:
            self.push(part)
        for blob in built.blobs:
            self.documents[f"blobs/{rig.digest(blob)}"] = ("application/octet-stream", blob)
        for named in (built.digest, *tags):
            self.documents[f"manifests/{named}"] = (built.media_type, built.raw)
        return built.digest

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """As registries do: the challenge first, then what is there."""
        path = urlsplit(handler.path).path
        what = path.removeprefix(f"/v2/{self.name}/")
        key = f"{handler.command} {what}"
        for ending, bad in self.bad.items():
            if key.endswith(ending):
                bad(handler)
                return
        if path == "/token":
            says(200, {"token": self.authorization.partition(" ")[2]})(handler)
        elif self.wants and handler.headers.get("Authorization") != self.authorization:
            says(401, {"errors": [{"code": "UNAUTHORIZED"}]}, WWW_Authenticate=self.wants)(handler)
        elif handler.command == "PUT":
            self.store(handler)
            says(201)(handler)
        elif what in self.documents:
            kind, body = self.documents[what]
            says(200, body, Content_Type=kind, Docker_Content_Digest=rig.digest(body))(handler)
        else:
            says(404, {"errors": [{"code": "MANIFEST_UNKNOWN"}]})(handler)

    def store(self, handler: BaseHTTPRequestHandler) -> None:
        """Keep what was just sent."""
        what = urlsplit(handler.path).path.removeprefix(f"/v2/{self.name}/")
        self.documents[what] = (handler.headers["Content-Type"], self.seen[-1].body)


@contextmanager
def serving() -> Iterator[FakeRegistry]:
    """Serve one on loopback."""
    made = FakeRegistry()
    with scripted_http.serving(made.answer) as made.server:
        yield made
