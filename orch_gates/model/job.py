"""A job: one run of a stage's work, named by its attempt (JOB-1)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from orch_gates.model.document import Document
from orch_gates.model.ids import Line, OidOrNone, Slug, TaskName, Timestamp

Attempt = Annotated[str, StringConstraints(pattern=r"\A[0-9a-f]{16}\z")]
_Url = Annotated[str, StringConstraints(max_length=300, pattern=r"\A[!-~]*\z")]


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


class Way(StrEnum):
    """How the work of a role is started."""

    COMMAND = "command"
    WORKFLOW = "workflow"


class Dispatch(BaseModel):
    """The start of a queued job, recorded before it is asked for and confirmed after (JOB-1).

    It may be asked for twice; the attempt runs once.
    """

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, defer_build=True)

    way: Way = Field(strict=False, description="How it is started.")
    tries: int = Field(ge=1, description="How often it was asked for.")
    planned: Timestamp = Field(description="When it was last to be asked for, UTC.")
    sent: Timestamp | None = Field(description="When that was confirmed, UTC; `null` while it is not known.")
    run: int = Field(ge=0, description="The CI run that it started; 0 where that is not known.")
    reason: Line = Field(description="Why it was asked for again, or could not be; empty for the first time.")

    @property
    def key(self) -> str:
        """What it is performed and acknowledged by."""
        return f"{self.tries}@{self.planned}"


class Process(BaseModel):
    """The process that runs it; another machine or boot cannot look for it."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, defer_build=True)

    host: Line = Field(description="The machine, its boot and its space of process numbers.")
    pid: int = Field(ge=0, description="The process.")
    started: Line = Field(description="When it started, in the machine's own count; empty where it does not tell.")


class CiRun(BaseModel):
    """The CI run that it is part of."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, defer_build=True)

    id: int = Field(ge=1, description="The run, as the forge's API counts.")
    attempt: int = Field(ge=0, description="Which try of that run; 0 where the forge does not count.")
    job: Line = Field(description="The job of the run.")
    url: _Url = Field(description="The page of the run.")


class Job(Document):
    """One run. Whoever ends it must name the attempt that it saw running (REAP-2)."""

    KIND: ClassVar[str] = "job"

    schema_: Literal["orch.job/1"] = Field(default="orch.job/1", alias="schema", description="Always `orch.job/1`.")
    task: TaskName = Field(description="The task that it works for.")
    stage: Slug = Field(description="The stage whose work it does.")
    role: Slug = Field(description="Who does it.")
    attempt: Attempt = Field(description="Random; no two runs share it.")
    number: int = Field(ge=1, description="Which run of this work it is, since the task came into the stage.")
    status: JobStatus = Field(strict=False, description="Where the run stands.")
    reason: Line = Field(description="Why it ended as it did, or waits; empty while it runs.")
    by: Line = Field(description="Who asked for it.")
    head: OidOrNone = Field(description="The task's commit when it was asked for; empty for none.")
    created: Timestamp = Field(description="When it was asked for, UTC.")
    started: Timestamp | None = Field(description="When it began, UTC.")
    ended: Timestamp | None = Field(description="When it ended, UTC.")
    exit_code: int | None = Field(description="Of its command, once known; negative for the signal that ended it.")
    runner: Line = Field(description="Who runs it, for people: a CI run's page, or user and host.")
    process: Process | None = Field(description="The process that runs it.")
    run: CiRun | None = Field(description="The CI run that it is part of.")
    dispatch: Dispatch | None = Field(description="How it was started; `null` where a person or a workflow did.")
