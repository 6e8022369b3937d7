"""Whether an event of an issue concerns the tracker: pure (REC-2).

The issue is looked at afresh, so an event only says whether that is worth it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from orch_gates.ci.event import IssueAction, IssueChanged

_GONE = frozenset({IssueAction.DELETED, IssueAction.TRANSFERRED})
_LABELS = frozenset({IssueAction.LABELED, IssueAction.UNLABELED})


@dataclass(frozen=True, slots=True)
class Concern:
    """Whether the issue is to be looked at, and why, or why not."""

    runs: bool
    reason: str


def concern(event: IssueChanged, labels: Collection[str]) -> Concern:
    """What an event means; `labels` are those by which people say something."""
    if event.action in _GONE:
        return Concern(runs=False, reason=f"issue {event.number} was {event.action}")
    # GitHub does not tell capitals apart; elsewhere a look finds nothing.
    known = {label.casefold() for label in labels}
    if event.action in _LABELS and event.label and event.label.casefold() not in known:
        return Concern(runs=False, reason=f"the label {event.label} says nothing to the tracker")
    return Concern(runs=True, reason=f"issue {event.number} was {event.action}")
