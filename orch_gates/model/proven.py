"""Trees that were tested green: none is tested twice (MRG-3)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from orch_gates.model.document import Document
from orch_gates.model.ids import BranchName, Oid, TaskName, Timestamp

MAX_PROVEN = 100


class ProvenTree(BaseModel):
    """One green run of the test command."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, defer_build=True)

    digest: Annotated[str, StringConstraints(pattern=r"\A[0-9a-f]{64}\z")] = Field(
        description="Digest of the tree, the command and what they ran in."
    )
    tree: Oid = Field(description="The tree.")
    task: TaskName = Field(description="The task that it was tested for.")
    tested: Timestamp = Field(description="When, UTC.")
    expires: Timestamp = Field(description="Until when it counts, UTC.")


class Proven(Document):
    """The newest green runs for one target branch; the oldest are forgotten first."""

    KIND: ClassVar[str] = "proven"

    schema_: Literal["orch.proven/1"] = Field(
        default="orch.proven/1", alias="schema", description="Always `orch.proven/1`."
    )
    target: BranchName = Field(description="The branch that they were tested for.")
    trees: tuple[ProvenTree, ...] = Field(max_length=MAX_PROVEN, strict=False, description="Oldest first.")
