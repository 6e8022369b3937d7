"""How `orch-gates doctor` looks: a line for each check and one for what mends it, or JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from orch_gates.doctor.check import CheckResult, Group, Summary
from orch_gates.doctor.finding import CheckState
from orch_gates.documents.escape import visible
from orch_gates.report import machine

_WORDS = {
    CheckState.OK: "ok",
    CheckState.WARNING: "warning",
    CheckState.BAD: "BAD",
    CheckState.UNKNOWN: "could not tell",
    CheckState.NOT_USED: "not applicable",
}
_TONES = {
    CheckState.OK: "passed",
    CheckState.WARNING: "waiting",
    CheckState.BAD: "failed",
    CheckState.UNKNOWN: "waiting",
    CheckState.NOT_USED: "faint",
}
_WIDTH = max(map(len, _WORDS.values()))
_INDENT = " " * (_WIDTH + 4)


def pieces(result: CheckResult, *, before: Group | None, width: int | None = None) -> Iterator[tuple[str, str]]:
    """The lines of one check, each with its tone; below the name of its group where that is a new one.

    What was seen is folded to `width` columns; what mends it never is, so that it can be copied.
    """
    if result.group is not before:
        yield f"{'' if before is None else chr(10)}{result.group}\n", ""
    found = result.finding
    line = f"{result.name}: {visible(found.seen)}"
    lines = [line] if width is None else _folded(line, width)
    yield f"  {_WORDS[found.state]:{_WIDTH}}  {lines[0]}\n", _TONES[found.state]
    for line in lines[1:]:
        yield f"{_INDENT}{line}\n", _TONES[found.state]
    if found.mend:
        yield f"{_INDENT}mend: {visible(found.mend)}\n", ""


def not_applying(names: Sequence[str], width: int | None = None) -> Iterator[tuple[str, str]]:
    """One line for all checks that have nothing to look at here; none where there is none."""
    if names:
        what = "check does" if len(names) == 1 else "checks do"
        line = f"{len(names)} {what} not apply here: {', '.join(names)}; --all shows them"
        lines = [line] if width is None else textwrap.wrap(line, width, break_on_hyphens=False)
        yield "\n" + "".join(f"{line}\n" for line in lines), _TONES[CheckState.NOT_USED]


def _folded(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width - len(_INDENT), break_long_words=False, break_on_hyphens=False)


def closing(found: Summary) -> str:
    """The last line."""
    counts = found.counts
    looked = sum(counts.values()) - counts[CheckState.NOT_USED]
    parts = [
        f"{counts[state]} {_WORDS[state]}" for state in CheckState if state is not CheckState.NOT_USED and counts[state]
    ]
    return (
        f"\n{looked} {'check' if looked == 1 else 'checks'}: {', '.join(parts) or 'nothing to look at'}; "
        f"{counts[CheckState.NOT_USED]} not applicable\n"
    )


def as_json(results: Sequence[CheckResult], found: Summary) -> str:
    """Everything, for programs."""
    document = {
        "exit_code": found.exit_code,
        "counts": {state.value: count for state, count in found.counts.items()},
        "checks": [
            {
                "name": one.name,
                "group": one.group.value,
                "state": one.finding.state.value,
                "seen": one.finding.seen,
                "mend": one.finding.mend or None,
            }
            for one in results
        ],
    }
    return machine.document("doctor", document)
