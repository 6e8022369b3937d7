"""Probes: production asked as its users ask it, and what counts as an answer."""

from __future__ import annotations

import http
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from orch_gates import clock
from orch_gates.deploy.sources import web
from orch_gates.deploy.sources.web import Unreached, WebResponse
from orch_gates.engine.watch_assessment import OWN, SERVER_ERROR, Count, Probe, Reading
from orch_gates.errors import OrchError
from orch_gates.model.watch import Probed

# Of a body as much is looked at.
_MOST_BYTES = 262_144
_MATCHED_WITHIN_S = 2.0
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked, and what it has to answer: one of `statuses`, or any 2xx; `body` as a regular expression.

    It has to answer within `latency` seconds, where that is set; `timeout` ends the question. `anywhere`: a redirect to
    another host is followed.
    """

    url: str
    statuses: tuple[int, ...] = ()
    body: str = ""
    latency: float = 0.0
    timeout: float = 10.0
    anywhere: bool = False

    @property
    def name(self) -> str:
        """What people see of it."""
        return web.shown(self.url)


@dataclass(frozen=True, slots=True)
class Probing:
    """All targets asked once: what came of each, and how many answered with a server error."""

    probes: tuple[Probe, ...]
    own: Reading


class _TooLong(OrchError):
    """A pattern took too long."""


def ask(targets: Sequence[Target]) -> Probing:
    """Ask every target once, several at a time."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(_fetch, targets))
    probes = tuple(classify(target, answer) for target, answer in zip(targets, answers, strict=True))
    errors = sum(
        isinstance(answer, WebResponse) and _is_server_error(answer.status) and answer.status not in target.statuses
        for target, answer in zip(targets, answers, strict=True)
    )
    return Probing(probes, Count(OWN, len(targets), errors))


def reaches(control: str, timeout: float = 10.0) -> bool:
    """Whether this machine reaches anybody: any answer of the control target tells so, also an error."""
    return isinstance(web.get(control, timeout=timeout, most=0), WebResponse)


def classify(target: Target, answer: WebResponse | Unreached) -> Probe:
    """What an answer means for the health of a target."""
    if isinstance(answer, Unreached):
        return Probe(target.name, Probed.FAILED, answer.why)
    if why := _wrong_status(target, answer):
        return Probe(target.name, Probed.FAILED, why)
    if target.latency and answer.seconds > target.latency:
        return Probe(target.name, Probed.FAILED, f"took {answer.seconds:.2f} s; the limit is {target.latency:g} s")
    if target.body:
        return _searched(target, answer)
    return Probe(target.name, Probed.OK)


def _fetch(target: Target) -> WebResponse | Unreached:
    most = _MOST_BYTES if target.body else 0
    return web.get(target.url, timeout=target.timeout, most=most, anywhere=target.anywhere)


def _wrong_status(target: Target, answer: WebResponse) -> str:
    status = answer.status
    if status in target.statuses or (not target.statuses and 200 <= status < 300):
        return ""
    code = _spelled(status)
    if answer.elsewhere:
        where = f"a redirect to {answer.elsewhere}, {answer.differs}"
        return f"answered {code}, {where}: probe that address, or follow redirects"
    if _is_server_error(status):
        return f"answered {code}{SERVER_ERROR}"
    if 400 <= status < 500:
        return f"answered {code}, a client error: check the probe"
    return f"answered {code}; expected {_named(target.statuses)}"


def _searched(target: Target, answer: WebResponse) -> Probe:
    text = answer.body.decode("utf-8", "replace")
    try:
        with clock.alarm(_MATCHED_WITHIN_S, _TooLong):
            found = re.search(target.body, text)
    except _TooLong:
        why = f"the pattern {target.body!r} takes more than {_MATCHED_WITHIN_S:g} s to look for: make it simpler"
        return Probe(target.name, Probed.NOT_MADE, why)
    if found is not None:
        return Probe(target.name, Probed.OK)
    looked = "" if answer.whole else f" in its first {_MOST_BYTES} bytes"
    return Probe(target.name, Probed.FAILED, f"answered {_spelled(answer.status)} without {target.body!r}{looked}")


def _is_server_error(status: int) -> bool:
    return 500 <= status < 600


def _spelled(status: int) -> str:
    try:
        return f"{status} {http.HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _named(statuses: Iterable[int]) -> str:
    return " or ".join(str(status) for status in statuses) or "2xx"
