"""What an environment runs, what it ran before, and the deploy that is under way there (DEP-1, WCH-3)."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from orch_gates.model.document import Document
from orch_gates.model.ids import Line, Oid, Slug, TaskName, Timestamp
from orch_gates.model.job import CiRun, Process

MAX_HISTORY = 20

DeployId = Annotated[str, StringConstraints(pattern=r"\A[0-9a-f]{16}\z")]
DeployIdOrNone = Annotated[str, StringConstraints(pattern=r"\A([0-9a-f]{16})?\z")]
DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
DigestOrNone = Annotated[str, StringConstraints(pattern=rf"\A({DIGEST.pattern})?\z")]


class Standing(StrEnum):
    """What is known of a deploy since it ended well; only a verified one is ever rolled back to."""

    UNWATCHED = "unwatched"
    WATCHING = "watching"
    VERIFIED = "verified"
    DEGRADED = "degraded"
    UNOBSERVED = "unobserved"
    STOPPED = "stopped"


class Running(BaseModel):
    """The deploy that is under way: nobody else deploys to the environment until its end is recorded."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, defer_build=True)

    deploy: DeployId = Field(description="Random; no two deploys share it.")
    task: TaskName = Field(description="The task that is deployed.")
    revision: Oid = Field(description="The commit that is deployed.")
    digest: DigestOrNone = Field(description="The image that is deployed; empty for none.")
    rollback_of: DeployIdOrNone = Field(description="The deploy that it rolls back; empty for a deploy forward.")
    alert_only: Line = Field(description="Why it is never rolled back automatically; empty where it may be.")
    by: Line = Field(description="Who asked for it.")
    runner: Line = Field(description="Who runs it, for people: a CI run's page, or user and host.")
    process: Process = Field(description="The process that runs it.")
    run: CiRun | None = Field(description="The CI run that it is part of.")
    began: Timestamp = Field(description="When it began, UTC.")
    until: Timestamp = Field(description="When its time is over, and that of recording it, UTC.")


class Deployed(BaseModel):
    """A deploy that ended well, or a person's word for what runs."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, defer_build=True)

    deploy: DeployId = Field(description="The deploy; no two share it.")
    task: TaskName | Literal[""] = Field(description="Its task; empty where a person only named the commit.")
    revision: Oid = Field(description="The commit that runs.")
    digest: DigestOrNone = Field(description="The image that runs; empty where that is not known.")
    at: Timestamp = Field(description="When it was deployed, UTC.")
    by: Line = Field(description="Who deployed it, or said that it runs.")
    standing: Standing = Field(strict=False, description="What is known of it since.")
    rollback_of: DeployIdOrNone = Field(description="The deploy that it rolled back; empty for a deploy forward.")
    alert_only: Line = Field(description="Why it is never rolled back automatically; empty where it may be.")

    @property
    def replaced(self) -> Deployed:
        """The same once another one runs: what was not seen of it by then never will be."""
        ends = self.standing is Standing.WATCHING
        return self.model_copy(update={"standing": Standing.STOPPED}) if ends else self


class Environment(Document):
    """One place that is deployed to. `generation` is the fencing token: one more with every deploy that begins."""

    KIND: ClassVar[str] = "environment"

    schema_: Literal["orch.environment/1"] = Field(
        default="orch.environment/1", alias="schema", description="Always `orch.environment/1`."
    )
    name: Slug = Field(description="Its name; also the file's.")
    generation: int = Field(ge=0, description="The fencing token: one more with every deploy that begins.")
    running: Running | None = Field(description="The deploy that is under way; nobody else deploys there meanwhile.")
    current: Deployed | None = Field(description="What it runs as far as is known; `null` before the first deploy.")
    unknown: Line = Field(description="Why what it runs is not known, until a person settles it; else empty.")
    unsettled: Running | None = Field(description="The deploy whose end is not known, while `unknown` says why.")
    verified: Deployed | None = Field(description="The last deploy that was watched and found healthy.")
    history: tuple[Deployed, ...] = Field(
        max_length=MAX_HISTORY, strict=False, description="What it ran, the newest first."
    )


def empty(name: str) -> Environment:
    """An environment that was never deployed to."""
    return Environment(
        name=name, generation=0, running=None, current=None, unknown="", unsettled=None, verified=None, history=()
    )
