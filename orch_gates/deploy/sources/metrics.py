"""Counters that a program exposes itself: two selectors, read directly, so that no scrape is missed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orch_gates.deploy.sources import web
from orch_gates.deploy.sources.port import Totals, reading
from orch_gates.engine import counters
from orch_gates.engine.counters import Selector, Series
from orch_gates.engine.watch_assessment import NoData, Reading

_MOST_BYTES = 16_777_216


@dataclass
class Metrics:
    """The text endpoint of one process; several behind one address would seem to begin anew all the time."""

    url: str
    total: Selector
    errors: Selector
    name: str
    timeout: float = 10.0
    _before: Mapping[Series, float] | None = field(default=None)

    def before(self) -> Reading:
        """What the process counted since it began."""
        found = self._series()
        return found if isinstance(found, NoData) else self._grown({}, found)

    def close(self) -> None:
        """Nothing is held open."""

    def begin(self) -> None:
        """Count from what it counts now; where it does not answer, from its next answer on."""
        found = self._series()
        self._before = None if isinstance(found, NoData) else found

    def read(self) -> Reading:
        """How much it counted since; of a counter that went down or came new, all that it counts."""
        found = self._series()
        if isinstance(found, NoData):
            return found
        before, self._before = self._before, found
        if before is None:
            return NoData(self.name, "this is the first answer, so counting begins here")
        return self._grown(before, found)

    def _grown(self, before: Mapping[Series, float], now: Mapping[Series, float]) -> Reading:
        total = counters.increase(before, now, self.total)
        if total is None:
            wrong = counters.unproven(self.total, now)
            return NoData(self.name, wrong or f"no counter {self.total.name} with these labels has a value")
        # A program that never failed may have no such series yet; a name that is misspelled has none either.
        absent = not any(self.errors.fits(series) for series in now)
        if absent and (wrong := counters.unproven(self.errors, now)):
            return NoData(self.name, wrong, misconfigured=True)
        errors = 0.0 if absent else counters.increase(before, now, self.errors)
        if errors is None:
            return NoData(self.name, f"a counter {self.errors.name} has no value")
        return reading(self.name, Totals(total, errors))

    def _series(self) -> Mapping[Series, float] | NoData:
        answer = web.get(self.url, timeout=self.timeout, most=_MOST_BYTES)
        if isinstance(answer, web.Unreached):
            return NoData(self.name, answer.why)
        if answer.status != 200:
            return NoData(self.name, f"answered {answer.status}")
        if not answer.whole:
            return NoData(self.name, f"answered with more than {_MOST_BYTES} bytes")
        try:
            return counters.parse(answer.body.decode("utf-8", "replace"))
        except ValueError as error:
            return NoData(self.name, str(error))
