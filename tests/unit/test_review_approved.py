"""`review-approved`: enough others approve exactly this commit, and nobody asks for changes (SPEC §4.2)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orch_gates.errors import ForgeUnavailable
from orch_gates.forge.port.checks import Review, ReviewState
from orch_gates.gates import review_approved
from orch_gates.gates.gate import Ports, Subject
from orch_gates.gates.policy import REVIEW_APPROVED
from orch_gates.gates.review_approved import ReviewFacts
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.settings import load
from tests.fakes.forge import MemoryForge

HEAD, OLDER = "a" * 40, "a" * 39 + "b"
YES, NO = ReviewState.APPROVED, ReviewState.CHANGES_REQUESTED


def judged(*reviews: Review, approvals: int = 1) -> Verdict:
    return review_approved.judge(ReviewFacts("acme/app", HEAD, reviews, approvals), REVIEW_APPROVED)


def asked(forge: MemoryForge) -> Verdict:
    """The verdict on what a forge answers."""
    ports = Ports(load({}), lambda name: pytest.fail(f"{name} was read"), lambda: forge)
    facts = review_approved.gather(Subject(HEAD, "task/T-1", "main"), ports)
    return review_approved.judge(facts, REVIEW_APPROVED)


@pytest.mark.parametrize("approvals", [-1, 0, 1, 2])
def test_enough_others_approve(approvals: int) -> None:
    """A PASS names them and the commit (P1); fewer than one are never asked for."""
    verdict = judged(Review("ada", YES, HEAD), Review("bob", YES, HEAD), approvals=approvals)
    assert (verdict.gate, verdict.outcome, verdict.reason) == (
        "review-approved",
        Outcome.PASS,
        "approved by ada, bob",
    )
    assert verdict.evidence == {"forge": "acme/app", "head": HEAD, "approvals": 2, "stale_approvals": 0}


@pytest.mark.parametrize(
    ("reviews", "approvals", "why"),
    [
        ([], 1, "0 of 1 approvals"),
        ([], 0, "0 of 1 approvals"),
        ([Review("ada", YES, HEAD)], 2, "1 of 2 approvals"),
        ([Review("ada", YES, OLDER)], 1, "1 are for an older commit"),
        ([Review("ada", YES, "")], 1, "0 of 1"),
        ([Review("ada", YES, HEAD[:10])], 1, "0 of 1"),
        ([Review("ada", YES, HEAD.upper())], 1, "0 of 1"),
        ([Review("eve", YES, HEAD, by_author=True)], 1, "0 of 1"),
        ([Review("ada", ReviewState.COMMENTED, HEAD)], 1, "0 of 1"),
        ([Review("ada", ReviewState.DISMISSED, HEAD)], 1, "0 of 1"),
        ([Review("ada", YES, HEAD), Review("ada", YES, HEAD)], 2, "1 of 2"),
    ],
)
def test_too_few_approvals_are_nobodys_fault(reviews: list[Review], approvals: int, why: str) -> None:
    """Stale, by the author, dismissed or a comment only: refused, but nothing was judged red."""
    verdict = judged(*reviews, approvals=approvals)
    assert (verdict.outcome, verdict.absent, verdict.findings) == (Outcome.FAIL, True, ())
    assert why in verdict.reason
    assert verdict.next_step


@pytest.mark.parametrize("commit", [HEAD, OLDER])
def test_one_who_asks_for_changes_outweighs_all_approvals(commit: str) -> None:
    """Until they say otherwise, also where the branch has moved on."""
    verdict = judged(Review("ada", YES, HEAD), Review("eve", NO, commit), Review("bob", YES, HEAD))
    assert (verdict.outcome, verdict.absent) == (Outcome.FAIL, False)
    assert [finding.id for finding in verdict.findings] == ["eve"]
    assert "eve" in verdict.reason


def test_the_pull_request_of_exactly_these_branches_is_asked() -> None:
    """An approval of another change, or of one that is closed, proves nothing; the last word of a reviewer counts."""
    forge = MemoryForge()
    for target in ("main", "release"):
        forge.reviews.open("task/T-1", target)
    forge.reviews.say("task/T-1", "release", "ada", YES, HEAD)
    assert asked(forge).outcome is Outcome.FAIL
    forge.reviews.say("task/T-1", "main", "ada", NO, HEAD)
    forge.reviews.say("task/T-1", "main", "ada", YES, HEAD)
    assert asked(forge).outcome is Outcome.PASS
    forge.reviews.close("task/T-1", "main")
    assert asked(forge).outcome is Outcome.FAIL


def test_a_forge_that_does_not_answer_is_not_an_empty_answer() -> None:
    """Facts are never made up from a failure (P2)."""
    forge = MemoryForge()
    forge.down("timeout")
    with pytest.raises(ForgeUnavailable):
        asked(forge)


reviews = st.builds(
    Review,
    reviewer=st.sampled_from("abcd"),
    state=st.sampled_from([YES, YES, YES, *ReviewState]),
    commit=st.sampled_from([HEAD, HEAD, OLDER, ""]),
    by_author=st.sampled_from([False, False, True]),
)


@settings(max_examples=150)
@given(submitted=st.lists(reviews, max_size=5, unique_by=lambda review: review.reviewer), approvals=st.integers(-1, 3))
def test_an_approval_is_proven(submitted: list[Review], approvals: int) -> None:
    """PASS exactly where enough others approve this very commit and nobody is against it."""
    valid = [review for review in submitted if (review.state, review.commit, review.by_author) == (YES, HEAD, False)]
    against = [review for review in submitted if review.state is NO]
    verdict = judged(*submitted, approvals=approvals)
    assert (verdict.outcome is Outcome.PASS) == (len(valid) >= max(1, approvals) and not against)
    assert verdict.outcome in {Outcome.PASS, Outcome.FAIL}
