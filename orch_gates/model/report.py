"""A report: what a gate, a workflow or a person says about one commit."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from orch_gates.model.document import Document
from orch_gates.model.feedback import ReportedFinding
from orch_gates.model.finding import MAX_FINDINGS
from orch_gates.model.ids import Line, OidOrNone, Slug, Timestamp
from orch_gates.model.verdict import Outcome

_Text = Annotated[str, StringConstraints(max_length=4096)]


class Report(Document):
    """The frontmatter of a report. It says its verdict, or the gate's own word such as `tests_status`, or both.

    The word stands in a field of its own name, so it is among the unknown fields of this model.
    """

    KIND: ClassVar[str] = "report"

    schema_: Literal["orch.report/1"] = Field(
        default="orch.report/1", alias="schema", description="Always `orch.report/1`."
    )
    gate: Slug = Field(description="The gate that reads it.")
    verdict: Outcome | None = Field(
        default=None, strict=False, description="The gate's answer, unless a status field says it."
    )
    head: OidOrNone = Field(description="The commit that it is about, in full.")
    reason: Line = Field(default="", description="Why, in one line.")
    next_step: Line = Field(default="", description="What to do about it.")
    created: Timestamp | None = Field(default=None, description="When it was made, UTC.")
    findings: tuple[ReportedFinding, ...] = Field(
        default=(), max_length=MAX_FINDINGS, strict=False, description="What is red."
    )
    notices: tuple[_Text, ...] = Field(default=(), strict=False, description="Shown, blamed on nobody.")
    evidence: dict[str, _Text | int | bool | None] = Field(default_factory=dict, description="What proves it.")

    def word(self, field: str) -> object:
        """The gate's own word; None where the report has none."""
        return (self.model_extra or {}).get(field)
