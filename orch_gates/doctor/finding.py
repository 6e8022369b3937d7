"""What a check found: a state, what was seen, and what mends it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from orch_gates.documents.escape import clip

# Of one thing, and of all that a check names: names, reasons and answers of servers are as long as others made them.
_LONGEST, _LONGEST_OF_ALL = 1000, 4000


class CheckState(StrEnum):
    """How a thing stands; UNKNOWN is a state of its own, and never OK (P2)."""

    OK = "ok"
    WARNING = "warning"
    BAD = "bad"
    UNKNOWN = "unknown"
    NOT_USED = "not used"


@dataclass(frozen=True, slots=True)
class CheckFinding:
    """`mend` is a command or a page of the manual, empty where there is nothing to do."""

    state: CheckState
    seen: str
    mend: str = ""


class NotUsedError(Exception):
    """What a check is about is not used here; `str()` says what is not."""


class TooLongError(Exception):
    """The time of a check is over; no OrchError, which what is looked at might take for an answer of its own."""


def ok(seen: str) -> CheckFinding:
    """All is well."""
    return _finding(CheckState.OK, seen)


def warning(seen: str, mend: str) -> CheckFinding:
    """It works, and somebody should look at it."""
    return _finding(CheckState.WARNING, seen, mend)


def bad(seen: str, mend: str) -> CheckFinding:
    """It does not do what people rely on."""
    return _finding(CheckState.BAD, seen, mend)


def unknown(seen: str, mend: str = "") -> CheckFinding:
    """It could not be told."""
    return _finding(CheckState.UNKNOWN, seen, mend)


def not_used(seen: str) -> CheckFinding:
    """There is nothing to look at."""
    return _finding(CheckState.NOT_USED, seen)


def _finding(state: CheckState, seen: str, mend: str = "") -> CheckFinding:
    """What mends it stays whole, as a command that is cut mends nothing."""
    return CheckFinding(state, clip(seen, _LONGEST), mend)


_WORST_FIRST = (CheckState.BAD, CheckState.UNKNOWN, CheckState.WARNING, CheckState.OK, CheckState.NOT_USED)


def worst(*findings: CheckFinding) -> CheckFinding:
    """One finding for several things of a kind: its state is that of the worst, its text names all that are not well.

    Where all are well, it names them all.
    """
    ordered = sorted(findings, key=lambda found: _WORST_FIRST.index(found.state))
    state = ordered[0].state
    chosen = [found for found in ordered if found.state is not CheckState.OK] or ordered
    mends = dict.fromkeys(found.mend for found in chosen if found.mend)
    seen = "; ".join(dict.fromkeys(found.seen for found in chosen))
    return CheckFinding(state, clip(seen, _LONGEST_OF_ALL), "; ".join(mends))
