"""What a security report states, checked strictly: a contradiction is no report (SEC-8, P1)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from orch_gates.documents import escape
from orch_gates.model.feedback import MAX_FINDINGS, MAX_TEXT, ReportedFinding
from orch_gates.model.finding import Finding
from orch_gates.model.verdict import Outcome, Scalar, Verdict

GATE = "security"
SCHEMA = "orch.report/1"
MAX_NOTICES = 100

_Text = Annotated[str, StringConstraints(max_length=MAX_TEXT)]
_OidOrNone = Annotated[str, StringConstraints(pattern=r"\A([0-9a-f]{40}|[0-9a-f]{64})?\z")]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class SecurityReport(_Strict):
    """The frontmatter of the report; a value that contradicts itself is invalid (P1).

    `head` and `base` are object ids, empty where they did not resolve; `created` is UTC in ISO
    8601; `findings_total` counts also the findings beyond `MAX_FINDINGS`, which are left out;
    `digest` is the SHA-256 of the frontmatter as written, without the digest's own line. It shows
    damage and edits, not who wrote it: a report is evidence only from the run that made it.
    """

    kind: Literal["orch.report/1"] = Field(alias="schema")
    gate: Literal["security"]
    verdict: Outcome
    reason: Annotated[_Text, StringConstraints(min_length=1)]
    next_step: _Text
    head: _OidOrNone
    base: _OidOrNone
    target: _Text
    created: Annotated[str, StringConstraints(pattern=r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\z")]
    findings_total: int = Field(ge=0)
    findings: tuple[ReportedFinding, ...] = Field(max_length=MAX_FINDINGS)
    notices: tuple[_Text, ...]
    evidence: dict[str, Annotated[str, StringConstraints(max_length=MAX_TEXT)] | int | bool | None]
    digest: Annotated[str, StringConstraints(pattern=r"\Asha256:[0-9a-f]{64}\z")]

    @model_validator(mode="after")
    def _holds_together(self) -> SecurityReport:
        datetime.fromisoformat(self.created)
        if self.findings_total < len(self.findings):
            raise ValueError("findings_total is less than the findings listed")
        if self.verdict.exit_code == 0 and (self.findings or self.findings_total):
            raise ValueError(f"{self.verdict} with findings")
        if self.verdict is Outcome.PASS and not any(v not in (None, "") for v in self.evidence.values()):
            raise ValueError("PASS without evidence")
        if self.verdict is Outcome.PASS and not (self.head and self.base):
            raise ValueError("PASS without resolved head and base")
        return self

    def as_verdict(self) -> Verdict:
        """The verdict that this report states, with a notice where findings were left out."""
        left_out = self.findings_total - len(self.findings)
        told = (f"{left_out} more findings are counted but not listed in the report",) if left_out else ()
        return Verdict(
            gate=self.gate,
            outcome=self.verdict,
            reason=self.reason,
            findings=tuple(finding.as_finding() for finding in self.findings),
            notices=self.notices + told,
            evidence=self.evidence,
            next_step=self.next_step,
        )


def fields(verdict: Verdict, *, head: str, base: str, target: str, now: datetime, findings: int) -> dict[str, object]:
    """The report's frontmatter without its digest, with at most `findings` of the findings.

    Long text is clipped, and bytes that are no text are spelled out. `now` has a time zone.
    """
    return {
        "schema": SCHEMA,
        "gate": verdict.gate,
        "verdict": verdict.outcome.value,
        "reason": _text(verdict.reason),
        "next_step": _text(verdict.next_step),
        "head": head,
        "base": base,
        "target": _text(target),
        "created": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "findings_total": len(verdict.findings),
        "findings": [_finding(finding) for finding in verdict.findings[:findings]],
        "notices": _notices(verdict.notices),
        "evidence": {_text(name): _scalar(value) for name, value in verdict.evidence.items()},
    }


def _notices(notices: tuple[str, ...]) -> list[str]:
    shown = [_text(notice) for notice in notices[:MAX_NOTICES]]
    left_out = len(notices) - MAX_NOTICES
    return [*shown, f"+{left_out} more notices"] if left_out > 0 else shown


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "id": _text(finding.id),
        "rule": _text(finding.rule),
        "path": _text(finding.path),
        "line": finding.line,
        "commit": _text(finding.commit),
        "description": _text(finding.description),
        "fix": _text(finding.fix),
        "carrier": _text(finding.carrier),
    }


def _scalar(value: Scalar) -> Scalar:
    return _text(value) if isinstance(value, str) else value


def _text(text: str) -> str:
    return escape.clip(escape.well_formed(text), MAX_TEXT)
