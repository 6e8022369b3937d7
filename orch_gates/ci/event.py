"""What a workflow was started by: a closed set of values, one for each thing that a forge can announce.

An event is a hint that something changed, and was true when it was sent. Whoever acts on one asks the forge again.
Everywhere: `actor` is the login of who caused it, a commit is 40 or 64 hexadecimal digits and a branch one that git
takes; each of them, and any other text, is empty where the event does not say it, or says something else there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class PullAction(StrEnum):
    """What happened to a pull request, in GitHub's words."""

    OPENED = "opened"
    REOPENED = "reopened"
    SYNCHRONIZE = "synchronize"
    CLOSED = "closed"
    EDITED = "edited"
    READY_FOR_REVIEW = "ready_for_review"
    CONVERTED_TO_DRAFT = "converted_to_draft"
    REVIEW_REQUESTED = "review_requested"
    REVIEW_REQUEST_REMOVED = "review_request_removed"
    AUTO_MERGE_ENABLED = "auto_merge_enabled"
    AUTO_MERGE_DISABLED = "auto_merge_disabled"


class IssueAction(StrEnum):
    """What happened to an issue, in GitHub's words."""

    OPENED = "opened"
    REOPENED = "reopened"
    CLOSED = "closed"
    EDITED = "edited"
    LABELED = "labeled"
    UNLABELED = "unlabeled"
    DELETED = "deleted"
    TRANSFERRED = "transferred"


class ReviewState(StrEnum):
    """What a reviewer said."""

    APPROVED = "approved"
    CHANGES_REQUESTED = "changes_requested"
    COMMENTED = "commented"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class Pushed:
    """A branch moved from `before`, which a new one has none of, to `after`, which a deleted one has none of.

    `forced` is what GitHub says; Gitea and Forgejo say nothing about it.
    """

    actor: str
    branch: str
    before: str
    after: str
    deleted: bool
    forced: bool


@dataclass(frozen=True, slots=True)
class PullChanged:
    """A pull request of `branch`, at `head`, into `target`; `fork` unless it comes from this very repository."""

    actor: str
    number: int
    action: PullAction
    head: str
    branch: str
    target: str
    fork: bool
    merged: bool


@dataclass(frozen=True, slots=True)
class Labelled:
    """A label was put on a pull request or taken from it.

    `label` is empty where none, or more than one, is named: look at its labels afresh; `added` means nothing then.
    """

    actor: str
    number: int
    label: str
    added: bool
    head: str
    target: str
    fork: bool


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A pull request was reviewed.

    `head` is the commit that the review is about, which Gitea and Forgejo do not name; `pull_head` is the pull
    request's, and may be a later one.
    """

    actor: str
    number: int
    state: ReviewState
    head: str
    pull_head: str


@dataclass(frozen=True, slots=True)
class Commented:
    """Somebody wrote a comment on a pull request (`pull`) or an issue."""

    actor: str
    number: int
    pull: bool
    body: str


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """A commit has a new status; it names no branch (REC-3)."""

    actor: str
    commit: str
    context: str
    state: str


@dataclass(frozen=True, slots=True)
class ChecksChanged:
    """A check, or a suite of them, changed; `conclusion` is empty while it runs.

    `pulls` are this repository's pull requests of the commit; for a fork's, GitHub names none.
    """

    actor: str
    commit: str
    pulls: tuple[int, ...]
    conclusion: str


@dataclass(frozen=True, slots=True)
class WorkflowEnded:
    """A run of the workflow `name` ended, which `event` had started.

    `branch` is one of this repository: a fork can call its own as it likes.
    """

    actor: str
    name: str
    commit: str
    branch: str
    event: str
    conclusion: str
    pulls: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class IssueChanged:
    """An issue changed, which is no pull request; of `label`, see `Labelled`: empty means to look afresh."""

    actor: str
    number: int
    action: IssueAction
    label: str


@dataclass(frozen=True, slots=True)
class Dispatched:
    """Somebody started the workflow, on `branch` at `commit`; `name` is what a `repository_dispatch` is called."""

    actor: str
    inputs: Mapping[str, str]
    name: str
    branch: str
    commit: str


@dataclass(frozen=True, slots=True)
class Scheduled:
    """The time of `cron` came, on `branch` at `commit`; nobody caused it, so `actor` is empty."""

    actor: str
    cron: str
    branch: str
    commit: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """An event that asks for nothing; `reason` says why."""

    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """It could not be told what happened, which is not the same as nothing; `reason` says why."""

    actor: str
    reason: str


Event: TypeAlias = (
    Pushed
    | PullChanged
    | Labelled
    | Reviewed
    | Commented
    | StatusChanged
    | ChecksChanged
    | WorkflowEnded
    | IssueChanged
    | Dispatched
    | Scheduled
    | Nothing
    | Unreadable
)
