"""An OSV server on loopback that answers by a table, or fails in a way that real ones do."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.fakes import scripted_http
from tests.fakes.scripted_http import hangs, says

CONTROL = {("jinja2", "2.10"): {"GHSA-control": "2.10.1"}}
FAILURES = ("error", "html", "empty", "slow", "refused")

Table = Mapping[tuple[str, str], Mapping[str, str]]


@dataclass(slots=True)
class Feed:
    """Where the server is, and each (name, version) that it was asked about."""

    url: str
    asked: list[tuple[str, str]] = field(default_factory=list)


@contextlib.contextmanager
def serve(mode: str = "healthy", table: Table | None = None, *, control: bool = True) -> Iterator[Feed]:
    """Serve in one mode; `table` maps (name, version) to the fixed version of each vulnerability."""
    known = (CONTROL if control else {}) | dict(table or {})
    feed = Feed("")

    def answer(handler: BaseHTTPRequestHandler) -> None:
        query = json.loads(server.seen[-1].body)
        asked = (query["package"]["name"], query["version"])
        feed.asked.append(asked)
        {
            "error": says(500, {}),
            "html": says(200, b"<html><body>Sign in to this network</body></html>", Content_Type="text/html"),
            "empty": says(200, {}),
            "slow": hangs,
        }.get(mode, says(200, _answer(asked, known), Content_Type="application/json"))(handler)

    with scripted_http.serving(answer) as server:
        feed.url = f"{server.url}/v1/query"
        if mode != "refused":
            yield feed
    if mode == "refused":
        yield feed


def _answer(asked: tuple[str, str], known: Table) -> object:
    found = known.get(asked)
    if not found:
        return {}
    package = {"name": asked[0], "ecosystem": "PyPI"}
    vulns = [
        {
            "id": name,
            "modified": "2020-01-01T00:00:00Z",
            "aliases": [],
            "affected": [
                {
                    "package": package,
                    "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}],
                }
            ],
        }
        for name, fixed in found.items()
    ]
    return {"vulns": vulns}
