"""What is asked of a tracker; failures are typed, never an empty answer, so that nothing follows from them (P2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from orch_gates.model.effect import TrackerState


@dataclass(frozen=True, slots=True)
class Item:
    """One issue, and what people say there."""

    number: int
    title: str
    url: str
    open: bool
    words: frozenset[TrackerState]


class Tracker(Protocol):
    """The issues of one repository, or the work items of one project.

    Every method raises ForgeRefused where there is no such issue, or no permission, and ForgeUnavailable where it could
    not be told or was not done; writes raise ForgeUnclear where they may have been done. Every write may be repeated.
    """

    def items(self) -> tuple[Item, ...]:
        """All open issues on which any of the words stands, complete, oldest first."""
        ...

    def item(self, number: int) -> Item:
        """One issue, open or closed, with any words or none."""
        ...

    def who(self, number: int, word: TrackerState) -> str:
        """Who last said a word on an issue; empty where the tracker does not tell, or it was taken back."""
        ...

    def last_words(self, number: int, login: str) -> str:
        """The newest comment of somebody on an issue, in one line; empty for none."""
        ...

    def clear(self, number: int, word: TrackerState) -> None:
        """Take a word off: it was acted on."""
        ...

    def show(self, number: int, label: str, text: str, *, generation: int, clears: Sequence[TrackerState] = ()) -> bool:
        """Let an issue say where its task stands, by one comment, and take words off.

        `label` is shown where labels can be set one by one; else it only tells how a task that is over ended.
        False where what a later `generation` of the state says is there already; then nothing is changed.
        """
        ...

    def say(self, number: int, text: str) -> None:
        """Let the same comment say besides what keeps a person's word from being followed, until `show` says more."""
        ...
