"""What the models of outputs share. They describe and check; a command writes its output without them (GATE-4)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from orch_gates.model.ids import Timestamp

Counts = dict[str, Annotated[int, Field(ge=0)]]


class Part(BaseModel):
    """An object of an output, which has these keys and no others."""

    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)


class Output(Part):
    """What a command prints; its first key is `schema`, which the catalogue names."""


def unmarked(schema: dict[str, Any]) -> None:
    """A document that has more keys in an output than on the state branch does not claim the schema of the document."""
    schema["properties"].pop("schema")


class AlertPart(Part):
    """Something that a person has to look at."""

    key: str = Field(description="What it is about; there is one alert for each.")
    since: Timestamp = Field(description="Since when, UTC.")
    line: str = Field(description="What it is, and what to do.")
