"""The watch over one deploy: what was seen of production after it, and what was done about it (WCH-1..4)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from orch_gates.model.document import Document
from orch_gates.model.environment import DeployId, DeployIdOrNone, DigestOrNone
from orch_gates.model.ids import Line, Oid, Slug, TaskName, Timestamp
from orch_gates.model.job import CiRun, Process

# More than a window has moments: whoever goes on with a watch looks once more.
MAX_SAMPLES = 500
MAX_SOURCES = 20


class WatchState(StrEnum):
    """Whether a watch goes on."""

    WATCHING = "watching"
    OVER = "over"


class WatchVerdict(StrEnum):
    """What a watch came to."""

    OPEN = ""
    HEALTHY = "HEALTHY"
    DEGRADED = "DEGRADED"
    UNOBSERVED = "UNOBSERVED"
    STOPPED = "STOPPED"
    SUPERSEDED = "SUPERSEDED"


class Act(StrEnum):
    """How far the reaction to a verdict is; a rollback is claimed before it begins, so that there is one at most."""

    NONE = "none"
    PLANNED = "planned"
    BEGAN = "began"
    DONE = "done"
    ALERT = "alert"


class Probed(StrEnum):
    """What came of one request."""

    OK = "ok"
    FAILED = "failed"
    NOT_MADE = "not-made"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow", strict=True, defer_build=True)


class Probe(_Part):
    """One probe at one moment."""

    name: Line = Field(description="What was asked.")
    result: Probed = Field(strict=False, description="What came of it.")
    why: Line = Field(description="Why it failed, or was not made; else empty.")


class Counted(_Part):
    """What one source of requests counted at one moment."""

    source: Line = Field(description="Which source.")
    requests: Annotated[int, Field(ge=0)] | None = Field(
        description="Requests since the sample before; `null` for no data."
    )
    errors: Annotated[int, Field(ge=0)] | None = Field(description="Errors among them; `null` for no data.")
    why: Line = Field(description="Why there is no data, or not all of it; else empty.")
    misconfigured: bool = Field(default=False, description="Whether a person has to change what it is asked.")


class Sample(_Part):
    """What was seen at one moment."""

    at: Timestamp = Field(description="When, UTC.")
    control: Probed = Field(strict=False, description="Whether the runner could reach anything; `not-made`: not asked.")
    probes: tuple[Probe, ...] = Field(max_length=MAX_SOURCES, strict=False, description="What the probes saw.")
    counted: tuple[Counted, ...] = Field(max_length=MAX_SOURCES, strict=False, description="What the sources counted.")


class Watcher(_Part):
    """Who watches; others take over when it is gone."""

    runner: Line = Field(description="Who, for people: a CI run's page, or user and host.")
    process: Process = Field(description="The process.")
    run: CiRun | None = Field(description="The CI run that it is part of.")
    since: Timestamp = Field(description="Since when, UTC.")


class Reaction(_Part):
    """What is done about a deploy that is not healthy."""

    what: Act = Field(strict=False, description="How far it is.")
    deploy: DeployIdOrNone = Field(description="The deploy of the rollback, from its claim on; else empty.")
    why: Line = Field(description="Why this, and not the other; empty where nothing is done.")


NO_REACTION = Reaction(what=Act.NONE, deploy="", why="")


class Watch(Document):
    """The watch over one deploy, armed in the commit that records the deploy."""

    KIND: ClassVar[str] = "watch"

    schema_: Literal["orch.watch/1"] = Field(
        default="orch.watch/1", alias="schema", description="Always `orch.watch/1`."
    )
    deploy: DeployId = Field(description="The deploy that is watched; also the file's name.")
    environment: Slug = Field(description="Where.")
    task: TaskName = Field(description="The task that was deployed.")
    revision: Oid = Field(description="The commit that was deployed.")
    digest: DigestOrNone = Field(description="The image that was deployed; empty for none.")
    rollback_of: DeployIdOrNone = Field(description="The deploy that this one rolled back: then it only alerts.")
    alert_only: Line = Field(description="Why it only alerts; empty where it may roll back.")
    armed: Timestamp = Field(description="Since when it is to be watched, UTC.")
    deadline: Timestamp = Field(description="Until when, UTC; a late start moves it not.")
    every_s: int = Field(ge=1, description="Seconds from one sample to the next.")
    state: WatchState = Field(strict=False, description="Whether it goes on.")
    verdict: WatchVerdict = Field(strict=False, description="What it came to; empty while it goes on.")
    reason: Line = Field(description="Why it came to that.")
    watcher: Watcher | None = Field(description="Who watches; `null` before somebody does, and once it is over.")
    baseline: Sample | None = Field(description="What was seen before the deploy; `null` where nobody looked.")
    samples: tuple[Sample, ...] = Field(
        max_length=MAX_SAMPLES, strict=False, description="What was seen and recorded, the oldest first."
    )
    reaction: Reaction = Field(description="What is done about it.")
