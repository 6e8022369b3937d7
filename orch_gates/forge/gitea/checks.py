"""Gitea and Forgejo: what gates ask, read through the API (reference/forges.md §3, §4)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from orch_gates.errors import ForgeUnavailable
from orch_gates.forge.http import Api
from orch_gates.forge.port.checks import CommitStatus, Review, ReviewState, StatusState

_STATES = {
    "success": StatusState.SUCCESS,
    "pending": StatusState.PENDING,
    "skipped": StatusState.SKIPPED,
    # The server itself takes a warning for a failure (forges.md §4).
    "warning": StatusState.FAILURE,
    "error": StatusState.FAILURE,
    "failure": StatusState.FAILURE,
}
_WORDS = {"APPROVED": ReviewState.APPROVED, "REQUEST_CHANGES": ReviewState.CHANGES_REQUESTED}


class GiteaStatuses:
    """`CommitStatuses` of one repository."""

    def __init__(self, api: Api, repository: str) -> None:
        """`repository` is `owner/name`."""
        self._api = api
        self._path = repository_path(repository)

    def latest(self, commit: str) -> tuple[CommitStatus, ...]:
        """The latest status of every context; the list has a row for every change of one."""
        found: dict[str, tuple[int, CommitStatus]] = {}
        # Newest first: a status that is posted meanwhile shifts rows to later pages, and none is missed.
        for row in self._api.rows(f"{self._path}/commits/{quote(commit)}/statuses", sort="highestindex"):
            number, context = _number(row, "id"), _text(row, "context")
            status = CommitStatus(
                context, _STATES.get(_text(row, "status"), StatusState.UNKNOWN), _text(row, "description")
            )
            if context not in found or found[context][0] < number:
                found[context] = (number, status)
        return tuple(status for _, status in sorted(found.values(), key=lambda pair: pair[1].context))

    def post(self, commit: str, status: CommitStatus) -> None:
        """Say something about a commit."""
        document = {
            "context": status.context,
            "state": status.state.value,
            "description": status.description,
            "target_url": status.url,
        }
        self._api.write("POST", f"{self._path}/statuses/{quote(commit)}", document)


class GiteaReviews:
    """`Reviews` of one repository."""

    def __init__(self, api: Api, repository: str) -> None:
        """`repository` is `owner/name`."""
        self._api = api
        self._path = repository_path(repository)

    def latest(self, branch: str, target: str) -> tuple[Review, ...]:
        """Every reviewer's latest word; comments change nothing, and only those with a vote count."""
        found: dict[str, tuple[int, Review]] = {}
        for pull in self._open(branch, target):
            author = _login(pull)
            for row in self._api.rows(f"{self._path}/pulls/{_number(pull, 'number')}/reviews"):
                word = _WORDS.get(_text(row, "state"))
                if word is None or row.get("official") is not True:
                    continue
                number, who = _number(row, "id"), _login(row)
                state = ReviewState.DISMISSED if row.get("dismissed") is True else word
                review = Review(who, state, _text(row, "commit_id"), by_author=who == author)
                if who not in found or found[who][0] < number:
                    found[who] = (number, review)
        return tuple(review for _, review in sorted(found.values(), key=lambda pair: pair[1].reviewer))

    def _open(self, branch: str, target: str) -> list[dict[str, Any]]:
        """The open pull requests of exactly these branches of this repository; a fork's branch is another one.

        The list has no filter for the head, and `/pulls/{base}/{head}` may answer a closed one (forges.md §3.1).
        """
        return [
            pull
            for pull in self._api.rows(f"{self._path}/pulls", state="open", sort="oldest")
            if _branch(pull, "head") == branch and _branch(pull, "base") == target and _at_home(pull)
        ]


def repository_path(repository: str) -> str:
    """The API's path of `owner/name`."""
    owner, _, name = repository.partition("/")
    return f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}"


def _branch(pull: dict[str, Any], side: str) -> str:
    return _text(_part(pull, side), "ref")


def _at_home(pull: dict[str, Any]) -> bool:
    head, base = _part(pull, "head"), _part(pull, "base")
    return head.get("repo_id") == base.get("repo_id")


def _login(row: dict[str, Any]) -> str:
    return _text(_part(row, "user"), "login")


def _part(row: dict[str, Any], name: str) -> dict[str, Any]:
    value = row.get(name)
    if not isinstance(value, dict):
        raise ForgeUnavailable(f"the forge's answer has no {name}")
    return value


def _text(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str):
        raise ForgeUnavailable(f"the forge's answer has no {name}")
    return value


def _number(row: dict[str, Any], name: str) -> int:
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ForgeUnavailable(f"the forge's answer has no {name}")
    return value
