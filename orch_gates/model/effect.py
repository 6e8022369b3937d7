"""What is to be done outside of the state branch, planned in a task's document (P7).

A new kind is one class here, a part of the union, and its performer in `effects/outbox.py`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal, TypeAlias, assert_never

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from orch_gates.model.ids import Line, Oid, Timestamp
from orch_gates.model.verdict import Outcome

# A task's document has to hold them beside the longest feedback. The oldest are given up first.
MAX_EFFECTS = 24
MAX_REASON = 140
MAX_URL = 300
MAX_TEXT = 300


class TrackerState(StrEnum):
    """What a person says in the tracker about a task (TRK-1)."""

    IN_PROGRESS = "in-progress"
    APPROVED = "approved"
    REJECTED = "rejected"
    BLOCKED = "blocked"
    NEEDS_INPUT = "needs-input"


class _Planned(BaseModel):
    """What every effect has. `repeatable`: performing it twice does no more than once; else it is claimed first."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)
    repeatable: ClassVar[bool]

    generation: int = Field(ge=1, description="The generation of the state commit that planned it.")
    planned: Timestamp = Field(description="When it was planned, UTC.")


class PostedState(StrEnum):
    """A verdict as a commit status spells it."""

    SUCCESS = "success"
    FAILURE = "failure"
    PENDING = "pending"


def subject(context: str, commit: str) -> str:
    """What a status is about."""
    return f"{context}@{commit}"


class StatusEffect(_Planned):
    """Post a commit status; where another one than `replaces` is there by then, that one is newer and stays."""

    repeatable: ClassVar[bool] = True

    kind: Literal["status"] = Field(description="What is to be done: a commit status.")
    commit: Oid = Field(description="The commit that was judged.")
    context: Annotated[str, StringConstraints(pattern=r"\Aorch/[a-z][a-z0-9-]{0,39}\z")] = Field(
        description="The status: `orch/<gate>`."
    )
    state: PostedState = Field(strict=False, description="What the gate answered.")
    reason: Annotated[Line, StringConstraints(max_length=MAX_REASON)] = Field(description="Why, as much as is shown.")
    url: Annotated[str, StringConstraints(max_length=MAX_URL, pattern=r"\A[!-~]*\z")] = Field(
        description="The page of the run that judged it; empty outside of CI."
    )
    replaces: Annotated[str, StringConstraints(pattern=r"\A([0-9a-f]{64})?\z")] | None = Field(
        description="The id of the status that was there before; empty for none, `null` where that is not known."
    )

    @property
    def subject(self) -> str:
        """What it is about: a later effect of the same kind about the same replaces it."""
        return subject(self.context, self.commit)

    @property
    def key(self) -> str:
        """Its name: kind, subject, and the state commit that caused it."""
        return f"{self.kind}:{self.subject}:{self.generation}"


class IssueEffect(_Planned):
    """Let the issue that a task was made from say where the task stands; a newer one that is there already stays."""

    repeatable: ClassVar[bool] = True

    kind: Literal["issue"] = Field(description="What is to be done: the label and the one comment of the issue.")
    issue: int = Field(ge=1, description="The number of the issue.")
    label: Annotated[str, StringConstraints(pattern=r"\Aorch/[a-z][a-z0-9-]{0,39}\z")] = Field(
        description="The label: `orch/<stage>` or `orch/<state>`."
    )
    text: Annotated[Line, StringConstraints(max_length=MAX_TEXT)] = Field(description="What the comment says.")
    clears: tuple[Annotated[TrackerState, Field(strict=False)], ...] = Field(
        default=(),
        max_length=len(TrackerState),
        strict=False,
        description="What a person said there, and was acted on.",
    )

    @property
    def subject(self) -> str:
        """As of a status: a later effect about the issue replaces it."""
        return issue_subject(self.issue)

    @property
    def key(self) -> str:
        """As of a status."""
        return f"{self.kind}:{self.subject}:{self.generation}"

    def owing(self, words: tuple[TrackerState, ...]) -> IssueEffect:
        """The same, which clears these words too."""
        return self.model_copy(update={"clears": tuple(dict.fromkeys((*words, *self.clears)))})


def issue_subject(issue: int) -> str:
    """What an effect about an issue is about."""
    return f"#{issue}"


Effect: TypeAlias = Annotated[StatusEffect | IssueEffect, Field(discriminator="kind")]


def shown(outcome: Outcome) -> PostedState | None:
    """The state of a commit status for a verdict; None for a SKIP, which posts nothing (GATE-3)."""
    match outcome:
        case Outcome.PASS:
            return PostedState.SUCCESS
        case Outcome.FAIL | Outcome.ERROR:
            return PostedState.FAILURE
        case Outcome.DEFER | Outcome.HOLD:
            return PostedState.PENDING
        case Outcome.SKIP:
            return None
        case _:
            assert_never(outcome)


def merged(
    before: tuple[Effect, ...], done: frozenset[str], planned: tuple[Effect, ...], outdated: frozenset[str]
) -> tuple[Effect, ...]:
    """The effects after a commit: without those done by key, or about outdated subjects; they may be too many.

    What a person said on an issue, and was not cleared there, is handed to the effect that takes its place.
    """
    left = tuple(each for each in before if each.key not in done)
    owed = {each.subject: each.clears for each in left if isinstance(each, IssueEffect)}
    new = (each.owing(owed.get(each.subject, ())) if isinstance(each, IssueEffect) else each for each in planned)
    return (*(each for each in left if each.subject not in outdated), *new)
