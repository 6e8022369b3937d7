"""What the samples of a watch prove about a deploy: pure, and what was not observed proves nothing (WCH-2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from orch_gates.model.feedback import one_line
from orch_gates.model.watch import Probed, WatchVerdict

# The source of what the probes themselves count, and how the failures end that it counts.
OWN, SERVER_ERROR = "probes", ", a server error"
# What a probe took is another time each time.
_TOOK = re.compile(r"[0-9]+\.[0-9]+ s")
# A reason is kept to some length only.
_COMPARED = 100


@dataclass(frozen=True, slots=True)
class Probe:
    """One request of ours to one target."""

    target: str
    result: Probed
    why: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """Requests that production answered since the sample before, and how many of them with a server error.

    `note`: why there may have been more that were not counted; empty where there were not.
    """

    source: str
    requests: int
    errors: int
    note: str = ""


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
class WatchRules:
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
class Assessment:
    """What samples prove: HEALTHY, DEGRADED or UNOBSERVED, and in how many of the `due` samples anything was seen.

    `unverified`: why no later deploy may be rolled back to this one; empty where one may.
    """

    verdict: WatchVerdict
    reason: str
    observed: int
    due: int
    unverified: str = ""

    @property
    def coverage(self) -> str:
        """How much of the window was observed."""
        return f"{self.observed}/{self.due}"


def classify(samples: Iterable[Sample], rules: WatchRules, before: Sample | None = None) -> Assessment:
    """What the samples prove; one that failed more never makes it healthier, and one that is missing proves nothing.

    `before` is what was seen before the deploy. Errors that were there then are not held against it; a probe that
    failed then in the same way makes production neither ill nor healthy.
    """
    ordered = sorted(samples, key=lambda sample: sample.at)
    seen = len({sample.at // rules.every for sample in ordered if _is_observed(sample, rules)})
    observed = min(seen, rules.due)
    if ill := _ill(ordered, rules, before):
        return Assessment(WatchVerdict.DEGRADED, ill, observed, rules.due, ill)
    if lacking := _lacking(ordered, rules, before):
        return Assessment(WatchVerdict.UNOBSERVED, lacking, observed, rules.due, lacking)
    failed = sum(result is Probed.FAILED for sample in ordered for _, result, _ in _results(sample, rules))
    some = f", {failed} probes failed" if failed else ""
    reason = f"{observed} of {rules.due} samples observed{some}"
    return Assessment(WatchVerdict.HEALTHY, reason, observed, rules.due, _unverified(ordered, rules))


def has_failure(sample: Sample, rules: WatchRules) -> bool:
    """Whether a sample shows something that counts against production."""
    if any(result is Probed.FAILED for _, result, _ in _results(sample, rules)):
        return True
    return any(reading.errors > 0 for reading in _counts(sample, rules))


def _results(sample: Sample, rules: WatchRules) -> Iterator[tuple[str, Probed, str]]:
    """The probes as far as they tell of production: not of its warm-up, nor of a runner that reaches nobody."""
    excused = sample.at < rules.warmup or sample.control is False
    for probe in sample.probes:
        result = Probed.NOT_MADE if excused and probe.result is Probed.FAILED else probe.result
        yield probe.target, result, probe.why


def _counts(sample: Sample, rules: WatchRules) -> Iterator[Count]:
    if sample.at >= rules.warmup:
        yield from (reading for reading in sample.readings if isinstance(reading, Count))


def _is_observed(sample: Sample, rules: WatchRules) -> bool:
    results = [result for _, result, _ in _results(sample, rules)]
    probed = bool(results) and Probed.NOT_MADE not in results
    return probed or any(count.requests > 0 for count in _counts(sample, rules))


def _ill(samples: Sequence[Sample], rules: WatchRules, before: Sample | None) -> str:
    """Why production is ill; empty where that is not proven."""
    targets = {probe.target for sample in samples for probe in sample.probes}
    sources = {reading.source for sample in samples for reading in sample.readings}
    found = [_failing(samples, rules, target, _ways(before, target)) for target in sorted(targets)]
    found += [_erring(samples, rules, source, before) for source in sorted(sources)]
    return "; ".join(one for one in found if one)


def _ways(before: Sample | None, target: str) -> frozenset[str]:
    """How a target failed before the deploy; a runner that reached nobody did not see it."""
    if before is None or before.control is False:
        return frozenset()
    failed = [probe for probe in before.probes if probe.target == target and probe.result is Probed.FAILED]
    return frozenset(_way(probe.why) for probe in failed)


def _way(why: str) -> str:
    return _TOOK.sub("s", one_line(why)[:_COMPARED])


def _failing(samples: Sequence[Sample], rules: WatchRules, target: str, ways: frozenset[str] = frozenset()) -> str:
    """The first `failures` of a target in a row; a probe that was not made neither counts nor ends a row.

    Neither does one that failed in one of the `ways`, which are those from before the deploy.
    """
    row: list[int] = []
    for sample in samples:
        for name, result, why in _results(sample, rules):
            if name != target or result is Probed.NOT_MADE or (result is Probed.FAILED and _way(why) in ways):
                continue
            row = [*row, sample.at] if result is Probed.FAILED else []
            if len(row) >= rules.failures:
                return one_line(f"{target} failed {len(row)} times in a row, {row[0]} s to {row[-1]} s: {why}")
    return ""


def _erring(samples: Sequence[Sample], rules: WatchRules, source: str, before: Sample | None) -> str:
    """The first stretch of samples with enough requests and too many errors among them, wherever it begins and ends.

    A stretch has too many where its errors are more than the limit's share of its requests. Summed up from the begin,
    that is a sum which is higher at its end than at its begin; the lowest begin that leaves enough requests tells.
    """
    limit = _limit(rules, source, before)
    requests, errors = [0], [0]
    lowest, begin = 0, 0
    for sample in samples:
        counted = [count for count in _counts(sample, rules) if count.source == source]
        requests.append(requests[-1] + sum(count.requests for count in counted))
        excused = _excused(sample, before) if source == OWN else 0
        errors.append(errors[-1] + max(0, sum(count.errors for count in counted) - excused))
        while requests[begin] + rules.min_requests <= requests[-1]:
            if _excess(requests[begin], errors[begin], limit) < _excess(requests[lowest], errors[lowest], limit):
                lowest = begin
            begin += 1
        many, bad = requests[-1] - requests[lowest], errors[-1] - errors[lowest]
        if many >= rules.min_requests and _excess(many, bad, limit) > 0:
            return one_line(f"{source}: {_share(many, bad, limit)}")
    return ""


def _excused(sample: Sample, before: Sample | None) -> int:
    """How many server errors of a sample's probes were there before the deploy too."""
    failed = [probe for probe in sample.probes if probe.result is Probed.FAILED and probe.why.endswith(SERVER_ERROR)]
    return sum(_way(probe.why) in _ways(before, probe.target) for probe in failed)


def _share(requests: int, errors: int, limit: Fraction) -> str:
    share, most = float(Fraction(errors, requests)), float(limit)
    return f"{errors} of {requests} requests failed, {share:.1%}; allowed are {most:.1%}"


def _excess(requests: int, errors: int, limit: Fraction) -> int:
    return limit.denominator * errors - limit.numerator * requests


def _limit(rules: WatchRules, source: str, before: Sample | None) -> Fraction:
    """The share of errors that a source may have: as many as before the deploy, and `max_ratio` besides."""
    counts = [one for one in before.readings if isinstance(one, Count)] if before is not None else []
    enough = [count for count in counts if count.source == source and count.requests >= rules.min_requests]
    return rules.max_ratio + max((Fraction(count.errors, count.requests) for count in enough), default=Fraction(0))


def _lacking(samples: Sequence[Sample], rules: WatchRules, before: Sample | None) -> str:
    """What is not there to call production healthy; empty where nothing lacks."""
    well = {target for sample in samples for target, result, _ in _results(sample, rules) if result is Probed.OK}
    targets = {probe.target for sample in samples for probe in sample.probes} | set(rules.targets)
    found = []
    for target in sorted(targets):
        too = "; it failed before the deploy too" if _ways(before, target) else ""
        if row := _failing(samples, rules, target):
            # No proof that the deploy made it ill, or it would be that; least of all one that it is well.
            found.append(row + too)
        elif target in rules.targets and target not in well:
            found.append(f"{target} never passed{too}")
    found += [problem for source in sorted(rules.sources) if (problem := _silent(samples, source))]
    if not rules.targets:
        found += _too_few(samples, rules)
    return one_line("; ".join(found))


def _unverified(samples: Sequence[Sample], rules: WatchRules) -> str:
    """Why what is healthy is nothing to go back to: half of the window, and its last samples, have to be well.

    What was there before the deploy excuses nothing here: as bad as before is no worse, and nothing to go back to.
    """
    failed = {sample.at // rules.every for sample in samples if _has_failed_probe(sample)}
    well = {sample.at // rules.every for sample in samples if _is_seen_well(sample, rules)} - failed
    if 2 * len(well) < rules.due:
        return f"{len(well)} of {rules.due} samples passed; at least half must"
    last = samples[-rules.failures :]
    for sample in last:
        if unwell := _unwell(sample, rules):
            return one_line(f"the last {len(last)} samples must pass, but at {sample.at} s {unwell}")
    if not rules.targets and not any(count.requests for sample in last for count in _counts(sample, rules)):
        return f"the last {len(last)} samples must pass, but they contain no requests"
    end = f"the last {len(last)} samples must pass, but"
    for source in sorted(rules.sources):
        for part, what in ((samples, "of the whole window"), (last, end)):
            counts = [count for sample in part for count in _counts(sample, rules) if count.source == source]
            many, bad = sum(count.requests for count in counts), sum(count.errors for count in counts)
            if many and _excess(many, bad, rules.max_ratio) > 0:
                return one_line(f"{what} {source}: {_share(many, bad, rules.max_ratio)}")
    return ""


def _has_failed_probe(sample: Sample) -> bool:
    return any(probe.result is Probed.FAILED for probe in sample.probes)


def _is_seen_well(sample: Sample, rules: WatchRules) -> bool:
    """Whether a sample speaks for production: all its probes, or an answer that was counted."""
    probed = bool(sample.probes) and all(probe.result is Probed.OK for probe in sample.probes)
    return probed or any(count.requests > count.errors for count in _counts(sample, rules))


def _unwell(sample: Sample, rules: WatchRules) -> str:
    """What in a sample was not seen well; empty where all that is watched was."""
    results = {probe.target: probe for probe in sample.probes if probe.result is Probed.OK}
    bad = {probe.target: probe for probe in sample.probes if probe.result is not Probed.OK}
    for target in sorted({*rules.targets, *bad}):
        if target in bad:
            probe = bad[target]
            return f"{target} {'failed' if probe.result is Probed.FAILED else 'was not probed'}: {probe.why}"
        if target not in results:
            return f"{target} was not probed"
    counted = {count.source for count in _counts(sample, rules) if not count.note}
    missing = next((source for source in sorted(rules.sources) if source not in counted), "")
    return f"{missing} did not report the total of requests" if missing else ""


def _silent(samples: Sequence[Sample], source: str) -> str:
    """Why a source cannot be relied on: it gave no number all the time, as a misspelled one does."""
    mine = [reading for sample in samples for reading in sample.readings if reading.source == source]
    if wrong := [reading for reading in mine if isinstance(reading, NoData) and reading.misconfigured]:
        return f"{source} is misconfigured: {wrong[-1].why}"
    counts = [reading for reading in mine if isinstance(reading, Count)]
    if any(count.requests == 0 or count.errors < count.requests for count in counts):
        return ""
    if counts:
        return f"{source} counted nothing but errors"
    why = next((reading.why for reading in reversed(mine) if isinstance(reading, NoData)), "it was never queried")
    return f"{source} reported no data in the whole window ({why}): check its query"


def _too_few(samples: Sequence[Sample], rules: WatchRules) -> Iterator[str]:
    """Without probes only enough requests that were answered well tell of health."""
    good: dict[str, int] = {}
    for sample in samples:
        for count in _counts(sample, rules):
            good[count.source] = good.get(count.source, 0) + count.requests - count.errors
    most = max(good.values(), default=0)
    if most < rules.min_requests:
        yield f"{most} requests succeeded; at least {rules.min_requests} are needed"
