"""A git server over HTTP on loopback: `git http-backend` behind http.server, with faults on demand."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.fakes.loopback import Handler, Server, running

Fault = Callable[[BaseHTTPRequestHandler, bytes], bool]


class GitHttp(Server):
    """Serves the repositories of a folder. `fault(handler, answer)` may spoil an answer: True when it did."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fault: Fault | None = None
        self.requests: list[tuple[str, str, str]] = []
        super().__init__(_Handler)

    def pushes(self) -> int:
        return sum(1 for method, path, _ in self.requests if method == "POST" and path.endswith("git-receive-pack"))


class _Handler(Handler):
    server: GitHttp  # type: ignore[mutable-override]

    def answer(self) -> None:
        body = self.body()
        path, _, query = self.path.partition("?")
        self.server.requests.append((self.command, path, self.headers.get("Authorization", "")))
        env = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_USER": "a-tester",
            "REMOTE_ADDR": "127.0.0.1",
        }
        answer = subprocess.run(["git", "http-backend"], input=body, env=env, capture_output=True, check=False).stdout
        if self.server.fault is not None and self.server.fault(self, answer):
            self.close_connection = True
            return
        head, _, content = answer.partition(b"\r\n\r\n")
        fields = [line.split(": ", 1) for line in head.decode().split("\r\n")]
        status = next((int(value.split()[0]) for name, value in fields if name == "Status"), 200)
        self.send_response(status)
        for name, value in fields:
            if name not in {"Status", "Content-Length"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def serving(folder: Path) -> Iterator[GitHttp]:
    with running(GitHttp(folder)) as server:
        yield server


def reset(handler: BaseHTTPRequestHandler, _answer: bytes) -> bool:
    """Cut the connection instead of answering."""
    handler.connection.shutdown(socket.SHUT_RDWR)
    return True
