"""A task: one work item moving through stages."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from orch_gates.model.document import Document
from orch_gates.model.effect import MAX_EFFECTS, Effect
from orch_gates.model.feedback import Feedback
from orch_gates.model.ids import BranchName, Line, Oid, OidOrNone, Slug, TaskName, Timestamp

DONE_STAGE = "done"
MERGE_QUEUE = "merge-queue"
# The oldest are forgotten first.
MAX_SPENT = 200
MAX_CHARGED = 50
MAX_EARLIER = 100

_Id = Annotated[str, StringConstraints(max_length=120, pattern=r"\A[^\n\r]+\z")]


class TaskState(StrEnum):
    """Whether a task may move: `active` and `deferred` by themselves, the others by a person or never."""

    ACTIVE = "active"
    DEFERRED = "deferred"
    HELD = "held"
    ESCALATED = "escalated"
    DONE = "done"
    CANCELLED = "cancelled"

    @property
    def finished(self) -> bool:
        """Nothing moves it again."""
        return self in {TaskState.DONE, TaskState.CANCELLED}

    @property
    def waits_for_a_person(self) -> bool:
        """Nothing automatic touches it (ENG-4, ENG-6)."""
        return self in {TaskState.HELD, TaskState.ESCALATED}


class SentBack(BaseModel):
    """When a task was last sent back, and on what: that evidence neither moves nor charges it again (ENG-9)."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, defer_build=True)

    head: OidOrNone = Field(description="The commit at which it was sent back; empty for no commit.")
    at: Timestamp = Field(description="When, UTC.")
    ready: bool = Field(description="Whether a person or job says that the work was done again without a new commit.")
    spent: tuple[_Id, ...] = Field(
        max_length=MAX_SPENT, strict=False, description="Ids of the reports and answers that were used up."
    )
    charged: tuple[_Id, ...] = Field(
        max_length=MAX_CHARGED, strict=False, description="What was charged: `gate@commit`, once each."
    )
    earlier: tuple[OidOrNone, ...] = Field(
        default=(),
        max_length=MAX_EARLIER,
        strict=False,
        description="Other commits that it was judged at before; none of them is a new one.",
    )


class Priority(StrEnum):
    """Who comes first in the merge queue; among equals it is who waits longest."""

    URGENT = "urgent"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for what comes first."""
        return tuple(Priority).index(self)


class Enqueued(BaseModel):
    """The pull request of a task in the merge queue, and for which commit a person asked for its merge (MRG-13)."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, defer_build=True)

    pull: int = Field(ge=1, description="The number of the pull request.")
    target: BranchName = Field(description="The branch that it shall go into; each has a queue of its own.")
    head: Oid = Field(description="The commit that the merge was asked for; another push takes it out.")
    by: Line = Field(description="Who asked.")
    at: Timestamp = Field(description="When, UTC.")
    priority: Priority = Field(default=Priority.NORMAL, strict=False, description="Who comes first.")
    label: bool = Field(default=False, description="Whether the label is still to be set: a command asked.")
    unlabel: bool = Field(
        default=False, description="Whether the label is still to be taken off, so that it is no new asking."
    )


class Task(Document):
    """Where a work item stands, why, and what it has used up."""

    KIND: ClassVar[str] = "task"
    ADDED: ClassVar[tuple[str, ...]] = ("sent_back", "effects", "pipeline", "enqueued", "resumed", "issue")

    schema_: Literal["orch.task/1"] = Field(default="orch.task/1", alias="schema", description="Always `orch.task/1`.")
    id: TaskName = Field(description="The task's name; also its folder.")
    title: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"\A[^\n\r]+\z")] = Field(
        description="One line for people."
    )
    stage: Slug = Field(description="Where it stands; `done` after the last stage.")
    state: TaskState = Field(strict=False, description="Whether it may move, and by whom.")
    branch: BranchName = Field(description="The branch with its code.")
    head: OidOrNone = Field(description="The commit that the last judgement was about; empty before one.")
    reason: Line = Field(description="Why it stands where it stands.")
    cause: Line = Field(description="The gate or person that decided that.")
    created: Timestamp = Field(description="When it was made, UTC.")
    created_by: Line = Field(description="Who made it.")
    since: Timestamp = Field(description="Since when it is in this stage, UTC.")
    updated: Timestamp = Field(description="When this document was last changed, UTC.")
    available_at: Timestamp | None = Field(description="Not before this moment, UTC; only while deferred.")
    developer_retries: int = Field(ge=0, description="Developer retries charged so far (ENG-4).")
    defers: int = Field(ge=0, description="Defers in this stage so far (ENG-5).")
    feedback: Feedback | None = Field(description="What the next developer job must mend, verbatim.")
    sent_back: SentBack | None = Field(default=None, description="When it was last sent back, and on what (ENG-9).")
    effects: tuple[Effect, ...] = Field(
        default=(),
        max_length=MAX_EFFECTS,
        strict=False,
        description="What is to be done outside of this branch, oldest first, until it is known to be done (P7).",
    )
    pipeline: Literal["", "merge-queue"] = Field(
        default="", description="The pipeline that it moves in; empty is the one of the repository's own stages."
    )
    enqueued: Enqueued | None = Field(default=None, description="Of a pull request: what was enqueued, and by whom.")
    resumed: Timestamp | None = Field(
        default=None, description="When a person last let it go on, UTC: what died before is not counted."
    )
    issue: int = Field(default=0, ge=0, description="The issue of the tracker that it was made from; 0 for none.")
