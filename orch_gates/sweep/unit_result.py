"""The result of each unit of a tick, and all of them summed up: no unit stops another (P3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from orch_gates.documents.escape import clip
from orch_gates.errors import OrchError
from orch_gates.model.feedback import one_line
from orch_gates.model.ids import timestamp
from orch_gates.model.sweep import MAX_ALERTS, Alert

_LONGEST = 400


@dataclass(frozen=True, slots=True)
class UnitResult:
    """What was done, what could not be told or done, and what a person has to look at.

    `counts` are by the names of the memory's counters. `alerts` are lines by their keys; an alert that is not among
    them is over where its key begins with one of `looked`, since that was looked for.
    """

    lines: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    alerts: Mapping[str, str] = field(default_factory=dict)
    looked: tuple[str, ...] = ()


def summed(parts: Iterable[UnitResult]) -> UnitResult:
    """All of them as one."""
    lines: list[str] = []
    problems: list[str] = []
    counts: Counter[str] = Counter()
    alerts: dict[str, str] = {}
    looked: list[str] = []
    for part in parts:
        lines += part.lines
        problems += part.problems
        counts.update(part.counts)
        alerts |= part.alerts
        looked += part.looked
    return UnitResult(tuple(lines), tuple(problems), counts, alerts, tuple(looked))


def isolated(name: str, unit: Callable[[], UnitResult]) -> UnitResult:
    """The result of one unit; whatever it raises is a problem in it."""
    try:
        return unit()
    except OrchError as error:
        return UnitResult(problems=(f"{name}: {error}",))
    except Exception as error:  # noqa: BLE001 - the next unit still runs, and the cause is told (P3)
        return UnitResult(problems=(f"{name}: {type(error).__name__}: {error}",))


@dataclass(frozen=True, slots=True)
class Alerts:
    """The alerts after a tick, and which of them are new or over: each is told once.

    `dropped` says how many more there are than are remembered; it is told by every tick.
    """

    open: tuple[Alert, ...]
    opened: tuple[Alert, ...]
    closed: tuple[Alert, ...]
    dropped: str = ""


def alerts_after(before: tuple[Alert, ...], result: UnitResult, now: datetime) -> Alerts:
    """What a person has to look at after a tick; what could not be looked for stays (P2)."""
    lines = {_short(key): _short(line) for key, line in result.alerts.items()}
    kept = [alert for alert in before if alert.key in lines or not alert.key.startswith(result.looked or ("\n",))]
    closed = tuple(alert for alert in before if alert not in kept)
    at = timestamp(now)
    known = {alert.key for alert in kept}
    new = [Alert(key=key, since=at, line=line) for key, line in sorted(lines.items()) if key not in known]
    room = max(MAX_ALERTS - len(kept), 0)
    more = len(new) - room
    dropped = f"{more} more alerts than can be stored; resolve some of the stored {MAX_ALERTS}" if more > 0 else ""
    return Alerts((*kept, *new[:room]), tuple(new[:room]), closed, dropped)


def _short(text: str) -> str:
    return clip(one_line(text), _LONGEST)
