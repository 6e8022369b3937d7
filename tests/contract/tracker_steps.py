"""What the issues of every forge promise as a tracker: complete, by the name of who said it, one comment (TRK-1)."""

from __future__ import annotations

import pytest

from orch_gates.errors import ForgeRefused
from orch_gates.forge.port.forge import Forge
from orch_gates.forge.port.issues import Issue
from orch_gates.model.effect import Word
from orch_gates.settings import load
from orch_gates.trackers.forge_issues import ForgeIssues, connect
from tests.contract.forge_rig import Rig, Who
from tests.contract.forge_steps import NEVER, opened, refused

STAGES = ("analysis", "review")
LABELS = {"ORCH_TRACKER_IN_PROGRESS": "In Progress", "ORCH_TRACKER_NEEDS_INPUT": "ask: a, b"}


def tracker(rig: Rig, forge: Forge | None = None) -> ForgeIssues:
    return connect(load(LABELS).tracker, forge or rig.forge, rig.traits.kind, STAGES)


def labelled(rig: Rig, title: str, *labels: str) -> Issue:
    return rig.forge.issues.create(title, labels=labels)


def texts(rig: Rig, number: int) -> list[str]:
    return [comment.body for comment in rig.forge.issues.comments(number)]


class TrackerContract:
    """`Tracker` on the issues of a forge."""

    def test_every_open_issue_with_a_word_is_found(self, rig: Rig) -> None:
        """All pages; a pull request with the label is none, nor is a closed issue, nor one with other labels."""
        pull = opened(rig)
        rig.forge.issues.label(pull.number, add=["approved"])
        first = labelled(rig, "First", "In Progress")
        labelled(rig, "Other", "bug", "in progress now")
        both = labelled(rig, "Both", "ask: a, b", "rejected", "bug")
        rig.forge.issues.close(labelled(rig, "Closed", "approved").number)
        last = labelled(rig, "Last", "blocked")
        found = tracker(rig, rig.in_pages(2)).items()
        assert [(item.number, item.title, item.open) for item in found] == [
            (first.number, "First", True),
            (both.number, "Both", True),
            (last.number, "Last", True),
        ]
        assert [item.words for item in found] == [
            {Word.IN_PROGRESS},
            {Word.NEEDS_INPUT, Word.REJECTED},
            {Word.BLOCKED},
        ]
        assert [item.url for item in found] == [one.url for one in (first, both, last)]

    def test_one_issue_is_looked_at_afresh(self, rig: Rig) -> None:
        """Closed or without a word, it is told as it is; what is none is refused, which is not nothing."""
        made = labelled(rig, "First", "approved")
        asked = tracker(rig)
        assert asked.item(made.number).words == {Word.APPROVED}
        asked.clear(made.number, Word.APPROVED)
        asked.clear(made.number, Word.APPROVED)
        rig.forge.issues.close(made.number)
        found = asked.item(made.number)
        assert (found.words, found.open) == (frozenset(), False)
        pull = opened(rig).number
        refused(lambda: asked.item(NEVER), lambda: asked.item(pull))

    def test_capitals_count_where_they_count_for_the_forge(self, rig: Rig) -> None:
        made = labelled(rig, "First", "APPROVED")
        expected = {Word.APPROVED} if rig.traits.ignores_case else set()
        assert tracker(rig).item(made.number).words == expected

    def test_who_said_it_is_told(self, rig: Rig) -> None:
        """Whoever set the label last, whoever opened the issue or set other ones (ENG-11)."""
        made = labelled(rig, "First", "approved", "In Progress")
        asked, issues = tracker(rig), rig.as_(Who.WRITER).issues
        asked.clear(made.number, Word.APPROVED)
        issues.label(made.number, add=["approved"])
        names = [rig.name(who) if rig.traits.tells_labellers else "" for who in (Who.WRITER, Who.OWNER)]
        assert [asked.who(made.number, word) for word in (Word.APPROVED, Word.IN_PROGRESS)] == names

    def test_the_last_words_of_somebody_are_told(self, rig: Rig) -> None:
        """In one line; what we say ourselves is nobody's word."""
        made = labelled(rig, "First")
        asked, writer = tracker(rig), rig.as_(Who.WRITER).issues
        for text in ("An older word.", "Not like\nthis: " + "x" * 1000):
            writer.comment(made.number, text)
        rig.forge.issues.comment(made.number, "Another's.")
        asked.show(made.number, "orch/review", "in review", generation=1)
        said = asked.last_words(made.number, rig.name(Who.WRITER))
        assert said.startswith("Not like this: xxx")
        assert len(said) < 300
        assert asked.last_words(made.number, rig.name(Who.OWNER)) == "Another's."
        assert asked.last_words(made.number, "nobody") == asked.last_words(made.number, "") == ""

    def test_where_a_task_stands_is_one_label_and_one_comment(self, rig: Rig) -> None:
        """Told again nothing changes, told anew the comment is edited; people's labels and comments stay."""
        made = labelled(rig, "First", "approved", "In Progress", "orch/theirs")
        rig.forge.issues.comment(made.number, "A person's.")
        asked = tracker(rig)
        for _ in range(2):
            assert asked.show(made.number, "orch/analysis", "*new* @alice", generation=3)
        before = rig.forge.issues.comments(made.number)
        assert len(before) == 2
        assert r"\*new\*" in before[1].body
        assert "@alice" not in before[1].body
        again = tracker(rig)
        assert again.show(made.number, "orch/review", "approved by bob", generation=5, clears=[Word.APPROVED])
        after = rig.forge.issues.comments(made.number)
        assert [one.id for one in after] == [one.id for one in before]
        assert (after[0].body, "approved by bob" in after[1].body) == ("A person's.", True)
        assert set(rig.forge.issues.get(made.number).labels) == {"In Progress", "orch/theirs", "orch/review"}

    def test_old_news_is_not_told_over_newer(self, rig: Rig) -> None:
        """A process that was slow changes neither label nor comment, nor takes a word off (P7)."""
        made = labelled(rig, "First", "approved")
        asked = tracker(rig)
        assert asked.show(made.number, "orch/review", "in review", generation=5)
        before = texts(rig, made.number)
        assert not asked.show(made.number, "orch/analysis", "old", generation=4, clears=[Word.APPROVED])
        assert texts(rig, made.number) == before
        assert set(rig.forge.issues.get(made.number).labels) == {"approved", "orch/review"}

    def test_what_is_in_the_way_is_said_in_the_same_comment(self, rig: Rig) -> None:
        """Once, until where the task stands is told anew."""
        made = labelled(rig, "First", "approved")
        asked = tracker(rig)
        asked.say(made.number, "there is no task")
        for _ in range(2):
            asked.say(made.number, "its gates decide")
        (text,) = texts(rig, made.number)
        assert ("its gates decide" in text, "there is no task" in text) == (True, False)
        asked.show(made.number, "orch/review", "in review", generation=5)
        asked.say(made.number, "its gates decide")
        (text,) = texts(rig, made.number)
        assert ("in review" in text, "its gates decide" in text) == (True, True)
        asked.show(made.number, "orch/review", "in review", generation=5)
        assert texts(rig, made.number) == [text]
        asked.show(made.number, "orch/review", "in review", generation=6)
        assert "its gates decide" not in texts(rig, made.number)[0]

    def test_a_copy_of_our_comment_is_not_ours(self, rig: Rig) -> None:
        """Somebody else's with the mark is neither edited nor believed, where the forge knows who writes."""
        made = labelled(rig, "First")
        asked = tracker(rig)
        asked.show(made.number, "orch/review", "in review", generation=5)
        (ours,) = texts(rig, made.number)
        other = labelled(rig, "Second")
        copied = ours.replace(" 5 -->", " 999 -->")
        rig.as_(Who.WRITER).issues.comment(other.number, copied)
        assert asked.show(other.number, "orch/review", "in review", generation=5) is rig.traits.users
        assert texts(rig, other.number) == ([copied, ours] if rig.traits.users else [copied])

    def test_who_may_not_write_says_nothing(self, rig: Rig) -> None:
        if rig.traits.users:
            made = labelled(rig, "First", "approved")
            stranger = tracker(rig, rig.as_(Who.STRANGER))
            with pytest.raises(ForgeRefused):
                stranger.show(made.number, "orch/review", "in review", generation=5)
            assert set(rig.forge.issues.get(made.number).labels) == {"approved"}
