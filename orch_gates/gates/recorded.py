"""Gates that read a recorded report: absent, stale or malformed never passes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from orch_gates.errors import ReportError, UpgradeNeeded
from orch_gates.gates.gate import Gate, Ports, Subject
from orch_gates.gates.policy import Policy
from orch_gates.model.verdict import Outcome, Scalar, Verdict

if TYPE_CHECKING:
    from orch_gates.model.report import Report

MAIN_RED = "main_red"

_VERSION = re.compile(r"orch\.report/([1-9][0-9]{0,5})")
# A hand-written SKIP would open every edge: gates are skipped by settings only (GATE-3).
_SAYABLE = tuple(outcome.value for outcome in Outcome if outcome is not Outcome.SKIP)


@dataclass(frozen=True, slots=True)
class ReportContract:
    """Which report the gate `name` reads, and what the words in it mean.

    `field` is the gate's own word as the spec names it (STG-2, DEP-1); a plain `verdict` is always
    understood as well. A `sealed` report is made by its gate and never by hand (SEC-8). `exact`: it is about what was
    built or run of a commit, so one about a commit that ours caught up says nothing (ENG-12).
    """

    name: str
    file: str
    field: str
    outcomes: Mapping[str, Outcome]
    sealed: bool = False
    exact: bool = False

    def means(self, word: str) -> Outcome | None:
        """The outcome that a word of this gate, or a verdict, stands for."""
        if word in self.outcomes:
            return self.outcomes[word]
        return Outcome(word) if word in _SAYABLE else None

    @property
    def known_words(self) -> tuple[str, ...]:
        """All words, the gate's own first."""
        return (*self.outcomes, *(name for name in _SAYABLE if name not in self.outcomes))


@dataclass(frozen=True, slots=True)
class RecordedFacts:
    """The text of the report, None where there is none, and the commit that it has to be about; empty for no branch.

    `earlier` as for `Subject`; what is `exact` was built or run of those, and not of this one.
    """

    record: ReportContract
    text: str | None
    head: str
    earlier: tuple[str, ...] = ()


def recorded(
    record: ReportContract,
    about: str,
    policy: Policy,
    *,
    parts: tuple[Policy, ...] = (),
    settings: tuple[type[Any], ...] = (),
) -> Gate[RecordedFacts]:
    """A gate that reads a report and nothing else."""

    def gather(subject: Subject, ports: Ports) -> RecordedFacts:
        return read_report(record, subject, ports)

    return Gate(record.name, about, policy, gather, judge, record, parts, settings)


def read_report(record: ReportContract, subject: Subject, ports: Ports) -> RecordedFacts:
    """The report as it is recorded."""
    wanted = replace(record, file=ports.named or record.file)
    return RecordedFacts(wanted, ports.report(wanted.file), subject.head, subject.earlier)


def reason_in(record: ReportContract, text: str) -> str:
    """The reason that a report gives.

    Raises:
        ReportError: it is no report of this gate that proves anything.
        UpgradeNeeded: a newer orch-gates wrote it.
    """
    if record.sealed:
        from orch_gates.report import security

        return security.parse(text).reason
    report, outcome = read(record, text)
    return report.reason or f"{record.file} states {outcome}"


def read(record: ReportContract, text: str) -> tuple[Report, Outcome]:
    """A report and the outcome that it states.

    Raises:
        ReportError: it proves nothing; the message says why.
        UpgradeNeeded: a newer orch-gates wrote it.
    """
    # The models and the reader of YAML cost whoever only lists the gates a tenth of a second.
    from pydantic import ValidationError

    from orch_gates.documents import frontmatter
    from orch_gates.model.report import Report

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
    if report.gate != record.name:
        raise ReportError(f"it is a report of another gate, {report.gate}")
    outcome = _stated(record, report)
    if outcome is Outcome.SKIP:
        raise ReportError("verdict: a report cannot skip a gate; only a setting can")
    if outcome is Outcome.PASS and report.findings:
        raise ReportError(f"a report with {outcome} must list no findings")
    return report, outcome


def judge(facts: RecordedFacts, policy: Policy) -> Verdict:
    """What the report proves about the commit."""
    record, text = facts.record, facts.text
    if not facts.head:
        reason = "the task's branch does not exist, so there is no commit to judge"
        return _absent(record, policy, reason, "Push the branch.")
    if text is None:
        return _missing(facts, policy, f"there is no {record.file} about {facts.head[:10]}")
    if record.sealed:
        return _sealed(text, (facts.head, *facts.earlier))
    try:
        report, outcome = read(record, text)
    except UpgradeNeeded as error:
        return Verdict(record.name, Outcome.ERROR, f"{record.file}: {error}", next_step="Upgrade orch-gates.")
    except ReportError as error:
        return _malformed(record, policy, str(error))
    if report.head not in {facts.head, *(() if record.exact else facts.earlier)}:
        about = report.head[:10] or "no commit"
        return _missing(facts, policy, f"{record.file} is about {about}, the branch is at {facts.head[:10]}")
    return as_verdict(record, report, outcome)


def _sealed(text: str, heads: Sequence[str]) -> Verdict:
    """A whole report about another commit is an absent one, as with every other gate."""
    from orch_gates.report import security

    whole = security.verdict_of_text(text, head="")
    verdicts = [security.verdict_of_text(text, head=head) for head in heads]
    return next((verdict for verdict in verdicts if verdict == whole), replace(verdicts[0], absent=True))


def as_verdict(record: ReportContract, report: Report, outcome: Outcome) -> Verdict:
    """The verdict that a report states."""
    if outcome is Outcome.FAIL and report.evidence.get(MAIN_RED) is True:
        # The task is not to blame for what is red without it (ENG-7).
        outcome = Outcome.DEFER
    # What was checked here comes first, and is not a report's to say otherwise.
    checked: dict[str, Scalar] = {"report": record.file, "head": report.head}
    return Verdict(
        gate=record.name,
        outcome=outcome,
        reason=report.reason or f"{record.file} states {outcome}",
        findings=tuple(finding.as_finding() for finding in report.findings),
        notices=report.notices,
        evidence=checked | report.evidence | checked,
        next_step=report.next_step,
    )


def _stated(record: ReportContract, report: Report) -> Outcome:
    word = report.word(record.field)
    if word is None:
        if report.verdict is None:
            raise ReportError(f"{record.field} and verdict are both missing; give one of them")
        return report.verdict
    outcome = record.outcomes.get(word) if isinstance(word, str) else None
    if outcome is None:
        raise ReportError(f"{record.field}: {word!r} is none of: {', '.join(record.outcomes)}")
    if report.verdict not in {None, outcome}:
        raise ReportError(f"{record.field} {word} and verdict {report.verdict} contradict each other")
    return outcome


def _missing(facts: RecordedFacts, policy: Policy, reason: str) -> Verdict:
    """Nothing is recorded about the commit; where ours made that commit, nobody could have (ENG-12)."""
    record, head = facts.record, facts.head
    again = f"Record {record.file} for this commit; `orch-gates help gates` says how."
    if not (record.exact and facts.earlier):
        return _absent(record, policy, reason, again)
    caught_up = f"{reason}; the merge gate created this commit from {facts.earlier[0][:10]}, so record the report again"
    return replace(_absent(record, policy, caught_up, f"A sweep starts that work again. {again}"), anew=head)


def _absent(record: ReportContract, policy: Policy, reason: str, next_step: str) -> Verdict:
    evidence = {"report": record.file}
    return Verdict(record.name, policy.unknown, reason, evidence=evidence, next_step=next_step, absent=True)


def _malformed(record: ReportContract, policy: Policy, why: str) -> Verdict:
    from orch_gates.documents import escape

    reason = f"{record.file} is not valid: {escape.clip(escape.visible(why), 300)}"
    return Verdict(
        record.name,
        policy.unknown,
        reason,
        evidence={"report": record.file},
        next_step="Correct the report, or record it again.",
    )
