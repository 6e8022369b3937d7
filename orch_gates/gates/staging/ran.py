"""Which checks ran, as a report keeps it for the next run: one by one, or by their suites where they are too many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from orch_gates.documents.escape import visible

_MOST_BYTES = 64_000
_INDENT = "    "


class ReportSection(StrEnum):
    """What is listed; the words are the headings in a report."""

    CHECKS = "Checks that ran"
    SUITES = "Suites that ran, and how many checks of each"


@dataclass(frozen=True, slots=True)
class ChecksRun:
    """What ran, as it is shown, and how many checks of it."""

    kind: ReportSection = ReportSection.CHECKS
    counts: Mapping[str, int] = field(default_factory=dict)


def of(ids: Iterable[str]) -> ChecksRun:
    """What is kept of checks, as much as a report holds; of too many suites nothing is."""
    names = list(ids)
    # What is shown is never shorter than the name.
    kinds = [ReportSection.SUITES] if sum(map(len, names)) > _MOST_BYTES else list(ReportSection)
    for kind in kinds:
        found = counted(names, kind)
        if sum(len(_line(found, name)) for name in found.counts) <= _MOST_BYTES:
            return found
    return ChecksRun(ReportSection.SUITES)


def counted(ids: Iterable[str], kind: ReportSection) -> ChecksRun:
    """Checks as they are listed in a kind of list."""
    match kind:
        case ReportSection.CHECKS:
            return ChecksRun(kind, dict.fromkeys(map(visible, ids), 1))
        case ReportSection.SUITES:
            suites = Counter(map(_suite, ids))
            found: Counter[str] = Counter()
            for name, count in suites.items():
                found[visible(name)] += count
            return ChecksRun(kind, found)


def missing(before: ChecksRun, ids: Iterable[str]) -> tuple[str, ...]:
    """What ran before and does not run now, in the order in which it was listed (pure)."""
    if not before.counts:
        return ()
    now = counted(ids, before.kind).counts
    gone = [(name, wanted - now.get(name, 0)) for name, wanted in before.counts.items() if now.get(name, 0) < wanted]
    return tuple(name if before.kind is ReportSection.CHECKS else f"{lost} of {name}" for name, lost in gone)


def carried(before: ChecksRun, now: ChecksRun) -> ChecksRun:
    """What is kept after a run that failed: what it did not come to is looked for again."""
    if not before.counts:
        return now
    if before.kind is not now.kind:
        return before
    most = {name: max(before.counts.get(name, 0), now.counts.get(name, 0)) for name in (*before.counts, *now.counts)}
    kept = ChecksRun(before.kind, most)
    return kept if sum(len(_line(kept, name)) for name in most) <= _MOST_BYTES else before


def text(ran: ChecksRun) -> str:
    """A list as the end of a report's body; nothing in a name can end it."""
    if not ran.counts:
        return ""
    return f"\n## {ran.kind}\n\n{''.join(_line(ran, name) for name in ran.counts)}"


def parse(body: str) -> ChecksRun:
    """The list at the end of a report's body; empty where it keeps none."""
    for kind in ReportSection:
        _, heading, listed = body.rpartition(f"\n## {kind}\n\n")
        lines = listed.split("\n") if heading else []
        if lines and all(line.startswith(_INDENT) for line in lines[:-1]):
            rows = [line.removeprefix(_INDENT) for line in lines if line.startswith(_INDENT)]
            if kind is ReportSection.CHECKS:
                return ChecksRun(kind, dict.fromkeys(rows, 1))
            split = [row.partition(" ") for row in rows]
            return ChecksRun(
                kind, {name: int(number) for number, _, name in split if number.isdecimal() and len(number) < 9}
            )
    return ChecksRun()


def _line(ran: ChecksRun, name: str) -> str:
    return f"{_INDENT}{name}\n" if ran.kind is ReportSection.CHECKS else f"{_INDENT}{ran.counts[name]} {name}\n"


def _suite(check: str) -> str:
    suite, found, _ = check.rpartition("::")
    if not found:
        suite, found, _ = check.partition(" > ")
    return suite if found else "(no suite)"
