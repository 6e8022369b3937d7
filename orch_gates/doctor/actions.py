"""Whether workflows run at all, and where they take the actions of orch-gates from (UX-1)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from orch_gates.deploy.sources import web
from orch_gates.deploy.sources.web import Unreached, WebResponse
from orch_gates.doctor.check import Check, Group
from orch_gates.doctor.finding import CheckFinding, NotUsedError, bad, ok, unknown, worst
from orch_gates.doctor.forge import page_of
from orch_gates.doctor.subject import WORKFLOWS, DoctorSubject

_USED = r"uses: *['\"]?https?://[^ @'\"]+/actions/[a-z]+@"
_PLACE = re.compile(r"uses: *['\"]?(?P<url>.+)/actions/[a-z]+@")
_ANSWER_S = 6.0
# As git asks for it; a server answers a stranger so for what is not there, and for what it shows to others only.
_CLOSED = frozenset({401, 403, 404})


@dataclass(frozen=True, slots=True)
class PlaceFacts:
    """The url of a repository that workflows of the default branch use, and what it answers a stranger."""

    url: str
    answer: WebResponse | Unreached


@dataclass(frozen=True, slots=True)
class SwitchFacts:
    """Whether a repository's Actions are on, and the `page` where that is set."""

    repository: str
    on: bool
    page: str


def _gather_places(subject: DoctorSubject) -> tuple[PlaceFacts, ...]:
    urls = _urls(subject)
    if not urls:
        raise NotUsedError("no workflow of the default branch takes the actions of orch-gates by a whole url")
    return tuple(PlaceFacts(url, _fetch(url)) for url in urls)


def _urls(subject: DoctorSubject) -> list[str]:
    hits = (_PLACE.search(line) for line in subject.in_workflows("-h", "-o", "-E", _USED).splitlines())
    return sorted({hit["url"] for hit in hits if hit is not None})


def _fetch(url: str) -> WebResponse | Unreached:
    query = {"service": "git-upload-pack"}
    return web.get(f"{url}/info/refs", timeout=_ANSWER_S, most=0, anywhere=True, query=query)


def places_finding(found: tuple[PlaceFacts, ...]) -> CheckFinding:
    """Each can be read by everybody; whether a runner reaches the server is not seen from here."""
    return worst(*(_of_place(facts) for facts in found))


def _of_place(facts: PlaceFacts) -> CheckFinding:
    place, answer = web.shown(facts.url), facts.answer
    if isinstance(answer, Unreached):
        return unknown(f"{place}, which workflows use, {answer.why}")
    if answer.status in _CLOSED:
        return bad(
            f"workflows use {place}, which cannot be read without a login (status {answer.status}): no job starts",
            "let everybody on the server read it, or name the right one: `orch-gates init --actions URL@COMMIT`",
        )
    if answer.status != 200:
        return unknown(f"{place}, which workflows use, answered with status {answer.status}")
    return ok(f"{place}, which workflows use, can be read without a login")


def _gather_switch(subject: DoctorSubject) -> SwitchFacts:
    trusted = subject.workspace.config.revision
    if not (trusted and subject.git.text("ls-tree", "-r", "--name-only", trusted, "--", *WORKFLOWS)):
        raise NotUsedError("the default branch has no workflow")
    subject.need_forge()
    on = subject.forge.access.runs_workflows
    if on is None:
        raise NotUsedError("this forge does not report whether it runs workflows")
    return SwitchFacts(subject.workspace.need_forge().repository, on, page_of(subject, ""))


def switch_finding(facts: SwitchFacts) -> CheckFinding:
    """A repository with workflows runs them."""
    if facts.on:
        return ok(f"Actions are switched on in {facts.repository}")
    return bad(f"Actions are switched off in {facts.repository}: none of its workflows runs", f"at {facts.page}")


CHECKS = (
    Check("workflows", Group.FORGE, _gather_switch, switch_finding),
    Check("actions", Group.FORGE, _gather_places, places_finding, seconds=20),
)
