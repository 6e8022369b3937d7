"""What people were shown of a task, and where: the outbox of its card (NTF-1)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from orch_gates.model.document import Document
from orch_gates.model.ids import Line, TaskName, Timestamp

_Digest = Annotated[str, StringConstraints(pattern=r"\A([0-9a-f]{64})?\z")]


class Channel(StrEnum):
    """Where a card is shown."""

    TELEGRAM = "telegram"
    WEBHOOK = "webhook"
    COMMENT = "comment"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow", strict=True, defer_build=True)


class Claim(_Part):
    """Who sends what cannot be sent twice, since when, and what; a process that died is waited for, then replaced."""

    nonce: Annotated[str, StringConstraints(pattern=r"\A[0-9a-f]{16}\z")] = Field(
        description="One process's, for one message."
    )
    at: Timestamp = Field(description="When it was claimed, UTC.")
    digest: _Digest = Field(description="The text that is sent.")
    by_forge: bool = Field(default=False, description="Whether the forge said when; no other machine's clock counts.")


class ShownIn(_Part):
    """What one channel shows."""

    channel: Channel = Field(strict=False, description="Which one.")
    place: Line = Field(description="Where in it; a card that was shown elsewhere is made anew.")
    digest: _Digest = Field(description="SHA-256 of the text that is shown; empty before one was.")
    message: int = Field(ge=0, description="The message that it is, or the pull request that it is on; 0 for none.")
    claim: Claim | None = Field(description="Who sends a message now; `null` for nobody.")
    not_before: Timestamp | None = Field(description="When the channel may be asked again, UTC.")
    limited: bool = Field(description="Whether that is a limit of the whole place.")
    problem: Line = Field(description="Why it does not show the newest card; empty where it does.")
    refused: _Digest = Field(default="", description="The text that it refused; it is not asked for that again alone.")
    failures: int = Field(default=0, ge=0, description="How often in a row it was claimed and not shown.")


class Card(Document):
    """The card of one task, for every channel that it was shown in."""

    KIND: ClassVar[str] = "card"

    schema_: Literal["orch.card/1"] = Field(default="orch.card/1", alias="schema", description="Always `orch.card/1`.")
    task: TaskName = Field(description="The task; also its folder.")
    shown: tuple[ShownIn, ...] = Field(strict=False, max_length=8, description="Each channel once.")

    def on(self, channel: Channel, place: str) -> ShownIn:
        """What a channel shows at a place; nothing where it is shown elsewhere, or not at all."""
        found = next((one for one in self.shown if one.channel is channel and one.place == place), None)
        return found or _nothing(channel, place)

    def having(self, shown: ShownIn) -> Card:
        """The same with this in the place of what the channel showed."""
        others = tuple(one for one in self.shown if one.channel is not shown.channel)
        return self.model_copy(update={"shown": (*others, shown)})


def _nothing(channel: Channel, place: str) -> ShownIn:
    return ShownIn(
        channel=channel, place=place, digest="", message=0, claim=None, not_before=None, limited=False, problem=""
    )
