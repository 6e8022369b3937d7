"""Moments on the page: in UTC, with how long ago that was when the page was made."""

from __future__ import annotations

from datetime import UTC, datetime

from orch_gates.model.ids import moment
from orch_gates.report.html.markup import Html, joined, tag

_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"))


def when(stamp: str | None, now: datetime) -> Html:
    """A moment of a document and its age; a dash for none."""
    if not stamp:
        return Html("-")
    shown = moment(stamp).strftime("%Y-%m-%d %H:%M")
    return joined((tag("time", shown, datetime=stamp), tag("span", age(stamp, now), class_="age")), " ")


def age(stamp: str, now: datetime) -> str:
    """How long ago a moment was, or in how long it will be, in the largest unit that it has at least two of."""
    seconds = int((now.astimezone(UTC) - moment(stamp)).total_seconds())
    short = span(abs(seconds))
    return f"in {short}" if seconds < 0 else f"{short} ago"


def span(seconds: int) -> str:
    """So many seconds in the largest unit that they have at least two of."""
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
