"""The gates `merge` and `merge-proof`: they only read the attempt to merge a task (MRG-9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orch_gates.gates import policy as policies
from orch_gates.gates.gate import Gate, Ports, Subject
from orch_gates.gates.policy import Policy
from orch_gates.model.verdict import Evidence, Outcome, Verdict
from orch_gates.variables.groups import LeaseSettings, MergeSettings

if TYPE_CHECKING:
    from orch_gates.model.attempt import Attempt

# As on the edges; the engine, which names them too, costs whoever only lists the gates.
NAME = "merge"
PROOF = "merge-proof"
# The file in the task's folder, which both are handed as they are handed reports.
FILE = "attempt.md"


@dataclass(frozen=True, slots=True)
class MergeFacts:
    """The newest attempt to merge the task, None where there is none, and the commit that it has to be about."""

    attempt: Attempt | None
    head: str
    target: str


def gather(subject: Subject, ports: Ports) -> MergeFacts:
    """Read the attempt.

    Raises:
        StateDocumentError, ReportError: it is malformed.
    """
    text = ports.report(FILE)
    if text is None:
        return MergeFacts(None, subject.head, subject.target)
    from orch_gates.documents import frontmatter
    from orch_gates.model.attempt import Attempt
    from orch_gates.state import codec

    values, _ = frontmatter.decode(text)
    return MergeFacts(codec.validated(Attempt, values, FILE), subject.head, subject.target)


def judge(facts: MergeFacts, policy: Policy) -> Verdict:
    """PASS where the attempt is validated for this very commit and target; else how far it got, or how it ended."""
    attempt = facts.attempt
    if (unfit := _unfit(NAME, facts)) is not None:
        return unfit
    assert attempt is not None
    if attempt.outcome not in {None, Outcome.PASS}:
        return _ended(NAME, attempt, policy)
    given_up = attempt.closing and attempt.phase is not attempt.phase.LANDED
    if attempt.phase.number >= attempt.phase.VALIDATED.number and facts.head == attempt.commit and not given_up:
        reason = f"{attempt.commit[:10]} was validated on {attempt.target} at {attempt.base[:10]}: {attempt.reason}"
        return Verdict(NAME, Outcome.PASS, reason, evidence=_evidence(attempt))
    reason = f"the attempt to merge it is {attempt.phase}: {attempt.reason}"
    return Verdict(NAME, Outcome.DEFER, reason, evidence=_evidence(attempt), next_step=_drive(attempt.task, NAME))


def judge_proof(facts: MergeFacts, policy: Policy) -> Verdict:
    """PASS where git proved that the commit is in the target."""
    attempt = facts.attempt
    if (unfit := _unfit(PROOF, facts)) is not None:
        return unfit
    assert attempt is not None
    if attempt.merge and attempt.outcome is Outcome.PASS:
        return Verdict(PROOF, Outcome.PASS, attempt.proof, evidence=_evidence(attempt))
    if attempt.outcome is not None:
        return _ended(PROOF, attempt, policy)
    reason = f"it is not merged yet; the attempt is {attempt.phase}: {attempt.reason}"
    return Verdict(
        PROOF, Outcome.FAIL, reason, evidence=_evidence(attempt), next_step=_merge(attempt.task), absent=True
    )


def _unfit(gate: str, facts: MergeFacts) -> Verdict | None:
    """The answer where there is no attempt about this commit and target."""
    attempt = facts.attempt
    if not facts.head:
        reason = "the task's branch does not exist, so there is no commit to merge"
        return Verdict(gate, Outcome.FAIL, reason, next_step="Push the branch.", absent=True)
    if attempt is None:
        reason = f"no attempt to merge {facts.head[:10]} has begun"
        return Verdict(gate, Outcome.FAIL, reason, next_step="Run `orch-gates merge --task ID`.", absent=True)
    if attempt.target != facts.target:
        reason = f"the last attempt was to merge it into {attempt.target}, not into {facts.target}"
        return Verdict(gate, Outcome.FAIL, reason, next_step=_merge(attempt.task), absent=True)
    if not attempt.about(facts.head):
        reason = f"the last attempt was for {(attempt.commit or attempt.head)[:10]}, not {facts.head[:10]}"
        return Verdict(gate, Outcome.FAIL, reason, next_step=_merge(attempt.task), absent=True)
    return None


def _ended(gate: str, attempt: Attempt, policy: Policy) -> Verdict:
    return Verdict(
        gate,
        attempt.outcome or policy.unknown,
        attempt.reason,
        absent=attempt.absent,
        findings=tuple(one.as_finding() for one in attempt.findings),
        evidence=_evidence(attempt),
        next_step=attempt.next_step,
    )


def _evidence(attempt: Attempt) -> Evidence:
    facts: Evidence = {
        "task": attempt.task,
        "target": attempt.target,
        "attempt": attempt.id,
        "generation": attempt.generation,
        "phase": attempt.phase.value,
        "head": attempt.head,
        "base": attempt.base,
        "commit": attempt.commit,
        "tree": attempt.tree,
        "caught_up": attempt.how,
        "proven": attempt.proven,
        "runs": attempt.runs,
        "pull": attempt.pull,
        "merge": attempt.merge,
    }
    return {name: fact for name, fact in facts.items() if fact not in {"", 0}}


def _drive(task: str, gate: str) -> str:
    return f"To continue: `orch-gates gate {gate} --task {task}`."


def _merge(task: str) -> str:
    return f"Run `orch-gates merge --task {task}`."


GATE: Gate[MergeFacts] = Gate(
    NAME,
    "The branch was caught up with its target, tested again, and is fit to be merged.",
    policies.MERGE,
    gather,
    judge,
    settings=(MergeSettings, LeaseSettings),
)
PROOF_GATE: Gate[MergeFacts] = Gate(
    PROOF,
    "The validated commit is in the target, as git proves.",
    policies.MERGE_PROOF,
    gather,
    judge_proof,
    parts=(policies.REGRESSION_GUARD,),
)
