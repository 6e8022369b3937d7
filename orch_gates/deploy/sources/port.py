"""What every source of request counts does for a watch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from orch_gates.engine.watch_assessment import Count, NoData, Reading


class RequestSource(Protocol):
    """Counts of production's requests, in bounded time; it keeps where it was, for one watcher.

    No method raises: what cannot be told is `NoData` with the reason.
    """

    @property
    def name(self) -> str:
        """What people are told of it."""

    def before(self) -> Reading:
        """What it counted lately, asked before a deploy: the baseline of its errors."""

    def begin(self) -> None:
        """Count from here on."""

    def read(self) -> Reading:
        """What it counted since it was read last, or since it began."""

    def close(self) -> None:
        """Let go of what it holds open."""


# More than a production answers in years, and less than a document can hold.
_MOST = 10**15


@dataclass(frozen=True, slots=True)
class Totals:
    """Requests and errors among them, as a source counts them."""

    requests: float
    errors: float


def reading(source: str, totals: Totals) -> Reading:
    """Totals as a watch counts them; no data where they cannot be true."""
    if not all(0 <= one <= _MOST for one in (totals.requests, totals.errors)):
        return NoData(source, "it counts an impossible number of requests")
    requests, errors = round(totals.requests), round(totals.errors)
    if errors > requests:
        return NoData(source, f"it counts more errors ({errors}) than requests ({requests})")
    return Count(source, requests, errors)
