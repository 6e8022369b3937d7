"""Answers that GitHub does not give as described, or that are none: it could not be told, whatever they hold."""

from __future__ import annotations

from typing import Any

import pytest

from orch_gates.errors import ForgeRefused, ForgeUnavailable, ForgeUnclear
from orch_gates.forge.github.connect import connect
from orch_gates.forge.port.forge import Forge
from orch_gates.forge.port.protection import Protection
from orch_gates.forge.port.pulls import AlreadyMerged, Ambiguous, Draft, MergeRequest
from tests.fakes.scripted_http import Answer, Scripted, says, serving

HEAD, BASE = "a" * 40, "b" * 40
TARGET = {"name": "main", "commit": {"sha": BASE}}


def asked(server: Scripted) -> Forge:
    return connect(server.url, "alice/project", "", 5)


def pull(**changed: Any) -> dict[str, Any]:
    """A pull request as GitHub writes it, with what a test changes."""
    return {
        "number": 1,
        "title": "Land topic",
        "state": "open",
        "labels": [],
        "user": {"login": "alice"},
        "head": {"ref": "topic", "sha": HEAD, "repo": {"id": 1}},
        "base": {"ref": "main", "sha": "b" * 40, "repo": {"id": 1}},
        "mergeable": True,
        "merged_at": None,
        **changed,
    }


def issue(**changed: Any) -> dict[str, Any]:
    return {"number": 1, "title": "Greet", "state": "open", "labels": [], "user": {"login": "alice"}, **changed}


def test_a_branch_of_nobody_knows_which_repository_is_not_taken_for_ours() -> None:
    side, base = {"ref": "topic", "sha": HEAD, "repo": {}}, {"ref": "main", "sha": HEAD, "repo": {}}
    with serving(says(200, [pull(head=side, base=base)])) as server, pytest.raises(ForgeUnavailable, match="no id"):
        asked(server).pulls.find("topic", "main")


def test_no_pull_request_is_opened_for_a_branch_of_a_fork() -> None:
    """To GitHub `mallory:topic` is one; no branch of ours has such a name."""
    with serving(says(201, pull())) as server:
        with pytest.raises(ForgeRefused, match="another repository"):
            asked(server).pulls.open(Draft("mallory:topic", "main", "Land topic"))
        assert server.seen == []


@pytest.mark.parametrize(
    ("state", "outcome"), [({"state": "closed", "merged_at": "2026-03-01T10:00:00Z"}, AlreadyMerged), ({}, Ambiguous)]
)
def test_words_alone_say_of_nothing_that_it_is_merged(state: dict[str, Any], outcome: type) -> None:
    """The pull request itself does."""
    refused = says(405, {"message": "The pull request was already merged"})
    with serving(says(200, pull()), says(200, TARGET), refused, says(200, pull(**state))) as server:
        assert isinstance(asked(server).pulls.merge(1, MergeRequest(HEAD, BASE, "main", "Land it")), outcome)


def test_one_that_exists_and_is_not_listed_yet_is_unclear() -> None:
    """Asking again helps, so it is no refusal."""
    words = {
        "message": "Validation Failed",
        "errors": [{"message": "A pull request already exists for orchard:topic."}],
    }
    with serving(says(422, words), says(200, [])) as server, pytest.raises(ForgeUnclear, match="does not list it yet"):
        asked(server).pulls.open(Draft("topic", "main", "Land topic"))


def test_an_empty_answer_schedules_nothing() -> None:
    """Only 202 says that a merge is under way."""
    for status in (201, 204):
        with serving(says(200, pull()), says(200, TARGET), says(status)) as server:
            assert isinstance(asked(server).pulls.merge(1, MergeRequest(HEAD, BASE, "main", "Land it")), Ambiguous)


@pytest.mark.parametrize("last", [says(200, {}), says(500, {}), says(404, {})], ids=["nothing", "broken", "gone"])
def test_labels_that_may_have_been_changed_are_unclear(last: Answer) -> None:
    with serving(says(200, issue()), says(200, []), last) as server, pytest.raises(ForgeUnclear):
        asked(server).issues.label(1, add=["bug"])


@pytest.mark.parametrize(
    "row", [issue(labels=7), issue(labels=[7]), issue(labels={"a": 1}), issue(state="locked"), issue(user=[])]
)
def test_an_issue_that_is_not_whole_is_no_answer(row: dict[str, Any]) -> None:
    with serving(says(200, row)) as server, pytest.raises(ForgeUnavailable):
        asked(server).issues.get(1)


@pytest.mark.parametrize("reviews", [["odd"], 7, {"bypass_pull_request_allowances": 7}, {"dismissal_restrictions": 7}])
def test_a_rule_that_is_not_whole_is_not_changed(reviews: object) -> None:
    with serving(says(200, {"required_pull_request_reviews": reviews})) as server:
        protections = asked(server).protections
        with pytest.raises(ForgeUnavailable):
            protections.get("main")
        if not (isinstance(reviews, dict) and "bypass_pull_request_allowances" in reviews):
            with pytest.raises(ForgeUnavailable):
                protections.put(Protection("main"))
        assert {one.method for one in server.seen} == {"GET"}


def test_a_server_without_the_api_of_a_github_is_none() -> None:
    """Somebody named the wrong kind of forge, or the wrong url: no permission is missing."""
    with serving(says(404, {"message": "Not Found"})) as server, pytest.raises(ForgeUnavailable) as raised:
        asked(server).server.about()
    assert "is not the API of a GitHub; check the URL" in str(raised.value)
