"""An OSV server on loopback that answers by a table, or fails in a way that real ones do."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

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
    stopped = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["content-length"])))
            asked = (query["package"]["name"], query["version"])
            feed.asked.append(asked)
            if mode == "slow":
                stopped.wait(60)
            status, kind, body = 200, "application/json", _answer(asked, known)
            if mode == "error":
                status, body = 500, b"{}"
            elif mode == "html":
                kind, body = "text/html", b"<html><body>Sign in to this network</body></html>"
            elif mode == "empty":
                body = b"{}"
            with contextlib.suppress(OSError):
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    feed.url = f"http://127.0.0.1:{server.server_port}/v1/query"
    if mode == "refused":
        server.server_close()
        yield feed
        return
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield feed
    finally:
        stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _answer(asked: tuple[str, str], known: Table) -> bytes:
    found = known.get(asked)
    if not found:
        return b"{}"
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
    return json.dumps({"vulns": vulns}).encode()
