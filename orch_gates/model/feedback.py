"""A red gate's words, carried verbatim to the next developer job (ENG-4)."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from orch_gates.model.finding import Finding
from orch_gates.model.verdict import Verdict

MAX_TEXT = 4096
MAX_FINDINGS = 200

_Text = Annotated[str, StringConstraints(max_length=MAX_TEXT)]


class ReportedFinding(BaseModel):
    """A `Finding` as documents spell it; never a secret (SEC-5)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: _Text
    rule: _Text
    path: _Text
    line: int = Field(ge=0)
    commit: _Text
    description: _Text
    fix: _Text
    carrier: _Text

    def as_finding(self) -> Finding:
        """The value that gates work with."""
        return Finding(**dict(self))


class Feedback(BaseModel):
    """What a gate said when it sent the task back; `findings_total` counts those left out too."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    gate: _Text
    reason: _Text
    next_step: _Text
    findings_total: int = Field(ge=0)
    findings: tuple[ReportedFinding, ...] = Field(max_length=MAX_FINDINGS, strict=False)


def of_verdict(verdict: Verdict) -> Feedback:
    """The verdict's own words; only text longer than `MAX_TEXT` is cut."""
    return Feedback(
        gate=verdict.gate,
        reason=verdict.reason[:MAX_TEXT],
        next_step=verdict.next_step[:MAX_TEXT],
        findings_total=len(verdict.findings),
        findings=tuple(_reported(finding) for finding in verdict.findings[:MAX_FINDINGS]),
    )


def _reported(finding: Finding) -> ReportedFinding:
    return ReportedFinding(
        id=finding.id[:MAX_TEXT],
        rule=finding.rule[:MAX_TEXT],
        path=finding.path[:MAX_TEXT],
        line=finding.line,
        commit=finding.commit[:MAX_TEXT],
        description=finding.description[:MAX_TEXT],
        fix=finding.fix[:MAX_TEXT],
        carrier=finding.carrier[:MAX_TEXT],
    )
