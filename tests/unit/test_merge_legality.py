"""Which changes of a lease and an attempt are legal: all that the driver makes, and few besides (OWN-3, MRG-14)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orch_gates.engine import merge_legality
from orch_gates.engine.legality import Violation
from orch_gates.merge import lease as leases
from orch_gates.merge import steps
from orch_gates.merge.lease import Runner
from orch_gates.merge.steps import AttemptEnd, CaughtUp
from orch_gates.model.attempt import Attempt, Phase
from orch_gates.model.ids import timestamp
from orch_gates.model.lease import Lease
from orch_gates.model.verdict import Outcome
from tests.tasks_builders import BEFORE, NOW, make_attempt, make_lease, make_task

ATTEMPT = "0123456789abcdef"
A, B, C = ("a" * 40, "b" * 40, "c" * 40)
LATER = timestamp(NOW)
Changes = dict[str, Any]
ACQUIRED: Changes = {"phase": "acquired", "base": "", "commit": "", "tree": "", "how": "", "depends": "", "proven": ""}
LANDED: Changes = {"phase": "landed", "outcome": "PASS", "merge": A, "proof": "in main", "pull": 12}
CLAIM: Changes = {
    "number": 1,
    "runner": "ann",
    "host": "host",
    "pid": 101,
    "started": "5001",
    "since": BEFORE,
    "until": LATER,
}
CLAIMED: Changes = {"attempt": ATTEMPT, "claims": 1, "claim": CLAIM}
GLASS: Changes = {"tip": A, "expires": LATER, "by": "ann", "reason": "fire", "acknowledged": False}
FREE: Changes = {"holder": "", "granted": None, "expires": None}


def fields(violations: tuple[Violation, ...]) -> list[str]:
    return [violation.field for violation in violations]


# ---- attempts


@pytest.mark.parametrize(
    "changes",
    [
        ACQUIRED,
        {"phase": "caught-up", "proven": ""},
        {"phase": "testing", "proven": ""},
        {},
        {"phase": "merging"},
        LANDED,
        LANDED | {"outcome": "HOLD"},
        ACQUIRED | {"outcome": "DEFER"},
        {"phase": "testing", "proven": "", "outcome": "FAIL"},
        {"phase": "merging", "closing": True},
    ],
)
def test_an_attempt_may_stand_so(changes: Changes) -> None:
    assert merge_legality.attempt_alone(make_attempt(**changes)) == ()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        (ACQUIRED | {"base": B}, "base"),
        (ACQUIRED | {"how": "rebase"}, "base"),
        (ACQUIRED | {"base": B, "commit": C, "tree": A, "how": "rebase"}, "base"),
        ({"base": ""}, "base"),
        ({"commit": "", "head": C}, "base"),
        ({"tree": ""}, "base"),
        ({"how": ""}, "base"),
        ({"proven": ""}, "proven"),
        ({"phase": "merging", "proven": ""}, "proven"),
        ({"merge": A, "proof": "p"}, "merge"),
        (LANDED | {"merge": ""}, "merge"),
        (LANDED | {"proof": ""}, "merge"),
        (LANDED | {"phase": "merging"}, "merge"),
    ],
)
def test_no_attempt_may_stand_so(changes: Changes, field: str) -> None:
    """What a phase says is known exactly from that phase on; a hand that skips a step is noticed."""
    assert fields(merge_legality.attempt_alone(make_attempt(**changes))) == [field]


@pytest.mark.parametrize("before", [None, make_attempt(id="f" * 16, generation=4, outcome="DEFER")])
@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"phase": "caught-up", "base": B, "commit": C, "tree": A, "how": "rebase"}, ["phase"]),
        ({"outcome": "FAIL"}, ["phase"]),
        ({"outcome": "PASS"}, ["phase"]),
    ],
)
def test_an_attempt_begins_as_acquired(before: Attempt | None, changes: Changes, found: list[str]) -> None:
    """Nobody begins with what was never done."""
    assert fields(merge_legality.attempt_change(before, make_attempt(**ACQUIRED | changes))) == found


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({"outcome": None, "generation": 4}, {}, ["id"]),
        ({"outcome": "HOLD", "generation": 4}, {}, ["id"]),
        ({"outcome": "FAIL", "generation": 5}, {}, ["generation"]),
        ({"outcome": "FAIL", "generation": 6}, {}, ["generation"]),
        ({"outcome": None, "generation": 6}, {}, ["id", "generation"]),
    ],
)
def test_no_attempt_replaces_one_that_goes_on(before: Changes, after: Changes, found: list[str]) -> None:
    """And each has a lease of its own, so that an old one is never taken for a new one (MRG-5)."""
    old, new = make_attempt(**{"id": "f" * 16} | before), make_attempt(**ACQUIRED | after)
    assert fields(merge_legality.attempt_change(old, new)) == found


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.HOLD])
def test_an_attempt_that_ended_never_changes_again(outcome: Outcome) -> None:
    """Not even its reason."""
    before = make_attempt(outcome=outcome)
    assert merge_legality.attempt_change(before, before) == ()
    for changes in ({"reason": "another"}, {"outcome": None}, {"phase": "merging"}, {"updated": LATER}):
        after = make_attempt(**{"outcome": outcome} | changes)
        assert fields(merge_legality.attempt_change(before, after)) == ["outcome"]


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({}, {"reason": "another", "next_step": "x", "updated": LATER, "runs": 4, "outcome": "HOLD"}, []),
        ({"outcome": "HOLD"}, {}, []),
        ({"phase": "caught-up", "proven": ""}, {}, []),
        ({"phase": "caught-up", "proven": ""}, {"phase": "testing", "proven": ""}, []),
        ({"phase": "merging"}, {"phase": "merging", "closing": True}, []),
        ({"phase": "merging", "closing": True}, LANDED | {"closing": True}, []),
        ({"phase": "merging", "closing": True}, {"phase": "merging", "closing": True, "outcome": "DEFER"}, []),
        # what it is
        *(
            ({}, {field: value}, [field])
            for field, value in {
                "task": "T-2",
                "branch": "other",
                "target": "release",
                "generation": 6,
                "head": A,
                "earlier": [A],
                "rounds": 2,
                "started": LATER,
            }.items()
        ),
        # what was known
        *(
            ({"pull": 3, "depends": "git"}, {"pull": 3, "depends": "git"} | {field: value}, [field])
            for field, value in {
                "base": A,
                "commit": A,
                "tree": A,
                "how": "rebase",
                "depends": "other",
                "pull": 4,
            }.items()
        ),
        (LANDED | {"outcome": "HOLD"}, LANDED | {"merge": B}, ["merge"]),
        ({"pull": 3}, {"pull": 0}, ["pull"]),
        # where it goes
        ({"phase": "merging"}, {}, ["phase"]),
        ({}, {"phase": "testing"}, ["phase"]),
        ({}, ACQUIRED, ["phase", "base", "commit", "tree", "how", "depends"]),
        (ACQUIRED, {"phase": "testing", "proven": ""}, ["phase"]),
        (ACQUIRED, {}, ["phase"]),
        ({"phase": "testing", "proven": ""}, {"phase": "merging"}, ["phase"]),
        ({"phase": "caught-up", "proven": ""}, {"phase": "merging"}, ["phase"]),
        ({}, LANDED, ["phase"]),
        # given up
        ({"phase": "merging", "closing": True}, {"phase": "merging"}, ["closing"]),
        ({"closing": True}, {"phase": "merging", "closing": True}, ["closing"]),
    ],
)
def test_what_an_attempt_may_become(before: Changes, after: Changes, found: list[str]) -> None:
    """Forward, nothing left out, and what was written down once stays (MRG-14)."""
    old = make_attempt(**{"head": C} | before)
    new = make_attempt(**{"head": C} | after)
    assert fields(merge_legality.attempt_change(old, new)) == found


TASK = make_task()
FOUND = CaughtUp(B, C, A, "rebase", "git")
STEPS: dict[str, Any] = {
    "caught up": lambda one: steps.caught_up(one, FOUND, NOW) if one.phase is Phase.ACQUIRED else one,
    "testing": lambda one: (
        steps.testing(one, "x", NOW) if one.phase in {Phase.CAUGHT_UP, Phase.TESTING} and not one.closing else one
    ),
    "validated": lambda one: (
        steps.validated(one, "cache", 1, "x", NOW)
        if one.phase in {Phase.CAUGHT_UP, Phase.TESTING} and not one.closing
        else one
    ),
    "merging": lambda one: steps.merging(one, 12, NOW) if one.phase is Phase.VALIDATED and not one.closing else one,
    "landed": lambda one: (
        steps.landed(one, one.merge or A, one.proof or "p", NOW) if one.phase.number >= Phase.MERGING.number else one
    ),
    "regressed": lambda one: (
        steps.held(steps.landed(one, one.merge or A, "p", NOW), "gone", "x") if one.phase is Phase.MERGING else one
    ),
    "held": lambda one: steps.held(one, "x", "y"),
    "noted": lambda one: steps.noted(one, "x", NOW),
    "closing": lambda one: steps.closing(one, "x", NOW) if one.phase is Phase.MERGING else one,
    **{
        f"ended {outcome}": lambda one, outcome=outcome: steps.ended(one, AttemptEnd(outcome, "x", moved=True), NOW)
        for outcome in Outcome
    },
}


@settings(max_examples=300)
@given(st.lists(st.sampled_from(["caught up", "testing", "validated", "merging", *STEPS]), max_size=14))
def test_every_step_that_is_made_is_legal(names: list[str]) -> None:
    """In any order in which the driver can make them; after an end, the next attempt begins."""
    attempt = steps.begun(TASK, "main", C, attempt=f"{0:016x}", generation=1, before=None, now=NOW)
    assert merge_legality.attempt_change(None, attempt) == ()
    for name in names:
        before = attempt
        if before.over:
            number = before.generation + 1
            attempt = steps.begun(TASK, "main", C, attempt=f"{number:016x}", generation=number, before=before, now=NOW)
        else:
            attempt = STEPS[name](before)
        assert merge_legality.attempt_change(before, attempt) == ()


# ---- leases


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        (CLAIMED, []),
        (FREE, []),
        (CLAIMED | {"held": "why", "claim": None}, []),
        (FREE | {"attempt": ATTEMPT}, ["holder"]),
        (FREE | {"held": "why"}, ["holder"]),
        (FREE | {"claims": 1, "claim": CLAIM}, ["holder"]),
        (CLAIMED | {"claims": 2}, ["claim.number"]),
        (CLAIMED | {"claims": 0}, ["claim.number"]),
    ],
)
def test_how_a_lease_may_stand(changes: Changes, found: list[str]) -> None:
    """A free one is nobody's, and its claim is the last that was counted: no number comes twice."""
    assert fields(merge_legality.lease_alone(make_lease(**changes))) == found
    assert fields(merge_legality.lease_change(None, make_lease(**changes))) == found


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        # renewed by the same process, taken on by another
        (CLAIMED, CLAIMED | {"claim": CLAIM | {"until": timestamp(NOW + timedelta(hours=1))}}, []),
        (CLAIMED, CLAIMED | {"claim": None}, []),
        (CLAIMED, CLAIMED | {"claims": 2, "claim": CLAIM | {"number": 2, "pid": 7}}, []),
        (CLAIMED | {"claim": None}, CLAIMED | {"claims": 2, "claim": CLAIM | {"number": 2}}, []),
        (CLAIMED, FREE | {"generation": 5}, []),
        # a claim comes back, or is somebody else's
        (CLAIMED | {"claim": None}, CLAIMED, ["claims"]),
        (CLAIMED, CLAIMED | {"claim": CLAIM | {"pid": 7}}, ["claims"]),
        (CLAIMED, CLAIMED | {"claim": CLAIM | {"host": "other"}}, ["claims"]),
        (CLAIMED, CLAIMED | {"claim": CLAIM | {"started": "9"}}, ["claims"]),
        (CLAIMED | {"claims": 2, "claim": CLAIM | {"number": 2}}, CLAIMED, ["claims"]),
        (CLAIMED, CLAIMED | {"claims": 0, "claim": None}, ["claims"]),
        # another holder or attempt under one generation
        (CLAIMED, CLAIMED | {"holder": "T-2"}, ["generation"]),
        (CLAIMED, CLAIMED | {"attempt": "f" * 16}, ["generation"]),
        (CLAIMED, CLAIMED | {"granted": LATER}, ["generation"]),
        (CLAIMED, CLAIMED | {"attempt": "f" * 16, "generation": 6}, []),
        (CLAIMED, CLAIMED | {"generation": 4}, ["generation"]),
        (CLAIMED, CLAIMED | {"target": "release"}, ["target"]),
        # the broken glass
        ({}, FREE | {"generation": 6, "break_glass": GLASS}, []),
        ({"break_glass": GLASS}, {"break_glass": GLASS | {"acknowledged": True}}, []),
        ({"break_glass": GLASS}, FREE | {"generation": 6, "break_glass": GLASS | {"tip": B}}, []),
        ({}, {"break_glass": GLASS}, ["break_glass"]),
        ({"break_glass": GLASS}, {"break_glass": GLASS | {"tip": B}}, ["break_glass"]),
        ({"break_glass": GLASS}, {"break_glass": GLASS | {"expires": BEFORE}}, ["break_glass"]),
        ({"break_glass": GLASS}, {"break_glass": GLASS | {"by": "bob", "acknowledged": True}}, ["break_glass"]),
        ({"break_glass": GLASS}, {}, ["break_glass"]),
        ({"break_glass": GLASS}, {"generation": 6}, ["break_glass"]),
        ({"break_glass": GLASS | {"acknowledged": True}}, {"break_glass": GLASS}, ["break_glass"]),
    ],
)
def test_what_a_lease_may_become(before: Changes, after: Changes, found: list[str]) -> None:
    """No claim comes back, no generation is shared, and what an emergency did stays to be seen (MRG-4, MRG-15)."""
    assert fields(merge_legality.lease_change(make_lease(**before), make_lease(**after))) == found


ANN = Runner("ann", "host", 101, "5001")


@given(st.lists(st.sampled_from(["grant", "claim", "renew", "wait", "hold", "release"]), max_size=12), st.data())
def test_every_change_of_a_lease_that_is_made_is_legal(names: list[str], data: st.DataObject) -> None:
    """Each function on any lease that it can be called on."""
    lease: Lease = leases.free("main")
    for name in names:
        before, by = lease, replace(ANN, pid=data.draw(st.sampled_from([101, 102])))
        match name:
            case "grant":
                lease, _ = leases.granted(before, "T-1", ATTEMPT, by, NOW, 60, "x")
            case "claim" if before.holder:
                lease, _ = leases.claimed(before, by, NOW, 60, 600)
            case "renew" if before.claim is not None:
                lease, _ = leases.renewed(before, NOW, 60, 600)
            case "wait" if before.holder:
                lease = leases.waiting(before, NOW, 600, "x")
            case "hold" if before.holder:
                lease = leases.held(before, "x")
            case "release":
                lease = leases.released(before, "x")
            case _:
                continue
        assert merge_legality.lease_change(before, lease) == ()
