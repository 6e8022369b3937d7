"""What samples prove: boundaries, missing data, the runner's own outage, baselines, and that it is monotone (WCH-2)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.engine.watch_assessment import (
    Assessment,
    Count,
    NoData,
    Probe,
    Reading,
    Sample,
    WatchRules,
    classify,
    has_failure,
)
from orch_gates.model.watch import Probed, WatchVerdict

SITE, API = "https://site.example/", "https://api.example/"
OK, FAILED, UNMADE = Probed.OK, Probed.FAILED, Probed.NOT_MADE
HEALTHY, DEGRADED, UNOBSERVED = WatchVerdict.HEALTHY, WatchVerdict.DEGRADED, WatchVerdict.UNOBSERVED
PROBED = WatchRules(targets=(SITE,))
COUNTED = WatchRules(sources=("log",))
BETTER = [DEGRADED, UNOBSERVED, HEALTHY]


def probed(*healths: Probed, target: str = SITE, control: bool | None = None, start: int = 0) -> list[Sample]:
    return [
        Sample(start + 30 * number, (Probe(target, health, "" if health is OK else "503"),), control)
        for number, health in enumerate(healths)
    ]


def counted(*pairs: tuple[int, int], source: str = "log") -> list[Sample]:
    return [Sample(30 * number, readings=(Count(source, *pair),)) for number, pair in enumerate(pairs)]


def before(source: str, requests: int, errors: int) -> Sample:
    return Sample(0, readings=(Count(source, requests, errors),))


@pytest.mark.parametrize(("failures", "expected"), [(2, HEALTHY), (3, DEGRADED), (4, DEGRADED)])
def test_as_many_failures_in_a_row_as_are_configured_are_too_many(failures: int, expected: WatchVerdict) -> None:
    """The third is the first that counts by default, wherever in the window they are."""
    for before in (0, 1, 17):
        samples = probed(*[OK] * before, *[FAILED] * failures, *[OK] * (20 - before))
        assert classify(samples, PROBED).verdict is expected


def test_an_answer_between_failures_begins_a_new_row() -> None:
    """Two failures, an answer and two failures are no three in a row."""
    assert classify(probed(FAILED, FAILED, OK, FAILED, FAILED), PROBED).verdict is HEALTHY


def test_a_sample_that_was_not_taken_is_no_answer() -> None:
    """A gap between failures neither counts as one, nor ends their row."""
    assert classify(probed(OK, FAILED, FAILED, UNMADE, FAILED), PROBED).verdict is DEGRADED
    assert classify(probed(OK, FAILED, FAILED, UNMADE), PROBED).verdict is HEALTHY


def test_the_order_in_which_samples_were_recorded_changes_nothing() -> None:
    """What counts is when they were taken."""
    taken = probed(FAILED, OK, FAILED, FAILED)
    assert classify([taken[0], taken[2], taken[3], taken[1]], PROBED).verdict is HEALTHY


def test_failures_of_different_targets_are_no_row() -> None:
    """Each of several targets has a row of its own, as each may fail once by chance."""
    rules = replace(PROBED, targets=(SITE, API))
    mixed = [
        Sample(30 * number, (Probe(SITE, OK if number % 2 else FAILED), Probe(API, FAILED if number % 2 else OK)))
        for number in range(9)
    ]
    assert classify(mixed, rules).verdict is HEALTHY
    ill = [Sample(30 * number, (Probe(SITE, OK), Probe(API, FAILED, "502"))) for number in range(3)]
    found = classify(ill, rules)
    assert found.verdict is DEGRADED
    assert found.reason == f"{API} failed 3 times in a row, 0 s to 60 s: 502"


def test_the_runner_that_reaches_nobody_observes_nothing() -> None:
    """Where the control probe fails too, the outage is the runner's; answers that came all the same count."""
    assert classify(probed(*[FAILED] * 30, control=False), PROBED).verdict is UNOBSERVED
    assert classify(probed(*[FAILED] * 30, control=True), PROBED).verdict is DEGRADED
    there = probed(OK) + probed(*[FAILED] * 30, control=False, start=30)
    found = classify(there, PROBED)
    assert (found.verdict, found.coverage) == (HEALTHY, "1/30")
    assert classify(probed(*[OK] * 30, control=False), PROBED).coverage == "30/30"


def test_failures_while_it_warms_up_do_not_count() -> None:
    """A load balancer answers 503 right after the switch; the grace ends exactly where it is said to."""
    warm = replace(PROBED, warmup=90)
    assert classify(probed(FAILED, FAILED, FAILED, OK), warm).verdict is HEALTHY
    assert classify(probed(FAILED, FAILED, FAILED, FAILED, FAILED), warm).verdict is UNOBSERVED
    assert classify(probed(FAILED, FAILED, FAILED, FAILED, FAILED, FAILED), warm).verdict is DEGRADED
    late = replace(COUNTED, warmup=30)
    assert classify(counted((200, 200), (200, 0)), late).verdict is HEALTHY
    assert not has_failure(counted((200, 200))[0], late)


@pytest.mark.parametrize(
    ("requests", "errors", "expected"),
    [
        (99, 0, UNOBSERVED),
        (100, 0, HEALTHY),
        (100, 5, UNOBSERVED),
        (105, 5, HEALTHY),
        (100, 6, DEGRADED),
        (99, 99, UNOBSERVED),
        (200, 10, HEALTHY),
        (200, 11, DEGRADED),
    ],
)
def test_the_ratio_counts_from_enough_requests_and_above_the_limit(
    requests: int, errors: int, expected: WatchVerdict
) -> None:
    """100 requests are enough, 99 are not; 5 % may fail, and not one more. Without probes, health takes 100 answers."""
    assert classify(counted((requests, errors)), COUNTED).verdict is expected
    halves = (requests // 2, errors // 2), (requests - requests // 2, errors - errors // 2)
    assert classify(counted(*halves), COUNTED).verdict is expected


def test_errors_of_any_phase_count() -> None:
    """A bad stretch is found at the begin, in the middle and at the end of hours that were good."""
    good = [(1000, 0)] * 10
    for place in range(11):
        pairs = good[:place] + [(40, 4), (60, 4)] + good[place:]
        assert classify(counted(*pairs), COUNTED).verdict is DEGRADED
    assert classify(counted(*good, (99, 50)), COUNTED).verdict is HEALTHY


def test_sources_are_not_added_up() -> None:
    """Two of them may have counted the same requests."""
    both = WatchRules(sources=("log", "metrics"))
    thin = [replace(one, readings=(Count("log", 60, 6), Count("metrics", 60, 6))) for one in counted((0, 0))]
    assert classify(thin, both).verdict is UNOBSERVED
    good = [replace(one, readings=(Count("log", 60, 0), Count("metrics", 60, 0))) for one in thin]
    assert classify(good, both).verdict is UNOBSERVED


def test_what_failed_before_the_deploy_is_not_held_against_it() -> None:
    """The limit is above the baseline, where that counted enough requests to tell."""
    after = counted((200, 20))
    assert classify(after, COUNTED).verdict is DEGRADED
    assert classify(after, COUNTED, before("log", 100, 5)).verdict is HEALTHY
    assert classify(counted((200, 21)), COUNTED, before("log", 100, 5)).verdict is DEGRADED
    assert classify(after, COUNTED, before("log", 99, 50)).verdict is DEGRADED
    assert classify(after, COUNTED, before("other", 100, 50)).verdict is DEGRADED


def failed_before(why: str, control: bool | None = None) -> Sample:
    return Sample(0, (Probe(SITE, FAILED, why),), control)


def test_a_probe_that_failed_before_in_the_same_way_makes_nobody_roll_back() -> None:
    """The deploy did not make it ill; that it is well nobody has seen either, so a person is told."""
    found = classify(probed(*[FAILED] * 9), PROBED, failed_before("503"))
    assert found.verdict is UNOBSERVED
    assert found.reason == f"{SITE} failed 3 times in a row, 0 s to 60 s: 503; it failed before the deploy too"
    found = classify(probed(FAILED, FAILED), PROBED, failed_before("503"))
    assert (found.verdict, found.reason) == (UNOBSERVED, f"{SITE} never passed; it failed before the deploy too")
    # Well in between, and ill as before again: that is nothing to call healthy.
    assert classify(probed(OK, FAILED, FAILED, FAILED, OK), PROBED, failed_before("503")).verdict is UNOBSERVED
    assert classify(probed(OK, FAILED, FAILED, OK), PROBED, failed_before("503")).verdict is HEALTHY


def test_a_server_error_from_before_counts_for_no_ratio_either() -> None:
    """The probes are counted too, and of many targets one that is ill is soon more than may fail."""
    rules, ill, new = WatchRules(targets=(SITE, API)), "answered 503, a server error", "answered 500, a server error"
    first = Sample(0, (Probe(SITE, FAILED, ill), Probe(API, OK)))

    def after(why: str) -> list[Sample]:
        both = (Probe(SITE, FAILED, why), Probe(API, OK))
        # Fewer in a row than are too many: the ratio alone tells.
        well = (Probe(SITE, OK), Probe(API, OK))
        return [
            Sample(10 * n, well if n % 3 == 0 else both, readings=(Count("probes", 2, int(n % 3 > 0)),))
            for n in range(60)
        ]

    assert classify(after(ill), rules).verdict is DEGRADED
    assert classify(after(ill), rules, first).verdict is HEALTHY
    assert classify(after(new), rules, first).verdict is DEGRADED


def test_another_failure_than_before_counts() -> None:
    """Refused where it was 503, another target, and a baseline that a runner without a network took."""
    ill = probed(*[FAILED] * 3)
    assert classify(ill, PROBED, failed_before("refused the connection")).verdict is DEGRADED
    assert classify(ill, PROBED, Sample(0, (Probe(API, FAILED, "503"),))).verdict is DEGRADED
    assert classify(ill, PROBED, Sample(0, (Probe(SITE, OK, "503"),))).verdict is DEGRADED
    assert classify(ill, PROBED, failed_before("503", control=False)).verdict is DEGRADED
    assert classify(ill, PROBED, failed_before("503", control=True)).verdict is UNOBSERVED
    mixed = [*ill[:2], *(Sample(60 + n, (Probe(SITE, FAILED, "reset"),)) for n in range(3))]
    assert classify(mixed[:-1], PROBED, failed_before("503")).verdict is UNOBSERVED
    assert classify(mixed, PROBED, failed_before("503")).verdict is DEGRADED


def test_a_failure_by_time_is_the_same_whatever_the_time() -> None:
    """No two answers take as long; also where the reason was cut to be recorded."""
    slow = [Sample(n, (Probe(SITE, FAILED, f"took {n + 2}.51 s, and may take 2 s"),)) for n in range(3)]
    assert classify(slow, PROBED, failed_before("took 9.99 s, and may take 2 s")).verdict is UNOBSERVED
    long = [Sample(n, (Probe(SITE, FAILED, "x" * 500),)) for n in range(3)]
    assert classify(long, PROBED, failed_before(f"{'x' * 119}…")).verdict is UNOBSERVED


def test_what_is_ill_at_the_end_is_healthy_by_the_rule_and_not_verified() -> None:
    """Nothing is taken back to what was last seen failing, nor to what a runner did not see at last."""
    well = probed(*[OK] * 28)
    for last in ((FAILED, FAILED), (FAILED, OK), (OK, FAILED), (UNMADE, OK)):
        found = classify(well + probed(*last, start=840), PROBED)
        assert found.verdict is HEALTHY
        assert "the last 3 samples must pass" in found.unverified
    blind = classify(well + probed(FAILED, control=False, start=840), PROBED)
    assert (blind.verdict, f"at 840 s {SITE} failed: 503" in blind.unverified) == (HEALTHY, True)
    assert classify([*well, *probed(FAILED, start=840), *probed(OK, OK, OK, start=870)], PROBED).unverified == ""
    partly = replace(PROBED, targets=(SITE, API))
    both = [replace(one, probes=(*one.probes, Probe(API, OK))) for one in well]
    assert classify(both, partly).unverified == ""
    assert f"{API} was not probed" in classify([*both[:-1], well[-1]], partly).unverified


def test_what_flaps_is_not_verified() -> None:
    """Half of the window has to be seen well, not only seen."""
    flapping = probed(*[OK, FAILED] * 13, OK, OK, OK)
    assert classify(flapping, PROBED).unverified == ""
    worse = probed(*[FAILED, OK, FAILED] * 9, OK, OK, OK)
    assert classify(worse, PROBED).unverified == "12 of 30 samples passed; at least half must"


def test_errors_at_the_end_leave_a_deploy_unverified() -> None:
    """Also where they are too few requests for a verdict, and where a source fell silent."""
    good = [(100, 0)] * 27
    assert classify(counted(*good, (9, 0), (9, 0), (2, 1)), COUNTED).unverified == ""
    found = classify(counted(*good, (9, 0), (8, 0), (2, 1)), COUNTED)
    assert found.verdict is HEALTHY
    assert found.unverified == (
        "the last 3 samples must pass, but log: 1 of 19 requests failed, 5.3%; allowed are 5.0%"
    )
    as_before = classify(counted(*good, (9, 0), (8, 0), (2, 1)), COUNTED, before("log", 100, 1))
    assert (as_before.verdict, as_before.unverified) == (HEALTHY, found.unverified)
    silent = [*counted(*good), Sample(810, readings=(NoData("log", "gone"),))]
    assert "log did not report the total of requests" in classify(silent, COUNTED).unverified
    unused = classify(counted(*good, (0, 0), (0, 0), (0, 0)), COUNTED)
    assert (unused.verdict, "they contain no requests" in unused.unverified) == (HEALTHY, True)
    partly = [*counted(*good), Sample(810, readings=(Count("log", 9, 0, "it was emptied"),))]
    assert "log did not report the total of requests" in classify(partly, COUNTED).unverified


def test_as_bad_as_before_is_nothing_to_go_back_to() -> None:
    """Errors from before the deploy are not its fault; half of all requests failing is no health either."""
    found = classify(counted(*[(100, 50)] * 30), COUNTED, before("log", 1000, 500))
    assert found.verdict is HEALTHY
    assert found.unverified == "of the whole window log: 1500 of 3000 requests failed, 50.0%; allowed are 5.0%"


def test_nothing_observed_is_not_healthy() -> None:
    """No samples, only gaps, or failures too few to tell: nothing speaks for production."""
    for samples in ([], probed(UNMADE, UNMADE), probed(FAILED, FAILED)):
        assert classify(samples, PROBED).verdict is UNOBSERVED
    found = classify([], PROBED)
    assert found.coverage == "0/30"
    assert found.reason == f"{SITE} never passed"


def test_every_target_has_to_be_seen_well() -> None:
    """A configured target that nobody asked is not healthy because another one is."""
    found = classify(probed(OK, OK), replace(PROBED, targets=(SITE, API)))
    assert (found.verdict, found.reason) == (UNOBSERVED, f"{API} never passed")


def test_a_source_that_never_gave_a_number_is_a_mistake_in_the_configuration() -> None:
    """A misspelled metric would else pass for ever; one number, also of no requests, tells that it works."""
    both = replace(PROBED, sources=("metrics",))
    silent = [replace(one, readings=(NoData("metrics", "an empty vector"),)) for one in probed(OK, OK)]
    found = classify(silent, both)
    assert found.verdict is UNOBSERVED
    assert "metrics reported no data in the whole window (an empty vector)" in found.reason
    spoke = [*silent, Sample(60, readings=(Count("metrics", 0, 0),))]
    assert classify(spoke, both).verdict is HEALTHY
    assert "it was never queried" in classify(probed(OK), both).reason
    wrong = [*spoke, Sample(90, readings=(NoData("metrics", "400 bad_data", misconfigured=True),))]
    assert "metrics is misconfigured: 400 bad_data" in classify(wrong, both).reason
    only_errors = [*silent, Sample(60, readings=(Count("metrics", 9, 9),))]
    assert classify(only_errors, both).verdict is UNOBSERVED


def test_a_few_requests_leave_the_word_to_the_probes() -> None:
    """Below the least number the ratio says nothing, for or against."""
    thin = [replace(one, readings=(Count("log", 1, 1),)) for one in probed(OK, OK)]
    thin.append(Sample(60, readings=(Count("log", 2, 0),)))
    assert classify(thin, replace(PROBED, sources=("log",))).verdict is HEALTHY
    assert classify(thin, replace(COUNTED)).verdict is UNOBSERVED


def test_coverage_counts_moments_not_samples() -> None:
    """Two samples of one moment, as of two watchers, cover it once; a late one covers no more than the window has."""
    assert classify(probed(OK) + probed(OK, start=29) + probed(OK, start=30), PROBED).coverage == "2/30"
    assert classify(probed(*[OK] * 40), PROBED).coverage == "30/30"
    assert WatchRules(window=100, every=30).due == 4
    assert WatchRules(window=10, every=30).due == 1


def test_a_partly_taken_sample_observes_nothing() -> None:
    """Of two targets both have to be asked."""
    rules = replace(PROBED, targets=(SITE, API))
    half = [Sample(0, (Probe(SITE, OK), Probe(API, UNMADE))), Sample(30, (Probe(SITE, OK), Probe(API, OK)))]
    assert classify(half, rules).coverage == "1/30"


@pytest.mark.parametrize(("requests", "coverage"), [(0, "0/30"), (1, "1/30")])
def test_one_request_is_seen_and_none_is_not(requests: int, coverage: str) -> None:
    """A source that tells of no traffic observes nothing; a moment without any probe neither."""
    assert classify([*counted((requests, 0)), Sample(60)], COUNTED).coverage == coverage


def test_one_error_is_a_failure_to_record() -> None:
    """The first that is seen, long before there are too many."""
    assert has_failure(counted((50, 1))[0], COUNTED)
    assert not has_failure(counted((50, 0))[0], COUNTED)
    assert has_failure(probed(FAILED)[0], PROBED)
    assert not has_failure(probed(FAILED, control=False)[0], PROBED)


def test_failures_that_did_not_suffice_are_told() -> None:
    """A flapping production is healthy by the rule, and a person sees that it flaps."""
    assert classify(probed(OK, FAILED, OK, FAILED), PROBED).reason == "4 of 30 samples observed, 2 probes failed"


HEALTHS = st.sampled_from(Probed)
PROBES = st.builds(Probe, st.sampled_from([SITE, API]), HEALTHS, st.just("503"))
COUNTS = st.integers(0, 150).flatmap(
    lambda many: st.builds(Count, st.sampled_from(["log", "metrics"]), st.just(many), st.integers(0, many))
)
READINGS: st.SearchStrategy[Reading] = COUNTS | st.builds(NoData, st.sampled_from(["log", "metrics"]), st.just("none"))
CONTROLS = st.sampled_from([None, True, False])
SAMPLES = st.lists(
    st.builds(
        Sample, st.integers(0, 300), st.lists(PROBES, max_size=3).map(tuple), CONTROLS,
        st.lists(READINGS, max_size=3).map(tuple),
    ),
    max_size=8,
)  # fmt: skip
RULES = st.builds(
    WatchRules,
    st.sampled_from([(), (SITE,), (SITE, API)]),
    st.sampled_from([(), ("log",), ("log", "metrics")]),
    st.just(300), st.just(30), st.integers(1, 4), st.integers(1, 150),
    st.fractions(0, 1, max_denominator=50), st.sampled_from([0, 60]),
)  # fmt: skip


BEFORE = st.none() | st.builds(
    Sample, st.just(0), st.lists(PROBES, max_size=2).map(tuple), CONTROLS, st.lists(READINGS, max_size=2).map(tuple)
)  # fmt: skip


def is_no_healthier(more: Assessment, less: Assessment) -> bool:
    """Also what it takes to be rolled back to is no easier."""
    return BETTER.index(more.verdict) <= BETTER.index(less.verdict) and not (less.unverified and not more.unverified)


@given(
    SAMPLES, RULES, BEFORE, st.integers(0, 300), st.sampled_from([SITE, API]), st.sampled_from(["503", "x"]), CONTROLS
)
def test_one_more_failed_probe_never_makes_it_healthier(
    samples: list[Sample], rules: WatchRules, first: Sample | None, at: int, target: str, why: str, control: bool | None
) -> None:
    """Whatever was observed, also before the deploy, and whenever the failure was."""
    more = [*samples, Sample(at, (Probe(target, FAILED, why),), control)]
    assert is_no_healthier(classify(more, rules, first), classify(samples, rules, first))


@given(SAMPLES, RULES, BEFORE, st.integers(0, 300), st.sampled_from(["log", "metrics"]), st.integers(1, 150))
def test_more_errors_never_make_it_healthier(
    samples: list[Sample], rules: WatchRules, first: Sample | None, at: int, source: str, errors: int
) -> None:
    """Also where they bring a source to enough requests."""
    more = [*samples, Sample(at, readings=(Count(source, errors, errors),))]
    assert is_no_healthier(classify(more, rules, first), classify(samples, rules, first))


@given(SAMPLES, RULES, BEFORE)
def test_a_failure_before_the_deploy_never_makes_it_healthy(
    samples: list[Sample], rules: WatchRules, first: Sample | None
) -> None:
    """It may keep a rollback from a deploy, and never calls one well that is not."""
    probes_only = replace(first, readings=()) if first is not None else None
    found, strict = classify(samples, rules, probes_only), classify(samples, rules)
    assert (found.verdict is HEALTHY) is (strict.verdict is HEALTHY)


@given(SAMPLES, RULES, st.data())
def test_an_answer_that_was_missed_never_makes_it_healthier(
    samples: list[Sample], rules: WatchRules, data: st.DataObject
) -> None:
    """A probe that was not made, and one that nobody recorded, are no answers."""
    missed = data.draw(st.lists(st.booleans(), min_size=len(samples), max_size=len(samples)))
    fewer = [
        replace(one, probes=tuple(replace(p, result=UNMADE) if p.result is OK else p for p in one.probes))
        if gap
        else one
        for one, gap in zip(samples, missed, strict=True)
    ]
    assert BETTER.index(classify(fewer, rules).verdict) <= BETTER.index(classify(samples, rules).verdict)
    unrecorded = [replace(one, probes=tuple(p for p in one.probes if p.result is not OK)) for one in samples]
    assert BETTER.index(classify(unrecorded, rules).verdict) <= BETTER.index(classify(samples, rules).verdict)


@given(SAMPLES, RULES)
def test_the_order_of_targets_and_sources_changes_nothing(samples: list[Sample], rules: WatchRules) -> None:
    """What is asked first is chance."""
    once = [
        replace(one, probes=tuple({p.target: p for p in one.probes}.values()),
                readings=tuple({r.source: r for r in one.readings}.values()))
        for one in samples
    ]  # fmt: skip
    turned = [replace(one, probes=one.probes[::-1], readings=one.readings[::-1]) for one in once]
    back = replace(rules, targets=rules.targets[::-1], sources=rules.sources[::-1])
    assert classify(turned, back) == classify(once, rules)


@given(st.lists(st.tuples(st.integers(0, 120), st.integers(0, 120)).map(lambda p: (max(p), min(p))), max_size=9))
def test_the_stretch_is_found_wherever_one_is(pairs: list[tuple[int, int]]) -> None:
    """The fast search finds one exactly where looking at each stretch finds one."""
    stretches = [pairs[a:b] for a in range(len(pairs)) for b in range(a + 1, len(pairs) + 1)]
    sums = [(sum(r for r, _ in one), sum(e for _, e in one)) for one in stretches]
    ill = any(r >= 100 and Fraction(e, r) > Fraction(1, 20) for r, e in sums)
    assert (classify(counted(*pairs), COUNTED).verdict is DEGRADED) is ill
