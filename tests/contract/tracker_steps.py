"""What the issues of every forge promise as a tracker: complete, by the name of who said it, one comment (TRK-1)."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from orch_gates.forge.port.forge import Forge
from orch_gates.forge.port.issues import Issue
from orch_gates.model.effect import TrackerState
from orch_gates.settings import load
from orch_gates.trackers.forge_issues import ForgeIssues, connect
from orch_gates.trackers.names import names_of
from tests.contract.forge_rig import Rig, Who
from tests.contract.forge_steps import NEVER, opened, refused
from tests.contract.tracker_suite import STAGES, TrackerPromises

LABELS = {"ORCH_TRACKER_IN_PROGRESS": "In Progress", "ORCH_TRACKER_NEEDS_INPUT": "ask: a, b"}
_NAMES = names_of(load(LABELS).tracker)


def tracker(rig: Rig, forge: Forge | None = None) -> ForgeIssues:
    return connect(load(LABELS).tracker, forge or rig.forge, rig.traits.kind, STAGES)


def labelled(rig: Rig, title: str, *labels: str) -> Issue:
    return rig.forge.issues.create(title, labels=labels)


@dataclass(frozen=True, slots=True)
class ForgeTracked:
    """The issues of a forge, as a tracker."""

    rig: Rig
    users: bool
    tells: bool

    def tracker(self, who: Who = Who.OWNER, page: int = 0) -> ForgeIssues:
        return tracker(self.rig, self.rig.in_pages(page) if page else self.rig.as_(who))

    def name(self, who: Who) -> str:
        return self.rig.name(who)

    def make(self, title: str, word: TrackerState | None = None) -> int:
        return labelled(self.rig, title, *([_NAMES[word]] if word else [])).number

    def say(self, number: int, word: TrackerState, who: Who = Who.OWNER) -> None:
        self.rig.as_(who).issues.label(number, add=[_NAMES[word]])

    def close(self, number: int) -> None:
        self.rig.forge.issues.close(number)

    def comment(self, number: int, text: str, who: Who = Who.OWNER) -> None:
        self.rig.as_(who).issues.comment(number, text)

    def copy(self, number: int, other: int) -> None:
        self.comment(other, self.comments(number)[-1][1], Who.WRITER)

    def comments(self, number: int) -> list[tuple[str, str]]:
        return [(str(one.id), one.body) for one in self.rig.forge.issues.comments(number)]


class TrackerContract(TrackerPromises):
    """`Tracker` on the issues of a forge."""

    @pytest.fixture
    def tracked(self, rig: Rig) -> ForgeTracked:
        return ForgeTracked(rig, rig.traits.users, rig.traits.tells_labellers)

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
            {TrackerState.IN_PROGRESS},
            {TrackerState.NEEDS_INPUT, TrackerState.REJECTED},
            {TrackerState.BLOCKED},
        ]
        assert [item.url for item in found] == [one.url for one in (first, both, last)]

    def test_one_issue_is_looked_at_afresh(self, rig: Rig) -> None:
        """Closed or without a word, it is told as it is; what is none is refused, which is not nothing."""
        made = labelled(rig, "First", "approved")
        asked = tracker(rig)
        assert asked.item(made.number).words == {TrackerState.APPROVED}
        asked.clear(made.number, TrackerState.APPROVED)
        asked.clear(made.number, TrackerState.APPROVED)
        rig.forge.issues.close(made.number)
        found = asked.item(made.number)
        assert (found.words, found.open) == (frozenset(), False)
        pull = opened(rig).number
        refused(lambda: asked.item(NEVER), lambda: asked.item(pull))

    def test_capitals_count_where_they_count_for_the_forge(self, rig: Rig) -> None:
        made = labelled(rig, "First", "APPROVED")
        expected = {TrackerState.APPROVED} if rig.traits.ignores_case else set()
        assert tracker(rig).item(made.number).words == expected

    def test_who_said_it_is_told(self, rig: Rig) -> None:
        """Whoever set the label last, whoever opened the issue or set other ones (ENG-11)."""
        made = labelled(rig, "First", "approved", "In Progress")
        asked, issues = tracker(rig), rig.as_(Who.WRITER).issues
        asked.clear(made.number, TrackerState.APPROVED)
        issues.label(made.number, add=["approved"])
        names = [rig.name(who) if rig.traits.tells_labellers else "" for who in (Who.WRITER, Who.OWNER)]
        assert [asked.who(made.number, word) for word in (TrackerState.APPROVED, TrackerState.IN_PROGRESS)] == names

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
        assert again.show(made.number, "orch/review", "approved by bob", generation=5, clears=[TrackerState.APPROVED])
        after = rig.forge.issues.comments(made.number)
        assert [one.id for one in after] == [one.id for one in before]
        assert (after[0].body, "approved by bob" in after[1].body) == ("A person's.", True)
        assert set(rig.forge.issues.get(made.number).labels) == {"In Progress", "orch/theirs", "orch/review"}
