"""A lease: the right to merge into one target branch (MRG-4)."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from orch_gates.model.document import Document
from orch_gates.model.ids import BranchName, Line, Timestamp


class Lease(Document):
    """Who may merge; `generation` is the fencing token, raised by every grant (MRG-4, MRG-5)."""

    KIND: ClassVar[str] = "lease"

    schema_: Literal["orch.lease/1"] = Field(
        default="orch.lease/1", alias="schema", description="Always `orch.lease/1`."
    )
    target: BranchName = Field(description="The branch that may be merged into.")
    generation: int = Field(ge=0, description="The fencing token: one more with every grant.")
    holder: Line = Field(description="The task that holds it; empty when it is free.")
    granted: Timestamp | None = Field(description="When it was granted, UTC.")
    expires: Timestamp | None = Field(description="When the holder itself must stop, UTC.")
    reason: Line = Field(description="Why it was granted, released or reclaimed.")
