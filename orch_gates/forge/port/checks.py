"""Commit statuses and reviews: what others say about a commit (ENG-1, GATE-4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from orch_gates.errors import ForgeRefused


class StatusState(StrEnum):
    """How a check on a commit ended; UNKNOWN is any word that is not known here, and never green."""

    SUCCESS = "success"
    FAILURE = "failure"
    PENDING = "pending"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CommitStatus:
    """The latest status of one context on one commit; `id` is the forge's: another one is another word."""

    context: str
    state: StatusState
    description: str = ""
    url: str = ""
    id: str = field(default="", compare=False)


class ReviewState(StrEnum):
    """What a reviewer said."""

    APPROVED = "approved"
    CHANGES_REQUESTED = "changes_requested"
    COMMENTED = "commented"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class Review:
    """A reviewer's latest word, and the commit that it is about; `by_author` of the change itself."""

    reviewer: str
    state: ReviewState
    commit: str
    by_author: bool = False


def named(commit: str) -> None:
    """See that a commit is named: of none, a forge may say that it has no statuses.

    Raises:
        ForgeRefused: none is.
    """
    if not commit:
        raise ForgeRefused("no commit was given, so no status was posted")


class CommitStatuses(Protocol):
    """Statuses of commits."""

    def latest(self, commit: str) -> tuple[CommitStatus, ...]:
        """The latest status of every context on a commit, all pages of them, sorted by context.

        What CI itself reports counts as a status, whatever the forge calls it (GitHub: check runs).

        Raises:
            ForgeRefused: no commit is named.
            ForgeUnavailable: they could not be read completely.
        """
        ...

    def post(self, commit: str, status: CommitStatus) -> None:
        """Say something about a commit; a later word of the same context replaces it.

        Raises:
            ForgeRefused: no permission, or there is no such commit.
            ForgeUnclear: it may have been said, or not; saying it again is safe.
            ForgeUnavailable: it was not said.
        """
        ...


class Reviews(Protocol):
    """Reviews of the change from one branch into another."""

    def latest(self, branch: str, target: str) -> tuple[Review, ...]:
        """Every reviewer's latest word on the open pull request of exactly these branches; empty without one.

        Only the words of those who may write to the repository count; comments change nothing. `refs/pull/N/head` as
        the branch names the pull request N, whose branch may be in a fork.

        Raises:
            ForgeUnavailable: they could not be read completely.
        """
        ...
