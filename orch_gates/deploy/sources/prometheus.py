"""A Prometheus server, asked for two numbers: a ratio would hide that there were no requests (faults.md T17)."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

from orch_gates import clock
from orch_gates.deploy.sources import web
from orch_gates.deploy.sources.port import Totals, reading
from orch_gates.engine.watching import Count, NoData, Reading

# In a query it stands for the seconds since when it counts, as `[$window]`.
WINDOW = "$window"
_PATH = "/api/v1/query"
_MOST_BYTES = 1_048_576
_MOST_DEPTH_ERRORS = (ValueError, RecursionError)


@dataclass
class Prometheus:
    """Two queries that count requests and errors in the last `$window`; several series are added up."""

    url: str
    total: str
    errors: str
    name: str
    window: int
    timeout: float = 10.0
    _began: float = 0.0
    _counted: Totals = field(default_factory=lambda: Totals(0, 0))

    def before(self) -> Reading:
        """What was counted in as long a time as will be watched."""
        found = self._totals(self.window)
        return found if isinstance(found, NoData) else reading(self.name, found)

    def close(self) -> None:
        """Nothing is held open."""

    def begin(self) -> None:
        """Count from here on."""
        self._began, self._counted = clock.monotonic(), Totals(0, 0)

    def read(self) -> Reading:
        """How much more it counts since the begin than the last time.

        Each question is about all of the time since: in a short one Prometheus has too few values to count.
        """
        found = self._totals(max(1, round(clock.monotonic() - self._began)))
        if isinstance(found, NoData):
            return found
        before = self._counted
        now = Totals(max(round(found.requests), before.requests), max(round(found.errors), before.errors))
        more = reading(self.name, Totals(now.requests - before.requests, now.errors - before.errors))
        # Estimates may grow one before the other: what cannot be true yet is asked for again.
        if isinstance(more, Count):
            self._counted = now
        return more

    def _totals(self, seconds: int) -> Totals | NoData:
        total = self._number(self.total, seconds)
        if total is None:
            return NoData(self.name, f"no value for {self._query(self.total, seconds)}")
        if isinstance(total, NoData):
            return total
        errors = self._number(self.errors, seconds)
        if isinstance(errors, NoData):
            return errors
        # No series of errors, where there is one of requests: none failed.
        return Totals(total, errors or 0.0)

    def _number(self, query: str, seconds: int) -> float | NoData | None:
        """The answer to a query; None where it has no series, `NoData` where it is no number."""
        asked = self._query(query, seconds)
        answer = web.get(self.url.rstrip("/") + _PATH, timeout=self.timeout, most=_MOST_BYTES, query={"query": asked})
        if isinstance(answer, web.Unreached):
            return NoData(self.name, answer.why)
        try:
            document = json.loads(answer.body) if answer.whole else None
        except _MOST_DEPTH_ERRORS:
            document = None
        if not isinstance(document, dict):
            return NoData(self.name, f"answered {answer.status} and not as Prometheus does")
        if document.get("status") != "success":
            why = f"{asked}: {document.get('errorType', answer.status)}: {document.get('error', '')}"
            return NoData(self.name, why, misconfigured=document.get("errorType") == "bad_data")
        values = _values(document.get("data"))
        if values is None:
            return NoData(self.name, f"{asked} did not answer with numbers")
        if not all(math.isfinite(value) and value >= 0 for value in values):
            return NoData(self.name, f"{asked} is {', '.join(str(value) for value in values)}")
        if not values:
            return None
        found = sum(values)
        return found if math.isfinite(found) else NoData(self.name, f"{asked} is no number that counts requests")

    @staticmethod
    def _query(query: str, seconds: int) -> str:
        return query.replace(WINDOW, f"{seconds}s")


def _values(data: Any) -> list[float] | None:
    """The numbers of an answer, which spells them as texts; None where it is of another kind."""
    try:
        match data["resultType"]:
            case "vector":
                return [float(one["value"][1]) for one in data["result"]]
            case "scalar":
                return [float(data["result"][1])]
            case _:
                return None
    except (KeyError, IndexError, TypeError, ValueError, OverflowError):
        return None
