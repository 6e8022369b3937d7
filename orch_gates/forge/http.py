"""Requests to a forge's API: bounded, paged to the end, the token in a header only (OWN-1, P2)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from requests import PreparedRequest
from requests.auth import AuthBase

from orch_gates import clock
from orch_gates.documents import escape
from orch_gates.errors import ForgeRefused, ForgeUnavailable

_PAGE = 50
_MOST_PAGES = 200
_MOST_BYTES = 16 * 1024 * 1024
_LONGEST_WAIT = 30.0
_LATER = {429, 502, 503, 504}


@dataclass(frozen=True, slots=True)
class Token(AuthBase):
    """The credential; given to `requests` as its own kind of authentication, so that no netrc file replaces it."""

    value: str = field(repr=False)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Put it into the header."""
        if self.value:
            request.headers["Authorization"] = f"token {self.value}"
        return request


class Api:
    """The API below one url, for one thread; reads only."""

    def __init__(self, url: str, token: str, timeout: float) -> None:
        """`timeout`: seconds for one request, and for waiting before it is sent again."""
        self._url = url.rstrip("/")
        self._token = Token(token)
        self._timeout = timeout
        self._session = requests.Session()
        self.calls = 0

    def get(self, path: str, **query: str | int) -> Any:
        """The document at a path.

        Raises:
            ForgeRefused: the forge says no: wrong token, no access, nothing there.
            ForgeUnavailable: it does not answer, or with something else than JSON.
        """
        return self._get(path, query)[0]

    def rows(self, path: str, **query: str | int) -> Iterator[dict[str, Any]]:
        """Every row of a list, all pages of it.

        Raises:
            ForgeRefused, ForgeUnavailable: as `get`, or the list changed its length while it was read.
        """
        count, total = 0, ""
        for page in range(1, _MOST_PAGES + 1):
            rows, headers = self._get(path, {**query, "limit": _PAGE, "page": page})
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise ForgeUnavailable(f"{self._at(path)} did not answer with a list")
            yield from rows
            count += len(rows)
            total = headers.get("X-Total-Count", "")
            if not rows or (total.isdecimal() and count >= int(total)):
                break
        else:
            raise ForgeUnavailable(f"{self._at(path)} has more than {_MOST_PAGES * _PAGE} rows")
        if total.isdecimal() and count < int(total):
            raise ForgeUnavailable(f"{self._at(path)} gave {count} rows of {total}")

    def _get(self, path: str, query: Mapping[str, str | int]) -> tuple[Any, Mapping[str, str]]:
        give_up = clock.monotonic() + self._timeout
        while True:
            response, body = self._send(path, query)
            wait = _retry_after(response)
            if response.status_code not in _LATER or clock.monotonic() + wait > give_up:
                return self._read(path, response, body), response.headers
            clock.sleep(wait)

    def _send(self, path: str, query: Mapping[str, str | int]) -> tuple[requests.Response, bytes]:
        self.calls += 1
        try:
            with self._session.get(
                self._url + path,
                params=dict(query),
                auth=self._token,
                headers={"Accept": "application/json"},
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                return response, _body(response, clock.monotonic() + self._timeout)
        except requests.exceptions.SSLError as error:
            raise ForgeUnavailable(
                f"the certificate of {self._host} is not trusted; REQUESTS_CA_BUNDLE names a file with its issuer"
            ) from error
        except requests.Timeout as error:
            raise ForgeUnavailable(f"{self._host} did not answer within {self._timeout:g} s") from error
        except requests.RequestException as error:
            raise ForgeUnavailable(f"{self._host} cannot be reached: {type(error).__name__}") from error

    def _read(self, path: str, response: requests.Response, body: bytes) -> Any:
        status = response.status_code
        if status == 200:
            try:
                return json.loads(body)
            except ValueError as error:
                raise ForgeUnavailable(f"{self._at(path)} did not answer with JSON") from error
        if 300 <= status < 400:
            moved = escape.visible(response.headers.get("Location", ""))
            raise ForgeRefused(f"{self._at(path)} has moved to {moved or 'another place'}; name the new one")
        hint = {
            401: "the token is wrong or has expired; make a new one",
            403: "the token lacks a scope, or its user the permission",
            404: "there is no such thing, or the token may not see it",
        }.get(status)
        if hint is not None:
            raise ForgeRefused(f"{self._at(path)}: {status}, {hint}")
        raise ForgeUnavailable(f"{self._at(path)}: {status}")

    @property
    def _host(self) -> str:
        return escape.visible(urlsplit(self._url).netloc.rpartition("@")[2])

    def _at(self, path: str) -> str:
        return f"{self._host}{escape.visible(path)}"


def _body(response: requests.Response, give_up: float) -> bytes:
    found = bytearray()
    for chunk in response.iter_content(65536):
        found += chunk
        if len(found) > _MOST_BYTES:
            raise requests.exceptions.ContentDecodingError("the answer is too long")
        if clock.monotonic() > give_up:
            raise requests.Timeout
    return bytes(found)


def _retry_after(response: requests.Response) -> float:
    """Seconds that the forge asks to wait; a date is not read, as clocks differ (ST-7)."""
    said = response.headers.get("Retry-After", "")
    return min(float(said), _LONGEST_WAIT) if said.isdecimal() else 1.0
