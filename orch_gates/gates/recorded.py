"""Gates that read a recorded report: absent, stale or malformed never passes (SPEC §4.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from orch_gates.documents import escape, frontmatter
from orch_gates.errors import ReportError, UpgradeNeeded
from orch_gates.gates.policy import Policy
from orch_gates.model.report import Report
from orch_gates.model.verdict import Outcome, Scalar, Verdict

MAIN_RED = "main_red"

_VERSION = re.compile(r"orch\.report/([1-9][0-9]{0,5})")
# A hand-written SKIP would open every edge: gates are skipped by settings only (GATE-3).
_SAYABLE = tuple(outcome.value for outcome in Outcome if outcome is not Outcome.SKIP)


@dataclass(frozen=True, slots=True)
class RecordedGate:
    """Which report a gate reads, and what the words in it mean.

    `field` is the gate's own word as the spec names it (STG-2, DEP-1); a plain `verdict` is always
    understood as well. `unknown` is what not being able to tell means (SPEC §4.3).
    """

    name: str
    file: str
    field: str
    words: Mapping[str, Outcome]
    unknown: Policy

    def means(self, word: str) -> Outcome | None:
        """The outcome that a word of this gate, or a verdict, stands for."""
        if word in self.words:
            return self.words[word]
        return Outcome(word) if word in _SAYABLE else None

    @property
    def known_words(self) -> tuple[str, ...]:
        """All words, the gate's own first."""
        return (*self.words, *(name for name in _SAYABLE if name not in self.words))


@dataclass(frozen=True, slots=True)
class RecordedFacts:
    """The text of the report, None where there is none, and the commit that it has to be about; empty for no branch."""

    text: str | None
    head: str


def read(gate: RecordedGate, text: str) -> tuple[Report, Outcome]:
    """A report and the outcome that it states.

    Raises:
        ReportError: it proves nothing; the message says why.
        UpgradeNeeded: a newer orch-gates wrote it.
    """
    mapping, _ = frontmatter.decode(text)
    if "schema" not in mapping:
        raise ReportError(f"schema: {Report.schema_name()} is expected")
    if (version := _VERSION.fullmatch(str(mapping["schema"]))) and int(version[1]) > Report.VERSION:
        raise UpgradeNeeded(f"{mapping['schema']} was written by a newer orch-gates; upgrade this one")
    try:
        report = Report.model_validate(mapping)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise ReportError(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from error
    if report.gate != gate.name:
        raise ReportError(f"it is a report of gate {report.gate}")
    outcome = _stated(gate, report)
    if outcome is Outcome.SKIP:
        raise ReportError("verdict: only a setting skips a gate, never a report")
    if outcome is Outcome.PASS and report.findings:
        raise ReportError(f"it says {outcome} and lists findings")
    return report, outcome


def judge(gate: RecordedGate, facts: RecordedFacts) -> Verdict:
    """What the report proves about the commit."""
    record = f"Record {gate.file} for this commit; docs/reference/gates.md says how."
    if not facts.head:
        return _absent(gate, "the task's branch does not exist, so there is no commit to judge", "Push the branch.")
    if facts.text is None:
        return _absent(gate, f"there is no {gate.file}", record)
    try:
        report, outcome = read(gate, facts.text)
    except UpgradeNeeded as error:
        return Verdict(gate.name, Outcome.ERROR, f"{gate.file}: {error}", next_step="Upgrade orch-gates.")
    except ReportError as error:
        return _malformed(gate, str(error))
    if report.head != facts.head:
        about = report.head[:10] or "no commit"
        return _absent(gate, f"{gate.file} is about {about}, the branch is at {facts.head[:10]}", record)
    return _verdict(gate, report, outcome)


def _verdict(gate: RecordedGate, report: Report, outcome: Outcome) -> Verdict:
    if outcome is Outcome.FAIL and report.evidence.get(MAIN_RED) is True:
        # The task is not to blame for what is red without it (ENG-7).
        outcome = Outcome.DEFER
    # What was checked here comes first, and is not a report's to say otherwise.
    checked: dict[str, Scalar] = {"report": gate.file, "head": report.head}
    return Verdict(
        gate=gate.name,
        outcome=outcome,
        reason=report.reason or f"{gate.file} says {outcome}",
        findings=tuple(finding.as_finding() for finding in report.findings),
        notices=report.notices,
        evidence=checked | report.evidence | checked,
        next_step=report.next_step,
    )


def _stated(gate: RecordedGate, report: Report) -> Outcome:
    word = report.word(gate.field)
    if word is None:
        if report.verdict is None:
            raise ReportError(f"neither {gate.field} nor verdict is there")
        return report.verdict
    outcome = gate.words.get(word) if isinstance(word, str) else None
    if outcome is None:
        raise ReportError(f"{gate.field}: {word!r} is none of: {', '.join(gate.words)}")
    if report.verdict not in {None, outcome}:
        raise ReportError(f"{gate.field} {word} and verdict {report.verdict} contradict each other")
    return outcome


def _absent(gate: RecordedGate, reason: str, next_step: str) -> Verdict:
    return Verdict(gate.name, gate.unknown.unknown, reason, next_step=next_step, absent=True)


def _malformed(gate: RecordedGate, why: str) -> Verdict:
    reason = f"{gate.file} proves nothing: {escape.clip(escape.visible(why), 300)}"
    return Verdict(gate.name, gate.unknown.unknown, reason, next_step="Mend the report, or record it again.")
