"""The dependency half of the `security` gate: blame for what the range changed, only (SEC-7)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from orch_gates.model.finding import Finding
from orch_gates.model.verdict import Evidence
from orch_gates.scanners import lockfiles
from orch_gates.scanners.lockfiles import Pin
from orch_gates.scanners.pip_audit import Audited, Degraded, DependencyAuditor

_SHOWN_LINES = 5


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file of pins before and after the range; `base` is None where it is new."""

    path: str
    base: bytes | None
    head: bytes


@dataclass(frozen=True, slots=True)
class DependencyFacts:
    """The changed files and what the audit said of all their pins, on both sides."""

    changed: tuple[ChangedFile, ...]
    answer: Audited | Degraded


@dataclass(frozen=True, slots=True)
class DependencyResult:
    """What the range is blamed for, what is only told, and why it is refused on doubt, if it is."""

    findings: tuple[Finding, ...] = ()
    notices: tuple[str, ...] = ()
    refusal: str = ""
    evidence: Evidence = field(default_factory=dict)


def gather(changed: Sequence[ChangedFile], auditor: DependencyAuditor) -> DependencyFacts | None:
    """Audit both sides of every changed file in one run; None where none changed."""
    if not changed:
        return None
    return DependencyFacts(tuple(changed), auditor.audit(_pins(changed)))


def judge(facts: DependencyFacts | None, *, fail_closed: bool, commit: str = "") -> DependencyResult:
    """Decide (pure). Doubt passes with a warning, or refuses when `fail_closed` (SPEC §4.3)."""
    if facts is None:
        return DependencyResult(evidence={"dependency_files_changed": 0})
    doubts = list(_unjudged(facts))
    findings: list[Finding] = []
    notices: list[str] = []
    audited = 0
    match facts.answer:
        case Degraded(reason):
            doubts.insert(0, reason)
        case Audited():
            findings, notices = _sorted(facts.changed, facts.answer, commit)
            audited = len(_pins(facts.changed) & facts.answer.known.keys())
    evidence = {
        "dependency_files_changed": len(facts.changed),
        "dependency_audit": "degraded" if doubts else "complete",
        "dependencies_audited": audited,
    }
    warnings = tuple(f"WARNING: dependencies were not fully audited: {doubt}" for doubt in doubts)
    refusal = f"the dependency audit is not complete: {doubts[0]}" if doubts and fail_closed else ""
    return DependencyResult(tuple(findings), (*warnings, *notices), refusal, evidence)


def doubt(reason: str, *, fail_closed: bool) -> DependencyResult:
    """The result where not even the changed files could be read."""
    return judge(DependencyFacts((), Degraded(reason)), fail_closed=fail_closed)


def _pins(changed: Sequence[ChangedFile]) -> set[Pin]:
    sides = [lockfiles.parse(side or b"", file.path) for file in changed for side in (file.base, file.head)]
    return {pin for side in sides for pin in side.lines}


def _unjudged(facts: DependencyFacts) -> Sequence[str]:
    doubts = []
    for file in facts.changed:
        pins = lockfiles.parse(file.head, file.path)
        if pins.unjudged:
            shown = ", ".join(map(str, pins.unjudged[:_SHOWN_LINES]))
            doubts.append(f"{file.path} pins no version on {len(pins.unjudged)} lines ({shown})")
    return doubts


def _sorted(changed: Sequence[ChangedFile], answer: Audited, commit: str) -> tuple[list[Finding], list[str]]:
    """New vulnerabilities as findings; those that the base has too as notices."""
    before = {
        (pin.name, name)
        for file in changed
        for pin in lockfiles.parse(file.base or b"", file.path).lines
        for known in answer.known.get(pin, ())
        for name in known.names
    }
    findings: list[Finding] = []
    notices: list[str] = []
    for file in changed:
        for pin, line in lockfiles.parse(file.head, file.path).lines.items():
            for known in answer.known.get(pin, ()):
                fixed = ", ".join(known.fixed_in) or "no version yet"
                if any((pin.name, name) in before for name in known.names):
                    notices.append(
                        f"{file.path}:{line}: {pin.name} {pin.version} has {known.id} (fixed in {fixed}), as before"
                    )
                else:
                    findings.append(_finding(file.path, line, pin, known.id, fixed, commit))
    return findings, notices


def _finding(path: str, line: int, pin: Pin, vulnerability: str, fixed: str, commit: str) -> Finding:
    place = f"{path}\0{pin.name}\0{pin.version}\0{vulnerability}"
    return Finding(
        id=hashlib.sha256(place.encode("utf-8", "surrogateescape")).hexdigest()[:12],
        rule=vulnerability,
        path=path,
        line=line,
        commit=commit,
        description=f"{pin.name} {pin.version} has the known vulnerability {vulnerability}",
        fix=f"replace {pin.name} {pin.version} by a version without it (fixed in: {fixed})",
        carrier="dependency",
    )
