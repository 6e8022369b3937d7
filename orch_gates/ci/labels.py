"""Which label an event is about: GitHub names one, Gitea and Forgejo list what changed, or clear them all."""

from __future__ import annotations

from typing import Final

from orch_gates.ci import fields
from orch_gates.ci.received import Received

ACTIONS: Final = ("labeled", "unlabeled", "label_updated", "label_cleared")


def changed(received: Received) -> tuple[str, bool]:
    """The label, and whether it was added; an empty one where none, or more than one, is named."""
    match received.action:
        case "labeled" | "unlabeled":
            return fields.text(received.payload, "label", "name"), received.action == "labeled"
        case "label_updated":
            added, removed = (
                [fields.text(label, "name") for label in fields.items(received.payload, "changes", key)]
                for key in ("added_labels", "removed_labels")
            )
            return ((added + removed)[0], bool(added)) if len(added) + len(removed) == 1 else ("", False)
        case _:
            return "", False
