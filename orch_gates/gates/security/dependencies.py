"""The dependency half of the `security` gate: blame for what the range changed, only (SEC-7)."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from orch_gates.model.finding import Finding
from orch_gates.model.verdict import Evidence
from orch_gates.scanners.pins.pin import Pin, Pins, UnpinnedEntry, UnpinnedReason
from orch_gates.scanners.pip_audit import Audited, Degraded, DependencyAuditor

_SHOWN_LINES = 5


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """What a file pins before and after the range; a side is None where the file is not there.

    The locks beside it pin the packages `locked_base` and `locked_head`; both are empty for a file
    whose ranges no lock settles.
    """

    path: str
    base: Pins | None
    head: Pins | None
    locked_base: frozenset[str] = frozenset()
    locked_head: frozenset[str] = frozenset()


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
    """Audit both sides of every changed file in one run; None where none changed.

    Nobody is asked where the range leaves no pin behind.
    """
    if not changed:
        return None
    pins = _pins(changed) if any(file.head and file.head.lines for file in changed) else ()
    return DependencyFacts(tuple(changed), auditor.audit(pins) if pins else Audited({}))


def judge(facts: DependencyFacts | None, *, fail_closed: bool, commit: str = "") -> DependencyResult:
    """Decide (pure). Doubt passes with a warning, or refuses when `fail_closed`."""
    if facts is None:
        return DependencyResult(evidence={"dependency_files_changed": 0})
    unread = [f"{file.path} {file.head.unread}" for file in facts.changed if file.head and file.head.unread]
    unpinned, notices = _unpinned(facts.changed)
    doubts = [*unread, *unpinned]
    found, audited = _Blame(), 0
    match facts.answer:
        case Degraded(reason):
            doubts.insert(0, reason)
        case Audited():
            found = _blame(facts.changed, facts.answer, commit)
            doubts += found.doubts
            audited = len(_pins(facts.changed) & facts.answer.known.keys())
    evidence = {
        "dependency_files_changed": len(facts.changed),
        "dependency_files_unread": len(unread),
        "dependency_audit": "degraded" if doubts else "complete",
        "dependencies_audited": audited,
    }
    warnings = tuple(f"WARNING: dependencies were not fully audited: {doubt}" for doubt in doubts)
    refusal = f"the dependency audit is not complete: {doubts[0]}" if doubts and fail_closed else ""
    return DependencyResult(tuple(found.findings), (*warnings, *found.notices, *notices), refusal, evidence)


def doubt(reason: str, *, fail_closed: bool) -> DependencyResult:
    """The result where not even the changed files could be read."""
    return judge(DependencyFacts((), Degraded(reason)), fail_closed=fail_closed)


def _pins(changed: Sequence[ChangedFile]) -> set[Pin]:
    return {pin for file in changed for side in (file.base, file.head) if side for pin in side.lines}


def _blame(changed: Sequence[ChangedFile], answer: Audited, commit: str) -> _Blame:
    """New vulnerabilities as findings; those that the base has too, or may have, as notices."""
    before = {
        (pin.name, name)
        for file in changed
        for pin in (file.base.lines if file.base else ())
        for known in answer.known.get(pin, ())
        for name in known.names
    }
    found = _Blame()
    for file in changed:
        unknown_base = file.base is not None and bool(file.base.unread) and not file.base.lines
        doubted = False
        for pin, line in (file.head.lines if file.head else {}).items():
            for known in answer.known.get(pin, ()):
                fixed = ", ".join(known.fixed_in) or "no version yet"
                shown = f"{file.path}:{line}: {pin.name} {pin.version} has {known.id} (fixed in {fixed})"
                if any((pin.name, name) in before for name in known.names):
                    found.notices.append(f"{shown}, already before this change")
                elif unknown_base:
                    found.notices.append(f"{shown}, perhaps already before this change")
                    doubted = True
                else:
                    found.findings.append(_finding(file.path, line, pin, known.id, fixed, commit))
        if doubted:
            found.doubts.append(f"{file.path} as it was before {file.base.unread if file.base else ''}")
    return found


@dataclass(slots=True)
class _Blame:
    findings: list[Finding] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def _unpinned(changed: Sequence[ChangedFile]) -> tuple[list[str], list[str]]:
    """The entries without a version, as doubts and as notices.

    No doubt is an entry that a lock beside its file settles, nor one that stood there before and
    was settled no more than now.
    """
    before = {_key(entry) for file in changed for entry in _entries(file.base, file.locked_base)[1]}
    doubts: list[str] = []
    notices: list[str] = []
    for file in changed:
        settled, left = _entries(file.head, file.locked_head)
        known = {_key(entry) for entry in file.base.open} if file.base else set()
        doubts += _lines(file.path, [entry for entry in left if _key(entry) not in before])
        notices += _lines(file.path, [entry for entry in left if _key(entry) in before], ", already before this change")
        notices += _lines(
            file.path, [entry for entry in settled if _key(entry) not in known], "; a lockfile is beside it"
        )
    return doubts, notices


def _entries(side: Pins | None, locked: Collection[str]) -> tuple[list[UnpinnedEntry], list[UnpinnedEntry]]:
    """The entries of a file that the locks beside it settle, and the others."""
    settled: list[UnpinnedEntry] = []
    left: list[UnpinnedEntry] = []
    for entry in side.open if side else ():
        # No lock pins what a build uses: that one is there at all is as much as can be asked for.
        by_lock = (
            entry.name in locked
            if entry.why is UnpinnedReason.RANGE
            else entry.why is UnpinnedReason.BUILD and bool(locked)
        )
        (settled if by_lock else left).append(entry)
    return settled, left


def _key(entry: UnpinnedEntry) -> tuple[UnpinnedReason, str]:
    return entry.why, entry.text


def _lines(path: str, entries: Sequence[UnpinnedEntry], more: str = "") -> Iterator[str]:
    """One line for each reason, with the number of its entries; their text is not shown (SEC-5)."""
    for why in UnpinnedReason:
        places = [entry.line for entry in entries if entry.why is why]
        if places:
            shown = ", ".join(str(line) for line in list(dict.fromkeys(places))[:_SHOWN_LINES] if line)
            count = f"{len(places)} {'entry' if len(places) == 1 else 'entries'}"
            yield f"{path}: {count} {why}" + (f" (line {shown})" if shown else "") + more


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
