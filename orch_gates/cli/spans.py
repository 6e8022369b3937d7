"""Spans of time as people type them: 90s, 15m, 2h, 3d."""

from __future__ import annotations

import re
from datetime import timedelta

from orch_gates.errors import UsageError

_SPAN = re.compile(r"(?P<number>[1-9][0-9]{0,3})(?P<unit>[smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def span_of(text: str, most: timedelta) -> timedelta:
    """The span that a person typed.

    Raises:
        UsageError: it is none, or longer than `most`.
    """
    found = _SPAN.fullmatch(text)
    span = timedelta(**{_UNITS[found["unit"]]: int(found["number"])}) if found is not None else timedelta(0)
    if not timedelta(0) < span <= most:
        longest = "a day" if most == timedelta(days=1) else f"{most.days} days"
        raise UsageError(f"{text!r} is not a time like 90s, 15m or 2h, of at most {longest}")
    return span
