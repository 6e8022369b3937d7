"""What every tracker promises, whichever it is; each adapter's tests inherit this and bring their `tracked` (TRK-1)."""

from __future__ import annotations

from typing import Protocol

import pytest

from orch_gates.errors import ForgeRefused
from orch_gates.model.effect import TrackerState
from orch_gates.trackers.port import Tracker
from tests.contract.forge_rig import Who
from tests.contract.forge_steps import NEVER, refused

STAGES = ("analysis", "review")


class Tracked(Protocol):
    """Somebody's project in a tracker, alone there, with what people do in it, none of it through the port.

    `users`: it knows who asks. `tells`: it keeps who said which word.
    """

    users: bool
    tells: bool

    def tracker(self, who: Who = Who.OWNER, page: int = 0) -> Tracker:
        """The port, as somebody uses it, reading lists in pages of this size."""
        ...

    def name(self, who: Who) -> str:
        """How the tracker calls them."""
        ...

    def make(self, title: str, word: TrackerState | None = None) -> int:
        """The owner makes an issue; its number."""
        ...

    def say(self, number: int, word: TrackerState, who: Who = Who.OWNER) -> None:
        """Somebody says a word on an issue."""
        ...

    def close(self, number: int) -> None:
        """The owner closes an issue."""
        ...

    def comment(self, number: int, text: str, who: Who = Who.OWNER) -> None:
        """Somebody comments."""
        ...

    def copy(self, number: int, other: int) -> None:
        """A writer copies what the newest comment of an issue says, and all that marks it, to another issue."""
        ...

    def comments(self, number: int) -> list[tuple[str, str]]:
        """The comments of an issue, oldest first: an id and the text."""
        ...


class TrackerPromises:
    """`Tracker`."""

    def test_every_open_issue_with_a_word_is_found_whatever_the_pages(self, tracked: Tracked) -> None:
        """In their order; a closed issue is not, nor one without a word."""
        words = (
            TrackerState.IN_PROGRESS,
            None,
            TrackerState.BLOCKED,
            TrackerState.APPROVED,
            TrackerState.NEEDS_INPUT,
            TrackerState.REJECTED,
        )
        made = [tracked.make(f"Issue {word}", word) for word in words]
        tracked.close(made[3])
        found = tracked.tracker(page=2).items()
        assert [(one.number, one.title, one.open, set(one.words)) for one in found] == [
            (number, f"Issue {word}", True, {word})
            for number, word in zip(made, words, strict=True)
            if word not in {None, TrackerState.APPROVED}
        ]

    def test_an_issue_that_there_is_not_is_refused(self, tracked: Tracked) -> None:
        """Which is not the same as one without a word."""
        number = tracked.make("First")
        found = tracked.tracker().item(number)
        assert (found.title, found.open, found.words) == ("First", True, frozenset())
        refused(lambda: tracked.tracker().item(NEVER), lambda: tracked.tracker().clear(NEVER, TrackerState.APPROVED))

    def test_a_word_that_was_acted_on_is_cleared_and_no_other(self, tracked: Tracked) -> None:
        number = tracked.make("First", TrackerState.APPROVED)
        asked = tracked.tracker()
        asked.clear(number, TrackerState.BLOCKED)
        assert asked.item(number).words == {TrackerState.APPROVED}
        for _ in range(2):
            asked.clear(number, TrackerState.APPROVED)
        found = asked.item(number)
        assert (found.open, TrackerState.APPROVED in found.words) == (True, False)

    def test_whoever_said_the_word_last_is_told(self, tracked: Tracked) -> None:
        """Not whoever said another one, nor of a word that was taken back (ENG-11)."""
        number = tracked.make("First", TrackerState.IN_PROGRESS)
        assert tracked.tracker().who(number, TrackerState.IN_PROGRESS) == (
            tracked.name(Who.OWNER) if tracked.tells else ""
        )
        tracked.say(number, TrackerState.APPROVED, Who.WRITER)
        asked = tracked.tracker()
        assert asked.who(number, TrackerState.APPROVED) == (tracked.name(Who.WRITER) if tracked.tells else "")
        assert asked.who(number, TrackerState.REJECTED) == ""

    def test_the_newest_words_of_somebody_are_told_in_one_line(self, tracked: Tracked) -> None:
        """What we say ourselves is nobody's word."""
        number = tracked.make("First")
        for text in ("An older word.", "Not like\nthis: " + "x" * 1000):
            tracked.comment(number, text, Who.WRITER)
        tracked.comment(number, "Another's.")
        asked = tracked.tracker()
        asked.show(number, "orch/review", "in review", generation=1)
        output = asked.last_words(number, tracked.name(Who.WRITER))
        assert output.startswith("Not like this: xxx")
        assert len(output) < 300
        assert asked.last_words(number, tracked.name(Who.OWNER)) == "Another's."
        assert asked.last_words(number, "nobody") == asked.last_words(number, "") == ""

    def test_where_a_task_stands_is_one_comment_that_is_edited(self, tracked: Tracked) -> None:
        """Told again nothing changes; the comments of people stay."""
        number = tracked.make("First", TrackerState.APPROVED)
        tracked.comment(number, "A person's.")
        for _ in range(2):
            assert tracked.tracker().show(number, "orch/analysis", "it's *new* <b>", generation=3)
        before = tracked.comments(number)
        assert len(before) == 2
        assert "<b>" not in before[1][1]
        again = tracked.tracker()
        assert again.show(number, "orch/review", "approved by bob", generation=5, clears=[TrackerState.APPROVED])
        after = tracked.comments(number)
        assert [one for one, _ in after] == [one for one, _ in before]
        assert (after[0][1], "approved by bob" in after[1][1]) == (before[0][1], True)
        assert TrackerState.APPROVED not in again.item(number).words

    def test_old_news_is_not_told_over_newer(self, tracked: Tracked) -> None:
        """A process that was slow changes no comment, nor takes a word off (P7)."""
        number = tracked.make("First", TrackerState.APPROVED)
        assert tracked.tracker().show(number, "orch/review", "in review", generation=5)
        before, asked = tracked.comments(number), tracked.tracker()
        assert not asked.show(number, "orch/analysis", "old", generation=4, clears=[TrackerState.APPROVED])
        assert tracked.comments(number) == before
        assert asked.item(number).words == {TrackerState.APPROVED}

    def test_what_is_in_the_way_is_said_in_the_same_comment(self, tracked: Tracked) -> None:
        """Once, until where the task stands is told anew."""
        number = tracked.make("First", TrackerState.APPROVED)
        asked = tracked.tracker()
        asked.say(number, "there is no task")
        for _ in range(2):
            asked.say(number, "its gates decide")
        ((_, text),) = tracked.comments(number)
        assert ("its gates decide" in text, "there is no task" in text) == (True, False)
        asked.show(number, "orch/review", "in review", generation=5)
        asked.say(number, "its gates decide")
        ((_, text),) = before = tracked.comments(number)
        assert ("in review" in text, "its gates decide" in text) == (True, True)
        asked.show(number, "orch/review", "in review", generation=5)
        assert tracked.comments(number) == before
        asked.show(number, "orch/review", "in review", generation=6)
        assert "its gates decide" not in tracked.comments(number)[0][1]

    def test_a_copy_of_our_comment_is_not_ours(self, tracked: Tracked) -> None:
        """It is neither edited nor believed, where the tracker knows who writes."""
        if tracked.users:
            number, other = tracked.make("First"), tracked.make("Second")
            tracked.tracker().show(number, "orch/review", "in review", generation=5)
            tracked.copy(number, other)
            copied = tracked.comments(other)
            assert tracked.tracker().show(other, "orch/analysis", "older", generation=4)
            assert tracked.comments(other)[0] == copied[0]
            assert "older" in tracked.comments(other)[1][1]

    def test_who_may_not_write_says_nothing(self, tracked: Tracked) -> None:
        if tracked.users:
            number = tracked.make("First", TrackerState.APPROVED)
            with pytest.raises(ForgeRefused):
                tracked.tracker(Who.STRANGER).show(
                    number, "orch/review", "no", generation=5, clears=[TrackerState.APPROVED]
                )
            assert tracked.tracker().item(number).words == {TrackerState.APPROVED}
            assert tracked.comments(number) == []
