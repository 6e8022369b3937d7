"""What an answer of the forge to a merge means for the attempt: pure (MRG-8, MRG-16)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import assert_never

from orch_gates.forge.port import pulls
from orch_gates.forge.port.pulls import MergeOutcome


class Then(Enum):
    """What is done next; before anything else but PROVE, git is asked whether it landed all the same.

    AGAIN asks once more, after a pause. WAIT leaves the attempt where it is. ANEW begins it again on the new target.
    DROP ends it: a person pushed or re-targeted. LATER ends it, and others go first. FAIL sends the task back. HOLD
    asks a person.
    """

    PROVE = auto()
    AGAIN = auto()
    WAIT = auto()
    ANEW = auto()
    DROP = auto()
    LATER = auto()
    FAIL = auto()
    HOLD = auto()


@dataclass(frozen=True, slots=True)
class Meaning:
    """What is done next and why; `wait` are seconds that the forge asked for."""

    then: Then
    reason: str
    next_step: str = ""
    wait: float = 0.0


def meaning(  # noqa: C901, PLR0911, PLR0912 - one for each answer
    outcome: MergeOutcome, number: int, *, asked_for: bool = False
) -> Meaning:
    """What follows from an answer about the pull request `number`; `asked_for`: closing it takes that back (MRG-13)."""
    name = f"pull request {number}"
    match outcome:
        case pulls.Merged() | pulls.AlreadyMerged():
            return Meaning(Then.PROVE, f"the forge reports that {name} is merged")
        case pulls.Ambiguous(reason=reason):
            return Meaning(Then.AGAIN, f"the forge did not say whether it merged {name}: {reason}")
        case pulls.Transient(reason=reason, wait=wait):
            return Meaning(Then.AGAIN, f"the forge could not merge {name} now: {reason}", wait=wait)
        case pulls.NotReady(reason=reason) if asked_for:
            # The forge did not take it, and others wait for the target.
            return Meaning(
                Then.LATER, f"a rule of the forge is not met: {reason}", "Meet it; then the merge is tried again."
            )
        case pulls.NotReady(reason=reason):
            return Meaning(Then.WAIT, f"a rule of the forge is not met: {reason}")
        case pulls.BaseMoved():
            return Meaning(Then.ANEW, "the target moved while the forge merged")
        case pulls.HeadMoved():
            return Meaning(Then.DROP, f"somebody pushed to the branch of {name}")
        case pulls.Retargeted(target=target):
            return Meaning(Then.DROP, f"{name} was re-targeted to {target}")
        case pulls.Conflict():
            return Meaning(
                Then.FAIL,
                f"the forge reports a conflict in {name}",
                "Merge or rebase the target into the branch, and push.",
            )
        case pulls.Scheduled():
            return Meaning(
                Then.HOLD, f"the forge has only scheduled the merge of {name}", "Cancel the scheduled merge there."
            )
        case pulls.MergedOther(head=head, target=target):
            return Meaning(
                Then.HOLD,
                f"{name} was merged with {head[:10]} into {target}, which is not what was validated",
                "Look at what was merged; revert it, or validate it.",
            )
        case pulls.Foreign():
            return Meaning(Then.HOLD, f"the branch of {name} is in a fork", "Push the branch to this repository.")
        case pulls.Forbidden(reason=reason):
            return Meaning(Then.HOLD, f"the forge refused to merge {name}: {reason}", "Let the bot merge there.")
        case pulls.Closed() if asked_for:
            return Meaning(Then.DROP, f"{name} was closed")
        case pulls.Closed():
            return Meaning(Then.HOLD, f"{name} was closed", "Open it again, or cancel the task.")
        case pulls.Gone(reason=reason):
            return Meaning(Then.HOLD, f"{name} is not there: {reason}", "Check whether the token can read it.")
        case _:
            assert_never(outcome)


def pause(number: int, base: int, most: int, wanted: float) -> float:
    """Seconds before the request after the `number`-th: doubled each time, and at least what the forge asked for.

    The forge's wish counts up to a minute: a run waits no longer for it.
    """
    return max(min(base * 2.0 ** (number - 1), most), min(wanted, 60.0))
