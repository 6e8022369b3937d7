"""What is delivered: the image to go back to, and addresses that say how production is (IMG-1, WCH-2, WCH-3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from orch_gates.deploy import environments, rollback_image
from orch_gates.deploy.rollback_image import Presence, RollbackImage
from orch_gates.deploy.sources import web
from orch_gates.deploy.sources.web import Unreached, WebResponse
from orch_gates.doctor.check import Check, Group
from orch_gates.doctor.finding import CheckFinding, NotUsedError, bad, ok, unknown, warning, worst
from orch_gates.doctor.subject import DoctorSubject
from orch_gates.engine.watch_plan import EnvironmentPlan, ProbePlan

_ANSWER_S = 6.0
_LOGIN = re.compile(r"/(log[-_]?in|sign[-_]?in|sso|saml2?|oauth2?|auth|sessions?/new)([/.]|\Z)", re.IGNORECASE)
_PRIVATE = re.compile(r"(\A|\.)(localhost|local|localdomain|internal|lan|svc|cluster\.local|home\.arpa)\Z")
_PAGE = "docs/how-to/watch-a-deploy.md"


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """An environment, and what the registry says of the image of its last verified deploy; None where none is known.

    `unreadable` is why its file says nothing.
    """

    environment: str
    image: RollbackImage | None = None
    unreadable: str = ""


@dataclass(frozen=True, slots=True)
class ProbeFacts:
    """A probe of an environment, and what it was answered just now."""

    environment: str
    probe: ProbePlan
    answer: WebResponse | Unreached


@dataclass(frozen=True, slots=True)
class HealthFacts:
    """All probes; and environments of which no probe goes where their users go, with that address."""

    probes: tuple[ProbeFacts, ...]
    missed: tuple[tuple[str, str], ...] = ()


def _gather_images(subject: DoctorSubject) -> tuple[ImageFacts, ...]:
    snapshot = subject.state
    settings = subject.workspace.settings.registry
    known_ones = environments.read(snapshot)
    found = [ImageFacts(file.path, unreadable=file.why) for file in known_ones.quarantined]
    for page in known_ones.pages:
        here = page.environment
        if here.verified is None or not here.verified.digest:
            continue
        known = rollback_image.looked_for(snapshot, here.name, here.running or here.unsettled)
        found.append(ImageFacts(here.name, None if known is None else rollback_image.ask(*known, settings)))
    if not found:
        raise NotUsedError("no deploy with an image was verified yet")
    return tuple(found)


def images_finding(found: tuple[ImageFacts, ...]) -> CheckFinding:
    """The image that a rollback needs can still be had."""
    return worst(*(_of_image(facts) for facts in found))


def _of_image(facts: ImageFacts) -> CheckFinding:
    where, image = facts.environment, facts.image
    if facts.unreadable:
        return unknown(facts.unreadable, "orch-gates state lint")
    if image is None:
        return unknown(
            f"{where}: no image report names the repository of the last verified deploy's image",
            "before the next deploy record one: `orch-gates gate image --image REF --report FILE`, then "
            "`orch-gates task report ID --file FILE`",
        )
    match image.presence:
        case Presence.KEPT:
            return ok(f"{where}: the image of the last verified deploy is in its registry")
        case Presence.MISSING:
            return bad(f"{where}: {image.text}", "push that image again, or deploy and watch one that is there")
        case Presence.UNKNOWN:
            return unknown(f"{where}: {image.text}")


def _gather_probes(subject: DoctorSubject) -> HealthFacts:
    plans = subject.workspace.config.environments.values()
    probes = [(plan.name, probe) for plan in plans if plan.watch is not None for probe in plan.watch.probes]
    if not probes:
        raise NotUsedError("no environment is probed")
    missed = tuple(
        (plan.name, plan.url)
        for plan in plans
        if plan.url and plan.watch is not None and plan.watch.probes and not _goes_there(plan)
    )
    answers = tuple(
        ProbeFacts(name, probe, web.get(probe.url, timeout=min(probe.timeout, _ANSWER_S), most=0, anywhere=False))
        for name, probe in probes
    )
    return HealthFacts(answers, missed)


def _goes_there(plan: EnvironmentPlan) -> bool:
    """Whether a probe of an environment asks the host that its users ask."""
    assert plan.watch is not None
    return any(urlsplit(probe.url).netloc.lower() == urlsplit(plan.url).netloc.lower() for probe in plan.watch.probes)


def probes_finding(facts: HealthFacts) -> CheckFinding:
    """What is probed is what users see, and answers."""
    missed = (
        bad(
            f"{name}: users go to {web.shown(url)}, but no probe requests it",
            f"probe that too: environments.{name}.watch.probes; {_PAGE}",
        )
        for name, url in facts.missed
    )
    return worst(*missed, *(finding for one in facts.probes for finding in _of_probe(one)))


def _of_probe(facts: ProbeFacts) -> Iterator[CheckFinding]:
    probe, answer = facts.probe, facts.answer
    url = web.shown(probe.url)
    where = f"{facts.environment}: {url}"
    mend = f"probe the address that users see: environments.{facts.environment}.watch.probes; {_PAGE}"
    host = urlsplit(probe.url).hostname or ""
    if private := _private(host):
        yield warning(f"{where} is {private}, so it does not show what users see", mend)
    if isinstance(answer, Unreached):
        yield unknown(f"{where} {answer.why}")
        return
    led = answer.elsewhere if answer.elsewhere else answer.at if answer.at != url else ""
    if led and _LOGIN.search(urlsplit(led).path):
        yield bad(f"{where} redirects to a login page, {led}, which answers even if the application is down", mend)
    elif answer.elsewhere and not probe.anywhere:
        yield bad(f"{where} redirects to {answer.elsewhere}, {answer.differs}: the watch counts that as failed", mend)
    elif not answer.elsewhere and not _expected(probe, answer.status):
        look = "check whether production is unhealthy, or the probe is wrong"
        yield warning(f"{where} answers {answer.status} now", look)
    elif not private:
        yield ok(f"{where} answers {answer.status}")


def _expected(probe: ProbePlan, status: int) -> bool:
    return status in probe.statuses or (not probe.statuses and 200 <= status < 300)


def _private(host: str) -> str:
    """What is private about a host; empty where users may reach it by that name."""
    try:
        address = ip_address(host)
    except ValueError:
        if host == "localhost" or host.endswith(".localhost"):
            return "this machine"
        return "a private name" if _PRIVATE.search(host) or "." not in host else ""
    return "this machine" if address.is_loopback else "" if address.is_global else "a private address"


CHECKS = (
    Check("rollback-image", Group.DELIVERY, _gather_images, images_finding, seconds=60),
    Check("health-url", Group.DELIVERY, _gather_probes, probes_finding, seconds=60),
)
