"""What holds for the merge queue of one target as a whole (MRG-13); its order is in the tasks."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from orch_gates.model.document import Document
from orch_gates.model.ids import BranchName, Line, Timestamp, moment


class Freeze(BaseModel):
    """Nothing is merged from the queue while it holds; what the forge was asked for already is settled all the same."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, defer_build=True)

    reason: Line = Field(description="Why.")
    by: Line = Field(description="Who froze it.")
    at: Timestamp = Field(description="Since when, UTC.")
    until: Timestamp | None = Field(description="When it ends by itself, UTC; `null` for when a person thaws it.")

    @property
    def said(self) -> str:
        """It in words."""
        ends = f"until {self.until}" if self.until else "until it is thawed"
        return f"frozen by {self.by} {ends}: {self.reason}"


class Queue(Document):
    """The merge queue of one target branch."""

    KIND: ClassVar[str] = "queue"

    schema_: Literal["orch.queue/1"] = Field(
        default="orch.queue/1", alias="schema", description="Always `orch.queue/1`."
    )
    target: BranchName = Field(description="The branch that it merges into.")
    freeze: Freeze | None = Field(description="Why nothing is merged now; `null` where it goes on.")

    def frozen(self, now: str) -> Freeze | None:
        """The freeze that holds at a moment."""
        if self.freeze is None or (self.freeze.until is not None and moment(self.freeze.until) <= moment(now)):
            return None
        return self.freeze
