"""How an environment changes: one deploy at a time, DEPLOYED from exit 0 alone, back only to what was verified."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orch_gates.engine import deploy_legality
from orch_gates.engine.deploys import (
    Already,
    Busy,
    Conclusion,
    DeployEnd,
    Refused,
    armed,
    deployed,
    end_of,
    finished,
    known,
    rollback_target,
    seen,
    settled,
    taken,
    with_standing,
)
from orch_gates.engine.sighting import Life, Sighting
from orch_gates.model.environment import MAX_HISTORY, Environment, Standing, empty
from orch_gates.model.ids import moment, timestamp
from tests.deploy_builders import NEW, NEXT, OLD, OLD_HEAD, make_deployed, make_environment, make_running
from tests.tasks_builders import HEAD, NOW

RUNNING = make_running()
SECOND = make_deployed(deploy=NEW, task="T-1", revision=HEAD, digest=RUNNING.digest, standing="watching")
BOTH = make_environment(generation=4, current=SECOND, history=(SECOND, make_deployed()))
LOST = make_environment(generation=4, unknown="its process is gone", unsettled=RUNNING)
ROLLBACK = make_running(deploy=NEXT, task="T-0", revision=OLD_HEAD, digest="", rollback_of=NEW)


def conclusion(end: DeployEnd, reason: str = "exit code 0") -> Conclusion:
    return Conclusion(end, reason, NOW)


# ---- the contract


@pytest.mark.parametrize(
    ("code", "end"),
    [
        (0, DeployEnd.DEPLOYED),
        (1, DeployEnd.FAILED),
        (2, DeployEnd.REFUSED),
        (3, DeployEnd.UNKNOWN),
        (75, DeployEnd.UNKNOWN),
        (127, DeployEnd.UNKNOWN),
        (143, DeployEnd.UNKNOWN),
        (-1, DeployEnd.UNKNOWN),
        (-9, DeployEnd.UNKNOWN),
        (-15, DeployEnd.UNKNOWN),
    ],
)
def test_an_exit_code_is_a_contract(code: int, end: DeployEnd) -> None:
    """DEP-1: 0 deployed, 1 failed, 2 refused; of everything else nobody knows what runs."""
    assert end_of(code, timed_out=False) is end


@given(code=st.integers(-64, 255), timed_out=st.booleans())
def test_nothing_but_exit_0_deploys(code: int, timed_out: bool) -> None:
    """And not even that once its time was over: whoever was ended does not say how far it got."""
    end = end_of(code, timed_out=timed_out)
    assert (end is DeployEnd.DEPLOYED) is (code == 0 and not timed_out)
    assert (end.word == "DEPLOYED") is (end is DeployEnd.DEPLOYED)
    assert not timed_out or end.word == "REFUSED"


# ---- begin


def test_the_first_deploy_takes_the_environment() -> None:
    after = taken(empty("production"), RUNNING)
    assert isinstance(after, Environment)
    assert (after.running, after.generation) == (RUNNING, 1)


def test_a_second_one_finds_it_busy() -> None:
    """The environment is the lease: whoever comes next is told who has it."""
    first = taken(make_environment(), RUNNING)
    assert isinstance(first, Environment)
    assert taken(first, make_running(deploy=NEXT)) == Busy(RUNNING)
    assert taken(first, RUNNING) == Busy(RUNNING)


def test_what_runs_already_is_not_deployed_again() -> None:
    """The same task, commit and image; another image is another deploy."""
    assert taken(BOTH, make_running(deploy=NEXT)) == Already(SECOND)
    for changes in ({"digest": ""}, {"revision": OLD_HEAD}, {"task": "T-2"}):
        assert isinstance(taken(BOTH, make_running(deploy=NEXT, **changes)), Environment)


def test_nothing_is_deployed_over_what_nobody_knows() -> None:
    """A deploy that was killed is never repeated silently, by the same task or another one."""
    for task in ("T-1", "T-2"):
        refused = taken(LOST, make_running(deploy=NEXT, task=task))
        assert isinstance(refused, Refused)
        assert "its process is gone" in refused.reason
        assert "orch-gates env settle production" in refused.reason


# ---- end


def test_a_deploy_that_ended_well_is_what_runs() -> None:
    """The generation stays; what ran before it is in the history, and what was verified is kept."""
    before = make_environment(generation=4, running=RUNNING)
    after = finished(before, NEW, conclusion(DeployEnd.DEPLOYED), watched=True)
    assert after is not None
    assert after.current == deployed(RUNNING, NOW, Standing.WATCHING)
    assert (after.running, after.generation, after.verified) == (None, 4, make_deployed())
    assert after.history == (after.current, make_deployed())
    unwatched = finished(before, NEW, conclusion(DeployEnd.DEPLOYED), watched=False)
    assert unwatched is not None
    assert unwatched.current is not None
    assert unwatched.current.standing is Standing.UNWATCHED


@pytest.mark.parametrize("end", [DeployEnd.FAILED, DeployEnd.REFUSED])
def test_a_deploy_that_failed_changes_nothing(end: DeployEnd) -> None:
    """What ran before still runs, as the contract says."""
    before = make_environment(generation=4, running=RUNNING)
    assert finished(before, NEW, conclusion(end), watched=True) == make_environment(generation=4)


def test_a_deploy_of_which_nobody_knows_leaves_a_question() -> None:
    """What it was is kept, so that a person can say whether it runs."""
    before = make_environment(generation=4, running=RUNNING)
    after = finished(before, NEW, conclusion(DeployEnd.UNKNOWN, "did not\nfinish"), watched=True)
    assert after == make_environment(generation=4, unknown="did not finish", unsettled=RUNNING)


@pytest.mark.parametrize("end", list(DeployEnd))
def test_nobody_else_ends_a_deploy(end: DeployEnd) -> None:
    before = make_environment(generation=4, running=RUNNING)
    assert finished(before, NEXT, conclusion(end), watched=False) is None
    assert finished(make_environment(), NEW, conclusion(end), watched=False) is None


def test_the_own_word_of_a_deploy_counts_until_a_person_settled_it() -> None:
    """It was taken for lost and was not; once somebody said what runs, that stands."""
    late = finished(LOST, NEW, conclusion(DeployEnd.DEPLOYED), watched=False)
    assert late is not None
    assert (late.unknown, late.unsettled) == ("", None)
    assert late.current is not None
    assert late.current.deploy == NEW
    assert finished(LOST, NEW, conclusion(DeployEnd.UNKNOWN), watched=False) is None
    assert finished(LOST, NEW, conclusion(DeployEnd.FAILED), watched=False) == make_environment(generation=4)
    output = settled(LOST, make_deployed())
    assert isinstance(output, Environment)
    assert finished(output, NEW, conclusion(DeployEnd.DEPLOYED), watched=False) is None


# ---- one that nobody ended

UNTIL = moment(RUNNING.until)


@pytest.mark.parametrize(
    ("sighting", "now", "end"),
    [
        (Sighting(Life.ALIVE), NOW, None),
        (Sighting(Life.ALIVE), UNTIL + timedelta(days=9), None),
        (Sighting(Life.DEAD, "its process 7 is gone"), NOW, DeployEnd.UNKNOWN),
        (Sighting(Life.ENDED, "ended", 0), NOW, DeployEnd.DEPLOYED),
        (Sighting(Life.ENDED, "ended", 1), NOW, DeployEnd.FAILED),
        (Sighting(Life.ENDED, "ended", 2), NOW, DeployEnd.REFUSED),
        (Sighting(Life.ENDED, "ended", 143), NOW, DeployEnd.UNKNOWN),
        (Sighting(Life.ENDED, "did not finish", None), NOW, DeployEnd.UNKNOWN),
        (Sighting(Life.UNKNOWN), NOW, None),
        (Sighting(Life.UNKNOWN), UNTIL - timedelta(seconds=1), None),
        (Sighting(Life.UNKNOWN), UNTIL, DeployEnd.UNKNOWN),
    ],
)
def test_a_lost_deploy_is_found(sighting: Sighting, now: Any, end: DeployEnd | None) -> None:
    """One that lives is left alone; of one that nobody can look for, its time decides."""
    found = seen(RUNNING, sighting, now)
    assert (None if found is None else found.end) is end
    if found is not None:
        assert NEW in found.reason


# ---- settle


def test_a_person_names_what_runs() -> None:
    """The lost deploy itself, one of before, or a commit; too little of a name names nothing."""
    lost = deployed(RUNNING, moment(RUNNING.began), Standing.UNWATCHED)
    assert known(LOST, NEW) == known(LOST, HEAD) == known(LOST, HEAD[:7]) == (lost,)
    assert known(LOST, OLD) == known(LOST, OLD_HEAD[:7]) == (make_deployed(),)
    assert known(LOST, HEAD[:6]) == known(LOST, "f" * 16) == known(LOST, "") == ()
    twice = make_deployed(deploy=NEXT, standing="unwatched")
    found = known(make_environment(current=twice, history=(twice, make_deployed())), OLD_HEAD[:9])
    assert [one.deploy for one in found] == [NEXT, OLD]


def test_a_settled_environment_can_be_deployed_to() -> None:
    for runs in (make_deployed(), SECOND):
        after = settled(LOST, runs)
        assert isinstance(after, Environment)
        assert (after.unknown, after.unsettled, after.current) == ("", None, runs)
        assert after.verified == make_deployed()
        assert isinstance(taken(after, make_running(deploy=NEXT, task="T-2")), Environment)


def test_what_is_under_way_is_not_settled() -> None:
    before = make_environment(generation=4, running=RUNNING)
    assert isinstance(settled(before, make_deployed()), Refused)


# ---- watch and rollback


def test_only_a_verified_deploy_becomes_the_last_verified_one() -> None:
    for standing in Standing:
        after = with_standing(BOTH, NEW, standing)
        assert after is not None
        assert after.current is not None
        assert after.current.standing is standing
        assert after.history[0] == after.current
        kept = after.current if standing is Standing.VERIFIED else make_deployed()
        assert after.verified == kept
    assert with_standing(BOTH, OLD, Standing.VERIFIED) is None


def test_a_deploy_is_taken_back_to_the_last_verified_one() -> None:
    """WCH-3: and the rollback is a deploy like others, but that it is one."""
    assert rollback_target(BOTH, NEW) == make_deployed()
    after = taken(BOTH, ROLLBACK)
    assert isinstance(after, Environment)
    assert after.running == ROLLBACK
    done = finished(after, NEXT, conclusion(DeployEnd.DEPLOYED), watched=True)
    assert done is not None
    assert done.current is not None
    assert (done.current.rollback_of, done.verified) == (NEW, make_deployed())
    assert done.history[1].standing is Standing.STOPPED


@pytest.mark.parametrize(
    ("environment", "deploy", "why"),
    [
        (BOTH, OLD, "no longer runs"),
        (empty("production"), NEW, "no longer runs"),
        (make_environment(), OLD, "is itself the last verified deploy"),
        (make_environment(current=SECOND, verified=None), NEW, "was ever verified"),
        (make_environment(current=make_deployed(deploy=NEW, rollback_of="4" * 16, standing="degraded")), NEW, "never"),
        (LOST, OLD, "is not known"),
    ],
)
def test_nothing_else_is_taken_back(environment: Environment, deploy: str, why: str) -> None:
    """Not what does not run any more, never a rollback, never to what was not verified."""
    refused = rollback_target(environment, deploy)
    assert isinstance(refused, Refused)
    assert why in refused.reason
    assert isinstance(taken(environment, ROLLBACK.model_copy(update={"rollback_of": deploy})), Refused)


def test_a_rollback_brings_what_was_verified_and_nothing_else() -> None:
    assert isinstance(taken(BOTH, ROLLBACK.model_copy(update={"revision": HEAD})), Refused)
    assert isinstance(taken(BOTH, ROLLBACK.model_copy(update={"digest": RUNNING.digest})), Refused)


def test_a_watch_is_bound_to_the_deploy() -> None:
    """T19: deploy, commit, image and deadline; a rollback's own watch knows that it is one."""
    watch = armed(ROLLBACK, "production", NOW, timedelta(minutes=15), timedelta(seconds=30))
    assert (watch.deploy, watch.revision, watch.digest) == (NEXT, OLD_HEAD, "")
    assert (watch.armed, watch.deadline) == (timestamp(NOW), timestamp(NOW + timedelta(minutes=15)))
    assert (watch.rollback_of, watch.every_s, watch.state, watch.verdict) == (NEW, 30, "watching", "")
    assert deploy_legality.watch_change(None, watch) == ()


# ---- whatever happens

_TASKS = {"T-0": OLD_HEAD, "T-1": HEAD, "T-2": "d" * 40}
steps = st.lists(
    st.tuples(
        st.sampled_from(["take", "rollback", "finish", "stranger", "settle", "judge"]),
        st.sampled_from(sorted(_TASKS)),
        st.sampled_from(list(DeployEnd)),
        st.sampled_from(list(Standing)),
    ),
    max_size=60,
)


def step(before: Environment, number: int, kind: str, task: str, end: DeployEnd, standing: Standing) -> Environment:
    """One thing that somebody does; where it is refused, nothing changes."""
    deploy = f"{number + 16:016x}"
    under_way = before.running or before.unsettled
    after: object = None
    match kind:
        case "take":
            after = taken(before, make_running(deploy=deploy, task=task, revision=_TASKS[task]))
        case "rollback":
            of, to = before.current, before.verified
            if of is not None and to is not None:
                brought = {"task": to.task, "revision": to.revision, "digest": to.digest}
                after = taken(before, make_running(deploy=deploy, rollback_of=of.deploy, **brought))
        case "finish":
            after = under_way and finished(before, under_way.deploy, conclusion(end), watched=number % 2 == 0)
        case "stranger":
            assert finished(before, deploy, conclusion(end), watched=True) is None
        case "settle":
            after = settled(before, (*before.history, make_deployed(deploy=deploy, standing="unwatched"))[0])
        case _:
            after = before.current and with_standing(before, before.current.deploy, standing)
    return after if isinstance(after, Environment) else before


@settings(max_examples=300, deadline=None)
@given(steps=steps)
@example(
    steps=[
        ("take", "T-1", DeployEnd.FAILED, Standing.STOPPED),
        ("finish", "T-1", DeployEnd.UNKNOWN, Standing.STOPPED),
        ("finish", "T-1", DeployEnd.FAILED, Standing.STOPPED),
    ]
)
@example(
    steps=[
        ("take", "T-0", DeployEnd.FAILED, Standing.STOPPED),
        ("finish", "T-0", DeployEnd.DEPLOYED, Standing.STOPPED),
        ("judge", "T-0", DeployEnd.FAILED, Standing.VERIFIED),
        ("take", "T-1", DeployEnd.FAILED, Standing.STOPPED),
        ("finish", "T-1", DeployEnd.DEPLOYED, Standing.STOPPED),
        ("judge", "T-1", DeployEnd.FAILED, Standing.DEGRADED),
        ("rollback", "T-1", DeployEnd.FAILED, Standing.STOPPED),
        ("finish", "T-1", DeployEnd.DEPLOYED, Standing.STOPPED),
        ("judge", "T-1", DeployEnd.FAILED, Standing.DEGRADED),
        ("rollback", "T-1", DeployEnd.FAILED, Standing.STOPPED),
    ]
)
def test_whatever_is_done_is_legal(steps: list[tuple[str, str, DeployEnd, Standing]]) -> None:
    """One deploy at a time, the generation tells each, verified is never forgotten, back only to what was verified."""
    before = empty("production")
    began = 0
    for number, (kind, task, end, standing) in enumerate(steps):
        after = step(before, number, kind, task, end, standing)
        assert deploy_legality.environment_change(before, after) == ()
        # Documents are read back as they were written.
        assert Environment.model_validate(after.fields()) == after
        began += after.running is not None and after.running != before.running
        assert after.generation == began
        assert after.running is None or before.running in (None, after.running)
        assert before.verified is None or after.verified is not None
        assert len(after.history) <= MAX_HISTORY
        if after.running is not None and after.running.rollback_of and before.running is None:
            assert before.current is not None
            assert before.verified is not None
            assert before.current.rollback_of == ""
            assert after.running.revision == before.verified.revision
        if after.current != before.current and kind == "finish":
            assert end is DeployEnd.DEPLOYED
        before = after
