"""The steps of an attempt, from one phase to the next: pure (MRG-14)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orch_gates.merge.trailers import Validated
from orch_gates.model.attempt import MAX_EARLIER, Attempt, Phase
from orch_gates.model.feedback import ReportedFinding, one_line
from orch_gates.model.ids import timestamp
from orch_gates.model.task import Task
from orch_gates.model.verdict import Outcome, evidence_id


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """A commit that has its base in its history, and how it was made of the branch's.

    `depends` names what the result depends on besides the commits: the version of git, attributes.
    """

    base: str
    commit: str
    tree: str
    how: str
    depends: str


def begun(
    task: Task, target: str, head: str, *, attempt: str, generation: int, before: Attempt | None, now: datetime
) -> Attempt:
    """A new attempt for the branch's commit `head`; what was said about commits that `before` caught up counts on."""
    earlier = before.stands_for(head) if before is not None else ()
    # The target moved under an attempt that was not to blame.
    again = before is not None and before.moved
    return Attempt(
        id=attempt,
        task=task.id,
        branch=task.branch,
        target=target,
        generation=generation,
        phase=Phase.ACQUIRED,
        closing=False,
        outcome=None,
        reason="the lease was granted",
        next_step="",
        head=head,
        earlier=earlier[:MAX_EARLIER],
        base="",
        commit="",
        tree="",
        how="",
        depends="",
        proven="",
        runs=0,
        moved=False,
        rounds=before.rounds + 1 if again and before is not None else 1,
        pull=0,
        merge="",
        proof="",
        started=timestamp(now),
        updated=timestamp(now),
    )


def caught_up(attempt: Attempt, found: CaughtUp, now: datetime) -> Attempt:
    """The branch is to be moved to the caught-up commit."""
    where = f"{attempt.target} at {found.base[:10]}"
    reason = f"{attempt.branch} has {where}" if found.how == "up to date" else f"{found.how} on {where}"
    return _to(
        attempt,
        now,
        phase=Phase.CAUGHT_UP,
        base=found.base,
        commit=found.commit,
        tree=found.tree,
        how=found.how,
        depends=one_line(found.depends),
        reason=reason,
    )


def testing(attempt: Attempt, reason: str, now: datetime) -> Attempt:
    """The branch stands at the caught-up commit, and it is being tested."""
    return _to(attempt, now, phase=Phase.TESTING, reason=one_line(reason))


def validated(attempt: Attempt, proven: str, runs: int, reason: str, now: datetime) -> Attempt:
    """The tree is green."""
    return _to(
        attempt,
        now,
        phase=Phase.VALIDATED,
        outcome=None,
        proven=proven,
        runs=attempt.runs + runs,
        reason=one_line(reason),
        next_step="",
    )


def merging(attempt: Attempt, pull: int, now: datetime) -> Attempt:
    """The forge is to be asked for the merge; from here on only proof says what became of it."""
    return _to(attempt, now, phase=Phase.MERGING, outcome=None, pull=pull, reason=f"merging pull request {pull}")


def landed(attempt: Attempt, merge: str, proof: str, now: datetime) -> Attempt:
    """It is in the target, as git proves."""
    return _to(
        attempt,
        now,
        phase=Phase.LANDED,
        outcome=Outcome.PASS,
        merge=merge,
        proof=one_line(proof),
        reason=one_line(proof),
        next_step="",
    )


@dataclass(frozen=True, slots=True)
class AttemptEnd:
    """How an attempt ends.

    `moved`: its branch or target is another one; `absent`: nothing was there to be merged; `red_target`: the target is
    red without it.
    """

    outcome: Outcome
    reason: str
    next_step: str = ""
    findings: tuple[ReportedFinding, ...] = ()
    runs: int = 0
    moved: bool = False
    absent: bool = False
    red_target: bool = False


def ended(attempt: Attempt, end: AttemptEnd, now: datetime) -> Attempt:
    """It is over, or waits for a person (HOLD)."""
    return _to(
        attempt,
        now,
        outcome=end.outcome,
        reason=one_line(end.reason),
        next_step=one_line(end.next_step),
        findings=end.findings,
        runs=attempt.runs + end.runs,
        moved=end.moved,
        absent=end.absent,
        red_target=end.red_target,
    )


def closing(attempt: Attempt, reason: str, now: datetime) -> Attempt:
    """It is being given up: the fence takes no merge of it from here on, and what was taken before still lands."""
    return _to(attempt, now, closing=True, outcome=None, reason=one_line(reason))


def held(attempt: Attempt, reason: str, next_step: str) -> Attempt:
    """It waits for a person, however far it got."""
    return attempt.model_copy(
        update={"outcome": Outcome.HOLD, "reason": one_line(reason), "next_step": one_line(next_step)}
    )


def found_as(task: Task) -> str:
    """A digest of where a task stands: its moments are of seconds, and a person may let it go on in the same one."""
    return evidence_id(task.updated, task.resumed or "", task.stage, task.state, task.reason, task.cause)


def marked(attempt: Attempt, task: Task) -> Attempt:
    """One that is held says as what its task was found, so that it is known whether the task was held for it."""
    return attempt.model_copy(update={"held_as": found_as(task) if attempt.outcome is Outcome.HOLD else None})


def resumed(attempt: Attempt, now: datetime) -> Attempt:
    """A person let it go on that was held; what landed only has to be recorded, and stays as it is until then."""
    if attempt.outcome is not Outcome.HOLD or attempt.phase is Phase.LANDED:
        return attempt
    return _to(attempt, now, outcome=None, held_as=None, next_step="", reason=f"resumed; it was held: {attempt.reason}")


def noted(attempt: Attempt, reason: str, now: datetime) -> Attempt:
    """It waits where it is, for another reason than before."""
    return _to(attempt, now, outcome=None, reason=one_line(reason))


def validation(attempt: Attempt) -> Validated:
    """What its merge says about itself."""
    return Validated(attempt.task, attempt.generation, attempt.base, attempt.commit, attempt.tree)


def fetch_first(attempt: Attempt) -> str:
    """What an author does before anything else, where the branch is not the one that they pushed any more."""
    moved = f"{attempt.branch} was updated by a {attempt.how}, and pushed: fetch it first. "
    return moved if attempt.how in {"rebase", "merge"} else ""


def _to(attempt: Attempt, now: datetime, **changes: Any) -> Attempt:
    return attempt.model_copy(update={"updated": timestamp(now), **changes})
