"""`review-approved`: enough others approve exactly this commit, and nobody asks for changes."""

from __future__ import annotations

from dataclasses import dataclass

from orch_gates.forge.port.checks import Review, ReviewState
from orch_gates.gates import policy as policies
from orch_gates.gates.gate import Gate, Ports, Subject
from orch_gates.gates.policy import Policy
from orch_gates.gates.recorded import RecordedFacts, ReportContract, read_report
from orch_gates.gates.recorded import judge as judge_report
from orch_gates.model.finding import Finding
from orch_gates.model.verdict import Evidence, Outcome, Verdict, evidence_id
from orch_gates.variables.groups import ReviewSettings

NAME = "review-approved"
RECORD = ReportContract(
    NAME,
    "11-review-report.md",
    "review_status",
    {"APPROVED": Outcome.PASS, "CHANGES_REQUESTED": Outcome.FAIL},
)


@dataclass(frozen=True, slots=True)
class ReviewFacts:
    """Every reviewer's latest word on the change whose head is `head`, as the repository `forge` has them.

    At least `approvals` of them, and never none, have to approve exactly this commit, or one of the `earlier` ones
    that it caught up.
    """

    forge: str
    head: str
    reviews: tuple[Review, ...]
    approvals: int = 1
    earlier: tuple[str, ...] = ()


def gather(subject: Subject, ports: Ports) -> ReviewFacts | RecordedFacts:
    """Ask the forge where one is known, else read the report.

    Raises:
        ForgeUnavailable: the reviews could not be read completely.
        SettingsError: what is said about the forge, or about the approvals, cannot be used.
    """
    forge = ports.forge() if subject.head else None
    if forge is None:
        return read_report(RECORD, subject, ports)
    approvals = ports.settings.review_approved.approvals
    found = forge.reviews.latest(subject.branch, subject.target)
    return ReviewFacts(forge.repository, subject.head, found, approvals, subject.earlier)


def judge(facts: ReviewFacts | RecordedFacts, policy: Policy) -> Verdict:
    """Approved by enough others on this very commit; an older approval is stale."""
    if isinstance(facts, RecordedFacts):
        return judge_report(facts, policy)
    against = [review for review in facts.reviews if review.state is ReviewState.CHANGES_REQUESTED]
    given = [review for review in facts.reviews if review.state is ReviewState.APPROVED and not review.by_author]
    valid = {review.reviewer for review in given if review.commit in {facts.head, *facts.earlier}}
    evidence: Evidence = {
        "forge": facts.forge,
        "head": facts.head,
        "approvals": len(valid),
        "stale_approvals": len(given) - len(valid),
    }
    if against:
        names = ", ".join(sorted(review.reviewer for review in against))
        return Verdict(
            NAME,
            Outcome.FAIL,
            f"changes are requested by {names}",
            findings=tuple(_finding(review) for review in against),
            evidence=evidence,
            next_step="Answer the review, push, and request a new review.",
            rests_on=tuple(evidence_id(review.reviewer, review.commit) for review in against),
        )
    needed = max(1, facts.approvals)
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
        fix="Read the review, and fix what it names.",
        carrier="review",
    )


GATE: Gate[ReviewFacts | RecordedFacts] = Gate(
    NAME,
    "Enough others approve exactly this commit, and nobody asks for changes.",
    policies.REVIEW_APPROVED,
    gather,
    judge,
    RECORD,
    settings=(ReviewSettings,),
    asks_forge=True,
    of_a_branch=True,
)
