"""A Prometheus server, asked for two numbers: a ratio would hide that there were no requests."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

from orch_gates import clock
from orch_gates.deploy.sources import web
from orch_gates.deploy.sources.port import Totals, reading
from orch_gates.engine import counters
from orch_gates.engine.counters import Selector, Series
from orch_gates.engine.watch_assessment import Count, NoData, Reading

# In a query it stands for the seconds since when it counts, as `[$window]`.
WINDOW = "$window"
_PATH = "/api/v1/query"
_MOST_BYTES = 1_048_576
# What answers also where no series fits.
_FALLBACK = re.compile(r"\b(or|vector|scalar|absent|absent_over_time|time)\b")
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
    _proven: set[str] = field(default_factory=set)

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
        if isinstance(total, NoData):
            return total
        if total is None:
            return NoData(self.name, f"no value for {self._query(self.total, seconds)}")
        errors = self._number(self.errors, seconds)
        if isinstance(errors, NoData):
            return errors
        for query, value in ((self.total, total), (self.errors, errors)):
            # No series, or a zero that stands in for one: of what is misspelled there is none either.
            if value is None or (value == 0 and _FALLBACK.search(query)):
                wrong = self._unproven(query, seconds)
                if wrong is not None:
                    return wrong
        return Totals(total, errors or 0.0)

    def _unproven(self, query: str, seconds: int) -> NoData | None:
        """Why it is not known that the counters of a query are named as they are; None where it is, for good."""
        if query in self._proven:
            return None
        try:
            selectors = counters.selectors_in(query)
        except ValueError as error:
            return NoData(self.name, f"{query}: a counter {error}", misconfigured=True)
        if not selectors:
            way = "name one, so that a wrong name can be told from zero"
            why = f"{query} returned nothing, and has no counter as in x[{WINDOW}]; {way}"
            return NoData(self.name, why, misconfigured=True)
        for one in selectors:
            there = self._there(one, seconds + self.window)
            if isinstance(there, NoData):
                return there
            if wrong := counters.unproven(one, there):
                return NoData(self.name, wrong, misconfigured=True)
        self._proven.add(query)
        return None

    def _there(self, wanted: Selector, seconds: int) -> list[Series] | NoData:
        """Series that show how a counter and its labels are named, or what is there in its place."""
        labels = ", ".join(dict.fromkeys(label for label, _, _ in wanted.wanted))
        counted = f"count_over_time({wanted.name}[{seconds}s])"
        found = self._series(f"count by ({labels}) ({counted})", wanted.name)
        if isinstance(found, NoData) or not counters.unproven(wanted, found):
            return found
        if found:
            return self._series(f"topk(5, {counted})", wanted.name) if not _has_labels(found, wanted) else found
        alike = re.split("[_:]", wanted.name.lstrip("_:"))[0]
        return self._series(f'count by (__name__) ({{__name__=~"{alike}.*"}})', "")

    def _series(self, query: str, name: str) -> list[Series] | NoData:
        data = self._data(query)
        if isinstance(data, NoData):
            return data
        try:
            found = [dict(one["metric"]) for one in data["result"]]
            return [
                (
                    str(name or one.get("__name__", "")),
                    frozenset((str(k), str(v)) for k, v in one.items() if k[:2] != "__"),
                )
                for one in found
            ]
        except (KeyError, TypeError, ValueError):
            return NoData(self.name, f"{query} did not return series")

    def _number(self, query: str, seconds: int) -> float | NoData | None:
        """The answer to a query; None where it has no series, `NoData` where it is no number."""
        query = self._query(query, seconds)
        data = self._data(query)
        if isinstance(data, NoData):
            return data
        values = _values(data)
        if values is None:
            return NoData(self.name, f"{query} did not return numbers")
        if not all(math.isfinite(value) and value >= 0 for value in values):
            return NoData(self.name, f"{query} is {', '.join(str(value) for value in values)}")
        if not values:
            return None
        found = sum(values)
        return found if math.isfinite(found) else NoData(self.name, f"{query} did not return a number of requests")

    def _data(self, query: str) -> Any:
        """What Prometheus answers to a query, or `NoData`."""
        answer = web.get(self.url.rstrip("/") + _PATH, timeout=self.timeout, most=_MOST_BYTES, query={"query": query})
        if isinstance(answer, web.Unreached):
            return NoData(self.name, answer.why)
        try:
            document = json.loads(answer.body) if answer.whole else None
        except _MOST_DEPTH_ERRORS:
            document = None
        if not isinstance(document, dict):
            return NoData(self.name, f"answered {answer.status}, but not as Prometheus does")
        if document.get("status") != "success":
            why = f"{query}: {document.get('errorType', answer.status)}: {document.get('error', '')}"
            return NoData(self.name, why, misconfigured=document.get("errorType") == "bad_data")
        return document.get("data")

    @staticmethod
    def _query(query: str, seconds: int) -> str:
        return query.replace(WINDOW, f"{seconds}s")


def _has_labels(series: list[Series], wanted: Selector) -> bool:
    """Whether each label that is asked for stands in some of the series."""
    there = {label for _, labels in series for label, _ in labels}
    return all(label in there for label, _, _ in wanted.wanted)


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
