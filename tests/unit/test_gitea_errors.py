"""What Gitea's and Forgejo's words mean: every recorded answer, and the words of other releases."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.errors import StaleUpdate
from orch_gates.forge.answer import ForgeResponse, TroubleKind
from orch_gates.forge.gitea.errors import merge_outcome, scopes, trouble
from orch_gates.forge.port.pulls import (
    AlreadyMerged,
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
from tests.e2e.scenes import RECORDED

_FOUND: dict[str, dict[str, Any]] = json.loads(RECORDED.read_text("utf-8"))
_NO_TOKEN = "401, the token is wrong or has expired; make a new one"
_NO_SCOPE = "403, the token lacks the scope write:repository (it has read:repository); create a token with that scope"
_ARCHIVED = "423, the repository is archived; unarchive it to change anything"
_SILENT = "a hook or rule of the server refused it without a message, or was killed"
_LOCKED = f"cannot lock ref 'refs/heads/main': is at {'a' * 40} but expected {'b' * 40}"
_LOST_RACE = f"PushRejected with remote message: {_LOCKED}"
_BETWEEN = "from a proxy between here and the forge; check the URL, and that the forge is up"
_HIDDEN = "404, not found, or the token may not see it (not found)"
_MOVED = "has moved to alice/project-new; name the new one"

MERGES: dict[str, MergeOutcome] = {
    "merge": Merged(),
    "merge: a hook refuses it": Forbidden("no fence ask for one"),
    "merge: a hook refuses it without a word": Transient(_SILENT),
    "merge: a review was asked for": NotReady("There are official review requests"),
    "merge: a status is missing": NotReady("Not all required status checks successful"),
    "merge: an approval is missing": NotReady("Does not have enough approvals"),
    "merge: archived": Forbidden(_ARCHIVED),
    "merge: behind its base": NotReady("The head branch is behind the base branch"),
    "merge: by somebody who is not on the list": Forbidden("User not allowed to merge PR"),
    "merge: by somebody who may not write": Forbidden("User not allowed to merge PR"),
    "merge: changes were asked for": NotReady("There are requested changes"),
    "merge: closed": Gone(_HIDDEN),
    "merge: in a style that is off": Forbidden("squash is not allowed an allowed merge style for this repository"),
    "merge: in no style": Forbidden("422 ([Do]: In)"),
    "merge: it changes a protected file": NotReady("Changed protected files"),
    "merge: merged already": AlreadyMerged(),
    "merge: moved": Gone(_MOVED),
    "merge: no such number": Gone(_HIDDEN.replace("(not found", "(GetPullRequestByIndex")),
    "merge: of a conflict": Conflict(),
    "merge: of a conflict that is known": Ambiguous("405 (Please try again later)"),
    "merge: of a draft": NotReady("Work in progress PRs cannot be merged"),
    "merge: of another head": HeadMoved(),
    "merge: of unrelated histories": Conflict(),
    "merge: scheduled": Scheduled(),
    "merge: scheduled again": Scheduled(),
    "merge: signatures are required": Forbidden("wont sign: nokey"),
    "merge: the base moved meanwhile": BaseMoved(),
    "merge: where one may not look": Gone(_HIDDEN),
    "merge: with a wrong token": Forbidden(_NO_TOKEN),
    "merge: with an open dependency": Ambiguous("500"),
    "merge: without a token": Forbidden("401, this needs a token; put one into ORCH_FORGE_TOKEN"),
    "merge: without the scope": Forbidden(_NO_SCOPE),
}

TROUBLES: dict[str, tuple[TroubleKind, str]] = {
    "pull: closed when merged": (
        TroubleKind.REFUSED,
        "412 (cannot change state of this pull request, it was already merged)",
    ),
    "pull: of no branch": (TroubleKind.REFUSED, _HIDDEN),
    "pull: of one branch": (
        TroubleKind.REFUSED,
        "422 (Invalid PullRequest: There are no changes between the head and the base)",
    ),
    "pull: open already": (
        TroubleKind.REFUSED,
        "409 (pull request already exists for these targets [id: 0, issue_id: 0, head_repo_id: 0, "
        "base_repo_id: 0, head_branch: topic, base_branch: main])",
    ),
    "read: moved": (TroubleKind.REFUSED, _MOVED),
    "read: where one may not look": (TroubleKind.REFUSED, _HIDDEN),
    "read: with a wrong token": (TroubleKind.REFUSED, _NO_TOKEN),
    "read: without the scope": (TroubleKind.REFUSED, _NO_SCOPE.replace("write:repository", "read:user")),
    "rules: by somebody who does not administer": (
        TroubleKind.REFUSED,
        "403, the token's user does not administer the repository; ask somebody who does",
    ),
    "rules: for nobody": (TroubleKind.REFUSED, "422 (user does not exist [uid: 0, name: nobody-of-this-name])"),
    "run: no such number": (TroubleKind.REFUSED, _HIDDEN),
    "status: of no commit": (TroubleKind.FAILED, "500"),
    "workflow: it cannot be dispatched": (
        TroubleKind.REFUSED,
        '422 (workflow "push.yml" has no workflow_dispatch event trigger)',
    ),
    "workflow: no such file": (
        TroubleKind.REFUSED,
        _HIDDEN.replace("(not found", '(workflow "never.yml" doesn\'t exist'),
    ),
    "workflow: no such ref": (TroubleKind.REFUSED, _HIDDEN.replace("(not found", '(ref "nowhere" doesn\'t exist')),
    "write: archived": (TroubleKind.REFUSED, _ARCHIVED),
    "write: without the right": (
        TroubleKind.REFUSED,
        "403, the token's user may not write to the repository; give them that right",
    ),
    "write: without the scope": (TroubleKind.REFUSED, _NO_SCOPE),
}

# No error at all, and recorded because a reader could expect one.
GOOD = {"run: Actions are off"}

# What was read in the source of other releases, and not seen on a running one.
ELSEWHERE: list[tuple[str, int, object, MergeOutcome]] = [
    ("Gitea before 1.24, Forgejo 12: merged already", 405, {"message": ""}, Ambiguous("405")),
    (
        "Forgejo 12: a rule with a prefix",
        405,
        {"message": "not allowed to merge [reason: Does not have enough approvals]"},
        NotReady("not allowed to merge [reason: Does not have enough approvals]"),
    ),
    (
        "Gitea 1.27: unsigned commits",
        405,
        {"message": "the branch requires signed commits but not all head commits are verified"},
        NotReady("the branch requires signed commits but not all head commits are verified"),
    ),
    (
        "Gitea before 1.26: a silent hook",
        409,
        {"message": "PushRejected without remote error message"},
        Transient(_SILENT),
    ),
    (
        "Gitea 1.26: another merge was first",
        409,
        {"message": _LOST_RACE},
        BaseMoved(),
    ),
    (
        "Gitea 1.26: another push holds the lock",
        409,
        {"message": "PushRejected with remote message: cannot lock ref 'refs/heads/main': File exists."},
        Transient("another push to the target runs: cannot lock ref 'refs/heads/main': File exists."),
    ),
    (
        "Gitea 1.26: its hook does not reach it",
        409,
        {"message": "PushRejected with remote message: Internal Server Connection Error"},
        Transient("a hook of the server failed: Internal Server Connection Error"),
    ),
    (
        "Gitea 1.26: a hook is ended by the system",
        409,
        {"message": 'PushRejected with remote message: hooks/pre-receive: line 8: 17 Done a 18 Killed | "${hook}"'},
        Transient('a hook of the server failed: hooks/pre-receive: line 8: 17 Done a 18 Killed | "${hook}"'),
    ),
    (
        "our own hook saw first that the base moved",
        409,
        {"message": f"PushRejected with remote message: Notice\norch-gates: {StaleUpdate('refs/heads/main')}\n"},
        BaseMoved(),
    ),
    (
        "our own hook tells of a file whose name is like that",
        409,
        {"message": f"PushRejected with remote message: orch-gates: no\n  orch-gates: {StaleUpdate('refs/x')}"},
        Forbidden(f"orch-gates: no orch-gates: {StaleUpdate('refs/x')}"),
    ),
    (
        "our own hook tells of a file whose name is as git's words",
        409,
        {"message": f"PushRejected with remote message: orch-gates: no\n  {_LOCKED}:1"},
        Forbidden(f"orch-gates: no {_LOCKED}:1"),
    ),
    ("a wrong commit for a merge by hand", 409, {"message": "Wrong commit ID"}, Ambiguous("409 (Wrong commit ID)")),
    ("a proxy that lost the server", 502, "<html>Bad gateway</html>", Ambiguous("502")),
    ("a proxy with a page of its own", 200, "<html>Sign in</html>", Ambiguous("200")),
    ("a proxy that has scheduled something", 201, "<html>Sign in</html>", Ambiguous("201")),
    ("a proxy that limits", 429, "", Transient("429, too many requests; try again later", 1.0)),
    ("a request that came too slowly", 408, "", Ambiguous(f"408 {_BETWEEN}")),
    ("a proxy that sees a conflict of its own", 409, "", Ambiguous(f"409 {_BETWEEN}")),
    ("a proxy whose server restarts", 404, "404 page not found\n", Ambiguous(f"404 {_BETWEEN}")),
    ("a proxy that asks for a password", 401, "<html>Sign in</html>", Ambiguous(f"401 {_BETWEEN}")),
    ("a firewall", 403, "<html>Blocked</html>", Ambiguous(f"403 {_BETWEEN}")),
    ("words about another branch", 405, {"message": "Is already merged"}, Ambiguous("405 (Is already merged)")),
]


def answer(found: dict[str, Any]) -> ForgeResponse:
    body = found["body"]
    return ForgeResponse(
        found["status"], found["headers"], (body if isinstance(body, str) else json.dumps(body)).encode()
    )


def test_every_recorded_answer_has_a_meaning() -> None:
    assert set(_FOUND) == set(MERGES) | set(TROUBLES) | GOOD


@pytest.mark.parametrize("name", MERGES)
def test_what_a_merge_came_to(name: str) -> None:
    assert merge_outcome(answer(_FOUND[name])) == MERGES[name]


@pytest.mark.parametrize("name", TROUBLES)
def test_what_an_error_means(name: str) -> None:
    """One line each, which says what to do where somebody can do something."""
    found = trouble(answer(_FOUND[name]))
    assert (found.sort, found.message) == TROUBLES[name]


@pytest.mark.parametrize(("source", "status", "body", "expected"), ELSEWHERE, ids=[row[0] for row in ELSEWHERE])
def test_words_of_other_releases_and_of_proxies(source: str, status: int, body: object, expected: MergeOutcome) -> None:
    assert merge_outcome(answer({"status": status, "headers": {}, "body": body})) == expected


@given(
    st.integers(100, 599).filter(lambda status: status not in {200, 201}),
    st.one_of(
        st.binary(max_size=60), st.text(max_size=60).map(lambda output: json.dumps({"message": output}).encode())
    ),
)
def test_words_that_are_not_known_are_never_a_merge(status: int, body: bytes) -> None:
    assert not isinstance(merge_outcome(ForgeResponse(status, {}, body)), Merged | Scheduled | AlreadyMerged)


@given(st.binary(min_size=1, max_size=60).filter(lambda body: bool(body.strip())))
def test_a_merge_is_answered_without_a_word(body: bytes) -> None:
    """Whoever answers 200 with a page is something between, and says nothing about the merge."""
    assert isinstance(merge_outcome(ForgeResponse(200, {}, body)), Ambiguous)


def test_a_hook_cannot_speak_for_the_server() -> None:
    for words in ("The PR is already merged", "head out of date", "merge push out of date"):
        output = {"message": f"PushRejected with remote message: {words}"}
        assert merge_outcome(answer({"status": 409, "headers": {}, "body": output})) == Forbidden(words)


def test_the_scopes_that_a_refusal_tells() -> None:
    def refusal(having: str, status: int = 403) -> ForgeResponse:
        words = "token does not have at least one of required scope(s), required=[read:user], token scope="
        return ForgeResponse(status, {}, json.dumps({"message": words + having}).encode())

    assert scopes(refusal("write:repository,read:issue")) == ("read:issue", "write:repository")
    assert scopes(refusal("")) == ()
    assert scopes(refusal("write:repository", 500)) is None
    assert scopes(ForgeResponse(200, {}, b"{}")) is None


def test_whoever_asks_too_often_waits_as_long_as_the_server_says() -> None:
    found = trouble(ForgeResponse(429, {"Retry-After": "17"}))
    assert (found.sort, found.wait) == (TroubleKind.LATER, 17.0)
    assert merge_outcome(ForgeResponse(429, {"Retry-After": "17"})) == Transient(found.message, 17.0)


def test_a_request_that_took_too_long_is_no_refusal() -> None:
    """Who says so may be the server or a proxy that has passed it on: it could not be told, and is asked for again."""
    assert trouble(ForgeResponse(408, {})).sort is TroubleKind.FAILED


def test_words_from_outside_cannot_act_on_a_terminal() -> None:
    for status in (301, 403, 404, 409, 422, 500):
        body = json.dumps({"message": "\x1b[2Jgone\n::error::x"}).encode()
        output = trouble(ForgeResponse(status, {"Location": "/repos/a/b\x1b[2J"}, body)).message
        assert "\x1b" not in output
        assert "\n" not in output
