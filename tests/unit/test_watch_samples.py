"""What a watch keeps: samples come back as they were judged, and are shown as marks (WCH-4)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orch_gates.deploy import watches
from orch_gates.engine.watch_assessment import Count, NoData, Probe, Reading, Sample, WatchRules, classify
from orch_gates.model.watch import Probed
from orch_gates.report.watch_view import sparklines
from orch_gates.state import codec
from orch_gates.state.deploy_kinds import WATCH
from tests.deploy_builders import make_watch

NAMES = st.sampled_from(["https://a.example/", "log"])
READINGS: st.SearchStrategy[Reading] = st.one_of(
    st.builds(lambda name, good, bad: Count(name, good + bad, bad), NAMES, st.integers(0, 9), st.integers(0, 9)),
    st.builds(NoData, NAMES, st.sampled_from(["", "an empty vector"]), st.booleans()),
)
SAMPLES = st.lists(
    st.builds(
        Sample, st.integers(0, 900), st.lists(st.builds(Probe, NAMES, st.sampled_from(Probed)), max_size=2).map(tuple),
        st.sampled_from([None, True, False]), st.lists(READINGS, max_size=2).map(tuple),
    ),
    max_size=5,
)  # fmt: skip


@given(SAMPLES)
def test_what_is_recorded_is_judged_as_what_was_seen(samples: list[Sample]) -> None:
    """Whoever goes on with a watch comes to the verdict that the one before would have come to."""
    watch = make_watch(samples=())
    kept = watch.model_copy(update={"samples": tuple(watches.recorded(watch, one) for one in samples)})
    path = WATCH.at(deploy=watch.deploy)
    back, _ = codec.decode(WATCH, path, codec.encode(kept, ""))
    again = watches.samples_of(back)
    rules = WatchRules(targets=("https://a.example/",), sources=("log",), failures=2, min_requests=10)
    assert classify(again, rules) == classify(samples, rules)
    assert [one.at for one in again] == [one.at for one in samples]


def test_a_long_reason_is_cut() -> None:
    """The document has to hold all samples of the longest window."""
    watch = make_watch()
    kept = watches.recorded(watch, Sample(0, (Probe("a", Probed.FAILED, "x" * 5000),)))
    assert len(kept.probes[0].why) == 120


def test_a_line_shows_each_moment() -> None:
    """Well, failed, not observed; and the worst of several moments where a line would be too long."""
    rules = WatchRules(targets=("a",), sources=("log",), window=240, every=30)
    samples = [
        Sample(0, (Probe("a", Probed.OK),), readings=(Count("log", 10, 0),)),
        Sample(30, (Probe("a", Probed.FAILED),), readings=(Count("log", 10, 10),)),
        Sample(60, (Probe("a", Probed.NOT_MADE),), readings=(NoData("log", "gone"),)),
        Sample(120, (Probe("a", Probed.OK),), readings=(Count("log", 100, 1),)),
    ]
    assert sparklines(samples, rules) == ["▁█··▁···  a: 2 well, 1 failed", "▁█··▂···  log: 120 requests, 11 errors"]
    long = WatchRules(targets=("a",), window=3600, every=30)
    (line,) = sparklines([Sample(0, (Probe("a", Probed.OK),)), Sample(30, (Probe("a", Probed.FAILED),))], long)
    assert line == f"█{'·' * 59}  a: 1 well, 1 failed"


def test_what_a_source_could_not_count_is_said() -> None:
    """A log that was emptied in place had perhaps more lines."""
    seen = Sample(0, readings=(Count("log", 10, 0, "it was emptied"),))
    assert sparklines([seen], WatchRules(sources=("log",), window=30)) == [
        "▁  log: 10 requests, 0 errors; it was emptied"
    ]  # fmt: skip
    watch = make_watch()
    kept = watch.model_copy(update={"samples": (watches.recorded(watch, seen),)})
    assert watches.samples_of(kept) == (seen,)


def test_a_hostile_name_stays_in_its_line() -> None:
    """Names of targets are configured, and shown all the same as text."""
    (line,) = sparklines([], WatchRules(targets=("a\n::error::b",), window=30))
    assert "\n" not in line
