"""A watch as people read it: a line for each target and source, a mark for each moment (WCH-4)."""

from __future__ import annotations

from collections.abc import Sequence

from orch_gates.documents import escape
from orch_gates.engine.watch_assessment import Count, Sample, WatchRules
from orch_gates.model.watch import Probed

WELL, FAILED, MISSING = "▁", "█", "·"
_LEVELS = "▁▂▃▄▅▆▇█"
# A line that a person sees whole: of a longer window a mark stands for several moments, the worst of them.
_WIDEST = 60


def sparklines(samples: Sequence[Sample], rules: WatchRules) -> list[str]:
    """A line for each target and source: its marks from the begin of the window to its end, its name, its numbers."""
    slots: dict[int, list[Sample]] = {}
    due = rules.due
    per_mark = -(-due // _WIDEST)
    marks = -(-due // per_mark)
    for sample in samples:
        slots.setdefault(min(sample.at // rules.every, due - 1) // per_mark, []).append(sample)
    targets = {probe.target for sample in samples for probe in sample.probes} | set(rules.targets)
    sources = {reading.source for sample in samples for reading in sample.readings} | set(rules.sources)
    lines = [_target(one, [slots.get(slot, []) for slot in range(marks)]) for one in sorted(targets)]
    return lines + [_source(one, [slots.get(slot, []) for slot in range(marks)]) for one in sorted(sources)]


def before(sample: Sample) -> list[str]:
    """A line for each target and source, as they were before the deploy."""
    lines = []
    for probe in sample.probes:
        why = f", {escape.visible(probe.why)}" if probe.why else ""
        lines.append(f"before the deploy  {escape.visible(probe.target)}: {probe.result}{why}")
    for one in sample.readings:
        baseline = (
            f"{one.requests} requests, {one.errors} errors" if isinstance(one, Count) else escape.visible(one.why)
        )
        lines.append(f"before the deploy  {escape.visible(one.source)}: {baseline}")
    return lines


def _target(name: str, slots: Sequence[Sequence[Sample]]) -> str:
    marks, well, failed = "", 0, 0
    for slot in slots:
        results = [probe.result for sample in slot for probe in sample.probes if probe.target == name]
        well += results.count(Probed.OK)
        failed += results.count(Probed.FAILED)
        marks += FAILED if Probed.FAILED in results else WELL if Probed.OK in results else MISSING
    return f"{marks}  {escape.visible(name)}: {well} well, {failed} failed"


def _source(name: str, slots: Sequence[Sequence[Sample]]) -> str:
    marks, requests, errors, notes = "", 0, 0, ""
    for slot in slots:
        counts = [one for sample in slot for one in sample.readings if one.source == name and isinstance(one, Count)]
        many, bad = sum(one.requests for one in counts), sum(one.errors for one in counts)
        requests, errors = requests + many, errors + bad
        notes = next((f"; {escape.visible(one.note)}" for one in counts if one.note), notes)
        marks += _LEVELS[-(-bad * (len(_LEVELS) - 1) // many)] if many else MISSING
    return f"{marks}  {escape.visible(name)}: {requests} requests, {errors} errors{notes}"
