"""What the samples of a watch prove about a deploy: pure, and what was not observed proves nothing (WCH-2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from orch_gates.model.feedback import one_line
from orch_gates.model.watch import Probed, WatchVerdict


@dataclass(frozen=True, slots=True)
class Probe:
    """One request of ours to one target."""

    target: str
    result: Probed
    why: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """Requests that production answered since the sample before, and how many of them with a server error."""

    source: str
    requests: int
    errors: int


@dataclass(frozen=True, slots=True)
class NoData:
    """A source that gave no numbers; `misconfigured`: it cannot, until a person changes what it was asked."""

    source: str
    why: str
    misconfigured: bool = False


Reading: TypeAlias = Count | NoData


@dataclass(frozen=True, slots=True)
class Sample:
    """What was observed `at` so many seconds after the watch began; without a control probe `control` is None."""

    at: int
    probes: tuple[Probe, ...] = ()
    control: bool | None = None
    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """What is watched, for how long, and from when on production is ill.

    `targets` and `sources` are all that is configured; `failures` in a row of one target are too many, and so are
    more errors than `max_ratio` of at least `min_requests`. Failures in the first `warmup` seconds do not count.
    """

    targets: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    window: int = 900
    every: int = 30
    failures: int = 3
    min_requests: int = 100
    max_ratio: Fraction = Fraction(1, 20)
    warmup: int = 0

    @property
    def due(self) -> int:
        """How many samples a window that is watched from its begin to its end has."""
        return max(1, -(-self.window // self.every))


@dataclass(frozen=True, slots=True)
class Judged:
    """What samples prove: HEALTHY, DEGRADED or UNOBSERVED, and in how many of the `due` samples anything was seen."""

    verdict: WatchVerdict
    reason: str
    observed: int
    due: int

    @property
    def enough(self) -> bool:
        """Whether so much was observed that a later deploy may be taken back to this one: half of the window."""
        return 2 * self.observed >= self.due

    @property
    def coverage(self) -> str:
        """How much of the window was observed."""
        return f"{self.observed}/{self.due}"


def classify(samples: Iterable[Sample], rules: Rules, baseline: Sequence[Count] = ()) -> Judged:
    """What the samples prove; one that failed more never makes it healthier, and one that is missing proves nothing.

    `baseline` is what each source counted before the deploy: errors that were there then are not held against it.
    """
    ordered = sorted(samples, key=lambda sample: sample.at)
    seen = len({sample.at // rules.every for sample in ordered if _is_observed(sample, rules)})
    observed = min(seen, rules.due)
    if ill := _ill(ordered, rules, baseline):
        return Judged(WatchVerdict.DEGRADED, ill, observed, rules.due)
    if lacking := _lacking(ordered, rules):
        return Judged(WatchVerdict.UNOBSERVED, lacking, observed, rules.due)
    failed = sum(result is Probed.FAILED for sample in ordered for _, result, _ in _results(sample, rules))
    some = f", {failed} probes failed" if failed else ""
    return Judged(WatchVerdict.HEALTHY, f"{observed} of {rules.due} samples observed{some}", observed, rules.due)


def has_failure(sample: Sample, rules: Rules) -> bool:
    """Whether a sample shows something that counts against production."""
    if any(result is Probed.FAILED for _, result, _ in _results(sample, rules)):
        return True
    return any(reading.errors > 0 for reading in _counts(sample, rules))


def _results(sample: Sample, rules: Rules) -> Iterator[tuple[str, Probed, str]]:
    """The probes as far as they tell of production: not of its warm-up, nor of a runner that reaches nobody."""
    excused = sample.at < rules.warmup or sample.control is False
    for probe in sample.probes:
        result = Probed.NOT_MADE if excused and probe.result is Probed.FAILED else probe.result
        yield probe.target, result, probe.why


def _counts(sample: Sample, rules: Rules) -> Iterator[Count]:
    if sample.at >= rules.warmup:
        yield from (reading for reading in sample.readings if isinstance(reading, Count))


def _is_observed(sample: Sample, rules: Rules) -> bool:
    results = [result for _, result, _ in _results(sample, rules)]
    probed = bool(results) and Probed.NOT_MADE not in results
    return probed or any(count.requests > 0 for count in _counts(sample, rules))


def _ill(samples: Sequence[Sample], rules: Rules, baseline: Sequence[Count]) -> str:
    """Why production is ill; empty where that is not proven."""
    targets = {probe.target for sample in samples for probe in sample.probes}
    sources = {reading.source for sample in samples for reading in sample.readings}
    found = [_failing(samples, rules, target) for target in sorted(targets)]
    found += [_erring(samples, rules, source, baseline) for source in sorted(sources)]
    return "; ".join(one for one in found if one)


def _failing(samples: Sequence[Sample], rules: Rules, target: str) -> str:
    """The first `failures` of a target in a row; a probe that was not made neither counts nor ends a row."""
    row: list[int] = []
    for sample in samples:
        for name, result, why in _results(sample, rules):
            if name != target or result is Probed.NOT_MADE:
                continue
            row = [*row, sample.at] if result is Probed.FAILED else []
            if len(row) >= rules.failures:
                return one_line(f"{target} failed {len(row)} times in a row, {row[0]} s to {row[-1]} s: {why}")
    return ""


def _erring(samples: Sequence[Sample], rules: Rules, source: str, baseline: Sequence[Count]) -> str:
    """The first stretch of samples with enough requests and too many errors among them, wherever it begins and ends.

    A stretch has too many where its errors are more than the limit's share of its requests. Summed up from the begin,
    that is a sum which is higher at its end than at its begin; the lowest begin that leaves enough requests tells.
    """
    limit = _limit(rules, source, baseline)
    requests, errors = [0], [0]
    lowest, begin = 0, 0
    for sample in samples:
        counted = [count for count in _counts(sample, rules) if count.source == source]
        requests.append(requests[-1] + sum(count.requests for count in counted))
        errors.append(errors[-1] + sum(count.errors for count in counted))
        while requests[begin] + rules.min_requests <= requests[-1]:
            if _excess(requests[begin], errors[begin], limit) < _excess(requests[lowest], errors[lowest], limit):
                lowest = begin
            begin += 1
        many, bad = requests[-1] - requests[lowest], errors[-1] - errors[lowest]
        if many >= rules.min_requests and _excess(many, bad, limit) > 0:
            share, most = float(Fraction(bad, many)), float(limit)
            return one_line(f"{source}: {bad} of {many} requests failed, {share:.1%} where {most:.1%} may")
    return ""


def _excess(requests: int, errors: int, limit: Fraction) -> int:
    return limit.denominator * errors - limit.numerator * requests


def _limit(rules: Rules, source: str, baseline: Sequence[Count]) -> Fraction:
    """The share of errors that a source may have: as many as before the deploy, and `max_ratio` besides."""
    before = [count for count in baseline if count.source == source and count.requests >= rules.min_requests]
    return rules.max_ratio + max((Fraction(count.errors, count.requests) for count in before), default=Fraction(0))


def _lacking(samples: Sequence[Sample], rules: Rules) -> str:
    """What is not there to call production healthy; empty where nothing lacks."""
    well = {target for sample in samples for target, result, _ in _results(sample, rules) if result is Probed.OK}
    found = [f"{target} was never seen well" for target in sorted(set(rules.targets) - well)]
    found += [problem for source in sorted(rules.sources) if (problem := _silent(samples, source))]
    if not rules.targets:
        found += _too_few(samples, rules)
    return one_line("; ".join(found))


def _silent(samples: Sequence[Sample], source: str) -> str:
    """Why a source cannot be relied on: it gave no number all the time, as a misspelled one does (faults.md T17)."""
    mine = [reading for sample in samples for reading in sample.readings if reading.source == source]
    if wrong := [reading for reading in mine if isinstance(reading, NoData) and reading.misconfigured]:
        return f"{source} is misconfigured: {wrong[-1].why}"
    counts = [reading for reading in mine if isinstance(reading, Count)]
    if any(count.requests == 0 or count.errors < count.requests for count in counts):
        return ""
    if counts:
        return f"{source} counted nothing but errors"
    why = next((reading.why for reading in reversed(mine) if isinstance(reading, NoData)), "it was never asked")
    return f"{source} gave no number in the whole window ({why}): check what it is asked"


def _too_few(samples: Sequence[Sample], rules: Rules) -> Iterator[str]:
    """Without probes only enough requests that were answered well tell of health."""
    good: dict[str, int] = {}
    for sample in samples:
        for count in _counts(sample, rules):
            good[count.source] = good.get(count.source, 0) + count.requests - count.errors
    most = max(good.values(), default=0)
    if most < rules.min_requests:
        yield f"{most} requests were seen answered well, and {rules.min_requests} are needed"
