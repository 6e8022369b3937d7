"""Every fault that the proxy is asked for really happens, on the wire and at the forge."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

import pytest

from tests.fakes.fault_proxy import FaultProxy
from tests.fakes.loopback import running
from tests.fakes.scripted_http import Scripted, says


class Upstream:
    """Counts what it is asked to do: a POST adds one, and every answer is the count."""

    def __init__(self) -> None:
        self.count = 0
        self.server = Scripted(self.answer)
        self.url = self.server.url

    @property
    def headers(self) -> list[dict[str, str]]:
        return [asked.headers for asked in self.server.seen if asked.method != "DELETE"]

    @property
    def bodies(self) -> list[bytes]:
        return [asked.body for asked in self.server.seen if asked.method == "POST"]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.count += handler.command != "GET"
        if handler.command == "DELETE":
            says(204)(handler)
        else:
            says(200, {"count": self.count}, Content_Type="application/json", X_Of_The_Forge="1")(handler)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    made = Upstream()
    with running(made.server):
        yield made


def ask(proxy: FaultProxy, method: str, path: str = "/x", body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
    with client(proxy) as connection:
        connection.request(method, path, body or None)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


@contextmanager
def client(proxy: FaultProxy, timeout: float = 10) -> Iterator[http.client.HTTPConnection]:
    with closing(http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=timeout)) as connection:
        yield connection


def count(answer: tuple[int, dict[str, str], bytes]) -> int:
    return int(json.loads(answer[2])["count"])


def gives_up(proxy: FaultProxy) -> None:
    """A client that does not wait for long."""
    with client(proxy, timeout=0.2) as connection:
        connection.request("POST", "/x")
        with pytest.raises(TimeoutError):
            connection.getresponse()


def raw(proxy: FaultProxy, method: str) -> bytes:
    """All that comes until the end; http.client would take a plain end for a reset."""
    address = urlsplit(proxy.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(f"{method} /x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
        return b"".join(iter(lambda: connection.recv(4096), b""))


def test_without_a_rule_everything_goes_through(upstream: Upstream) -> None:
    """Method, path, body, headers both ways, and many requests on one connection."""
    with FaultProxy(upstream.url) as proxy:
        with client(proxy) as connection:
            for turn in range(3):
                connection.request("POST", f"/x?turn={turn}", b"words", {"X-Of-The-Client": "1"})
                answer = connection.getresponse()
                assert json.loads(answer.read()) == {"count": turn + 1}
                assert answer.headers["X-Of-The-Forge"] == "1"
            connection.request("DELETE", "/x")
            assert (connection.getresponse().status, upstream.count) == (204, 4)
        assert upstream.bodies == [b"words"] * 3
        assert {headers["X-Of-The-Client"] for headers in upstream.headers} == {"1"}
        assert proxy.connections == 1
        assert [(seen.method, seen.target, seen.answers) for seen in proxy.seen] == [
            *(("POST", f"/x?turn={turn}", [200]) for turn in range(3)),
            ("DELETE", "/x", [204]),
        ]


def test_a_body_in_chunks_goes_through(upstream: Upstream) -> None:
    """As git sends a pack."""
    with FaultProxy(upstream.url) as proxy, client(proxy) as connection:
        connection.request("POST", "/x", iter([b"one ", b"two"]), encode_chunked=True)
        assert connection.getresponse().status == 200
        assert upstream.bodies == [b"one two"]


@pytest.mark.parametrize(("after", "done"), [(False, 0), (True, 1)], ids=["before", "after"])
def test_a_reset_is_a_reset(upstream: Upstream, *, after: bool, done: int) -> None:
    """RST, not the end of an answer; the forge has done it or never heard of it."""
    with FaultProxy(upstream.url) as proxy:
        rule = proxy.on("POST", "/x")
        if after:
            rule.reset_after()
        else:
            rule.reset_before()
        with pytest.raises(ConnectionResetError):
            raw(proxy, "POST")
        assert upstream.count == proxy.delivered("POST", "/x") == done
        assert proxy.asked("POST", "/x") == 1
        assert count(ask(proxy, "POST")) == done + 1


def test_a_delay_before_is_heard_of_later(upstream: Upstream) -> None:
    """By the forge too: the client has gone, and it is done all the same."""
    with FaultProxy(upstream.url) as proxy:
        proxy.on("POST", "/x").delay_before(1)
        gives_up(proxy)
        turns = threading.Event()
        while not proxy.delivered("POST", "/x"):
            turns.wait(0.01)
        assert upstream.count == 1


def test_a_delay_after_is_done_at_once(upstream: Upstream) -> None:
    with FaultProxy(upstream.url) as proxy:
        proxy.on("POST", "/x").delay_after(600)
        gives_up(proxy)
        assert upstream.count == 1


def test_a_delay_that_outlives_its_test_does_nothing(upstream: Upstream) -> None:
    """What one test began is not done to the forge of the next."""
    with FaultProxy(upstream.url) as proxy:
        proxy.on("POST", "/x").delay_before(600)
        gives_up(proxy)
    assert upstream.count == 0


@pytest.mark.parametrize(("acted", "done"), [(False, 0), (True, 1)])
def test_another_answer(upstream: Upstream, *, acted: bool, done: int) -> None:
    """With a body or none, before or after the forge acted."""
    with FaultProxy(upstream.url) as proxy:
        proxy.on("POST", "/x").answer(500, acted=acted)
        status, headers, body = ask(proxy, "POST")
        assert (status, headers["Content-Length"], body) == (500, "0", b"")
        assert upstream.count == done
        proxy.on("POST", "/y").answer(503, b'{"message": "busy"}', {"Retry-After": "7"}, acted=acted)
        status, headers, body = ask(proxy, "POST", "/y")
        assert (status, headers["Retry-After"], body) == (503, "7", b'{"message": "busy"}')
        assert upstream.count == 2 * done


@pytest.mark.parametrize("status", [200, 502])
def test_a_page_instead_of_an_answer(upstream: Upstream, status: int) -> None:
    with FaultProxy(upstream.url) as proxy:
        proxy.on("GET", "/x").html(status)
        output, headers, body = ask(proxy, "GET")
        assert (output, headers["Content-Type"], body[:15]) == (status, "text/html", b"<!DOCTYPE html>")


def test_too_many_requests(upstream: Upstream) -> None:
    with FaultProxy(upstream.url) as proxy:
        proxy.on("POST", "/x").too_many(retry_after=3)
        status, headers, _ = ask(proxy, "POST")
        assert (status, headers["Retry-After"], upstream.count) == (429, "3", 0)


@pytest.mark.parametrize("method", ["POST", "DELETE"], ids=["with a body", "with none"])
def test_a_truncated_answer(upstream: Upstream, method: str) -> None:
    """Less comes than the header says, of an answer without a body too."""
    with FaultProxy(upstream.url) as proxy:
        proxy.on(method, "/x").truncated()
        head, _, body = raw(proxy, method).partition(b"\r\n\r\n")
        (announced,) = (line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        assert len(body) < int(announced.split()[1])
        assert upstream.count == 1


def test_a_request_that_is_delivered_twice(upstream: Upstream) -> None:
    """The client knows of the second one only."""
    with FaultProxy(upstream.url) as proxy:
        proxy.on("POST", "/x").twice()
        assert count(ask(proxy, "POST", body=b"once")) == 2
        assert upstream.bodies == [b"once"] * 2
        assert (proxy.asked("POST", "/x"), proxy.delivered("POST", "/x")) == (1, 2)


def test_a_list_that_is_stale(upstream: Upstream) -> None:
    """The earlier answer of this very path and query, then the true one again."""
    with FaultProxy(upstream.url) as proxy:
        proxy.on("GET", "/x", nth=2).stale()
        assert count(ask(proxy, "GET", "/x?page=1")) == 0
        ask(proxy, "POST", "/other")
        assert count(ask(proxy, "GET", "/x?page=1")) == 0
        assert count(ask(proxy, "GET", "/x?page=1")) == 1


def test_which_request_is_spoiled(upstream: Upstream) -> None:
    """From the nth on, so many times; a rule counts only what it matches, and the first rule of several is used."""
    asked = ["/a", "/b", "/ab", "/a", "/a", "/a", "/b/c"]
    with FaultProxy(upstream.url) as proxy:
        proxy.on("GET", r"^/a$", nth=2, times=2).answer(503)
        proxy.on("GET", r"^/a$", nth=3, times=2).answer(500)
        proxy.on("GET", r"^/b", times=None).answer(418)
        assert [ask(proxy, "GET", path)[0] for path in asked] == [200, 418, 200, 503, 503, 500, 418]
        assert [seen.fault for seen in proxy.seen] == ["", "418", "", "503", "503", "500", "418"]


def test_a_fault_that_never_happened_fails(upstream: Upstream) -> None:
    """A test whose rule matches nothing would prove nothing."""
    with pytest.raises(AssertionError, match="POST /nowhere: reset after"), FaultProxy(upstream.url) as proxy:
        proxy.on("POST", "/nowhere").reset_after()
    proxy = FaultProxy(upstream.url).__enter__()
    proxy.on("GET", "/x").stale()
    with pytest.raises(http.client.RemoteDisconnected):
        ask(proxy, "GET")
    with pytest.raises(AssertionError, match="KeyError"):
        proxy.__exit__(None)


def test_a_forge_that_is_down_is_a_bad_gateway(upstream: Upstream) -> None:
    upstream.server.server_close()
    with FaultProxy(upstream.url) as proxy:
        assert ask(proxy, "GET")[0] == 502
