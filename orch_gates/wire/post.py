"""One POST of JSON: bounded in time and size, sent once, never redirected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import requests
from requests import PreparedRequest
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError

from orch_gates import clock
from orch_gates.wire import failure
from orch_gates.wire.session import UNUSABLE_URL, Session, body

_MOST_BYTES = 256 * 1024
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_NO_VALUES: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Answered:
    """A whole answer; `headers` are found whatever their case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No whole answer came. `unsent`: the request certainly never arrived; `why` is read after the server's name."""

    unsent: bool
    why: str


class _NoCredential(AuthBase):
    """Given to `requests`, so that it takes none from a netrc file."""

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        return request


def may_be_posted_to(url: str) -> bool:
    """Whether a secret may go to an address: over https, or over plain http on this machine."""
    try:
        found = urlsplit(url)
        found.port  # noqa: B018 - one that is none is seen only when it is asked for
    except ValueError:
        return False
    return bool(found.hostname) and (
        found.scheme == "https" or (found.scheme == "http" and found.hostname in _LOOPBACK)
    )


def post(url: str, content: bytes, *, timeout: float, headers: Mapping[str, str] = _NO_VALUES) -> Answered | Unanswered:
    """Send it once, all within `timeout` seconds; the address is never repeated in `why`, as it may hold a secret."""
    give_up = clock.monotonic() + timeout
    try:
        with (
            Session() as session,
            session.post(
                url,
                data=content,
                headers={"Content-Type": "application/json", "User-Agent": "orch-gates", **headers},
                auth=_NoCredential(),
                timeout=timeout,
                allow_redirects=False,
                stream=True,
            ) as response,
        ):
            return Answered(response.status_code, response.headers, body(response, give_up, _MOST_BYTES))
    except UNUSABLE_URL:
        return Unanswered(True, "cannot be reached: the URL is not valid")
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        found = failure.classify(error, timeout)
        return Unanswered(found.unsent, found.message)
