"""A report that a gate writes of its own verdict, in the form that recorded gates read (docs/reference/gates.md)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from orch_gates.documents import escape, frontmatter
from orch_gates.errors import ReportError
from orch_gates.model.finding import MAX_COMMANDS, MAX_FINDINGS, MAX_TEXT, Finding
from orch_gates.model.verdict import Scalar, Verdict
from orch_gates.report import files, markdown

SCHEMA = "orch.report/1"
MAX_NOTICES = 250


def write(path: Path, verdict: Verdict, *, word: Mapping[str, str], head: str, now: datetime, more: str = "") -> str:
    """Put the report of a verdict at `path`; the answer is its text.

    `word` is the gate's own word in its field, `more` the end of the body.

    Raises:
        ReportError: it could not be written. No earlier report is left at `path` then.
    """
    files.remove(path)
    text = _text(verdict, word, head, now, more)
    files.replace(path, text)
    return text


def _text(verdict: Verdict, word: Mapping[str, str], head: str, now: datetime, more: str) -> str:
    """As many findings as fit, the others are counted."""
    keep = MAX_FINDINGS
    while True:
        fields = _fields(verdict, word, head, now, keep)
        try:
            return frontmatter.encode(fields, f"\n{markdown.body(verdict)}{more}")
        except ReportError:
            if keep == 0:
                raise
            keep //= 2


def _fields(verdict: Verdict, word: Mapping[str, str], head: str, now: datetime, keep: int) -> dict[str, object]:
    notices = [_line(notice) for notice in verdict.notices[:MAX_NOTICES]]
    if (left := len(verdict.notices) - MAX_NOTICES) > 0:
        notices.append(f"and {left} more notices")
    if (left := len(verdict.findings) - keep) > 0:
        notices.append(f"{left} more findings are counted but not listed in the report")
    return {
        "schema": SCHEMA,
        "gate": verdict.gate,
        **word,
        "verdict": verdict.outcome.value,
        "head": head,
        "reason": _line(verdict.reason),
        "next_step": _line(verdict.next_step),
        "created": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "findings": [_finding(finding) for finding in verdict.findings[:keep]],
        "notices": notices,
        "evidence": {name: _scalar(value) for name, value in verdict.evidence.items()},
    }


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "id": _clipped(finding.id),
        "rule": _clipped(finding.rule),
        "path": _clipped(finding.path),
        "line": finding.line,
        "commit": _clipped(finding.commit),
        "description": _clipped(finding.description),
        "fix": _clipped(finding.fix),
        "carrier": _clipped(finding.carrier),
        **({"commands": [_clipped(one) for one in finding.commands[:MAX_COMMANDS]]} if finding.commands else {}),
    }


def _scalar(value: Scalar) -> Scalar:
    return _line(value) if isinstance(value, str) else value


def _line(text: str) -> str:
    """One line, as the fields of a report are."""
    return escape.clip(escape.visible(text), MAX_TEXT)


def _clipped(text: str) -> str:
    return escape.clip(escape.well_formed(text), MAX_TEXT)
