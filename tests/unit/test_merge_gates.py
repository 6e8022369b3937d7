"""The gates `merge` and `merge-proof` only read: PASS for this very commit and target, else what stands there."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.gates import merge
from orch_gates.gates.merge import GATE, PROOF_GATE, MergeFacts
from orch_gates.model.attempt import Attempt, Phase
from orch_gates.model.verdict import Outcome, Verdict
from tests.tasks_builders import make_attempt

A, V, OTHER = ("a" * 40, "c" * 40, "f" * 40)
FINDING = {
    "id": "x",
    "rule": "conflict",
    "path": "src/app.py",
    "line": 0,
    "commit": A,
    "description": "conflicts",
    "fix": "merge it",
    "carrier": "file",
}
REBASED: dict[str, Any] = {"head": A, "commit": V, "how": "rebase"}
LANDED = {"phase": "landed", "outcome": "PASS", "merge": OTHER, "proof": "main at f has c by the merge f", "pull": 12}
GATES = pytest.mark.parametrize("gate", [GATE, PROOF_GATE], ids=lambda gate: gate.name)


def judged(attempt: Attempt | None, head: str = V, target: str = "main", gate: Any = GATE) -> Verdict:
    verdict: Verdict = gate.judge(MergeFacts(attempt, head, target), gate.policy)
    assert verdict.gate == gate.name
    assert "\n" not in verdict.reason + verdict.next_step
    assert verdict.outcome is Outcome.PASS or verdict.next_step or attempt is not None
    return verdict


@pytest.mark.parametrize("how", [{}, REBASED, REBASED | {"how": "merge"}])
@pytest.mark.parametrize("phase", [{"phase": "validated"}, {"phase": "merging"}, LANDED])
def test_a_validated_commit_passes(how: dict[str, Any], phase: dict[str, Any]) -> None:
    """With what proves it: base, commit, tree, attempt and generation (P1)."""
    attempt = make_attempt(**how | phase)
    verdict = judged(attempt)
    assert verdict.outcome is Outcome.PASS
    assert verdict.reason.startswith("cccccccccc was validated on main at dddddddddd: ")
    assert verdict.evidence["commit"] == V
    assert verdict.evidence["base"] == "d" * 40
    assert verdict.evidence["tree"] == "e" * 40
    assert verdict.evidence["generation"] == 5


@pytest.mark.parametrize(
    "changes",
    [
        {"phase": "acquired", "base": "", "tree": "", "how": "", "proven": "", "commit": "", "head": V},
        {"phase": "caught-up", "proven": ""},
        {"phase": "testing", "proven": ""},
    ],
)
def test_one_that_goes_on_is_waited_for(changes: dict[str, Any]) -> None:
    """Nobody is charged for it."""
    verdict = judged(make_attempt(**changes))
    assert verdict.outcome is Outcome.DEFER
    assert f"is {changes['phase']}: the test command passed" in verdict.reason
    assert verdict.next_step == "To continue: `orch-gates gate merge --task T-1`."


def test_one_that_is_given_up_is_waited_for() -> None:
    """No merge of it is taken any more, so nothing moves on it."""
    assert judged(make_attempt(phase="merging", closing=True)).outcome is Outcome.DEFER


def test_the_commit_before_the_catch_up_does_not_pass() -> None:
    """What was tested is another one; where the branch stands there still, it is to be moved."""
    for phase in ("validated", "merging"):
        assert judged(make_attempt(**REBASED, phase=phase), head=A).outcome is Outcome.DEFER


@GATES
@pytest.mark.parametrize("outcome", [Outcome.FAIL, Outcome.HOLD, Outcome.DEFER, Outcome.ERROR])
def test_how_it_ended_is_the_answer(gate: Any, outcome: Outcome) -> None:
    """With its reason, what to do, and what was found, for whoever has to mend it (ENG-4)."""
    attempt = make_attempt(outcome=outcome, reason="red", next_step="Mend it.", findings=[FINDING])
    verdict = judged(attempt, gate=gate)
    assert (verdict.outcome, verdict.reason, verdict.next_step) == (outcome, "red", "Mend it.")
    assert [finding.path for finding in verdict.findings] == ["src/app.py"]
    assert not verdict.absent


@GATES
@pytest.mark.parametrize(
    ("attempt", "head", "target", "words"),
    [
        (None, "", "main", "the task's branch does not exist"),
        (make_attempt(), "", "main", "the task's branch does not exist"),
        (None, V, "main", "no attempt to merge cccccccccc has begun"),
        (make_attempt(), V, "release", "was to merge it into main, not into release"),
        (make_attempt(**LANDED), V, "release", "was to merge it into main, not into release"),
        (make_attempt(), OTHER, "main", "the last attempt was for cccccccccc, not ffffffffff"),
        (make_attempt(**REBASED | LANDED), OTHER, "main", "the last attempt was for cccccccccc, not ffffffffff"),
        (make_attempt(outcome="HOLD"), OTHER, "main", "the last attempt was for cccccccccc, not ffffffffff"),
        (
            make_attempt(phase="acquired", base="", tree="", how="", proven="", commit="", head=A),
            OTHER,
            "main",
            "the last attempt was for aaaaaaaaaa, not ffffffffff",
        ),
    ],
)
def test_no_attempt_about_this_very_commit_and_target_never_passes(
    gate: Any, attempt: Attempt | None, head: str, target: str, words: str
) -> None:
    """It is absent, which charges nobody; and it says what to run."""
    verdict = judged(attempt, head, target, gate)
    assert (verdict.outcome, verdict.absent) == (Outcome.FAIL, True)
    assert words in verdict.reason
    assert verdict.next_step


def test_a_merge_is_proven_by_git_only() -> None:
    """The proof's own words are the reason."""
    verdict = judged(make_attempt(**LANDED), gate=PROOF_GATE)
    assert (verdict.outcome, verdict.reason) == (Outcome.PASS, "main at f has c by the merge f")
    assert (verdict.evidence["merge"], verdict.evidence["pull"]) == (OTHER, 12)


@pytest.mark.parametrize("phase", ["validated", "merging"])
@pytest.mark.parametrize("closing", [True, False])
def test_one_that_has_not_landed_is_absent(phase: str, *, closing: bool) -> None:
    """Also where the forge was asked, and may have merged."""
    verdict = judged(make_attempt(phase=phase, pull=12, closing=closing), gate=PROOF_GATE)
    assert (verdict.outcome, verdict.absent) == (Outcome.FAIL, True)
    assert f"it is not merged yet; the attempt is {phase}" in verdict.reason
    assert verdict.next_step == "Run `orch-gates merge --task T-1`."


@GATES
def test_a_target_that_regressed_holds(gate: Any) -> None:
    """It landed, and a person has to look before the task moves on (MRG-10)."""
    attempt = make_attempt(**LANDED | {"outcome": "HOLD", "reason": "main regressed"})
    assert judged(attempt, gate=gate).outcome is Outcome.HOLD


@given(
    st.sampled_from(list(Phase)),
    st.sampled_from([None, *Outcome]),
    st.booleans(),
    st.sampled_from([A, V, OTHER, ""]),
    st.sampled_from(["main", "release"]),
)
def test_whatever_stands_there_only_one_thing_passes(
    phase: Phase, outcome: Outcome | None, closing: bool, head: str, target: str
) -> None:
    """Any attempt at all, also one that no driver writes."""
    attempt = make_attempt(**REBASED, phase=phase, outcome=outcome, closing=closing, merge=OTHER, proof="p")
    goes_on = not closing or phase is Phase.LANDED
    right = head == V and target == "main" and outcome in {None, Outcome.PASS} and goes_on
    validated = phase in {Phase.VALIDATED, Phase.MERGING, Phase.LANDED}
    assert (judged(attempt, head, target).outcome is Outcome.PASS) is (right and validated)
    proven = judged(attempt, head, target, PROOF_GATE).outcome is Outcome.PASS
    assert proven is (target == "main" and head in {A, V} and outcome is Outcome.PASS)


def test_both_read_the_attempt_and_nothing_else() -> None:
    """They are handed its file as reports are, and ask no forge."""
    assert (GATE.name, PROOF_GATE.name) == ("merge", "merge-proof")
    assert merge.FILE == "attempt.md"
    assert (GATE.asks_forge, PROOF_GATE.asks_forge) == (False, False)
    assert (GATE.policy.unknown, PROOF_GATE.policy.unknown) == (Outcome.ERROR, Outcome.HOLD)
