"""A tracker in memory: issues with words, what they were told, and the ways in which it does not answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from orch_gates.model.effect import TrackerState
from orch_gates.trackers.port import Item


@dataclass(slots=True)
class MemoryTracker:
    """`Tracker`; it answers with `failure` while there is one. `newest` is the generation that an issue tells of."""

    failure: Exception | None = None
    issues: dict[int, Item] = field(default_factory=dict)
    by: dict[tuple[int, TrackerState], str] = field(default_factory=dict)
    comments: dict[tuple[int, str], str] = field(default_factory=dict)
    newest: dict[int, int] = field(default_factory=dict)
    shown: list[tuple[int, str, str, int, tuple[TrackerState, ...]]] = field(default_factory=list)
    said: list[tuple[int, str]] = field(default_factory=list)

    def set(
        self, number: int, *words: TrackerState, by: str = "bob", title: str = "Greet the user", open: bool = True
    ) -> None:
        """Somebody says these words on an issue, in place of those that were there."""
        self.issues[number] = Item(number, title, "", open, frozenset(words))
        self.by |= {(number, word): by for word in words}

    def items(self) -> tuple[Item, ...]:
        self._fail()
        return tuple(item for item in self.issues.values() if item.words and item.open)

    def item(self, number: int) -> Item:
        self._fail()
        return self.issues[number]

    def who(self, number: int, word: TrackerState) -> str:
        self._fail()
        return self.by.get((number, word), "")

    def last_words(self, number: int, login: str) -> str:
        self._fail()
        return self.comments.get((number, login), "")

    def clear(self, number: int, word: TrackerState) -> None:
        self._fail()
        self.issues[number] = replace(self.issues[number], words=self.issues[number].words - {word})

    def show(self, number: int, label: str, text: str, *, generation: int, clears: Sequence[TrackerState] = ()) -> bool:
        self._fail()
        if self.newest.get(number, 0) > generation:
            return False
        self.newest[number] = generation
        self.shown.append((number, label, text, generation, tuple(clears)))
        for word in clears:
            if number in self.issues:
                self.clear(number, word)
        return True

    def say(self, number: int, text: str) -> None:
        self._fail()
        self.said.append((number, text))

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure
