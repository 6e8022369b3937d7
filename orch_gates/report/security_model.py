"""What a security report states, checked strictly: a contradiction is no report (SEC-8, P1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from datetime import UTC, datetime
from typing import Any, TypeGuard

from orch_gates.documents import escape
from orch_gates.errors import ReportError
from orch_gates.model.finding import MAX_COMMANDS, MAX_FINDINGS, MAX_TEXT, Finding
from orch_gates.model.verdict import Outcome, Scalar, Verdict

GATE = "security"
SCHEMA = "orch.report/1"
MAX_NOTICES = 100

_OID_OR_NONE = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})?")
_CREATED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityReport:
    """The frontmatter of the report.

    `head` and `base` are object ids, empty where they did not resolve; `created` is UTC in ISO
    8601; `findings_total` counts also the findings beyond `MAX_FINDINGS`, which are left out;
    `digest` is the SHA-256 of the frontmatter as written, without the digest's own line. It shows
    damage and edits, not who wrote it: a report is evidence only from the run that made it.
    """

    gate: str
    verdict: Outcome
    reason: str
    next_step: str
    head: str
    base: str
    target: str
    created: str
    findings_total: int
    findings: tuple[Finding, ...]
    notices: tuple[str, ...]
    evidence: Mapping[str, Scalar]
    digest: str

    def as_verdict(self) -> Verdict:
        """The verdict that this report states, with a notice where findings were left out."""
        left_out = self.findings_total - len(self.findings)
        omitted = (f"{left_out} more findings are counted but not listed in the report",) if left_out else ()
        return Verdict(
            gate=self.gate,
            outcome=self.verdict,
            reason=self.reason,
            findings=self.findings,
            notices=self.notices + omitted,
            evidence=self.evidence,
            next_step=self.next_step,
        )


def from_fields(stated: Mapping[str, Any]) -> SecurityReport:
    """The report that a frontmatter states.

    Raises:
        ReportError: a field is missing, too much or not of its kind, or the report contradicts itself (P1).
    """
    for name in (*_FIELDS, *stated):
        if name not in stated or name not in _FIELDS or not _FIELDS[name](stated[name]):
            raise ReportError(f"{escape.visible(name)}: missing or invalid")
    values: dict[str, Any] = {name: value for name, value in stated.items() if name != "schema"}
    report = SecurityReport(
        **{
            **values,
            "verdict": Outcome(stated["verdict"]),
            "findings": tuple(Finding(**{**row, "commands": tuple(row["commands"])}) for row in stated["findings"]),
            "notices": tuple(stated["notices"]),
        }
    )
    if contradiction := _contradiction(report):
        raise ReportError(contradiction)
    return report


def _contradiction(report: SecurityReport) -> str:
    try:
        datetime.fromisoformat(report.created)
    except ValueError:
        return "created is not a valid time"
    if report.findings_total < len(report.findings):
        return "findings_total is less than the findings listed"
    if report.verdict.exit_code == 0 and (report.findings or report.findings_total):
        return f"{report.verdict} with findings"
    if report.verdict is Outcome.PASS and not any(value not in (None, "") for value in report.evidence.values()):
        return "PASS without evidence"
    if report.verdict is Outcome.PASS and not (report.head and report.base):
        return "PASS without resolved head and base"
    return ""


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and len(value) <= MAX_TEXT


def _fits(value: object, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, (bool, int)) or _is_text(value)


def _is_finding(value: object) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == _FINDING
        and all(_IN_FINDING.get(name, _is_text)(given) for name, given in value.items())
    )


def _are_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(map(_is_text, value))


# The fields of a finding that are no text.
_IN_FINDING: Mapping[str, Callable[[object], bool]] = {
    "line": _is_count,
    "commands": lambda value: _are_texts(value) and len(value) <= MAX_COMMANDS,
}
# What each field of a report has to be; anything else in it, or less, is no report.
_FIELDS: Mapping[str, Callable[[object], bool]] = {
    "schema": lambda value: value == SCHEMA,
    "gate": lambda value: value == GATE,
    "verdict": lambda value: isinstance(value, str) and value in Outcome.__members__,
    "reason": lambda value: _is_text(value) and value != "",
    "next_step": _is_text,
    "head": lambda value: _fits(value, _OID_OR_NONE),
    "base": lambda value: _fits(value, _OID_OR_NONE),
    "target": _is_text,
    "created": lambda value: _fits(value, _CREATED),
    "findings_total": _is_count,
    "findings": lambda value: isinstance(value, list) and len(value) <= MAX_FINDINGS and all(map(_is_finding, value)),
    "notices": _are_texts,
    "evidence": lambda value: isinstance(value, dict) and all(map(_is_scalar, value.values())),
    "digest": lambda value: _fits(value, _DIGEST),
}
_FINDING = {field.name for field in dataclass_fields(Finding)}


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
        "commands": [_text(command) for command in finding.commands[:MAX_COMMANDS]],
    }


def _scalar(value: Scalar) -> Scalar:
    return _text(value) if isinstance(value, str) else value


def _text(text: str) -> str:
    return escape.clip(escape.well_formed(text), MAX_TEXT)
