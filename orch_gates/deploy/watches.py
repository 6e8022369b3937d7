"""Watches on the state branch: found, decoded as samples that can be judged, and changed (WCH-4)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from orch_gates.deploy import environments
from orch_gates.engine import watch_assessment
from orch_gates.engine.watch_assessment import Count, NoData, Reading, WatchRules
from orch_gates.errors import UsageError
from orch_gates.model import watch as documents
from orch_gates.model.feedback import one_line
from orch_gates.model.ids import moment, timestamp
from orch_gates.model.watch import MAX_SAMPLES, Counted, Probe, Probed, Sample, Watch
from orch_gates.state import codec, layout
from orch_gates.state.deploy_kinds import WATCH
from orch_gates.state.snapshot import Snapshot
from orch_gates.tasks import book

_MOST_WHY = 120
_LINE = re.compile(r"^- ([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z) ", re.MULTILINE)
_LEFT = timedelta(minutes=3)
_CONTROL = {None: Probed.NOT_MADE, True: Probed.OK, False: Probed.FAILED}


@dataclass(frozen=True, slots=True)
class WatchPage:
    """One watch with its log."""

    watch: Watch
    body: str


def find(snapshot: Snapshot, deploy: str) -> WatchPage | None:
    """The watch over a deploy; None where it is not watched.

    Raises:
        StateDocumentError: its document is malformed.
    """
    path = layout.watch_path(deploy)
    text = snapshot.text(path)
    return None if text is None else WatchPage(*codec.decode(WATCH, path, text))


def of_environment(snapshot: Snapshot, name: str) -> Iterator[WatchPage]:
    """The watches over what an environment runs and ran, the newest first.

    Raises:
        UsageError, StateDocumentError: as `environments.page`, or a watch is malformed.
    """
    for deployed in environments.page(snapshot, name).environment.history:
        found = find(snapshot, deployed.deploy)
        if found is not None:
            yield found


def need(snapshot: Snapshot, task: str, environment: str) -> WatchPage:
    """The watch over what was deployed last of a task to an environment.

    Raises:
        UsageError: there is none.
        StateDocumentError: as `of_environment`.
    """
    mine = [
        one
        for one in environments.page(snapshot, environment).environment.history
        if one.task == task and not one.rollback_of
    ]
    if not mine:
        book.need(snapshot, task)
        raise UsageError(f"nothing of {task} was deployed to {environment} yet, so there is nothing to watch")
    found = find(snapshot, mine[0].deploy)
    if found is None:
        raise UsageError(
            f"deploy {mine[0].deploy} of {task} to {environment} is not watched; set "
            f"`environments.{environment}.watch` in .orch-gates.yaml on the default branch before the deploy"
        )
    return found


def gone(snapshot: Snapshot, watch: Watch) -> str:
    """Why a verdict on a deploy says nothing about what its environment runs by now; empty where it still runs."""
    place = environments.page(snapshot, watch.environment).environment
    if place.unknown:
        return f"cannot tell what {watch.environment} runs: {place.unknown}"
    if place.current is not None and place.current.deploy == watch.deploy:
        return ""
    return f"{watch.environment} now runs {place.current.revision[:10] if place.current is not None else 'nothing'}"


def changed(before: WatchPage, watch: Watch, now: datetime, *lines: str) -> dict[str, str]:
    """The file of a changed watch, with more lines in its log."""
    body = before.body
    for line in lines:
        body = codec.append_line(body, now, line)
    return {layout.watch_path(watch.deploy): codec.encode(watch, body)}


def left(body: str, now: datetime) -> bool:
    """Whether nobody went on with what a watch planned: its log was not added to for some minutes."""
    found = _LINE.findall(body)
    return not found or moment(found[-1]) + _LEFT <= now


def ended(page: WatchPage) -> datetime | None:
    """When a watch was ended, as its log says; None while it goes on."""
    verdict = page.watch.verdict.value
    found = [one for one in _LINE.finditer(page.body) if verdict and page.body.startswith(f"{verdict}, ", one.end())]
    return moment(found[0][1]) if found else None


def window(watch: Watch) -> int:
    """How many seconds it is to be watched."""
    return round((moment(watch.deadline) - moment(watch.armed)).total_seconds())


def behind(watch: Watch, now: datetime) -> float:
    """How many seconds of the window are over; a clock that was set back brings nothing of it back."""
    return max(0.0, (now - moment(watch.armed)).total_seconds(), float(last_recorded(watch)))


def rules_of(watch: Watch, configured: WatchRules) -> WatchRules:
    """The rules with the window that the watch was armed with."""
    return replace(configured, window=max(1, window(watch)), every=watch.every_s)


def samples_of(watch: Watch) -> tuple[watch_assessment.Sample, ...]:
    """What was recorded, as it is judged."""
    return tuple(_sample(watch, one) for one in watch.samples)


def before(watch: Watch) -> watch_assessment.Sample | None:
    """What was seen before the deploy; None where nobody looked."""
    return None if watch.baseline is None else _sample(watch, watch.baseline)


def with_samples(
    watch: Watch, pending: Sequence[watch_assessment.Sample]
) -> tuple[Watch, tuple[watch_assessment.Sample, ...]]:
    """The watch with more samples, each once, and those that there is no room for.

    One that was recorded, though its commit seemed to fail, is not recorded twice.
    """
    new = [one for one in pending if recorded(watch, one) not in watch.samples]
    room = max(0, MAX_SAMPLES - len(watch.samples))
    kept = (*watch.samples, *(recorded(watch, one) for one in new[:room]))
    return watch.model_copy(update={"samples": kept}), tuple(new[room:])


def recorded(watch: Watch, sample: watch_assessment.Sample) -> Sample:
    """A sample as the document keeps it."""
    return taken(sample, moment(watch.armed) + timedelta(seconds=sample.at))


def taken(sample: watch_assessment.Sample, at: datetime) -> Sample:
    """A sample that was taken at that moment, as a document keeps it."""
    return Sample(
        at=timestamp(at),
        control=_CONTROL[sample.control],
        probes=tuple(Probe(name=one.target, result=one.result, why=_short(one.why)) for one in sample.probes),
        counted=tuple(_counted(one) for one in sample.readings),
    )


def last_recorded(watch: Watch) -> int:
    """How many seconds of the window were recorded."""
    return max((one.at for one in samples_of(watch)), default=0)


def _sample(watch: Watch, one: documents.Sample) -> watch_assessment.Sample:
    control = {result: known for known, result in _CONTROL.items()}[one.control]
    return watch_assessment.Sample(
        max(0, round((moment(one.at) - moment(watch.armed)).total_seconds())),
        tuple(watch_assessment.Probe(probe.name, probe.result, probe.why) for probe in one.probes),
        control,
        tuple(_reading(counted) for counted in one.counted),
    )


def _counted(one: Reading) -> Counted:
    match one:
        case Count(source=source, requests=requests, errors=errors, note=note):
            return Counted(source=source, requests=requests, errors=errors, why=_short(note))
        case NoData(source=source, why=why, misconfigured=misconfigured):
            short = _short(why)
            return Counted(source=source, requests=None, errors=None, why=short, misconfigured=misconfigured)


def _reading(one: Counted) -> Reading:
    if one.requests is None or one.errors is None:
        return NoData(one.source, one.why, one.misconfigured)
    return Count(one.source, one.requests, one.errors, one.why)


def _short(why: str) -> str:
    line = one_line(why)
    return line if len(line) <= _MOST_WHY else f"{line[: _MOST_WHY - 1]}…"
