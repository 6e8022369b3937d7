"""What the sweep remembers from tick to tick, beside the state branch (SWP-1, REAP-2)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from orch_gates.model.document import Document
from orch_gates.model.ids import TaskName, Timestamp
from orch_gates.model.job import Attempt

MAX_TICKS = 20
MAX_STREAKS = 1000
MAX_ALERTS = 100

# Ticks, jobs ended, leases taken back, stuck tasks moved on, jobs started, tasks that a person was asked about.
COUNTERS = ("ticks", "reaped", "reclaimed", "unblocked", "dispatched", "escalated", "lost-races")
MAX_COUNTERS = 50

_Short = Annotated[str, StringConstraints(max_length=400, pattern=r"\A[^\n\r]*\z")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow", strict=True, defer_build=True)


class Tick(_Part):
    """One tick that came to its end."""

    started: Timestamp = Field(description="When it began, UTC.")
    ended: Timestamp = Field(description="When it ended, UTC.")
    by: _Short = Field(description="Who ran it.")
    generation: int = Field(ge=0, description="The generation of the state branch that it saw.")


class Streak(_Part):
    """In how many ticks in a row a running job was seen dead."""

    attempt: Attempt = Field(description="The job.")
    ticks: int = Field(ge=1, description="In how many distinct ticks.")
    last: Timestamp = Field(description="In which one last, UTC.")


class Alert(_Part):
    """Something that a person has to look at; it is told once, and shown until it is over."""

    key: _Short = Field(description="What it is about; there is one alert for each.")
    since: Timestamp = Field(description="Since when, UTC.")
    line: _Short = Field(description="What it is, and what to do.")


class Memory(Document):
    """The sweep's memory: replaced by every tick, and of no use to anything but the sweep and people."""

    KIND: ClassVar[str] = "sweep"

    schema_: Literal["orch.sweep/1"] = Field(
        default="orch.sweep/1", alias="schema", description="Always `orch.sweep/1`."
    )
    ticks: tuple[Tick, ...] = Field(max_length=MAX_TICKS, strict=False, description="The last ticks, oldest first.")
    cursor: TaskName | Literal[""] = Field(
        description="The last task whose gates were asked; the next tick goes on behind it."
    )
    counters: dict[str, Annotated[int, Field(ge=0)]] = Field(
        max_length=MAX_COUNTERS, description="What all ticks together did, by name."
    )
    streaks: tuple[Streak, ...] = Field(
        max_length=MAX_STREAKS, strict=False, description="Running jobs that were seen dead."
    )
    alerts: tuple[Alert, ...] = Field(
        max_length=MAX_ALERTS, strict=False, description="What a person has to look at, oldest first."
    )


def nothing() -> Memory:
    """What is remembered before the first tick."""
    return Memory(ticks=(), cursor="", counters=dict.fromkeys(COUNTERS, 0), streaks=(), alerts=())
