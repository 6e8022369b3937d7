"""What a forge promises about labels of pull requests, and about comments: a merge queue stands on them (MRG-13)."""

from __future__ import annotations

import pytest

from orch_gates.errors import ForgeRefused, ForgeUnavailable
from orch_gates.forge.own_comment import Ours, make
from orch_gates.forge.port.issues import MAX_COMMENT, Comment
from orch_gates.forge.port.pulls import Merged, PullState
from tests.contract.forge_rig import Rig, Who
from tests.contract.forge_steps import NEVER, merged, opened, refused, settled

QUEUED = "merge-queue"
ODD = ["a b", "queue/now", "a, b", "Früh", "🚂 now", "100%", "%2F", "a&b=c#d?e", "a+b", '"q"', "it's", "a\\b", "[x]"]
_MARK = "<!-- orch-gates: queue -->"
_MARKED = f"{_MARK}\n| # | Früh 🚂 |\n|---|---|\n\n1 < 2 & `3` %2F"


def labelled(rig: Rig, label: str = QUEUED) -> list[int]:
    return [pull.number for pull in rig.in_pages(1).pulls.labelled(label)]


class LabelContract:
    """Labels of pull requests."""

    def test_the_open_pull_requests_with_a_label_are_listed(self, rig: Rig) -> None:
        """All pages, lowest number first; not an issue, not a closed or merged one, and not another label."""
        issues = rig.forge.issues
        issues.create("An issue", labels=[QUEUED, "merge"])
        pulls = [opened(rig, f"topic-{number}") for number in range(5)]
        for number in (3, 0, 2, 4):
            issues.label(pulls[number].number, add=[QUEUED])
        issues.label(pulls[1].number, add=["merge", "queue"])
        assert labelled(rig) == [pulls[number].number for number in (0, 2, 3, 4)]
        rig.forge.pulls.close(pulls[0].number)
        assert isinstance(merged(rig, pulls[2].number, pulls[2].head), Merged)
        assert labelled(rig) == [pulls[number].number for number in (3, 4)]
        issues.label(pulls[3].number, remove=[QUEUED])
        assert labelled(rig) == [pulls[4].number]
        assert labelled(rig, "queue") == [pulls[1].number]

    def test_they_are_shown_as_they_are(self, rig: Rig) -> None:
        made = opened(rig)
        assert (made.labels, rig.forge.pulls.get(made.number).labels) == ((), ())
        rig.forge.issues.label(made.number, add=[QUEUED, "red"])
        new = rig.push("topic", {"topic.txt": "two\n"})
        found = settled(rig, made.number)
        assert (found.head, sorted(found.labels)) == (new, [QUEUED, "red"])
        (listed,) = rig.forge.pulls.labelled(QUEUED)
        assert (listed.head, listed.state, listed.merge_commit, listed.fork) == (new, PullState.OPEN, "", False)
        assert (listed.branch, listed.target, listed.title) == ("topic", "main", "Land topic")
        assert (sorted(listed.labels), listed.base) == (sorted(found.labels), found.base)
        assert rig.forge.pulls.find("topic", "main")[0].labels == listed.labels

    def test_a_label_that_is_not_there_is_on_none(self, rig: Rig) -> None:
        opened(rig)
        assert rig.forge.pulls.labelled("never made") == ()
        rig.forge.issues.create("An issue", labels=[QUEUED])
        assert rig.forge.pulls.labelled(QUEUED) == ()

    def test_a_label_has_to_be_named(self, rig: Rig) -> None:
        """Without one, some forges would give all pull requests."""
        refused(lambda: rig.forge.pulls.labelled(""), lambda: rig.forge.pulls.labelled(" "))

    def test_a_label_may_have_any_characters(self, rig: Rig) -> None:
        first, second = opened(rig, "first"), opened(rig, "second")
        rig.forge.issues.label(second.number, add=["a", "b", "queue", "now"])
        found = rig.forge.issues.label(first.number, add=ODD)
        assert sorted(found.labels) == sorted(ODD)
        assert [labelled(rig, name) for name in ODD] == [[first.number]] * len(ODD)
        assert rig.forge.issues.label(first.number, remove=ODD).labels == ()
        assert [labelled(rig, name) for name in ODD] == [[]] * len(ODD)

    def test_whether_the_case_of_a_label_counts_is_the_forges_to_say(self, rig: Rig) -> None:
        upper, lower = opened(rig, "upper"), opened(rig, "lower")
        rig.forge.issues.label(upper.number, add=["Queue"])
        rig.forge.issues.label(lower.number, add=["queue"])
        both = [upper.number, lower.number]
        expected = [both, both] if rig.traits.ignores_case else [[upper.number], [lower.number]]
        assert [labelled(rig, "Queue"), labelled(rig, "queue")] == expected

    def test_labels_of_a_pull_request_come_and_go(self, rig: Rig) -> None:
        """What is so already is no error, and other labels stay (MRG-13)."""
        issues, number = rig.forge.issues, opened(rig).number
        issues.label(number, add=["red", "blue"])
        for _ in range(2):
            found = issues.label(number, add=["green", "blue"], remove=["red", "never there"])
            assert (found.number, found.title, found.open) == (number, "Land topic", True)
            assert sorted(found.labels) == ["blue", "green"]
        assert sorted(rig.forge.pulls.get(number).labels) == ["blue", "green"]
        assert rig.forge.pulls.get(number).state is PullState.OPEN

    def test_who_may_not_write_labels_nothing(self, rig: Rig) -> None:
        number = opened(rig).number
        if rig.traits.users:
            with pytest.raises(ForgeRefused):
                rig.as_(Who.STRANGER).issues.label(number, add=[QUEUED])
        assert labelled(rig) == []


class OfferedLabelContract:
    """The labels that a repository offers (UX-1)."""

    def test_they_are_made_once_and_taken_away(self, rig: Rig) -> None:
        """On all pages; whatever is in a name, and whether or not anything has it."""
        labels = rig.in_pages(2).labels
        if not rig.traits.labels:
            assert labels is None
            return
        assert labels is not None
        names = ["merge", "in progress", "orch/held", "100%, früh?"]
        for _ in range(2):
            for name in names:
                labels.make(name, "For the tests.")
        assert sorted(labels.names()) == sorted(names)
        number = rig.forge.issues.create("Greet the user", labels=["merge"]).number
        assert sorted(labels.names()) == sorted(names)
        for _ in range(2):
            for name in names[:3]:
                labels.remove(name)
        assert labels.names() == ("100%, früh?",)
        assert rig.forge.issues.get(number).labels == ()

    def test_which_are_used_is_told(self, rig: Rig) -> None:
        """By an issue or a pull request, open, closed or merged, on all pages: history is not to lose them."""
        labels, issues = rig.in_pages(1).labels, rig.forge.issues
        if labels is None:
            return
        names = ["open", "closed, then", "pull", "declined", "landed", "nobody's"]
        for name in names:
            labels.make(name, "For the tests.")
        issues.create("Greet the user", labels=["open"])
        issues.close(issues.create("Greet them again", labels=["closed, then"]).number)
        pulls = [opened(rig, f"topic-{number}") for number in range(3)]
        for pull, name in zip(pulls, ("pull", "declined", "landed"), strict=True):
            issues.label(pull.number, add=[name])
        rig.forge.pulls.close(pulls[1].number)
        merged(rig, pulls[2].number, pulls[2].head)
        issues.create("Without a label")
        assert labels.used(names) == tuple(names[:-1])
        assert labels.used([]) == labels.used(["nobody's", "never made"]) == ()

    def test_who_may_not_write_makes_none(self, rig: Rig) -> None:
        if rig.traits.users and rig.traits.labels:
            stranger = rig.as_(Who.STRANGER).labels
            assert stranger is not None
            with pytest.raises(ForgeRefused):
                stranger.make("merge", "For the tests.")


class LabellerContract:
    """Who put a label on an issue: a person's word counts by their name (ENG-11, TRK-1)."""

    def test_who_set_a_label_last_is_told(self, rig: Rig) -> None:
        """Whoever set another label, or the same one before, does not count; taken off, it was set by nobody."""
        issues, writer = rig.forge.issues, rig.as_(Who.WRITER).issues
        names = [rig.name(who) if rig.traits.tells_labellers else "" for who in (Who.OWNER, Who.WRITER)]
        number = issues.create("Greet the user", labels=["approved"]).number
        writer.label(number, add=["other"])
        assert [issues.labelled_by(number, label) for label in ("approved", "other")] == names
        issues.label(number, remove=["approved"])
        assert issues.labelled_by(number, "approved") == issues.labelled_by(number, "never set") == ""
        writer.label(number, add=["approved"])
        issues.label(number, add=["more"])
        assert rig.in_pages(1).issues.labelled_by(number, "approved") == names[1]

    def test_more_than_a_page_of_labels_is_read(self, rig: Rig) -> None:
        """The newest word may be on the last page (faults.md: the first page is not all)."""
        issues, writer = rig.forge.issues, rig.as_(Who.WRITER).issues
        number = issues.create("Greet the user").number
        for _ in range(2):
            issues.label(number, add=[f"label {place}" for place in range(30)])
            issues.label(number, remove=[f"label {place}" for place in range(30)])
        writer.label(number, add=["approved"])
        expected = rig.name(Who.WRITER) if rig.traits.tells_labellers else ""
        assert issues.labelled_by(number, "approved") == rig.in_pages(7).issues.labelled_by(number, "approved")
        assert issues.labelled_by(number, "approved") == expected

    def test_who_set_what_on_nothing_is_refused(self, rig: Rig) -> None:
        """That is not the same as nobody."""
        refused(lambda: rig.forge.issues.labelled_by(NEVER, "approved"))

    def test_what_is_one_label_is_the_forges_to_say(self, rig: Rig) -> None:
        issues = rig.forge.issues
        assert issues.same_label("Früh", "Früh")
        assert not issues.same_label("approved", "approve")
        assert issues.same_label("Approved", "approved") is rig.traits.ignores_case


class CommentContract:
    """Comments on issues and on pull requests."""

    @pytest.mark.parametrize("pull", [False, True], ids=["issue", "pull"])
    def test_all_that_was_said_is_read_in_its_order(self, rig: Rig, pull: bool) -> None:
        number = opened(rig).number if pull else rig.forge.issues.create("Greet the user").number
        other = rig.forge.issues.create("Another").number
        assert rig.forge.issues.comments(number) == ()
        made = [rig.forge.issues.comment(number, f"{place}: {_MARKED}") for place in range(3)]
        rig.forge.issues.comment(other, "Elsewhere.")
        assert rig.in_pages(1).issues.comments(number) == tuple(made)
        assert [one.body for one in made] == [f"{place}: {_MARKED}" for place in range(3)]
        assert {one.author for one in made} == {rig.name(Who.OWNER)}
        assert len({one.id for one in made}) == 3

    @pytest.mark.parametrize("pull", [False, True], ids=["issue", "pull"])
    def test_what_was_said_can_be_changed(self, rig: Rig, pull: bool) -> None:
        """Its place and author stay; doing it again changes nothing."""
        issues = rig.forge.issues
        number = opened(rig).number if pull else issues.create("Greet the user").number
        first, second = issues.comment(number, "One."), issues.comment(number, "Two.")
        for _ in range(2):
            assert issues.edit_comment(number, first.id, _MARKED) == Comment(first.id, first.author, _MARKED)
            assert issues.comments(number) == (Comment(first.id, first.author, _MARKED), second)

    @pytest.mark.parametrize("pull", [False, True], ids=["issue", "pull"])
    def test_what_was_said_can_be_deleted(self, rig: Rig, pull: bool) -> None:
        """Others keep their ids; doing it again changes nothing, and what is gone cannot be changed."""
        issues = rig.forge.issues
        number = opened(rig).number if pull else issues.create("Greet the user").number
        first, second = issues.comment(number, "One."), issues.comment(number, "Two.")
        for _ in range(2):
            issues.delete_comment(number, first.id)
            assert issues.comments(number) == (second,)
        refused(lambda: issues.edit_comment(number, first.id, "Changed."))
        third = issues.comment(number, "Three.")
        assert issues.comments(number) == (second, third)
        assert third.id not in {first.id, second.id}

    def test_two_that_found_no_comment_of_ours_leave_one(self, rig: Rig) -> None:
        """The younger is deleted, and its author told which one stands; who copied the mark is left alone."""
        issues, number = rig.forge.issues, opened(rig).number
        copied = rig.as_(Who.WRITER).issues.comment(number, _MARKED)
        ours = Ours(rig.name(Who.OWNER))
        assert make(issues, number, _MARK, ours, f"{_MARKED} One.") is None
        first = make(issues, number, _MARK, ours, f"{_MARKED} Two.")
        assert (first and first.body, len(issues.comments(number))) == (f"{_MARKED} One.", 2)
        assert issues.comments(number) == (copied, first)

    def test_a_comment_of_something_else_is_not_deleted(self, rig: Rig) -> None:
        issues = rig.forge.issues
        one, other = opened(rig).number, issues.create("Another").number
        made = issues.comment(one, "First.")
        issues.delete_comment(other, made.id)
        issues.delete_comment(one, NEVER)
        assert issues.comments(one) == (made,)
        refused(lambda: issues.delete_comment(NEVER, made.id))

    def test_a_comment_of_something_else_is_not_changed(self, rig: Rig) -> None:
        issues = rig.forge.issues
        one, other = opened(rig).number, issues.create("Another").number
        issues.comment(one, "First.")
        made = issues.comment(one, "Second.")
        refused(
            lambda: issues.edit_comment(other, made.id, "Changed."),
            lambda: issues.edit_comment(one, NEVER, "Changed."),
            lambda: issues.edit_comment(NEVER, made.id, "Changed."),
        )
        assert [comment.body for comment in issues.comments(one)] == ["First.", "Second."]
        assert issues.comments(other) == ()

    def test_what_is_not_there_has_no_comments(self, rig: Rig) -> None:
        """That is no empty list of them."""
        refused(lambda: rig.forge.issues.comments(NEVER), lambda: rig.forge.issues.comment(NEVER, "Noted."))

    @pytest.mark.parametrize("text", ["", " \n", "x" * (MAX_COMMENT + 1)], ids=["empty", "blank", "long"])
    def test_what_not_every_forge_takes_is_said_on_none(self, rig: Rig, text: str) -> None:
        issues = rig.forge.issues
        number = issues.create("Greet the user").number
        made = issues.comment(number, "x" * 1000)
        refused(lambda: issues.comment(number, text), lambda: issues.edit_comment(number, made.id, text))
        assert issues.comments(number) == (made,)

    def test_somebody_elses_word_is_theirs(self, rig: Rig) -> None:
        """Who may write to the repository may change it all the same; others may not."""
        issues, number = rig.forge.issues, opened(rig).number
        made = rig.as_(Who.WRITER).issues.comment(number, "Mine.")
        assert made.author == rig.name(Who.WRITER)
        if rig.traits.users:
            with pytest.raises(ForgeUnavailable):
                rig.as_(Who.STRANGER).issues.edit_comment(number, made.id, "Changed.")
        assert issues.comments(number) == (made,)
        assert issues.edit_comment(number, made.id, "Ours.") == Comment(made.id, made.author, "Ours.")
