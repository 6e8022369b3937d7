"""One question over HTTP to whatever production has: bounded in time and size, with no credential of ours."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

import requests
from requests import PreparedRequest
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError, NewConnectionError

from orch_gates import clock
from orch_gates.documents import escape
from orch_gates.wire import failure
from orch_gates.wire.session import Session

_REDIRECTS = {301, 302, 303, 307, 308}
_MOST_REDIRECTS = 5
_MOST_SHOWN = 100
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class WebResponse:
    """An answer: of its body as much as was wanted, `whole` or cut off.

    `elsewhere` is where it leads, unfollowed, and `differs` what that is. `at` is what answered, after redirects.
    """

    status: int
    body: bytes = field(repr=False)
    whole: bool
    seconds: float
    elsewhere: str = ""
    differs: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True)
class Unreached:
    """No answer came; `why` is read after the name of what was asked."""

    why: str


class _NoCredential(AuthBase):
    """Given to `requests`, so that it takes none from a netrc file either."""

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        return request


def get(
    url: str, *, timeout: float, most: int, anywhere: bool = False, query: dict[str, str] | None = None
) -> WebResponse | Unreached:
    """The answer to a GET, all of it within `timeout` seconds; of the body `most` bytes are kept.

    Redirects are followed on the same host only, or `anywhere`. Each question has a connection of its own, as a
    user's would: one that was kept open may lead to what is not behind the name any more.
    """
    begun = clock.monotonic()
    give_up = begun + timeout
    with Session() as session:
        session.headers["User-Agent"] = "orch-gates-watch"
        for _ in range(_MOST_REDIRECTS + 1):
            answer = _once(session, url, give_up, timeout, most, query)
            if isinstance(answer, Unreached):
                return answer
            status, location, body, whole = answer
            seconds = clock.monotonic() - begun
            if status not in _REDIRECTS or not location:
                return WebResponse(status, body, whole, seconds, at=shown(url))
            query, target = None, _led_to(url, location)
            if not target:
                return WebResponse(
                    status, body, whole, seconds, _shown(location), "which is not a web address", shown(url)
                )
            if not anywhere and (differs := _difference(url, target)):
                return WebResponse(status, body, whole, seconds, shown(target), differs, shown(url))
            url = target
    return Unreached(f"redirects more than {_MOST_REDIRECTS} times")


def shown(url: str) -> str:
    """An address as people are told of it: without a credential or a query."""
    found = urlsplit(url)
    return escape.visible(f"{found.scheme}://{found.netloc.rpartition('@')[2]}{found.path}")


def _once(
    session: Session, url: str, give_up: float, timeout: float, most: int, query: dict[str, str] | None
) -> tuple[int, str, bytes, bool] | Unreached:
    left = give_up - clock.monotonic()
    if left <= 0:
        return Unreached(f"did not answer within {timeout:g} s")
    try:
        with session.get(
            url, params=query, timeout=left, stream=True, auth=_NoCredential(), allow_redirects=False
        ) as got:
            body, whole = _body(got, give_up, most)
            return got.status_code, got.headers.get("Location", ""), body, whole
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        return Unreached(_why(error, timeout))


def _body(answer: requests.Response, give_up: float, most: int) -> tuple[bytes, bool]:
    found = bytearray()
    while len(found) <= most and (chunk := answer.raw.read1(65536, decode_content=True)):
        found += chunk
        if clock.monotonic() > give_up:
            raise TimeoutError
    return bytes(found[:most]), len(found) <= most


def _why(error: BaseException, timeout: float) -> str:
    if _is_refused(error):
        return "refused the connection"
    return failure.classify(error, timeout).message


def _is_refused(error: object) -> bool:
    while isinstance(error, BaseException):
        if isinstance(error, ConnectionRefusedError):
            return True
        cause = error.__cause__ or error.__context__ if isinstance(error, NewConnectionError) else None
        reason = cause or getattr(error, "reason", None)
        error = reason if isinstance(reason, BaseException) else next(iter(error.args), None)
    return False


def _led_to(url: str, location: str) -> str:
    try:
        found = urlsplit(urljoin(url, location))
        found.port  # noqa: B018 - one that is none is seen only when it is asked for
    except ValueError:
        return ""
    return found.geturl() if found.scheme in _PORTS and found.hostname else ""


def _shown(location: str) -> str:
    # A query may hold what lets somebody in.
    return escape.visible(re.split("[?#]", location)[0][:_MOST_SHOWN])


def _difference(url: str, target: str) -> str:
    """What of its host a redirect changes; empty for nothing."""
    mine, theirs = urlsplit(url), urlsplit(target)
    if (mine.hostname or "").lower() != (theirs.hostname or "").lower():
        return "which is another host"
    if mine.scheme != theirs.scheme:
        return f"which is the same host over {theirs.scheme}"
    ports = [one.port or _PORTS.get(one.scheme, 0) for one in (mine, theirs)]
    return "which is another port of the same host" if ports[0] != ports[1] else ""
