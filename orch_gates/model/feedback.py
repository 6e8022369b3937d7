"""A red gate's words, carried verbatim to the next developer job (ENG-4)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    model_serializer,
)

from orch_gates.model.finding import MAX_COMMANDS, MAX_FINDINGS, MAX_TEXT, Finding
from orch_gates.model.verdict import Verdict

# In characters of the file. A task's document must hold the feedback, whatever a gate says.
MAX_FINDINGS_WRITTEN = 128 * 1024
_KEYS_WRITTEN = 200
_MAX_REASON = 1000

_Text = Annotated[str, StringConstraints(max_length=MAX_TEXT)]


class ReportedFinding(BaseModel):
    """A `Finding` as documents spell it; never a secret (SEC-5)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    id: _Text
    rule: _Text
    path: _Text
    line: int = Field(ge=0)
    commit: _Text
    description: _Text
    fix: _Text
    carrier: _Text
    commands: tuple[_Text, ...] = Field(default=(), max_length=MAX_COMMANDS, strict=False)

    def as_finding(self) -> Finding:
        """The value that gates work with."""
        return Finding(**dict(self))

    @model_serializer(mode="wrap")
    def _fields(self, known: SerializerFunctionWrapHandler) -> dict[str, object]:
        """As it was written: a document names commands only where there are some."""
        fields: dict[str, object] = known(self)
        return fields if self.commands else {name: value for name, value in fields.items() if name != "commands"}


class Feedback(BaseModel):
    """What a gate said when it sent the task back; `findings_total` counts those left out too."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, defer_build=True)

    gate: _Text
    reason: _Text
    next_step: _Text
    findings_total: int = Field(ge=0)
    findings: tuple[ReportedFinding, ...] = Field(max_length=MAX_FINDINGS, strict=False)


def of_verdict(verdict: Verdict) -> Feedback:
    """The verdict's own words; only what is too long for a document is cut, the last findings first."""
    return Feedback(
        gate=_cut(verdict.gate),
        reason=_cut(verdict.reason),
        next_step=_cut(verdict.next_step),
        findings_total=len(verdict.findings),
        findings=tuple(_fitting(verdict.findings[:MAX_FINDINGS])),
    )


def spelled_out(text: str) -> str:
    """The same text with lone surrogates spelled out: no document can hold them."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def one_line(text: str) -> str:
    """Text as documents keep a reason: one line, and not too long."""
    line = " ".join(spelled_out(text).split())
    return line if len(line) <= _MAX_REASON else line[: _MAX_REASON - 1] + "…"


def _fitting(findings: Sequence[Finding]) -> Iterator[ReportedFinding]:
    room = MAX_FINDINGS_WRITTEN
    for finding in findings:
        reported = _reported(finding)
        # JSON escapes at least what documents escape.
        room -= len(json.dumps(list(dict(reported).values()))) + _KEYS_WRITTEN
        if room < 0:
            return
        yield reported


def _reported(finding: Finding) -> ReportedFinding:
    return ReportedFinding(
        id=_cut(finding.id),
        rule=_cut(finding.rule),
        path=_cut(finding.path),
        line=finding.line,
        commit=_cut(finding.commit),
        description=_cut(finding.description),
        fix=_cut(finding.fix),
        carrier=_cut(finding.carrier),
        commands=tuple(map(_cut, finding.commands[:MAX_COMMANDS])),
    )


def _cut(text: str) -> str:
    return spelled_out(text)[:MAX_TEXT]
