"""Pull requests, and every answer to a merge that a caller has to tell apart (MRG-7, MRG-8)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias


class PullState(StrEnum):
    """Where a pull request stands, as the forge says; MERGED is no proof that its code is in the target (MRG-9)."""

    OPEN = "open"
    CLOSED = "closed"
    MERGED = "merged"


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A request to merge a branch of this repository into another.

    `head` is the commit at the head as the forge sees it now, `merge_commit` what it says came of
    a merge. `mergeable` is None while the forge does not know, or cannot tell checking from conflict.
    """

    number: int
    title: str
    body: str
    branch: str
    target: str
    head: str
    state: PullState
    author: str
    url: str = ""
    draft: bool = False
    mergeable: bool | None = None
    merge_commit: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A pull request to be opened."""

    branch: str
    target: str
    title: str
    body: str = ""


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """A merge of exactly the validated commit, with a merge commit of this message (MRG-5, MRG-8).

    A merge commit is the only style that keeps the validated commit in the target on every forge.
    `message` follows the title after an empty line; trailers at its end stay trailers.
    """

    expected_head: str
    title: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Merged:
    """The forge says that it merged now; proof is git's (MRG-9). `commit` may be empty."""

    commit: str = ""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """The forge will merge later, or it waits in a queue: nothing is merged (MRG-8)."""


@dataclass(frozen=True, slots=True)
class AlreadyMerged:
    """It was merged before."""


@dataclass(frozen=True, slots=True)
class HeadMoved:
    """The head is not the expected commit: what was validated is not what would be merged."""


@dataclass(frozen=True, slots=True)
class BaseMoved:
    """The target moved while the forge merged: validate again, then ask again."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """The branches do not merge."""


@dataclass(frozen=True, slots=True)
class NotReady:
    """A rule of the repository is not met yet: a status, an approval, a draft."""

    reason: str


@dataclass(frozen=True, slots=True)
class Forbidden:
    """No permission, a hook's refusal, or a style that is not allowed; asking again does not help."""

    reason: str


@dataclass(frozen=True, slots=True)
class Gone:
    """There is no such open pull request, or this token may not see it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Transient:
    """Nothing was merged, for a reason that passes: busy, rate limit, no connection. `wait`: seconds asked for."""

    reason: str
    wait: float = 0.0


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """It may be merged, in conflict, or neither: git has to say (MRG-8, MRG-9)."""

    reason: str


MergeOutcome: TypeAlias = (
    Merged
    | Scheduled
    | AlreadyMerged
    | HeadMoved
    | BaseMoved
    | Conflict
    | NotReady
    | Forbidden
    | Gone
    | Transient
    | Ambiguous
)


class PullRequests(Protocol):
    """Pull requests between branches of one repository; those from forks are not ours to handle."""

    def open(self, draft: Draft) -> PullRequest:
        """Open one; where one of the same branches is open already, that one.

        Raises:
            ForgeRefused: no permission, or a branch that is not there.
            ForgeUnclear: it may have been opened; `find` says.
            ForgeUnavailable: it was not opened.
        """
        ...

    def find(self, branch: str, target: str) -> tuple[PullRequest, ...]:
        """The open ones of exactly these branches, over all pages, oldest first.

        Raises:
            ForgeUnavailable: they could not be read completely.
        """
        ...

    def get(self, number: int) -> PullRequest:
        """One, freshly; asking also makes the forge look whether it can be merged.

        Raises:
            ForgeRefused: there is none.
            ForgeUnavailable: the forge did not answer.
        """
        ...

    def edit(self, number: int, *, title: str | None = None, body: str | None = None) -> PullRequest:
        """Change what it says.

        Raises:
            ForgeRefused, ForgeUnclear, ForgeUnavailable: as `open`; doing it again is safe.
        """
        ...

    def close(self, number: int) -> PullRequest:
        """Close it unmerged; one that is closed or merged stays what it is.

        Raises:
            ForgeRefused, ForgeUnclear, ForgeUnavailable: as `edit`.
        """
        ...

    def merge(self, number: int, request: MergeRequest) -> MergeOutcome:
        """Ask for the merge, once; whatever the forge or the network does is an outcome."""
        ...
