"""What has to stay in the target branch: text of features that landed earlier (MRG-10)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from orch_gates.model.document import Document
from orch_gates.model.ids import BranchName, Line, Timestamp

MAX_MARKERS = 500


class Marker(BaseModel):
    """A text that a file, or any file below a folder, has to hold."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, defer_build=True)

    path: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"\A[^\n\r\x00]+\z")] = Field(
        description="A file or folder, from the top of the repository."
    )
    pattern: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"\A[^\n\r\x00]+\z")] = Field(
        description="The text, word for word, within one line."
    )
    reason: Line = Field(description="What would be lost without it.")
    added: Timestamp = Field(description="When it was added, UTC.")
    by: Line = Field(description="Who added it.")


class Markers(Document):
    """The markers of one target branch."""

    KIND: ClassVar[str] = "markers"

    schema_: Literal["orch.markers/1"] = Field(
        default="orch.markers/1", alias="schema", description="Always `orch.markers/1`."
    )
    target: BranchName = Field(description="The branch that has to hold them.")
    markers: tuple[Marker, ...] = Field(max_length=MAX_MARKERS, strict=False, description="Oldest first.")
