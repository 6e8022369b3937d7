"""What a watch saw, as small pictures: a bar for each moment, its numbers beside it, and the same in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from orch_gates.model.ids import moment
from orch_gates.model.watch import Counted, Probed, Sample, Watch
from orch_gates.report.html.markup import Html, tag
from orch_gates.report.html.parts import count, line

_WIDTH, _HEIGHT = 240, 16
_BASE, _DOT = 3, 2


def sparks(watch: Watch) -> list[Html]:
    """A line for each target and each source of a watch."""
    targets = sorted({probe.name for sample in watch.samples for probe in sample.probes})
    sources = sorted({one.source for sample in watch.samples for one in sample.counted})
    return [_target(watch, name) for name in targets] + [_source(watch, name) for name in sources]


def _target(watch: Watch, name: str) -> Html:
    found = [(sample, probe.result) for sample in watch.samples for probe in sample.probes if probe.name == name]
    heights = {Probed.OK: ("well", _BASE), Probed.FAILED: ("ill", _HEIGHT), Probed.NOT_MADE: ("none", _DOT)}
    bars = [(sample, *heights[result]) for sample, result in found]
    results = [result for _, result in found]
    ill = [sample for sample, result in found if result is Probed.FAILED]
    summary = f"{results.count(Probed.OK)} well, {len(ill)} failed"
    if missing := results.count(Probed.NOT_MADE):
        summary += f", {missing} not made"
    first = f"; the first failure at {_clock(ill[0])}, the last at {_clock(ill[-1])}" if ill else ""
    return _line(watch, name, bars, summary, f"{summary}{first}")


def _source(watch: Watch, name: str) -> Html:
    found = [(sample, one) for sample in watch.samples for one in sample.counted if one.source == name]
    bars = [(sample, *_ratio(one)) for sample, one in found]
    requests = sum(one.requests or 0 for _, one in found)
    errors = sum(one.errors or 0 for _, one in found)
    blind = sum(1 for _, one in found if one.requests is None or one.errors is None)
    summary = f"{count(requests, 'request')}, {count(errors, 'error')}"
    summary += f", no data {count(blind, 'time')}" if blind else ""
    return _line(watch, name, bars, summary, summary)


def _ratio(one: Counted) -> tuple[str, int]:
    if not one.requests or one.errors is None:
        return "none", _DOT
    if not one.errors:
        return "well", _BASE
    # A few errors among many requests are seen as well.
    return "ill", max(_BASE + 2, -(-one.errors * _HEIGHT // one.requests))


def _line(watch: Watch, name: str, bars: Sequence[tuple[Sample, str, int]], summary: str, description: str) -> Html:
    begin, end = moment(watch.armed), moment(watch.deadline)
    window = max(1.0, (end - begin).total_seconds())
    width = max(1.0, min(watch.every_s * _WIDTH / window, _WIDTH) - 0.5)
    drawn = [
        tag(
            "rect",
            x=f"{_x(sample, begin, window):.1f}",
            y=str(_HEIGHT - height),
            width=f"{width:.1f}",
            height=str(height),
            class_=kind,
        )
        for sample, kind, height in bars
    ]
    span = f"{_clock_of(begin)} to {_clock_of(end)} UTC"
    picture = tag(
        "svg",
        *drawn,
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"{name}, {span}: {description}",
        class_="spark",
    )
    return tag("li", picture, tag("div", line(name), tag("span", summary, class_="age")))


def _x(sample: Sample, begin: datetime, window: float) -> float:
    after = (moment(sample.at) - begin).total_seconds()
    return max(0.0, min(after / window, 1.0)) * (_WIDTH - 1)


def _clock(sample: Sample) -> str:
    return _clock_of(moment(sample.at))


def _clock_of(at: datetime) -> str:
    return f"{at:%H:%M:%S}"
