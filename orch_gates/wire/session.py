"""Connections to forges and registries: a timeout for the whole response, and a limit of its size."""

from __future__ import annotations

import contextlib
import io
import socket
from http.client import HTTPResponse
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from orch_gates import clock
from orch_gates.wire import failure

UNUSABLE_URL = (
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
)


class _Stream(io.RawIOBase):
    """Reads a socket until its timeout has passed since the first read.

    `urllib3` starts the timeout anew for each read, so a server that sends a byte at a time would hold us for ever.
    """

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw = raw
        self._socket = sock
        self._timeout = sock.gettimeout()
        self._give_up = None if self._timeout is None else clock.monotonic() + self._timeout

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._give_up is not None:
            left = self._give_up - clock.monotonic()
            if left <= 0:
                raise TimeoutError
            self._socket.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        # The connection may be used again, unless it is closed by now.
        with contextlib.suppress(OSError):
            self._socket.settimeout(self._timeout)
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    """A response that is read through such a stream, from its first line on."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Stream(self.fp.detach(), sock))


class _Connection(HTTPConnection):
    response_class: type[HTTPResponse] = _Response


class _SecureConnection(HTTPSConnection):
    response_class: type[HTTPResponse] = _Response


class _Pool(HTTPConnectionPool):
    ConnectionCls: Any = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls: Any = _SecureConnection


_POOLS = {"http": _Pool, "https": _SecurePool}


class _Adapter(HTTPAdapter):
    """What `requests` sends with; a proxy's connections are timed as the others are."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        made = super().proxy_manager_for(*args, **kwargs)
        made.pool_classes_by_scheme = _POOLS
        return made


class Session(requests.Session):
    """Follows nothing, so that what a redirect says is read as every other answer is: bounded."""

    def __init__(self) -> None:
        super().__init__()
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter())

    def get_redirect_target(self, _response: requests.Response) -> None:
        """None: `requests` reads all of the answer before it follows one."""


def without(content: bytes, secret: str) -> bytes:
    """A body in which a server repeats the credential that it was sent, as debugging proxies do (SEC-5)."""
    return content.replace(secret.encode(), b"[redacted]") if secret else content


def body(response: requests.Response, give_up: float, most: int) -> bytes:
    """The whole body, read in pieces, so that a slow trickle does not outlast the time.

    Raises:
        ResponseTooLong: it has more than `most` bytes.
        TimeoutError: it is later than `give_up`, as the monotonic clock counts.
    """
    found = bytearray()
    while chunk := response.raw.read1(65536, decode_content=True):
        found += chunk
        if len(found) > most:
            raise failure.ResponseTooLong(f"answered with more than {most} bytes")
        if clock.monotonic() > give_up:
            raise TimeoutError
    return bytes(found)
