"""One sample: every target asked, every source read, and the control target where something failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import assert_never

from orch_gates import clock
from orch_gates.deploy.sources import probes
from orch_gates.deploy.sources.access_log import AccessLog
from orch_gates.deploy.sources.metrics import Metrics
from orch_gates.deploy.sources.port import RequestSource
from orch_gates.deploy.sources.probes import Target
from orch_gates.deploy.sources.prometheus import Prometheus
from orch_gates.engine import counters
from orch_gates.engine.watch_assessment import Reading, Sample, WatchRules
from orch_gates.engine.watch_plan import ProbePlan, SourceKind, SourcePlan, WatchPlan
from orch_gates.model.watch import Probed

_AGAIN_AFTER_S = 1.0


@dataclass(frozen=True, slots=True)
class Sampler:
    """All that a watch asks, for one watcher."""

    targets: tuple[Target, ...]
    control: str
    sources: tuple[RequestSource, ...]

    def begin(self) -> None:
        """Count from here on."""
        for source in self.sources:
            source.begin()

    def sample(self, at: int) -> Sample:
        """What is seen now, `at` seconds after the watch began."""
        return self._seen(at, [source.read() for source in self.sources])

    def before(self, failures: int) -> Sample:
        """What is seen before a deploy: the targets as they are, and what the sources counted lately.

        One that fails is asked again: what was not seen `failures` times in a row excuses no later failure.
        """
        readings = [source.before() for source in self.sources]
        found = self._seen(0, readings, counts_own=False)
        for _ in range(1, failures):
            if not any(one.result is Probed.FAILED for one in found.probes):
                break
            clock.sleep(_AGAIN_AFTER_S)
            found = self._seen(0, readings, counts_own=False)
        return found

    def _seen(self, at: int, readings: Sequence[Reading], *, counts_own: bool = True) -> Sample:
        if not self.targets:
            return Sample(at, readings=tuple(readings))
        probing = probes.ask(self.targets)
        failed = any(one.result is Probed.FAILED for one in probing.probes)
        control = probes.reaches(self.control) if self.control and failed else None
        # What a runner without a network did not get is nothing that production answered.
        own = [probing.own] if counts_own and control is not False else []
        return Sample(at, probing.probes, control, (*readings, *own))

    def rules(self, configured: WatchRules) -> WatchRules:
        """The rules with the names of what is asked here."""
        return replace(
            configured,
            targets=tuple(one.name for one in self.targets),
            sources=tuple(one.name for one in self.sources),
        )

    def close(self) -> None:
        """Let go of what is held open."""
        for source in self.sources:
            source.close()


def sampler_of(plan: WatchPlan) -> Sampler:
    """What a configured watch asks."""
    sources = tuple(_source(one, plan.rules.window) for one in plan.sources)
    return Sampler(_targets(plan.probes), plan.control, sources)


def _targets(plans: Sequence[ProbePlan]) -> tuple[Target, ...]:
    return tuple(Target(one.url, one.statuses, one.body, one.latency, one.timeout, one.anywhere) for one in plans)


def _source(plan: SourcePlan, window: int) -> RequestSource:
    match plan.kind:
        case SourceKind.ACCESS_LOG:
            return AccessLog(Path(plan.place), plan.name, window)
        case SourceKind.METRICS:
            total, errors = counters.selector(plan.total), counters.selector(plan.errors)
            return Metrics(plan.place, total, errors, plan.name)
        case SourceKind.PROMETHEUS:
            return Prometheus(plan.place, plan.total, plan.errors, plan.name, window)
        case _:
            assert_never(plan.kind)
