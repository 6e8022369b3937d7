"""The secrets that workflows ask for: a job that is given none runs, and fails at its first question (OWN-1)."""

from __future__ import annotations

from dataclasses import dataclass

from orch_gates.doctor.check import Check, Group
from orch_gates.doctor.finding import CheckFinding, NotUsedError, bad, ok, unknown
from orch_gates.doctor.forge import page_of
from orch_gates.doctor.subject import DoctorSubject
from orch_gates.errors import ForgeRefused, ForgeUnavailable
from orch_gates.forge.port.server import ForgeKind
from orch_gates.forge.port.workflows import Secrets

# Those of ours; others are their owners' to know.
_SECRET = r"secrets\.ORCH_[A-Za-z0-9_]+"


@dataclass(frozen=True, slots=True)
class SecretFacts:
    """What workflows of the default branch ask for, what `repository` has, and the `page` where it is made."""

    required: tuple[str, ...]
    secrets: Secrets
    repository: str
    page: str


def _gather(subject: DoctorSubject) -> SecretFacts:
    required = _required(subject)
    if not required:
        raise NotUsedError("no workflow of the default branch asks for a secret of orch-gates")
    subject.need_forge()
    kind = subject.forge.about.kind
    if kind is ForgeKind.LOCAL:
        raise NotUsedError("a bare repository runs no workflows")
    forge = subject.workspace.need_forge()
    try:
        found = forge.workflows.secrets()
    except ForgeRefused as error:
        raise ForgeUnavailable(
            f"the names of its secrets are shown to administrators only: {error}; look with a token of one"
        ) from error
    page = page_of(subject, "/secrets/actions" if kind is ForgeKind.GITHUB else "/actions/secrets")
    return SecretFacts(required, found, forge.repository, page)


def _required(subject: DoctorSubject) -> tuple[str, ...]:
    found = subject.in_workflows("-h", "-o", "-E", _SECRET)
    names = (line.partition(".")[2].upper() for line in found.splitlines())
    return tuple(sorted(set(names)))


def finding_of(facts: SecretFacts) -> CheckFinding:
    """Each is kept somewhere; what it is, nobody is told."""
    kept = {name.upper() for name in facts.secrets.names}
    missing = ", ".join(name for name in facts.required if name not in kept)
    if not missing:
        return ok(f"{facts.repository} has {', '.join(facts.required)}, which its workflows need")
    seen = f"workflows need the secret {missing}, but {facts.repository} has none of that name"
    mend = f"keep the bot's token there: {facts.page}"
    if facts.secrets.untold:
        return unknown(f"{seen}; the forge does not show whether {facts.secrets.untold} has one that counts here", mend)
    return bad(seen, mend)


CHECKS = (Check("secrets", Group.FORGE, _gather, finding_of, seconds=40),)
