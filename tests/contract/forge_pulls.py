"""What a forge promises about pull requests and their merges."""

from __future__ import annotations

import secrets

import pytest

from orch_gates.errors import ForgeRefused
from orch_gates.forge.port.checks import CommitStatus, StatusState
from orch_gates.forge.port.protection import Protection
from orch_gates.forge.port.pulls import (
    AlreadyMerged,
    Ambiguous,
    BaseMoved,
    Closed,
    Conflict,
    Draft,
    Forbidden,
    Gone,
    HeadMoved,
    Merged,
    MergedOther,
    MergeRequest,
    NotReady,
    PullState,
    Retargeted,
)
from tests.contract.forge_rig import Rig, Who
from tests.contract.forge_steps import NEVER, eventually, merged, opened, refused, settled


class PullContract:
    """Pull requests (MRG-7)."""

    def test_one_is_opened(self, rig: Rig) -> None:
        head = rig.push("topic", {"topic.txt": "one\n"})
        made = rig.forge.pulls.open(Draft("topic", "main", "Land topic", "Because.\n\nOf this."))
        assert (made.branch, made.target, made.head) == ("topic", "main", head)
        assert (made.title, made.body) == ("Land topic", "Because.\n\nOf this.")
        assert (made.state, made.draft, made.merge_commit) == (PullState.OPEN, False, "")
        assert made.author == rig.name(Who.OWNER)
        found = settled(rig, made.number)
        assert (found.number, found.head, found.mergeable) == (made.number, head, True)

    def test_opening_it_again_gives_the_same(self, rig: Rig) -> None:
        first = opened(rig)
        again = rig.forge.pulls.open(Draft("topic", "main", "Another title"))
        assert (again.number, again.title) == (first.number, first.title)
        assert [pull.number for pull in rig.forge.pulls.find("topic", "main")] == [first.number]

    def test_a_branch_that_is_not_there_cannot_be_opened(self, rig: Rig) -> None:
        with pytest.raises(ForgeRefused):
            rig.forge.pulls.open(Draft("nowhere", "main", "Nothing"))

    def test_the_open_ones_of_exactly_these_branches_are_found(self, rig: Rig) -> None:
        """However many others there are, on whichever page (MRG-7)."""
        rig.push("release", {"release.txt": "1\n"})
        others = [opened(rig, f"other-{number}") for number in range(2)]
        elsewhere = opened(rig, "topic", "release")
        wanted = rig.forge.pulls.open(Draft("topic", "main", "Land topic"))
        pulls = rig.in_pages(1).pulls
        assert [pull.number for pull in pulls.find("topic", "main")] == [wanted.number]
        assert [pull.number for pull in pulls.find("topic", "release")] == [elsewhere.number]
        assert [pull.number for pull in pulls.find("other-1", "main")] == [others[1].number]
        assert pulls.find("top", "main") == pulls.find("main", "topic") == ()
        rig.forge.pulls.close(wanted.number)
        assert pulls.find("topic", "main") == ()

    def test_one_can_be_opened_after_another_was_closed(self, rig: Rig) -> None:
        first = opened(rig)
        rig.forge.pulls.close(first.number)
        second = rig.forge.pulls.open(Draft("topic", "main", "Once more"))
        assert second.number != first.number
        assert [pull.number for pull in rig.forge.pulls.find("topic", "main")] == [second.number]

    def test_its_head_is_that_of_its_branch(self, rig: Rig) -> None:
        made = opened(rig)
        new = rig.push("topic", {"topic.txt": "two\n"})
        found = eventually(lambda: rig.forge.pulls.get(made.number), unless=lambda pull: pull.head != new)
        assert found.head == new

    def test_what_it_says_can_be_changed(self, rig: Rig) -> None:
        number = opened(rig).number
        rig.forge.pulls.edit(number, body="Because.")
        assert rig.forge.pulls.edit(number, title="A better title").title == "A better title"
        found = rig.forge.pulls.get(number)
        assert (found.title, found.body, found.state) == ("A better title", "Because.", PullState.OPEN)
        rig.forge.pulls.edit(number, body="")
        assert rig.forge.pulls.get(number).body == ""

    def test_closed_is_closed(self, rig: Rig) -> None:
        number = opened(rig).number
        assert rig.forge.pulls.close(number).state is PullState.CLOSED
        assert rig.forge.pulls.close(number).state is PullState.CLOSED
        assert rig.forge.pulls.get(number).state is PullState.CLOSED

    def test_closing_a_merged_one_leaves_it_merged(self, rig: Rig) -> None:
        made = opened(rig)
        assert isinstance(merged(rig, made.number, made.head), Merged)
        assert rig.forge.pulls.close(made.number).state is PullState.MERGED

    def test_one_that_is_not_there(self, rig: Rig) -> None:
        refused(
            lambda: rig.forge.pulls.get(NEVER),
            lambda: rig.forge.pulls.edit(NEVER, title="Nothing"),
            lambda: rig.forge.pulls.close(NEVER),
        )


class MergeContract:
    """Every answer to a merge that can be brought about on every forge (MRG-5, MRG-8)."""

    def test_the_validated_commit_is_merged(self, rig: Rig) -> None:
        """It is the second parent; trailers stay trailers; asked again, the forge says so."""
        made, base = opened(rig), rig.tip("main")
        outcome = merged(rig, made.number, made.head)
        assert isinstance(outcome, Merged)
        landed = rig.tip("main")
        assert outcome.commit in {"", landed}
        assert rig.parents(landed) == (base, made.head)
        title, _, rest = rig.message(landed).partition("\n\n")
        assert title == f"Land it (#{made.number})"
        assert rest.rstrip("\n").endswith("Because.\n\nOrch-Generation: 7\nOrch-Task: T-1")
        found = rig.forge.pulls.get(made.number)
        assert (found.state, found.merge_commit) == (PullState.MERGED, landed)
        assert rig.forge.pulls.find("topic", "main") == ()
        assert merged(rig, made.number, made.head, base=base) == AlreadyMerged(landed)
        assert merged(rig, made.number, base) == MergedOther(made.head, "main", landed)
        assert rig.tip("main") == landed

    def test_another_head_is_not_merged(self, rig: Rig) -> None:
        """What was validated is not what would be merged."""
        made, base = opened(rig), rig.tip("main")
        new = rig.push("topic", {"topic.txt": "two\n"})
        assert merged(rig, made.number, made.head) == HeadMoved()
        assert rig.tip("main") == base
        assert isinstance(merged(rig, made.number, new), Merged)
        assert rig.parents(rig.tip("main")) == (base, new)

    def test_a_target_that_moved_is_not_merged_into(self, rig: Rig) -> None:
        """What was tested is not what would be in it; after this look, the hook's fence is there for it (MRG-5)."""
        made, tested = opened(rig), rig.tip("main")
        base = rig.push("main", {"other.txt": "x\n"})
        assert merged(rig, made.number, made.head, base=tested) == BaseMoved()
        assert rig.tip("main") == base
        assert isinstance(merged(rig, made.number, made.head), Merged)
        assert rig.parents(rig.tip("main")) == (base, made.head)

    def test_a_merge_into_another_target_is_not_asked_for(self, rig: Rig) -> None:
        """A person may have changed where it goes, or the server itself (MRG-16)."""
        rig.push("release", {"release.txt": "1\n"})
        made, before = opened(rig, "topic", "release"), (rig.tip("main"), rig.tip("release"))
        assert merged(rig, made.number, made.head) == Retargeted("release")
        assert (rig.tip("main"), rig.tip("release")) == before

    @pytest.mark.parametrize("wrong", [{"head": ""}, {"base": ""}, {"target": ""}, {"head": "a" * 10}])
    def test_a_merge_that_does_not_say_of_what_is_not_asked_for(self, rig: Rig, wrong: dict[str, str]) -> None:
        """To some forges, an empty head means that any will do (MRG-8)."""
        made, base = opened(rig), rig.tip("main")
        whole = {"head": made.head, "base": base, "target": "main"} | wrong
        refused(lambda: rig.forge.pulls.merge(made.number, MergeRequest(**whole, title="Land it", fork=False)))
        assert rig.tip("main") == base

    def test_a_conflict_is_not_merged(self, rig: Rig) -> None:
        """A forge that cannot tell it from a check says that it cannot; git decides then."""
        made = opened(rig)
        base = rig.push("main", {"topic.txt": "something else\n"})
        expected = Conflict if rig.traits.tells_conflicts else Ambiguous
        request = MergeRequest(made.head, base, "main", "Land it")
        outcome = eventually(
            lambda: rig.forge.pulls.merge(made.number, request), unless=lambda found: not isinstance(found, expected)
        )
        assert isinstance(outcome, expected)
        assert rig.forge.pulls.get(made.number).mergeable is not True
        assert (rig.tip("main"), rig.forge.pulls.get(made.number).state) == (base, PullState.OPEN)

    def test_a_draft_is_not_ready(self, rig: Rig) -> None:
        if not rig.traits.drafts:
            assert not opened(rig).draft
            return
        made, base = opened(rig), rig.tip("main")
        rig.mark_draft(made.number)
        assert rig.forge.pulls.get(made.number).draft
        assert isinstance(merged(rig, made.number, made.head), NotReady)
        assert rig.tip("main") == base

    def test_a_rule_that_is_not_met_is_not_ready(self, rig: Rig) -> None:
        """Whatever characters the name of the status has."""
        made, base = opened(rig), rig.tip("main")
        rig.forge.protections.put(Protection("main", contexts=("gates/security [*]",)))
        rig.forge.statuses.post(made.head, CommitStatus("gates/security s", StatusState.SUCCESS))
        assert isinstance(merged(rig, made.number, made.head), NotReady)
        assert rig.tip("main") == base
        rig.forge.statuses.post(made.head, CommitStatus("gates/security [*]", StatusState.SUCCESS))
        assert isinstance(merged(rig, made.number, made.head), Merged)

    def test_a_refusal_of_the_server_is_told_with_its_words(self, rig: Rig) -> None:
        made, base = opened(rig), rig.tip("main")
        words = f"no fence {secrets.token_hex(4)}"
        with rig.refuse_pushes(words):
            outcome = merged(rig, made.number, made.head)
            assert isinstance(outcome, Forbidden)
            assert words in outcome.reason
        assert (rig.tip("main"), rig.forge.pulls.get(made.number).state) == (base, PullState.OPEN)
        assert isinstance(merged(rig, made.number, made.head), Merged)

    def test_who_may_not_write_may_not_merge(self, rig: Rig) -> None:
        made, base = opened(rig), rig.tip("main")
        if rig.traits.users:
            assert isinstance(merged(rig, made.number, made.head, Who.STRANGER), Forbidden)
            assert rig.tip("main") == base

    def test_who_is_not_on_the_list_may_not_merge(self, rig: Rig) -> None:
        made, base = opened(rig), rig.tip("main")
        if rig.traits.users:
            rig.forge.protections.put(Protection("main", mergers=(rig.name(Who.WRITER),)))
            assert isinstance(merged(rig, made.number, made.head), Forbidden)
            assert rig.tip("main") == base
            assert isinstance(merged(rig, made.number, made.head, Who.WRITER), Merged)

    def test_a_closed_one_is_not_merged_and_an_unknown_one_is_gone(self, rig: Rig) -> None:
        made, base = opened(rig), rig.tip("main")
        rig.forge.pulls.close(made.number)
        assert merged(rig, made.number, made.head) == Closed()
        assert isinstance(merged(rig, NEVER, made.head), Gone)
        assert rig.tip("main") == base
