"""A proxy on loopback between a client and a forge, which spoils what goes through it as a test says.

    with FaultProxy(forge.url) as proxy:
        proxy.on("POST", "/merge").reset_after()
        ...

Without a rule everything goes through as it is. A rule spoils the first request that it matches, unless it says which.
A rule that was never used fails the test at the end of the `with`: a fault that did not happen proves nothing.
"""

from __future__ import annotations

import http.client
import re
import socket
import struct
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar
from urllib.parse import urlsplit

_MOST_BYTES = 64 * 1024 * 1024
_MOST_SEEN = 10_000
_MOST_KEPT = 200
_PATIENCE_S = 60
_PAGE = b"<!DOCTYPE html><html><head><title>Bad gateway</title></head><body>Try again later.</body></html>"
# These are between two neighbours, not between the ends.
_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "te", "trailer", "upgrade", "expect"}
_BODILESS = {204, 304}


@dataclass(slots=True)
class Seen:
    """One request of the client: what the forge answered, once per time that it was given it, and the fault if any."""

    method: str
    target: str
    body: bytes
    answers: list[int] = field(default_factory=list)
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it goes to the client; `announced` is its length as the header has it, None for the true one."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    announced: int | None = None


class Rule:
    """Which requests are spoiled; then, how. Every way is decided once, by the last of these that is called."""

    def __init__(self, method: str, pattern: str, nth: int, times: int | None) -> None:
        self.method, self.pattern, self.nth, self.times = method, pattern, nth, times
        self.fault = ""
        self.used = 0
        self._matched = 0
        self._effect: _Effect = _Passage.through

    def __str__(self) -> str:
        return f"{self.method} {self.pattern}: {self.fault or 'nothing to do'}"

    def reset_before(self) -> None:
        """The connection is reset, and the forge never hears of the request."""
        self._does("reset before", _Passage.reset)

    def reset_after(self) -> None:
        """The forge does what it is asked, then the connection is reset."""

        def effect(passage: _Passage) -> None:
            passage.forward()
            passage.reset()

        self._does("reset after", effect)

    def delay_before(self, seconds: float) -> None:
        """The forge hears of it so much later, also when the client has gone."""

        def effect(passage: _Passage) -> None:
            if passage.wait(seconds):
                passage.through()

        self._does("delay before", effect)

    def delay_after(self, seconds: float) -> None:
        """The forge does it at once, the client hears of it so much later."""

        def effect(passage: _Passage) -> None:
            reply = passage.forward()
            if passage.wait(seconds):
                passage.give(reply)

        self._does("delay after", effect)

    def answer(
        self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None, *, acted: bool = False
    ) -> None:
        """Another answer than the forge's, which does what it is asked all the same if it `acted`."""
        reply = Reply(status, tuple((headers or {}).items()), body)

        def effect(passage: _Passage) -> None:
            if acted:
                passage.forward()
            passage.give(reply)

        self._does(f"{status}{' after' if acted else ''}", effect)

    def html(self, status: int = 502, *, acted: bool = False) -> None:
        """The page of something in between."""
        self.answer(status, _PAGE, {"Content-Type": "text/html"}, acted=acted)

    def too_many(self, retry_after: int | str = 1) -> None:
        """Too many requests, come again in so many seconds."""
        body = b'{"message": "too many requests"}'
        self.answer(429, body, {"Content-Type": "application/json", "Retry-After": str(retry_after)})

    def truncated(self) -> None:
        """The forge does it, and half of its answer comes, which said that there is more."""

        def effect(passage: _Passage) -> None:
            reply = passage.forward()
            whole = len(reply.body)
            passage.give(replace(reply, body=reply.body[: whole // 2], announced=max(whole, 1)))

        self._does("truncated", effect)

    def twice(self) -> None:
        """The forge is given the request two times; the client has the answer to the second."""

        def effect(passage: _Passage) -> None:
            passage.forward()
            passage.through()

        self._does("twice", effect)

    def stale(self) -> None:
        """The answer that the same GET had before is given again; the forge is not asked."""
        self._does("stale", _Passage.again)

    def due(self, method: str, target: str) -> bool:
        """Whether this request is to be spoiled; asked once for each request, in their order."""
        if method != self.method or not re.search(self.pattern, target):
            return False
        self._matched += 1
        return self._matched >= self.nth and (self.times is None or self._matched < self.nth + self.times)

    def act(self, passage: _Passage) -> None:
        """Spoil it."""
        self._effect(passage)

    def _does(self, fault: str, effect: _Effect) -> None:
        self.fault, self._effect = fault, effect


class FaultProxy:
    """Listens while it is entered; `url` takes the place of the forge's own."""

    def __init__(self, upstream: str) -> None:
        """`upstream`: the forge's url, its path included if it has one."""
        self._upstream = urlsplit(upstream)
        self._rules: list[Rule] = []
        self._seen: deque[Seen] = deque(maxlen=_MOST_SEEN)
        self._kept: dict[str, Reply] = {}
        self._lock = threading.Lock()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self.ended = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}{self._upstream.path.rstrip('/')}"

    @property
    def connections(self) -> int:
        """How many were opened to it."""
        return self._server.accepted

    @property
    def seen(self) -> list[Seen]:
        """What clients asked, in the order in which it came."""
        with self._lock:
            return list(self._seen)

    def on(self, method: str, pattern: str, *, nth: int = 1, times: int | None = 1) -> Rule:
        """A rule for requests whose path and query hold this regular expression, from the nth on, so many times.

        `times=None` is for ever. Of several rules for one request the first that was made is used.
        """
        rule = Rule(method, pattern, nth, times)
        with self._lock:
            self._rules.append(rule)
        return rule

    def calm(self) -> None:
        """Forget all rules."""
        with self._lock:
            self._rules.clear()

    def asked(self, method: str, pattern: str) -> int:
        """How often the client sent such a request."""
        return len(self._matching(method, pattern))

    def delivered(self, method: str, pattern: str) -> int:
        """How often the forge was given such a request, and answered."""
        return sum(len(seen.answers) for seen in self._matching(method, pattern))

    def __enter__(self) -> FaultProxy:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        self._thread.join()
        if kind is None:
            assert not self._server.problems, self._server.problems
            unused = [str(rule) for rule in self._rules if not rule.used]
            assert not unused, f"never happened: {unused}"

    def note(self, seen: Seen) -> Rule | None:
        """Write a request down; the rule that spoils it."""
        with self._lock:
            self._seen.append(seen)
            due = [rule for rule in self._rules if rule.due(seen.method, seen.target)]
            for rule in due[:1]:
                rule.used += 1
                seen.fault = rule.fault
            return due[0] if due else None

    def send(self, seen: Seen, headers: list[tuple[str, str]]) -> Reply:
        """Have the forge do it, on a connection of its own."""
        to = http.client.HTTPConnection(self._upstream.hostname or "", self._upstream.port, timeout=_PATIENCE_S)
        try:
            to.putrequest(seen.method, seen.target, skip_accept_encoding=True, skip_host=True)
            for name, value in headers:
                to.putheader(name, value)
            if seen.body or seen.method in {"POST", "PUT", "PATCH"}:
                to.putheader("Content-Length", str(len(seen.body)))
            to.endheaders(seen.body)
            got = to.getresponse()
            kept = tuple((name, value) for name, value in got.getheaders() if name.lower() not in _HOP)
            reply = Reply(got.status, kept, got.read(_MOST_BYTES))
        finally:
            to.close()
        with self._lock:
            seen.answers.append(reply.status)
            if seen.method == "GET" and reply.status == 200:
                self._kept[seen.target] = reply
                if len(self._kept) > _MOST_KEPT:
                    del self._kept[next(iter(self._kept))]
        return reply

    def kept(self, target: str) -> Reply:
        """The latest answer to a GET.

        Raises:
            LookupError: there was none: the test is wrong.
        """
        with self._lock:
            return self._kept[target]

    def _matching(self, method: str, pattern: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.method == method and re.search(pattern, seen.target)]


class _Passage(BaseHTTPRequestHandler):
    """One connection of a client; the effects of rules are put together from what it can do."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout: ClassVar[float | None] = _PATIENCE_S
    server: _Server  # type: ignore[mutable-override]

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Whatever the method is, it is passed on."""
        if name.startswith("do_"):
            return self._pass_on
        raise AttributeError(name)

    def _pass_on(self) -> None:
        self._now = Seen(self.command, self.path, self._read())
        rule = self.server.proxy.note(self._now)
        if rule is None:
            self.through()
        else:
            rule.act(self)

    def log_message(self, format: str, *args: object) -> None:
        pass

    def through(self) -> None:
        self.give(self.forward())

    def forward(self) -> Reply:
        headers = [(name, value) for name, value in self.headers.items() if name.lower() not in _HOP]
        try:
            return self.server.proxy.send(self._now, headers)
        except (OSError, http.client.HTTPException):
            return Reply(502, (("Content-Type", "text/html"),), _PAGE)

    def again(self) -> None:
        self.give(self.server.proxy.kept(self._now.target))

    def give(self, reply: Reply) -> None:
        self.send_response_only(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        if reply.status not in _BODILESS or reply.announced is not None:
            self.send_header("Content-Length", str(len(reply.body) if reply.announced is None else reply.announced))
        if reply.announced is not None:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    def reset(self) -> None:
        """With a lingering time of zero, closing sends RST; all that holds the socket has to let go of it."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.connection.close()

    def wait(self, seconds: float) -> bool:
        """Whether the test still goes on after this time."""
        return not self.server.proxy.ended.wait(seconds)

    def _read(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            found = b""
            while (size := int(self.rfile.readline(), 16)) and len(found) + size <= _MOST_BYTES:
                found += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return found
        size = int(self.headers.get("Content-Length", 0))
        if size > _MOST_BYTES:
            raise ValueError(f"{size} bytes are more than a test sends")
        return self.rfile.read(size)


_Effect = Callable[[_Passage], None]


class _Server(ThreadingHTTPServer):
    # Threads are joined at the end: none of them acts on the forge of another test.
    daemon_threads = False

    def __init__(self, proxy: FaultProxy) -> None:
        self.proxy = proxy
        self.accepted = 0
        self.problems: list[str] = []
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Passage)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self.accepted += 1
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End the connections that are kept open."""
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exception()
        # A client that went away is what some of these tests are about.
        if not isinstance(error, ConnectionError | TimeoutError):
            self.problems.append(repr(error))
