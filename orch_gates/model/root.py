"""`orch-state.md`: what the whole state branch is, and how often it has changed (ST-4)."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from orch_gates.model.document import Document
from orch_gates.model.ids import OidOrNone, Slug, Timestamp


class Root(Document):
    """The pipeline that the tasks move in, and a generation that only grows."""

    KIND: ClassVar[str] = "state"
    ADDED: ClassVar[tuple[str, ...]] = ("configuration", "configured_by")

    schema_: Literal["orch.state/1"] = Field(
        default="orch.state/1", alias="schema", description="Always `orch.state/1`."
    )
    generation: int = Field(ge=1, description="Raised by one with every commit of orch-gates (ST-4).")
    created: Timestamp = Field(description="When the branch was made, UTC.")
    stages: tuple[Slug, ...] = Field(strict=False, min_length=1, description="The stages in order, without `done`.")
    rework: Slug = Field(description="The stage that a red gate sends a task back to.")
    configuration: OidOrNone = Field(default="", description="The id of `.orch-gates.yaml`; empty for no such file.")
    configured_by: OidOrNone = Field(default="", description="The commit that it was read from (ENG-10).")
