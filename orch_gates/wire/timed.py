"""Connections whose whole answer has to come in time; else every single byte of its head may take that long."""

from __future__ import annotations

import contextlib
import io
import socket
from http.client import HTTPResponse
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from orch_gates import clock


class _Stream(io.RawIOBase):
    """What comes from a socket until the time is up that a single read of it may take."""

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
    """An answer that is read through such a stream, from its first line on."""

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


POOLS = {"http": _Pool, "https": _SecurePool}
