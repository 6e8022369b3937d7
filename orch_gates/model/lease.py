"""A lease: the right to merge into one target branch (MRG-4)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from orch_gates.model.document import Document
from orch_gates.model.ids import BranchName, Line, Oid, Timestamp

AttemptId = Annotated[str, StringConstraints(pattern=r"\A[0-9a-f]{16}\z")]
AttemptIdOrNone = Annotated[str, StringConstraints(pattern=r"\A([0-9a-f]{16})?\z")]


class Claim(BaseModel):
    """Which process works on the attempt; others take over when it is dead, or past `until` (MRG-4)."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, defer_build=True)

    number: int = Field(ge=1, description="`claims` when it was claimed: no other process has it.")
    runner: Line = Field(description="Who works on it, for people: a CI run's page, or user and host.")
    host: Line = Field(description="The machine and its boot; a process is looked for on that one only.")
    pid: int = Field(ge=0, description="The process.")
    started: Line = Field(description="When that process started, in the machine's own count.")
    since: Timestamp = Field(description="When it was claimed or last renewed, UTC.")
    until: Timestamp = Field(description="When the runner itself must have stopped, UTC.")


class BreakGlass(BaseModel):
    """One change of the target past the fence: spent as soon as the target leaves `tip` (MRG-15)."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, defer_build=True)

    tip: Oid = Field(description="Where the target has to stand for it.")
    expires: Timestamp = Field(description="Until when it counts, UTC.")
    by: Line = Field(description="Who broke the glass.")
    reason: Line = Field(description="Why.")
    acknowledged: bool = Field(default=False, description="Whether somebody has looked at what was done with it.")


class Lease(Document):
    """Who may merge; `generation` is the fencing token, raised by every grant (MRG-4, MRG-5)."""

    KIND: ClassVar[str] = "lease"
    ADDED: ClassVar[tuple[str, ...]] = ("attempt", "renewed", "held", "claims", "claim", "break_glass")

    schema_: Literal["orch.lease/1"] = Field(
        default="orch.lease/1", alias="schema", description="Always `orch.lease/1`."
    )
    target: BranchName = Field(description="The branch that may be merged into.")
    generation: int = Field(ge=0, description="The fencing token: one more with every grant.")
    holder: Line = Field(description="The task that holds it; empty when it is free.")
    granted: Timestamp | None = Field(description="When it was granted, UTC.")
    expires: Timestamp | None = Field(description="When the attempt's phase must be over, UTC.")
    reason: Line = Field(description="Why it was granted, released or reclaimed.")
    attempt: AttemptIdOrNone = Field(default="", description="The attempt that it belongs to; empty when it is free.")
    renewed: Timestamp | None = Field(default=None, description="When the attempt's phase began, UTC.")
    held: Line = Field(default="", description="Why nothing but a person ends it (ENG-6); empty where it may expire.")
    claims: int = Field(default=0, ge=0, description="How often a process took the attempt on, under this generation.")
    claim: Claim | None = Field(default=None, description="The process that works on the attempt; none while it waits.")
    break_glass: BreakGlass | None = Field(default=None, description="An emergency's way past the fence (MRG-15).")
