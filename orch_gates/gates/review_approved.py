"""`review-approved`: enough others approve exactly this commit, and nobody asks for changes."""

from __future__ import annotations

from dataclasses import dataclass

from orch_gates.forge.port.checks import Review, Reviews, ReviewState
from orch_gates.model.finding import Finding
from orch_gates.model.verdict import Evidence, Outcome, Verdict

NAME = "review-approved"


@dataclass(frozen=True, slots=True)
class Facts:
    """Every reviewer's latest word on the change whose head is `head`."""

    head: str
    reviews: tuple[Review, ...]


def gather(forge: Reviews, branch: str, target: str, head: str) -> Facts:
    """Ask the forge.

    Raises:
        ForgeUnavailable: the reviews could not be read completely.
    """
    return Facts(head, forge.latest(branch, target))


def judge(facts: Facts, approvals: int) -> Verdict:
    """Approved by at least `approvals` others on this very commit; an older approval is stale."""
    against = [review for review in facts.reviews if review.state is ReviewState.CHANGES_REQUESTED]
    given = [review for review in facts.reviews if review.state is ReviewState.APPROVED and not review.by_author]
    valid = {review.reviewer for review in given if review.commit == facts.head}
    evidence: Evidence = {"head": facts.head, "approvals": len(valid), "stale_approvals": len(given) - len(valid)}
    if against:
        names = ", ".join(sorted(review.reviewer for review in against))
        return Verdict(
            NAME,
            Outcome.FAIL,
            f"changes are requested by {names}",
            findings=tuple(_finding(review) for review in against),
            evidence=evidence,
            next_step="Answer the review, push, and ask for it again.",
        )
    needed = max(1, approvals)
    if len(valid) < needed:
        stale = f", {len(given) - len(valid)} are for an older commit" if len(given) > len(valid) else ""
        return Verdict(
            NAME,
            Outcome.FAIL,
            f"{len(valid)} of {needed} approvals for {facts.head[:10]}{stale}",
            evidence=evidence,
            next_step="Ask for a review of the branch's head.",
            absent=True,
        )
    return Verdict(NAME, Outcome.PASS, f"approved by {', '.join(sorted(valid))}", evidence=evidence)


def _finding(review: Review) -> Finding:
    return Finding(
        id=review.reviewer,
        rule="changes-requested",
        path="review",
        line=0,
        commit=review.commit,
        description=f"{review.reviewer} asks for changes",
        fix="Read the review, and mend what it names.",
        carrier="review",
    )
