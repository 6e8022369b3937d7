"""One request to a registry: bounded in time and size, credentials in a header and to one host only (OWN-1, P2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

import requests
from requests import PreparedRequest
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError

from orch_gates import clock
from orch_gates.documents import escape
from orch_gates.errors import RegistryBroken, RegistryRefused, RegistryUnavailable, RegistryUnclear
from orch_gates.oci.reference import is_loopback
from orch_gates.wire import failure
from orch_gates.wire.session import UNUSABLE_URL, Session, body, without

_REDIRECTS = {301, 302, 303, 307, 308}
_MOST_REDIRECTS = 5
# A registry that takes nearly the whole time for each of a hundred requests would take an hour.
_MOST_TIMEOUTS = 4
# A server or a proxy before it that is busy or restarting.
_PASSING = {429, 502, 503, 504}
_SHORTEST_WAIT = 1.0
_LONGEST_WAIT = 86_400.0
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class RegistryResponse:
    """Status, headers (whatever their case) and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False, default=b"")

    @property
    def ok(self) -> bool:
        """Whether the registry did what it was asked."""
        return 200 <= self.status < 300

    @property
    def wait(self) -> float:
        """Seconds to wait before it is asked again; a date is not read, as clocks differ (ST-7)."""
        header = self.headers.get("Retry-After", "")
        return min(max(float(header), _SHORTEST_WAIT), _LONGEST_WAIT) if header.isdecimal() else _SHORTEST_WAIT


@dataclass(frozen=True, slots=True)
class RegistryCall:
    """One request that was made; status 0 is no answer."""

    method: str
    url: str
    status: int
    seconds: float


Observe = Callable[[RegistryCall], None]


@dataclass(frozen=True, slots=True)
class _Header(AuthBase):
    """Given to `requests` as its own kind of authentication, so that no netrc file replaces it."""

    value: str = field(repr=False)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        if self.value:
            request.headers["Authorization"] = self.value
        return request


class Transport:
    """Connections that are kept open; for one thread. `plain` are the hosts that are asked over plain http."""

    def __init__(self, timeout: float, plain: tuple[str, ...], observe: Observe) -> None:
        """`timeout`: seconds for one request and for waiting to send it again; all together get four times it."""
        self._timeout = timeout
        self._until = clock.monotonic() + _MOST_TIMEOUTS * timeout
        self._plain = tuple(host.lower() for host in plain)
        self._observe = observe
        self._session = Session()
        # What is proven by a digest is read as it is sent.
        self._session.headers["Accept-Encoding"] = "identity"

    def base(self, host: str) -> str:
        """The address of a host: plain http only on this machine, and where a setting says so."""
        return f"{'http' if self.may_be_plain(host) else 'https'}://{host}"

    def may_be_plain(self, host: str) -> bool:
        """Whether a host may be asked over plain http."""
        return is_loopback(host) or host.lower() in self._plain

    def may_lead_to(self, host: str, url: str) -> bool:
        """Whether a server may lead to a host over plain http: never one elsewhere to this machine."""
        return host.lower() in self._plain or (is_loopback(host) and is_loopback(urlsplit(url).netloc))

    def get(self, url: str, headers: Mapping[str, str], authorization: str, most: int) -> RegistryResponse:
        """The answer to a question; redirects are followed, and a server that is busy is asked again.

        Raises:
            RegistryUnavailable: no whole answer came in time.
            RegistryBroken: it is too long, or leads to where nothing is asked.
        """
        give_up = clock.monotonic() + self._timeout
        while True:
            answer = self._followed(url, headers, authorization, most)
            if answer.status not in _PASSING or clock.monotonic() + answer.wait > give_up:
                return answer
            clock.sleep(answer.wait)

    def put(self, url: str, headers: Mapping[str, str], authorization: str, content: bytes) -> RegistryResponse:
        """Have something stored, once.

        Raises:
            RegistryUnclear: it may have been stored.
            RegistryUnavailable: it was not.
        """
        return self._send("PUT", url, headers, authorization, 1024 * 1024, content)

    def _followed(self, url: str, headers: Mapping[str, str], authorization: str, most: int) -> RegistryResponse:
        first = url
        for _ in range(_MOST_REDIRECTS + 1):
            answer = self._send("GET", url, headers, authorization if same_server(url, first) else "", most)
            if answer.status not in _REDIRECTS:
                return answer
            url = self._next(url, first, answer.headers.get("Location", ""))
        raise RegistryBroken(f"{shown(first)} leads from one address to another more than {_MOST_REDIRECTS} times")

    def _next(self, url: str, first: str, location: str) -> str:
        """Where a redirect leads to.

        Raises:
            RegistryBroken: nothing is asked there: a registry must not point us at this machine, or out of TLS.
        """
        try:
            target = urljoin(url, location)
        except ValueError:
            target = ""
        if not location or not is_address(target):
            raise RegistryBroken(f"{shown(url)} redirects to {_clipped(location) or 'nowhere'}, which is not followed")
        found = urlsplit(target)
        if found.scheme == "http" and not self.may_lead_to(found.netloc, first):
            raise RegistryBroken(
                f"{shown(url)} redirects to http://{_clipped(found.netloc)}, which is not followed without TLS"
            )
        return target

    def _send(
        self, method: str, url: str, headers: Mapping[str, str], authorization: str, most: int, content: bytes = b""
    ) -> RegistryResponse:
        if authorization and not (authorization.isascii() and authorization.isprintable()):
            raise RegistryRefused("the login holds a character that no header takes; copy it again")
        begun, status = clock.monotonic(), 0
        if begun > self._until:
            raise RegistryUnavailable(
                f"no more requests to {shown(url)}: the limit of {_MOST_TIMEOUTS * self._timeout:g} s is used up"
            )
        try:
            with self._session.request(
                method,
                url,
                data=content or None,
                auth=_Header(authorization),
                headers=dict(headers),
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                status = response.status_code
                found = body(response, begun + self._timeout, most)
                # A manifest or blob has a digest, and stays as it is.
                credential = authorization.rpartition(" ")[2] if status >= 400 else ""
                return RegistryResponse(status, response.headers, without(found, credential))
        except UNUSABLE_URL as error:
            raise RegistryUnavailable(f"{shown(url)} cannot be reached: the address cannot be used") from error
        except (requests.RequestException, HTTPError, OSError) as error:
            failed = failure.classify(error, self._timeout)
            if isinstance(error, failure.ResponseTooLong) and method == "GET":
                raise RegistryBroken(f"{shown(url)} {failed.message}") from error
            unclear = method == "PUT" and not failed.unsent
            raise (RegistryUnclear if unclear else RegistryUnavailable)(f"{shown(url)} {failed.message}") from error
        finally:
            self._observe(RegistryCall(method, shown(url), status, clock.monotonic() - begun))


def shown(url: str) -> str:
    """An address as people are told of it: without credentials and without a query, which may hold a signature."""
    parts = urlsplit(url)
    return escape.clip(escape.visible(f"{parts.netloc.rpartition('@')[2]}{parts.path}"), 300)


def is_address(text: str) -> bool:
    """Whether a text is the address of a server, without a login in it."""
    try:
        parts = urlsplit(text)
        # A port that is none is seen only when it is asked for.
        return parts.scheme in _DEFAULT_PORTS and bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        return False


def _clipped(text: str) -> str:
    """What somebody else wrote, without a login or a query, which may be a secret."""
    return escape.clip(escape.visible(text.partition("?")[0].rpartition("@")[2]), 200)


def same_server(one: str, other: str) -> bool:
    """Whether two addresses are of the same server: scheme, host and port."""
    return _server(one) == _server(other)


def _server(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)
