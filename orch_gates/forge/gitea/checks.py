"""Statuses and reviews of Gitea and Forgejo, as the gates read them (docs/reference/forges.md)."""

from __future__ import annotations

from urllib.parse import quote

from orch_gates.errors import ForgeRefused, ForgeUnavailable, ForgeUnclear
from orch_gates.forge.fields import Row, document, number, text
from orch_gates.forge.gitea.pulls import opened
from orch_gates.forge.gitea.rows import login, repository_path
from orch_gates.forge.http import Api
from orch_gates.forge.port.checks import CommitStatus, Review, ReviewState, StatusState, named

_STATES = {
    "success": StatusState.SUCCESS,
    "pending": StatusState.PENDING,
    "skipped": StatusState.SKIPPED,
    # The server itself takes a warning for a failure.
    "warning": StatusState.FAILURE,
    "error": StatusState.FAILURE,
    "failure": StatusState.FAILURE,
}
_WORDS = {"APPROVED": ReviewState.APPROVED, "REQUEST_CHANGES": ReviewState.CHANGES_REQUESTED}
_ASKED = "REQUEST_REVIEW"
_MAY_WRITE = {"write", "admin", "owner"}


class GiteaStatuses:
    """`CommitStatuses` of one repository."""

    def __init__(self, api: Api, repository: str) -> None:
        """`repository` is `owner/name`."""
        self._api = api
        self._path = repository_path(repository)

    def latest(self, commit: str) -> tuple[CommitStatus, ...]:
        """The latest status of every context; the list has a row for every change of one."""
        named(commit)
        found: dict[str, tuple[int, CommitStatus]] = {}
        # Newest first: a status that is posted meanwhile shifts rows to later pages, and none is missed.
        for row in self._api.rows(f"{self._path}/commits/{quote(commit, safe='')}/statuses", sort="highestindex"):
            place, context = number(row, "id"), text(row, "context")
            state = _STATES.get(text(row, "status"), StatusState.UNKNOWN)
            status = CommitStatus(context, state, text(row, "description"), text(row, "target_url"), str(place))
            if context not in found or found[context][0] < place:
                found[context] = (place, status)
        return tuple(status for _, status in sorted(found.values(), key=lambda pair: pair[1].context))

    def post(self, commit: str, status: CommitStatus) -> None:
        """Say something about a commit."""
        document = {
            "context": status.context,
            "state": status.state.value,
            "description": status.description,
            "target_url": status.url,
        }
        try:
            self._api.write("POST", f"{self._path}/statuses/{quote(commit, safe='')}", document)
        except ForgeUnclear as error:
            # A commit that is not there makes the server fail without a word.
            if missing := self._missing(commit):
                raise missing from error
            raise

    def _missing(self, commit: str) -> ForgeRefused | None:
        """The refusal to show a commit; None where it is there, or could not be asked for."""
        try:
            self._api.get(f"{self._path}/git/commits/{quote(commit, safe='')}", stat="false", files="false")
        except ForgeRefused as error:
            return error
        except ForgeUnavailable:
            return None
        return None


class GiteaReviews:
    """`Reviews` of one repository."""

    def __init__(self, api: Api, repository: str) -> None:
        """`repository` is `owner/name`."""
        self._api = api
        self._path = repository_path(repository)
        self._repository = repository

    def latest(self, branch: str, target: str) -> tuple[Review, ...]:
        """Every reviewer's latest word; comments change nothing, and only those with a vote count."""
        found: dict[str, tuple[int, Review]] = {}
        for pull in list(opened(self._api, self._repository, branch, target)):
            author = login(pull)
            # A review that somebody has begun and not sent is counted, and shown to nobody else.
            rows = self._api.settled(f"{self._path}/pulls/{number(pull, 'number')}/reviews", hidden=self._most)
            requested = {_reviewer(row) for row in rows if text(row, "state") == _ASKED and row.get("official") is True}
            for row in rows:
                word = _WORDS.get(text(row, "state"))
                if word is None or not self._votes(row, word, requested):
                    continue
                place, who = number(row, "id"), login(row)
                state = ReviewState.DISMISSED if row.get("dismissed") is True else word
                review = Review(who, state, text(row, "commit_id"), by_author=who == author)
                if who not in found or found[who][0] < place:
                    found[who] = (place, review)
        return tuple(review for _, review in sorted(found.values(), key=lambda pair: pair[1].reviewer))

    def _votes(self, row: Row, word: ReviewState, requested: set[str]) -> bool:
        """Whether a review counts; an objection loses its mark when its author is asked again, and stays one.

        Raises:
            ForgeUnavailable: whether they may write could not be found out.
        """
        if row.get("official") is True:
            return True
        if word is not ReviewState.CHANGES_REQUESTED:
            return False
        who = login(row)
        if who in requested:
            return True
        path = f"{self._path}/collaborators/{quote(who, safe='')}/permission"
        try:
            return text(document(self._api.get(path)), "permission") in _MAY_WRITE
        except ForgeRefused:
            # Only who administers may ask that of others, and an objection of anybody else would stop every task.
            return False

    def _most(self) -> int:
        """How many rows the server puts on a page at most."""
        return max(1, number(document(self._api.get("/settings/api")), "max_response_items"))


def _reviewer(row: Row) -> str:
    """Whose review it is; a team that was asked is nobody."""
    return login(row) if isinstance(row.get("user"), dict) else ""
