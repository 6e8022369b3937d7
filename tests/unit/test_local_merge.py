"""What stands in the way of a merge at the local forge: each rule with what it lets through and what not (MRG-8)."""

from __future__ import annotations

from typing import Any

import pytest

from orch_gates.forge.local.documents import Rule, Status
from orch_gates.forge.local.merge import is_draft, push_outcome, refusal
from orch_gates.forge.port.pulls import (
    AlreadyMerged,
    Ambiguous,
    BaseMoved,
    Forbidden,
    Merged,
    MergeOutcome,
    NotReady,
    Transient,
)
from orch_gates.git.answers import PushAnswer, PushOutcome
from tests.tasks_builders import BEFORE, HEAD, make_pull

OLDER = "e" * 40


def rule(**changes: Any) -> Rule:
    values = {"branch": "main", "contexts": [], "approvals": 0, "mergers": [], "pushes": False, "admins": True}
    return Rule.model_validate({"schema": "orch.protection/1", **values, **changes})


def said(context: str, state: str) -> Status:
    values = {"context": context, "state": state, "description": "", "url": "", "by": "ci", "at": BEFORE}
    return Status.model_validate(values)


def review(who: str, state: str = "approved", commit: str = HEAD) -> dict[str, str]:
    return {"reviewer": who, "state": state, "commit": commit, "at": BEFORE}


@pytest.mark.parametrize("title", ["WIP: a change", "wip: a change", "[WIP] a change", " WIP:a"])
def test_a_title_may_say_that_it_is_a_draft(title: str) -> None:
    """As Gitea reads titles."""
    assert is_draft(title)
    assert isinstance(refusal(make_pull(title=title), HEAD, None, (), "ann"), NotReady)


@pytest.mark.parametrize("title", ["WIPE: a change", "A change (WIP:)", "wipeout"])
def test_other_titles_do_not(title: str) -> None:
    assert refusal(make_pull(title=title), HEAD, None, (), "ann") is None


def test_without_a_rule_nothing_is_needed() -> None:
    assert refusal(make_pull(), HEAD, None, (), "anybody") is None
    assert refusal(make_pull(), HEAD, rule(), (), "anybody") is None


@pytest.mark.parametrize("state", ["failure", "pending", "skipped", "unknown", None])
def test_every_required_status_has_to_be_green(state: str | None) -> None:
    """Missing and skipped are not green (ENG-1); those that are not required do not matter."""
    posted = [said("build", "success"), said("other", "failure")]
    posted += [] if state is None else [said("test", state)]
    wanted = rule(contexts=["build", "test"])
    found = refusal(make_pull(), HEAD, wanted, posted, "ann")
    assert found == NotReady("status not green: test")
    assert refusal(make_pull(), HEAD, wanted, [*posted[:2], said("test", "success")], "ann") is None


@pytest.mark.parametrize(
    "reviews",
    [
        [],
        [review("ann")],
        [review("bob", commit=OLDER)],
        [review("bob", "changes_requested")],
        [review("bob", "dismissed")],
        [review("ann"), review("bob", commit=OLDER), review("cid", "dismissed")],
    ],
)
def test_approvals_that_do_not_count(reviews: list[dict[str, str]]) -> None:
    """One's own, of another commit, taken back."""
    pull = make_pull(reviews=reviews)
    assert refusal(pull, HEAD, rule(approvals=1), (), "ann") == NotReady("0 of 1 approvals of this very commit")
    enough = make_pull(reviews=[*reviews, review("dee")])
    assert refusal(enough, HEAD, rule(approvals=1), (), "ann") is None
    assert refusal(enough, HEAD, rule(approvals=2), (), "ann") == NotReady("1 of 2 approvals of this very commit")


def test_who_is_not_on_the_list_may_not() -> None:
    wanted = rule(mergers=["bot", "dee"])
    assert refusal(make_pull(), HEAD, wanted, (), "ann") == Forbidden("ann may not merge into main; bot, dee may")
    assert refusal(make_pull(), HEAD, wanted, (), "bot") is None


OURS, THEIRS = "a" * 40, "b" * 40


@pytest.mark.parametrize(
    ("answer", "landed", "outcome"),
    [
        (PushAnswer(PushOutcome.LANDED), OURS, Merged(OURS)),
        (PushAnswer(PushOutcome.TWIN, "the same"), OURS, AlreadyMerged(OURS)),
        (PushAnswer(PushOutcome.TWIN, "the same"), "", Ambiguous("the same")),
        (PushAnswer(PushOutcome.LOST, "stale info"), THEIRS, AlreadyMerged(THEIRS)),
        (PushAnswer(PushOutcome.LOST, "stale info"), "", BaseMoved()),
        (PushAnswer(PushOutcome.REFUSED, "[remote rejected] no way", hook_output="no way"), "", Forbidden("no way")),
        (PushAnswer(PushOutcome.REFUSED, "insufficient permission"), "", Forbidden("insufficient permission")),
        (PushAnswer(PushOutcome.UNCLEAR, "took too long", cut_off=True), OURS, Merged(OURS)),
        (PushAnswer(PushOutcome.UNCLEAR, "took too long", cut_off=True), THEIRS, AlreadyMerged(THEIRS)),
        (PushAnswer(PushOutcome.UNCLEAR, "took too long", cut_off=True), "", Ambiguous("took too long")),
        (PushAnswer(PushOutcome.UNCLEAR, "disk is full", declined=True), "", Transient("disk is full")),
    ],
)
def test_what_a_push_comes_to(answer: PushAnswer, landed: str, outcome: MergeOutcome) -> None:
    """What is in the target afterwards says more than the push did; without either, it could not be told (P2)."""
    assert push_outcome(answer, OURS, AlreadyMerged(landed) if landed else None) == outcome
