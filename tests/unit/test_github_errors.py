"""What GitHub's words mean; each row names where they were seen, as GitHub itself is not asked here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.errors import StaleUpdate
from orch_gates.forge.answer import ForgeResponse, TroubleKind
from orch_gates.forge.github.errors import merge_outcome, missing, of_an_app, trouble
from orch_gates.forge.port.pulls import (
    Ambiguous,
    BaseMoved,
    Conflict,
    Forbidden,
    Gone,
    HeadMoved,
    Merged,
    MergeOutcome,
    NotReady,
    Scheduled,
    Transient,
)

DESCRIBED = "the OpenAPI description, pulls/merge"
NOW = "Sat, 21 Nov 2026 12:00:00 GMT"
IN_TEN_MINUTES = "1795263000"
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."


def answer(status: int, body: object = None, headers: Mapping[str, str] | None = None) -> ForgeResponse:
    return ForgeResponse(status, headers or {}, b"" if body is None else json.dumps(body).encode())


def says(message: str, **more: Any) -> dict[str, Any]:
    return {"message": message, "documentation_url": "https://docs.github.com/rest", **more}


HOOK = (
    "Could not merge because a Git pre-receive hook failed.\n\n"
    "github-pre-receive-hooks/only-pr.sh: failed with exit status 1\nThe base branch was modified; approval needed."
)
MERGES: list[tuple[int, str, type[MergeOutcome], str]] = [
    (405, "Pull Request is not mergeable", Ambiguous, DESCRIBED),
    (409, "Head branch was modified. Review and try the merge again.", HeadMoved, DESCRIBED),
    (405, "Base branch was modified. Review and try the merge again.", BaseMoved, "NixOS/nixpkgs-merge-bot#179"),
    (405, "Pull Request is still a draft", NotReady, "lindell/multi-gitter#622"),
    (405, 'Required status check "continuous-integration/travis-ci" is expected.', NotReady, "claroline#484"),
    (405, "2 of 3 required status checks have not succeeded: 1 expected.", NotReady, "mikelward/scripts#197"),
    (405, "At least 1 approving review is required by reviewers with write access.", NotReady, "Reviewable#561"),
    (
        405,
        'Repository rule violations found\n\nRequired status check "ci result" is expected.\n\n',
        NotReady,
        "georust/proj#178, the same words on a push",
    ),
    (
        405,
        "Repository rule violations found\n\nChanges must be made through the merge queue\n\n",
        Forbidden,
        "georust/proj#178",
    ),
    (405, "Changes must be made through the merge queue", Forbidden, "pascalgn/automerge-action#235"),
    (405, "Pull Request is in the merge queue", Scheduled, "prow-github-actions#166"),
    (405, "Merge commits are not allowed on this repository.", Forbidden, "Mergifyio/mergify#48"),
    (405, "This branch must not contain merge commits.", Forbidden, "chdsbd/kodiak#295"),
    (
        405,
        "You're not authorized to push to this branch. Visit https://docs.github.com/x for more information.",
        Forbidden,
        "claroline#484",
    ),
    (405, HOOK, Forbidden, "cli/cli#1801, the hook's own words made worse"),
    (405, 'Required status check "merge queue: linear history" is expected.', NotReady, "a name made up to mislead"),
    (405, "Merge already in progress", Transient, "loopover#5003"),
    (405, "This branch has been locked.", Forbidden, "the words of a locked branch"),
    (405, "Cannot change this locked branch", Forbidden, "the words of a locked branch"),
    (405, "The required workflow 'x' is expected.", NotReady, "the words of a ruleset"),
    (405, "Code scanning is waiting for results from CodeQL", NotReady, "the words of a ruleset"),
    (405, "This pull request is protected by a merge freeze", NotReady, "the words of an app"),
    (409, "Merge conflict", Conflict, "PyGithub, recorded of POST /merges"),
    (405, "Words that nobody has seen", Ambiguous, "nowhere"),
    (405, "The pull request was already merged", Ambiguous, "nowhere; the pull request itself says it"),
    (409, "Words that nobody has seen", Ambiguous, "nowhere"),
    (403, "Resource not accessible by personal access token", Forbidden, "github/github-mcp-server#2381"),
    (403, "Repository was archived so is read-only.", Forbidden, "the words of a push to one"),
    (401, "Bad credentials", Forbidden, "the REST guide"),
    (404, "Not Found", Gone, DESCRIBED),
    (422, "Validation Failed", Ambiguous, DESCRIBED),
    (403, SECONDARY, Transient, "app-sre/github-mirror#62"),
    (429, "Too many requests", Transient, "the REST guide on limits"),
    (500, "Server Error", Ambiguous, "faults.md: it may come after the merge"),
    (502, "Server Error", Ambiguous, "faults.md"),
    (503, "Service unavailable", Ambiguous, "faults.md"),
]


@pytest.mark.parametrize(("status", "words", "outcome", "source"), MERGES, ids=lambda value: str(value)[:40])
def test_what_a_refused_merge_means(status: int, words: str, outcome: type[MergeOutcome], source: str) -> None:
    """MRG-8: what GitHub says is told on, in one line."""
    found = merge_outcome(answer(status, says(words)))
    assert isinstance(found, outcome), source
    if isinstance(found, NotReady | Forbidden):
        assert "\n" not in found.reason
        assert found.reason


def test_a_hooks_words_decide_nothing() -> None:
    found = merge_outcome(answer(405, says(HOOK)))
    assert isinstance(found, Forbidden)
    assert "approval needed" in found.reason


def test_our_own_hook_on_an_enterprise_server_sees_first_that_the_base_moved() -> None:
    """It judged nothing, so the merge begins anew on the new base."""
    words = f"{HOOK.partition('The base')[0]}orch-gates: {StaleUpdate('refs/heads/main')}"
    assert merge_outcome(answer(405, says(words))) == BaseMoved()


@pytest.mark.parametrize(
    ("given_answer", "outcome"),
    [
        (
            answer(200, {"sha": "a" * 40, "merged": True, "message": "Pull Request successfully merged"}),
            Merged("a" * 40),
        ),
        (answer(200, {"merged": True}), Merged()),
        (answer(202, {"uuid": "7"}), Scheduled()),
        (answer(408), Transient("408, the request arrived too slowly; try again later", 1.0)),
    ],
)
def test_a_merge_that_is_no_refusal(given_answer: ForgeResponse, outcome: MergeOutcome) -> None:
    """202 is the answer of `merge-async`: nothing is merged yet."""
    assert merge_outcome(given_answer) == outcome


@pytest.mark.parametrize(
    "given_answer",
    [
        answer(200),
        answer(201),
        answer(204),
        answer(200, {"merged": False}),
        answer(200, []),
        ForgeResponse(200, {}, b"<html>"),
        answer(200, {"sha": "a"}),
    ],
)
def test_a_good_status_alone_is_no_merge(given_answer: ForgeResponse) -> None:
    assert isinstance(merge_outcome(given_answer), Ambiguous)


def test_a_repository_that_moved_has_no_such_pull_request() -> None:
    found = merge_outcome(
        answer(307, says("Moved"), {"Location": "https://api.github.com/repositories/1/pulls/1/merge"})
    )
    assert isinstance(found, Gone)
    assert "repositories/1" in found.reason


@pytest.mark.parametrize(
    ("given_answer", "sort", "words"),
    [
        (answer(401, says("Bad credentials")), TroubleKind.REFUSED, "401, the token is wrong or has expired"),
        (
            answer(
                403, says("Resource not accessible by integration"), {"X-Accepted-GitHub-Permissions": "checks=read"}
            ),
            TroubleKind.REFUSED,
            "lacks a permission; needed: checks=read",
        ),
        (answer(403, says("x"), {"X-Accepted-OAuth-Scopes": "repo"}), TroubleKind.REFUSED, "needed: repo"),
        (
            answer(
                403, says("Resource protected by organization SAML enforcement."), {"X-GitHub-SSO": "required; url=u"}
            ),
            TroubleKind.REFUSED,
            "single sign-on",
        ),
        (answer(403, says("Repository was archived so is read-only.")), TroubleKind.REFUSED, "unarchive it"),
        (answer(404, says("Not Found")), TroubleKind.REFUSED, "404, not found, or the token may not see it"),
        (
            answer(301, says("Moved Permanently"), {"Location": "https://a/b"}),
            TroubleKind.REFUSED,
            "has moved to https://a/b",
        ),
        (answer(308, says("Moved")), TroubleKind.REFUSED, "has moved; name the new one"),
        (
            answer(410, says("Issues has been disabled in this repository.")),
            TroubleKind.REFUSED,
            "Issues has been disabled",
        ),
        (
            answer(
                422, says("Validation Failed", errors=[{"resource": "PullRequest", "field": "head", "code": "invalid"}])
            ),
            TroubleKind.REFUSED,
            "Validation Failed: head invalid",
        ),
        (
            answer(
                422, says("Validation Failed", errors=[{"code": "custom", "message": "No commits between a and b"}])
            ),
            TroubleKind.REFUSED,
            "Validation Failed: No commits between a and b",
        ),
        (
            answer(422, says("Invalid request.", errors=["one", "two"])),
            TroubleKind.REFUSED,
            "Invalid request: one: two",
        ),
        (answer(422, says("Invalid request.", errors="odd")), TroubleKind.REFUSED, "Invalid request: odd"),
        (
            answer(
                422,
                says(
                    "Validation Failed", errors=["Only organization repositories can have users and team restrictions"]
                ),
            ),
            TroubleKind.REFUSED,
            "Only organization repositories",
        ),
        (answer(451, says("Repository access blocked")), TroubleKind.REFUSED, "451, it is blocked for legal reasons"),
        (answer(404, says("Not Found"), {"X-RateLimit-Remaining": "0"}), TroubleKind.REFUSED, "404, not found"),
        (answer(500, says("no rate limit"), {"X-RateLimit-Remaining": "0"}), TroubleKind.FAILED, "500 (no rate limit)"),
        (answer(418, says("I am a teapot")), TroubleKind.REFUSED, "418"),
        (answer(418), TroubleKind.FAILED, "418 from a proxy between here and the forge"),
        (ForgeResponse(404, {}, b"<html>\nNot found"), TroubleKind.FAILED, "404 from a proxy between"),
        (
            answer(302, None, {"Location": "https://sso.example"}),
            TroubleKind.FAILED,
            "which leads to https://sso.example",
        ),
        (answer(500, says("Server Error")), TroubleKind.FAILED, "500 (Server Error)"),
        (ForgeResponse(502, {}, b"<html>\nBad gateway"), TroubleKind.FAILED, "502"),
    ],
)
def test_every_trouble_says_what_to_do(given_answer: ForgeResponse, sort: TroubleKind, words: str) -> None:
    found = trouble(given_answer)
    assert found.sort is sort
    assert words in found.message
    assert "\n" not in found.message


@pytest.mark.parametrize(
    ("status", "message", "headers", "wait"),
    [
        # The REST guide: the time is in epoch seconds, and GitHub's own clock is in the same answer.
        (403, "API rate limit exceeded for user ID 1.", {"X-RateLimit-Reset": IN_TEN_MINUTES, "Date": NOW}, 600.0),
        (403, "API rate limit exceeded", {"X-RateLimit-Reset": "99999999999", "Date": NOW}, 3600.0),
        (403, "API rate limit exceeded", {"X-RateLimit-Reset": "1", "Date": NOW}, 1.0),
        (403, "API rate limit exceeded", {"X-RateLimit-Reset": IN_TEN_MINUTES}, 60.0),
        (403, "API rate limit exceeded", {"X-RateLimit-Reset": "soon", "Date": NOW}, 60.0),
        (429, "API rate limit exceeded", {"Retry-After": "7"}, 7.0),
    ],
)
def test_the_hours_limit(status: int, message: str, headers: Mapping[str, str], wait: float) -> None:
    """KnpLabs/php-github-api#1070: it comes as 403 too. Nothing was done, and asking at once would not help."""
    found = trouble(answer(status, says(message), {"X-RateLimit-Remaining": "0", **headers}))
    assert (found.sort, found.wait) == (TroubleKind.LATER, wait)
    assert "used up" in found.message


@pytest.mark.parametrize(
    ("status", "message", "headers", "wait"),
    [
        (403, SECONDARY, {"Retry-After": "30"}, 30.0),
        (403, SECONDARY, {"Retry-After": "0"}, 0.0),
        (403, SECONDARY, {}, 60.0),
        (403, "You have triggered an abuse detection mechanism.", {}, 60.0),
        (429, "", {}, 60.0),
    ],
)
def test_too_much_at_once(status: int, message: str, headers: Mapping[str, str], wait: float) -> None:
    """app-sre/github-mirror#62; without a word how long, the guide asks for a minute."""
    found = trouble(answer(status, says(message), {"X-RateLimit-Remaining": "4000", **headers}))
    assert (found.sort, found.wait) == (TroubleKind.LATER, wait)


def test_a_rule_that_may_not_be_seen_is_not_missing() -> None:
    """hub4j/github-api#2062 has the first; without the right to see rules GitHub says Not Found."""
    assert missing(answer(404, says("Branch not protected")))
    assert missing(answer(404, says("Branch not found")))
    for other in (answer(404, says("Not Found")), answer(403, says("Branch not protected")), answer(404), answer(200)):
        assert not missing(other)


def test_an_apps_token_is_known() -> None:
    assert of_an_app(answer(403, says("Resource not accessible by integration")))
    assert not of_an_app(answer(403, says("Resource not accessible by personal access token")))
    assert not of_an_app(answer(401, says("Resource not accessible by integration")))


_HEADERS = {
    "Date": st.sampled_from([NOW, "Mon, 01 Jan 0001 00:00:00 -0000"]) | st.text(max_size=30),
    "Retry-After": st.integers().map(str) | st.text(max_size=9),
    "X-RateLimit-Remaining": st.sampled_from(["0", "1"]),
    "X-RateLimit-Reset": st.integers().map(str) | st.text(max_size=9),
}


@given(
    st.sampled_from([200, 202, 301, 403, 404, 405, 409, 422, 429, 500]),
    st.binary(max_size=200) | st.text(max_size=50).map(lambda words: json.dumps({"message": words}).encode()),
    st.fixed_dictionaries({}, optional=_HEADERS),
)
def test_whatever_comes_is_one_line_and_no_merge(status: int, body: bytes, headers: dict[str, str]) -> None:
    given_answer = ForgeResponse(status, headers, body)
    found = trouble(given_answer)
    assert "\n" not in found.message
    assert 0 <= found.wait <= 86_400
    assert not isinstance(merge_outcome(given_answer), Merged)
