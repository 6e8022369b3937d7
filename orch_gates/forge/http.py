"""Requests to a forge's API: bounded, paged to the end, the token in a header only (OWN-1, P2)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from requests import PreparedRequest
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError

from orch_gates import clock
from orch_gates.documents import escape
from orch_gates.errors import ForgeRefused, ForgeUnavailable, ForgeUnclear
from orch_gates.forge.answer import ForgeResponse, Trouble, TroubleKind
from orch_gates.forge.fields import number
from orch_gates.wire import failure
from orch_gates.wire.session import UNUSABLE_URL, Session, body, without

_MOST_PAGES = 200
_MOST_READINGS = 5
_MOST_BYTES = 16 * 1024 * 1024
_MOST_DIGITS = 20
_SHORTEST_WAIT = 1.0
# Parts of a path that clients and servers drop, whatever was meant by them.
_DROPPED = {".", ".."}
# A server or a proxy before it that is busy or restarting.
_PASSING = {502, 503, 504}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one kind of forge is spoken to; `trouble` is the one place that reads its error bodies.

    `short_page_ends`: a page with fewer rows than were asked for, and no link to another, is the last. `header` is the
    one that the token is sent in, alone where there is no `scheme`.
    """

    scheme: str
    headers: Mapping[str, str]
    page: str
    page_size: int
    trouble: Callable[[ForgeResponse], Trouble]
    short_page_ends: bool = False
    header: str = "Authorization"


@dataclass(frozen=True, slots=True)
class ForgeCall:
    """One request that was made; status 0 is no answer."""

    method: str
    path: str
    status: int
    seconds: float


Observe = Callable[[ForgeCall], None]


def unobserved(_: ForgeCall) -> None:
    """Ignore the requests."""


@dataclass(frozen=True, slots=True)
class Token(AuthBase):
    """The credential; given to `requests` as its own kind of authentication, so that no netrc file replaces it."""

    value: str = field(repr=False)
    scheme: str = "token"
    header: str = "Authorization"

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Put it into the header.

        Raises:
            ForgeRefused: it cannot be one; the libraries below would show it in their own error.
        """
        if not re.fullmatch("[!-~]*", self.value):
            raise ForgeRefused("the token holds a blank or another character that no token has; copy it again")
        if self.value:
            request.headers[self.header] = f"{self.scheme} {self.value}".lstrip()
        return request


class _Changed(ForgeUnavailable):
    """A list was not the same all the time that it was read."""


@dataclass(slots=True)
class _Content:
    """A body that knows whether any of it was sent: without it, no server can have acted."""

    content: bytes
    sent: bool = False

    def __len__(self) -> int:
        return len(self.content)

    def __iter__(self) -> Iterator[bytes]:
        self.sent = True
        yield self.content


class Api:
    """The API below one url, for one thread; connections are kept open and used again."""

    def __init__(self, url: str, token: str, timeout: float, dialect: Dialect, observe: Observe = unobserved) -> None:
        """`timeout`: seconds for one request, and for waiting before it is sent again."""
        self._url = url.rstrip("/")
        self._token = Token(token, dialect.scheme, dialect.header)
        self._timeout = timeout
        self._dialect = dialect
        self._observe = observe
        self._session = Session()
        self._session.headers.update({"Accept": "application/json", **dialect.headers})

    def get(self, path: str, **query: str | int) -> Any:
        """The document at a path.

        Raises:
            ForgeRefused: the forge says no: wrong token, no access, nothing there.
            ForgeUnavailable: it does not answer, or with something else than JSON.
        """
        return self._document(path, self.read(path, query))

    def rows(self, path: str, key: str = "", **query: str | int) -> Iterator[dict[str, Any]]:
        """Every row of a list to which rows are only added, all pages of it; `key` where the list is in a document.

        One page is read after the other, never several at once: lists change while they are read,
        and that no row is missed rests on their order.

        Raises:
            ForgeRefused, ForgeUnavailable: as `get`, or the list became shorter while it was read.
        """
        for page in self._pages(path, key, query, None):
            yield from page

    def settled(
        self, path: str, *, hidden: Callable[[], int] | None = None, **query: str | int
    ) -> list[dict[str, Any]]:
        """Every row of a list that rows also leave: one of several pages is read until it is the same twice.

        Where a row goes from a page that was read, another one moves there, and is never seen. `hidden` tells how many
        rows the forge puts on a page at most, of a list that counts rows which it shows to others only.

        Raises:
            ForgeRefused, ForgeUnavailable: as `get`, or it changed with each reading.
        """
        before: list[int] | None = None
        why = f"{self.at(path)} changed during each read; run the command again"
        for _ in range(_MOST_READINGS):
            try:
                pages = list(self._pages(path, "", query, hidden))
            except _Changed as error:
                why = str(error)
                continue
            found = [row for page in pages for row in page]
            if len(pages) <= 1:
                return found
            ids = [number(row, "id") for row in found]
            # One that was seen twice has moved to a later page, and another one may have moved past.
            if ids == before and len({*ids}) == len(ids):
                return found
            before = ids
        raise ForgeUnavailable(why)

    def untotalled(self, path: str) -> Iterator[dict[str, Any]]:
        """As `rows`, of a list whose pages tell neither a total nor the next one: it ends with an empty page.

        Raises:
            ForgeRefused, ForgeUnavailable: as `get`.
        """
        size = self._dialect.page_size
        for page in range(1, _MOST_PAGES + 1):
            answer = self.read(path, {self._dialect.page: size, "page": page})
            # An empty page is `null` there.
            found = [] if answer.body.strip() == b"null" else self._document(path, answer)
            if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
                raise ForgeUnavailable(f"{self.at(path)} did not answer with a list")
            if not found:
                return
            yield from found
        raise ForgeUnavailable(f"{self.at(path)} has more than {_MOST_PAGES * size} rows")

    def _pages(
        self, path: str, key: str, query: Mapping[str, str | int], hidden: Callable[[], int] | None
    ) -> Iterator[list[dict[str, Any]]]:
        count, most, size = 0, 0, self._dialect.page_size
        for page in range(1, _MOST_PAGES + 1):
            answer = self.read(path, {**query, self._dialect.page: size, "page": page})
            found = self._document(path, answer)
            rows = found.get(key) if key and isinstance(found, dict) else found
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise ForgeUnavailable(f"{self.at(path)} did not answer with a list")
            yield rows
            count += len(rows)
            total = _total(answer, found)
            # What went from an earlier page has moved a row of a later one there, where it was not seen.
            if total is not None and total < most:
                raise _Changed(f"{self.at(path)} became shorter while it was read; run the command again")
            most = max(most, total or 0)
            if total is not None and count < total and hidden is not None and len(rows) < size:
                if page * min(size, hidden()) >= total:
                    return
                continue
            short = self._dialect.short_page_ends and len(rows) < size and not answer.headers.get("Link")
            if not rows or (total is not None and count >= total) or _last(answer) or short:
                break
        else:
            raise ForgeUnavailable(f"{self.at(path)} has more than {_MOST_PAGES * size} rows")
        if total is not None and count < total:
            raise _Changed(f"{self.at(path)} gave {count} rows of {total}; run the command again")

    def read(self, path: str, query: Mapping[str, str | int] | None = None) -> ForgeResponse:
        """A good answer to a question; a forge that is busy is asked again, as long as one request may take.

        Raises:
            ForgeRefused, ForgeUnavailable: as `get`.
        """
        give_up = clock.monotonic() + self._timeout
        while True:
            answer = self._send("GET", path, query or {}, None)
            if answer.ok:
                return answer
            trouble = self._dialect.trouble(answer)
            passes = trouble.sort is TroubleKind.LATER or answer.status in _PASSING
            wait = max(trouble.wait, _SHORTEST_WAIT)
            if not passes or clock.monotonic() + wait > give_up:
                raise self._raised(path, trouble, reading=True)
            clock.sleep(wait)

    def write(self, method: str, path: str, document: object = None) -> Any:
        """Have something done, once; the document in the answer, or None.

        Raises:
            ForgeRefused: the forge says no.
            ForgeUnclear: it may have been done.
            ForgeUnavailable: it was not done.
        """
        answer = self.ask(method, path, document)
        if not answer.ok:
            raise self._raised(path, self._dialect.trouble(answer), reading=False)
        try:
            return answer.document
        except ValueError as error:
            raise ForgeUnclear(f"{self.at(path)} did not answer with JSON") from error

    def ask(self, method: str, path: str, document: object = None) -> ForgeResponse:
        """Have something done, once; the answer as it is, whatever its status.

        Raises:
            ForgeRefused: the token cannot be one; nothing was sent.
            ForgeUnclear: no whole answer came, and it may have been done.
            ForgeUnavailable: it was never sent.
        """
        return self._send(method, path, {}, document)

    def at(self, path: str) -> str:
        """A path for a message: with its host, without a credential."""
        host = escape.visible(urlsplit(self._url).netloc.rpartition("@")[2])
        return f"{host}{escape.visible(path)}"

    def _raised(self, path: str, trouble: Trouble, *, reading: bool) -> ForgeUnavailable:
        message = f"{self.at(path)}: {trouble.message}"
        if trouble.sort is TroubleKind.REFUSED:
            return ForgeRefused(message)
        if trouble.sort is TroubleKind.LATER or reading:
            return ForgeUnavailable(message)
        return ForgeUnclear(message)

    def _document(self, path: str, answer: ForgeResponse) -> Any:
        try:
            found = answer.document
        except ValueError as error:
            raise ForgeUnavailable(f"{self.at(path)} did not answer with JSON") from error
        if found is None:
            raise ForgeUnavailable(f"{self.at(path)} did not answer with JSON")
        return found

    def _send(self, method: str, path: str, query: Mapping[str, str | int], document: object) -> ForgeResponse:
        if not _DROPPED.isdisjoint(path.split("/")):
            raise ForgeRefused(f"{self.at(path)} is not asked for: `.` or `..` is no name")
        begun, status = clock.monotonic(), 0
        reading = method == "GET"
        content = None if document is None else _Content(json.dumps(document).encode())
        try:
            with self._session.request(
                method,
                self._url + path,
                params=dict(query),
                data=content,
                auth=self._token,
                headers={"Content-Type": "application/json"} if content else None,
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                status = response.status_code
                found = body(response, begun + self._timeout, _MOST_BYTES)
                return ForgeResponse(status, response.headers, without(found, self._token.value))
        except UNUSABLE_URL as error:
            raise ForgeUnavailable(f"{self.at('')} cannot be reached: the URL is not valid") from error
        except (requests.RequestException, HTTPError, OSError) as error:
            failed = failure.classify(error, self._timeout)
            safe = reading or failed.unsent or (content is not None and not content.sent)
            raise (ForgeUnavailable if safe else ForgeUnclear)(f"{self.at('')} {failed.message}") from error
        finally:
            self._observe(ForgeCall(method, path, status, clock.monotonic() - begun))


def _total(answer: ForgeResponse, found: object) -> int | None:
    total = answer.headers.get("X-Total-Count", "")
    if total.isdecimal() and len(total) < _MOST_DIGITS:
        return int(total)
    inside = found.get("total_count") if isinstance(found, dict) else None
    return inside if isinstance(inside, int) else None


def _last(answer: ForgeResponse) -> bool:
    """Whether the forge links to the page before this one, and to none after it."""
    link = answer.headers.get("Link", "")
    return 'rel="prev"' in link and 'rel="next"' not in link
