"""An event as the runner handed it over, before anything is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from orch_gates.ci import fields
from orch_gates.ci.event import Nothing, Unreadable

LABEL_ACTIONS: Final = ("labeled", "unlabeled", "label_updated", "label_cleared")
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

    @property
    def label(self) -> tuple[str, bool]:
        """The label that it is about, and whether it was added; an empty one where none, or several, are named.

        GitHub names one; Gitea and Forgejo list what changed, or clear them all.
        """
        match self.action:
            case "labeled" | "unlabeled":
                return fields.text(self.payload, "label", "name"), self.action == "labeled"
            case "label_updated":
                added, removed = (
                    [fields.text(label, "name") for label in fields.items(self.payload, "changes", key)]
                    for key in ("added_labels", "removed_labels")
                )
                return ((added + removed)[0], bool(added)) if len(added) + len(removed) == 1 else ("", False)
            case _:
                return "", False

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
