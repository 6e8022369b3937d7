"""What a watch does next: at most one rollback, never of a rollback, only to what was verified (WCH-3)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.engine.watch_assessment import Assessment
from orch_gates.engine.watch_reaction import (
    Alert,
    Finish,
    GoOn,
    InEnvironment,
    NextStep,
    NoReaction,
    Over,
    Record,
    Release,
    Rollback,
    Watched,
    decide,
)
from orch_gates.model.watch import WatchVerdict

NEW = Release("b" * 16, "2" * 40, "sha256:2")
OLD = Release("a" * 16, "1" * 40, "sha256:1")
OTHER = Release("c" * 16, "3" * 40, "sha256:3")
WATCHED = Watched(NEW, window=900, can_roll_back=True)
HERE = InEnvironment(NEW, verified=OLD)
WELL = Assessment(WatchVerdict.HEALTHY, "fine", 3, 30)
ILL = Assessment(WatchVerdict.DEGRADED, "503", 3, 30)
BLIND = Assessment(WatchVerdict.UNOBSERVED, "nothing seen", 0, 30)


def step(
    watched: Watched = WATCHED,
    here: InEnvironment = HERE,
    judged: Assessment = WELL,
    at: int = 30,
    *,
    failed: bool = False,
) -> NextStep:
    return decide(watched, here, judged, at, failed=failed)


def reaction(watched: Watched = WATCHED, here: InEnvironment = HERE) -> object:
    found = step(watched, here, ILL)
    assert isinstance(found, Finish)
    assert found.verdict is WatchVerdict.DEGRADED
    return found.reaction


@pytest.mark.parametrize("at", [0, 30, 899, 900, 5000])
def test_a_sick_production_is_rolled_back_in_every_phase(at: int) -> None:
    """At the first sample, in the middle, and by whoever finishes a watch that was left."""
    assert step(judged=ILL, at=at) == Finish(WatchVerdict.DEGRADED, "503", Rollback(OLD, "503"))


def test_the_watch_ends_with_its_window() -> None:
    """One second before it goes on; a healthy one needs nobody, one that saw nothing alerts and rolls nothing back."""
    assert step(WATCHED, at=299) == GoOn()
    assert step(replace(WATCHED, recorded_at=600), at=899) == GoOn()
    assert step(at=900) == Finish(WatchVerdict.HEALTHY, "fine", NoReaction())
    assert step(judged=BLIND, at=900) == Finish(WatchVerdict.UNOBSERVED, "nothing seen", Alert("nothing seen"))


def test_it_is_recorded_at_the_first_failure_and_every_five_minutes() -> None:
    """The first failure once; then by the clock alone."""
    assert step(failed=True) == Record("the first failure")
    assert step(replace(WATCHED, failure_recorded=True), failed=True) == GoOn()
    assert step(at=300) == Record("five minutes went by")
    assert step(replace(WATCHED, recorded_at=300), at=599) == GoOn()
    assert step(replace(WATCHED, recorded_at=300), at=600) == Record("five minutes went by")


def test_a_rollback_is_never_rolled_back() -> None:
    """A sick rollback is a person's: two of them would turn for ever."""
    found = reaction(replace(WATCHED, rollback_of="c" * 16))
    assert isinstance(found, Alert)
    assert "it is itself the rollback of deploy cccc" in found.why


@pytest.mark.parametrize(
    ("watched", "here", "why"),
    [
        (replace(WATCHED, alert_only="the migration cannot be undone"), HERE, "the migration cannot be undone"),
        (replace(WATCHED, can_roll_back=False), HERE, "no rollback command"),
        (WATCHED, replace(HERE, verified=None), "ever verified"),
        (WATCHED, replace(HERE, verified=NEW), "the same revision and digest"),
        (WATCHED, replace(HERE, verified=replace(NEW, deploy="d" * 16)), "the same revision and digest"),
    ],
)
def test_where_nothing_may_be_rolled_back_a_person_is_told_why(watched: Watched, here: InEnvironment, why: str) -> None:
    """What ran before is not good because it was before: only what was verified is."""
    found = reaction(watched, here)
    assert isinstance(found, Alert)
    assert why in found.why


def test_another_digest_of_the_same_revision_is_something_else() -> None:
    """As an image that was built anew is."""
    assert isinstance(reaction(here=replace(HERE, verified=replace(NEW, deploy="d" * 16, digest="sha256:9"))), Rollback)


def test_it_reacts_once() -> None:
    """Whoever comes after a recorded reaction adds none."""
    assert reaction(replace(WATCHED, reacted=True)) == NoReaction()


def test_a_watch_that_is_over_stays_over() -> None:
    """A person stopped it, or another watcher ended it."""
    assert step(replace(WATCHED, over=True), judged=ILL, at=900) == Over()


@pytest.mark.parametrize("here", [InEnvironment(OTHER), InEnvironment(OTHER, running=OLD.deploy), InEnvironment(None)])
def test_what_the_environment_does_not_run_any_more_is_not_judged(here: InEnvironment) -> None:
    """Errors of the next deploy are not held against the last one; it is closed without a reaction."""
    found = step(here=replace(here, verified=OLD), judged=ILL)
    assert isinstance(found, Finish)
    assert (found.verdict, found.reaction) == (WatchVerdict.SUPERSEDED, NoReaction())


def test_while_another_deploy_is_under_way_nothing_is_decided() -> None:
    """Its host may refuse it, and then this one still has to be watched; with the window the watch ends."""
    here = replace(HERE, running=OTHER.deploy)
    assert step(here=here, judged=ILL) == GoOn()
    assert step(here=here, judged=ILL, at=300) == Record("five minutes went by")
    assert isinstance(reaction(here=HERE), Rollback)
    assert isinstance(step(here=here, judged=ILL, at=900), GoOn | Record)
    assert step(here=here, judged=WELL, at=5000) == Record("five minutes went by")


def test_a_deploy_that_should_be_over_is_not_waited_for() -> None:
    """Whoever ran it may be gone: a person looks."""
    found = step(here=replace(HERE, running=OTHER.deploy, overdue=True), judged=ILL)
    assert isinstance(found, Finish)
    assert (found.verdict, type(found.reaction)) == (WatchVerdict.UNOBSERVED, Alert)


def test_where_it_is_not_known_what_runs_nothing_is_rolled_back() -> None:
    """A deploy died on the way: a person looks."""
    found = step(here=replace(HERE, unknown="deploy c died"), judged=ILL)
    assert isinstance(found, Finish)
    assert found.verdict is WatchVerdict.UNOBSERVED
    assert isinstance(found.reaction, Alert)


RELEASES = st.sampled_from([NEW, OLD, OTHER])
ENVIRONMENTS = st.builds(
    InEnvironment, st.none() | RELEASES, st.sampled_from(["", OTHER.deploy]),
    st.sampled_from(["", "it died"]), st.none() | RELEASES, st.booleans(),
)  # fmt: skip
WATCHES = st.builds(
    Watched, st.just(NEW), st.just(900), st.sampled_from(["", OLD.deploy]), st.sampled_from(["", "said so"]),
    st.booleans(), st.booleans(), st.booleans(), st.integers(0, 900), st.booleans(),
)  # fmt: skip


@given(WATCHES, ENVIRONMENTS, st.sampled_from([WELL, ILL, BLIND]), st.integers(0, 2000), st.booleans())
def test_a_rollback_goes_only_to_what_was_verified_and_only_once(
    watched: Watched, here: InEnvironment, judged: Assessment, at: int, failed: bool
) -> None:
    """Whatever is known: never of a rollback, never twice, never without an ill production that runs this deploy."""
    found = decide(watched, here, judged, at, failed=failed)
    if isinstance(found, Finish) and isinstance(found.reaction, Rollback):
        assert found.reaction.target == here.verified != watched.release
        assert not any((watched.rollback_of, watched.reacted, watched.alert_only, watched.over))
        assert watched.can_roll_back
        assert judged is ILL
        assert here.current == NEW
        assert not here.unknown
        assert not here.running


@given(WATCHES, ENVIRONMENTS, st.sampled_from([WELL, ILL, BLIND]))
def test_every_watch_ends_with_its_window(watched: Watched, here: InEnvironment, judged: Assessment) -> None:
    """None outlives it, whatever it saw (faults.md T19), but to wait for another deploy's end."""
    found = decide(watched, here, judged, 900, failed=False)
    assert isinstance(found, Finish | Over) or (here.running and not here.overdue)
