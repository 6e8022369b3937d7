"""A forge that is slow, broken, elsewhere or says no: one line that says what to do, and never an empty answer."""

from __future__ import annotations

import json
import secrets
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from orch_gates.errors import ForgeRefused, ForgeUnavailable
from orch_gates.forge.gitea.connect import DIALECT
from orch_gates.forge.http import Api

Answer = Callable[[BaseHTTPRequestHandler], None]


class Scripted(ThreadingHTTPServer):
    """Gives its answers one after the other, the last one for ever."""

    daemon_threads = True

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.seen: list[tuple[str, dict[str, str]]] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Scripted)
        server.seen.append((self.path, dict(self.headers)))
        answers = server.answers
        (answers.pop(0) if len(answers) > 1 else answers[0])(self)

    def log_message(self, *_: Any) -> None:
        return


@contextmanager
def forge(*answers: Answer) -> Iterator[Scripted]:
    server = Scripted(*answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def says(status: int, body: object = None, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def cut_off(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'[{"id": 1')


def hangs(handler: BaseHTTPRequestHandler) -> None:
    handler.rfile.read(1)


def drips(handler: BaseHTTPRequestHandler) -> None:
    """Bytes that keep every single read alive, for longer than a request may take."""
    handler.send_response(200)
    handler.end_headers()
    ended = threading.Event()
    for _ in range(100):
        try:
            handler.wfile.write(b" " * 70000)
        except OSError:
            return
        ended.wait(0.1)


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (says(401, {}), ForgeRefused, "the token is wrong or has expired"),
        (says(403, {}), ForgeRefused, "lacks a scope"),
        (says(404, {}), ForgeRefused, "may not see it"),
        (says(301, {}, Location="/api/v1/repos/a/new"), ForgeRefused, "has moved to /api/v1/repos/a/new"),
        (says(500, {}), ForgeUnavailable, "500"),
        (says(502, {}), ForgeUnavailable, "502"),
        (says(429, {}, Retry_After="3600"), ForgeUnavailable, "429"),
        (says(200, b"<html>a proxy's page</html>"), ForgeUnavailable, "did not answer with JSON"),
        (says(200, b""), ForgeUnavailable, "did not answer with JSON"),
        (says(200, b" " * (17 * 1024 * 1024)), ForgeUnavailable, "more than 16777216 bytes"),
        (cut_off, ForgeUnavailable, "broke off"),
        (hangs, ForgeUnavailable, "did not answer within 0.5 s"),
        (drips, ForgeUnavailable, "did not answer within 0.5 s"),
    ],
)
def test_every_trouble_has_its_words(answer: Answer, error: type[Exception], words: str) -> None:
    """P2: and none of them is an empty list."""
    token = secrets.token_hex(20)
    with forge(answer) as server:
        for ask in (lambda api: api.get("/x"), lambda api: list(api.rows("/x"))):
            with pytest.raises(error) as raised:
                ask(Api(server.url, token, 0.5, DIALECT))
            assert words in str(raised.value)
            assert "\n" not in str(raised.value)
            assert token not in str(raised.value)


def test_nobody_there_is_said() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ForgeUnavailable, match=r"127\.0\.0\.1:\d+ cannot be reached"):
        Api(f"http://127.0.0.1:{port}", "", 1, DIALECT).get("/x")


def test_a_certificate_of_ones_own_has_to_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the variable that every tool of the kind knows."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"]
        + ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
        timeout=60,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with forge(says(200, {"ok": True})) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        url = server.url.replace("http:", "https:")
        with pytest.raises(ForgeUnavailable, match="REQUESTS_CA_BUNDLE"):
            Api(url, "", 5, DIALECT).get("/x")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        assert Api(url, "", 5, DIALECT).get("/x") == {"ok": True}


def test_the_token_goes_where_it_belongs_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the header, whatever a netrc file says, and not after a redirect to somewhere else."""
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login somebody password {secrets.token_hex(8)}\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    token = secrets.token_hex(20)
    with forge(says(200, [])) as elsewhere, forge(says(200, {}), says(302, {}, Location=elsewhere.url)) as server:
        api = Api(server.url, token, 5, DIALECT)
        api.get("/x", page=1)
        with pytest.raises(ForgeRefused):
            api.get("/x")
        assert [headers["Authorization"] for _, headers in server.seen] == [f"token {token}"] * 2
        assert all(token not in path for path, _ in server.seen)
        assert elsewhere.seen == []
    assert token not in repr(api.__dict__)


def test_a_forge_that_is_busy_is_asked_again() -> None:
    """After the time that it names, and never for longer than a request may take."""
    with forge(says(503, {}, Retry_After="0"), says(429, {}, Retry_After="1"), says(200, {"ok": True})) as server:
        assert Api(server.url, "", 10, DIALECT).get("/x") == {"ok": True}
        assert len(server.seen) == 3


def test_a_list_is_read_to_its_end() -> None:
    """By the total where the server says one, else to the first empty page."""
    pages = [says(200, [{"id": 1}, {"id": 2}], X_Total_Count="3"), says(200, [{"id": 3}], X_Total_Count="3")]
    with forge(*pages) as server:
        assert [row["id"] for row in Api(server.url, "", 5, DIALECT).rows("/x")] == [1, 2, 3]
        assert len(server.seen) == 2
    with forge(says(200, [{"id": 1}]), says(200, [{"id": 2}]), says(200, [])) as server:
        assert [row["id"] for row in Api(server.url, "", 5, DIALECT).rows("/x")] == [1, 2]


@pytest.mark.parametrize(
    "pages",
    [
        [says(200, [{"id": 1}], X_Total_Count="3"), says(200, [], X_Total_Count="3")],
        [says(200, {"message": "no list"})],
        [says(200, ["no row"])],
        [says(200, [{"id": 1}])],
    ],
    ids=["shorter than it says", "no list", "no rows", "without an end"],
)
def test_a_list_that_is_not_whole_is_none(pages: list[Answer]) -> None:
    """faults.md: the first page is never taken for all of it."""
    with forge(*pages) as server, pytest.raises(ForgeUnavailable):
        list(Api(server.url, "", 5, DIALECT).rows("/x"))
