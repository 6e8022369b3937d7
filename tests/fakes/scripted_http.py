"""A server on loopback that gives the answers it was told, good ones and broken ones, and keeps what it was asked."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from tests.fakes.loopback import Handler, Server, running

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Scripted(Server):
    """Gives its answers one after the other, the last one for ever."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.seen: list[Asked] = []
        self.connections = 0
        self.dripped = 0
        super().__init__(_Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients go away, and distrust certificates: that is what is tested."""


class _Handler(Handler):
    server: Scripted  # type: ignore[mutable-override]

    def answer(self) -> None:
        self.server.seen.append(Asked(self.command, self.path, dict(self.headers), self.body()))
        answers = self.server.answers
        (answers.pop(0) if len(answers) > 1 else answers[0])(self)


@contextmanager
def serving(*answers: Answer, certificate: tuple[Path, Path] | None = None) -> Iterator[Scripted]:
    """Serve; with a certificate and its key over TLS."""
    server = Scripted(*answers)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        # The thread of the connection shakes hands, so that a client that refuses stops nobody else.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.scheme = "https"
    with running(server):
        yield server


def certificate(folder: Path, *, name: str = "IP:127.0.0.1", start: str = "", end: str = "") -> tuple[Path, Path]:
    """A certificate that signed itself, and its key; valid for a day from now, or between two times (YYYYMMDD)."""
    key, request, made = folder / "key.pem", folder / "request.pem", folder / "certificate.pem"
    config = folder / "ca.cnf"
    (folder / "index").touch()
    config.write_text(
        f"[ca]\ndefault_ca=x\n[x]\ndatabase={folder}/index\nnew_certs_dir={folder}\ndefault_md=sha256\n"
        f"policy=p\nrand_serial=yes\nx509_extensions=e\n[p]\ncommonName=supplied\n[e]\nsubjectAltName={name}\n"
    )
    new = ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=a-test", "-keyout", key, "-out", request]
    valid = ["-startdate", f"{start}000000Z", "-enddate", f"{end}000000Z"] if start else ["-days", "1"]
    sign = ["ca", "-batch", "-config", config, "-selfsign", "-notext", "-in", request, "-keyfile", key, "-out", made]
    for argv in (new, [*sign, *valid]):
        subprocess.run(["openssl", *map(str, argv)], check=True, capture_output=True, timeout=60)
    return made, key


def says(status: int, body: object = None, **headers: str) -> Answer:
    """A whole answer; `None` is no body."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        if status not in {204, 304}:
            handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def chunked(*parts: bytes) -> Answer:
    """A body of a length that is not told before."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for part in (*parts, b""):
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))

    return answer


def sends(data: bytes) -> Answer:
    """These bytes, then the end."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        handler.wfile.write(data)

    return answer


def cut_off(handler: BaseHTTPRequestHandler) -> None:
    """Less than was announced."""
    sends(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[{"id": 1')(handler)


def resets(handler: BaseHTTPRequestHandler) -> None:
    """RST instead of an answer."""
    handler.close_connection = True
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.rfile.close()
    handler.connection.close()


def hangs(handler: BaseHTTPRequestHandler) -> None:
    """Nothing, for as long as the client is there."""
    handler.close_connection = True
    handler.rfile.read(1)


def drips(handler: BaseHTTPRequestHandler) -> None:
    """A body, a byte at a time: every single one comes early enough, all of them would take ten seconds."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    _drip(handler, b"[" + b" " * 98 + b"]")


def drips_all(data: bytes) -> Answer:
    """As `drips`, from the first byte of an answer on."""
    return lambda handler: _drip(handler, data)


def _drip(handler: BaseHTTPRequestHandler, data: bytes) -> None:
    handler.close_connection = True
    server = handler.server
    assert isinstance(server, Scripted)
    turns = threading.Event()
    for byte in data:
        try:
            handler.wfile.write(bytes([byte]))
        except OSError:
            return
        server.dripped += 1
        turns.wait(0.1)
