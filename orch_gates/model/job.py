"""A job: one run of a stage's work, named by its attempt (SPEC §2)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from orch_gates.model.document import Document
from orch_gates.model.ids import Line, Slug, TaskName, Timestamp

Attempt = Annotated[str, StringConstraints(pattern=r"\A[0-9a-f]{16}\z")]


class JobStatus(StrEnum):
    """Where a run stands; the last three never change."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        """The run is over."""
        return self in {JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED}


class Job(Document):
    """One run. Whoever ends it must name the attempt that it saw running (REAP-2, faults.md T1)."""

    KIND: ClassVar[str] = "job"

    schema_: Literal["orch.job/1"] = Field(default="orch.job/1", alias="schema", description="Always `orch.job/1`.")
    task: TaskName = Field(description="The task that it works for.")
    stage: Slug = Field(description="The stage whose work it does.")
    role: Slug = Field(description="Who does it.")
    attempt: Attempt = Field(description="Random; no two runs share it.")
    status: JobStatus = Field(strict=False, description="Where the run stands.")
    reason: Line = Field(description="Why it ended as it did; empty while it runs.")
    created: Timestamp = Field(description="When it was queued, UTC.")
    started: Timestamp | None = Field(description="When it began, UTC.")
    ended: Timestamp | None = Field(description="When it ended, UTC.")
    exit_code: int | None = Field(description="Of its command, once known.")
