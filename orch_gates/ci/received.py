"""An event as the runner handed it over, before anything is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orch_gates.ci import fields
from orch_gates.ci.event import Nothing, Unreadable

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Received:
    """Name and payload of an event, with the ref and the commit that the job runs for."""

    name: str
    payload: Mapping[str, Any]
    ref: str = ""
    sha: str = ""

    @property
    def actor(self) -> str:
        """Who caused it."""
        return fields.text(self.payload, "sender", "login")

    @property
    def action(self) -> str:
        """What happened, in the forge's own word."""
        return fields.text(self.payload, "action")

    @property
    def branch(self) -> str:
        """The branch that the job runs for."""
        return fields.branch_of_ref(self.ref)

    @property
    def commit(self) -> str:
        """The commit that the job runs for."""
        return fields.commit(self.sha)

    def nothing(self, why: str) -> Nothing:
        """Nothing follows from this event."""
        return Nothing(self.actor, f"{self._shown}: {why}")

    def ignored(self) -> Nothing:
        """Nothing follows from what happened."""
        return self.nothing("this event needs no action")

    def unreadable(self, why: str) -> Unreadable:
        """The event does not say what happened."""
        return Unreadable(self.actor, f"{self._shown}: {why}")

    @property
    def _shown(self) -> str:
        """Name and action, without what a terminal could take for a command."""
        action = f", action {self.action[:_SHOWN]!a}" if self.action else ""
        return f"event {self.name[:_SHOWN]!a}{action}"
