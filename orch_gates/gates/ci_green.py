"""`ci-green`: every required status on the branch's head is success (ENG-1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from orch_gates.forge.port.checks import CommitStatus, StatusState
from orch_gates.gates import policy as policies
from orch_gates.gates.gate import Gate, Ports, Subject
from orch_gates.gates.policy import Policy
from orch_gates.gates.recorded import RecordedFacts, ReportContract, read_report
from orch_gates.gates.recorded import judge as judge_report
from orch_gates.model.finding import Finding
from orch_gates.model.verdict import Evidence, Outcome, Verdict, evidence_id
from orch_gates.variables.groups import CiGreenSettings

NAME = "ci-green"
RECORD = ReportContract(NAME, "10-ci-report.md", "ci_status", {"SUCCESS": Outcome.PASS, "FAILED": Outcome.FAIL})
# What our gates said is no check of the code, unless it is required by name.
_OURS = "orch/*"
# Counted, a red verdict that was posted would keep itself red.
_OWN = f"orch/{NAME}"
# A person who has to name them reads them here.
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class StatusFacts:
    """The latest status of every context on one commit, as the repository `forge` has them.

    `required` are names or patterns (`build/*`), each of which must match at least one; without
    any, all contexts count. Fewer than `least` statuses are too short a run to prove anything.
    """

    forge: str
    head: str
    statuses: tuple[CommitStatus, ...]
    required: Sequence[str] = ()
    least: int = 1


def gather(subject: Subject, ports: Ports) -> StatusFacts | RecordedFacts:
    """Ask the forge where one is known, else read the report.

    Raises:
        ForgeUnavailable: the statuses could not be read completely.
        SettingsError: what is said about the forge, or about the statuses, cannot be used.
    """
    forge = ports.forge() if subject.head else None
    if forge is None:
        return read_report(RECORD, subject, ports)
    required = ports.settings.ci_green.contexts
    least = ports.settings.ci_green.least
    return StatusFacts(forge.repository, subject.head, forge.statuses.latest(subject.head), required, least)


def judge(facts: StatusFacts | RecordedFacts, policy: Policy) -> Verdict:
    """Green only where every required context, or every context there is, is success."""
    if isinstance(facts, RecordedFacts):
        return judge_report(facts, policy)
    required, least = facts.required, facts.least
    missing = [name for name in required if not any(_is(s.context, name) for s in facts.statuses)]
    statuses = [s for s in facts.statuses if _counts(s.context, required)]
    evidence: Evidence = {"forge": facts.forge, "head": facts.head, "statuses": len(statuses)}
    # A red status is red whatever else is still missing.
    red = [status for status in statuses if status.state is not StatusState.SUCCESS]
    definite = [status for status in red if status.state is not StatusState.PENDING]
    if definite:
        return Verdict(
            NAME,
            Outcome.FAIL,
            f"{len(definite)} of {len(statuses)} statuses are not success: {_named(definite)}",
            findings=tuple(_finding(status, facts.head) for status in definite),
            evidence=evidence,
            next_step="Fix the failing checks and push.",
            rests_on=tuple(evidence_id(s.context, s.state, facts.head, s.url, s.description, s.id) for s in definite),
        )
    wait = "Wait for CI, then run the gate again."
    if missing:
        reason = f"required statuses are missing on {facts.head[:10]}: {', '.join(missing)}"
        return Verdict(NAME, Outcome.FAIL, reason, evidence=evidence, next_step=wait, absent=True)
    if red:
        reason = f"{len(red)} of {len(statuses)} statuses are pending: {_named(red)}"
        return Verdict(NAME, Outcome.FAIL, reason, evidence=evidence, next_step=wait, absent=True)
    if len(statuses) < max(1, least):
        reason = f"{len(statuses)} statuses on {facts.head[:10]}, expected at least {max(1, least)}"
        return Verdict(NAME, Outcome.FAIL, reason, evidence=evidence, next_step=wait, absent=True)
    names = ", ".join(status.context for status in statuses[:_SHOWN])
    reason = f"{len(statuses)} of {len(statuses)} statuses are success"
    return Verdict(NAME, Outcome.PASS, reason, evidence={**evidence, "contexts": names})


def _counts(context: str, required: Sequence[str]) -> bool:
    if context == _OWN:
        return False
    if required:
        return any(_is(context, name) for name in required)
    return not fnmatchcase(context, _OURS)


def _is(context: str, name: str) -> bool:
    # The name of a matrix job may look like a pattern: `build [linux]`.
    return context == name or fnmatchcase(context, name)


def _named(statuses: Sequence[CommitStatus]) -> str:
    return ", ".join(f"{status.context} ({status.state})" for status in statuses[:5]) + (
        "…" if len(statuses) > 5 else ""
    )


def _finding(status: CommitStatus, head: str) -> Finding:
    return Finding(
        id=status.context,
        rule="status",
        path=status.context,
        line=0,
        commit=head,
        description=status.description or status.state.value,
        fix="Fix what this check found.",
        carrier="status",
    )


GATE: Gate[StatusFacts | RecordedFacts] = Gate(
    NAME,
    "Every required check of the commit is green.",
    policies.CI_GREEN,
    gather,
    judge,
    RECORD,
    settings=(CiGreenSettings,),
    asks_forge=True,
)
