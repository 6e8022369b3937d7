"""Issues, and the labels and comments of issues and pull requests: a tracker that every forge has (TRK-1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from orch_gates.errors import ForgeRefused

# GitHub's own limit.
MAX_COMMENT = 65_536


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue; pull requests are none."""

    number: int
    title: str
    body: str
    open: bool
    labels: tuple[str, ...] = ()
    author: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody wrote on an issue or a pull request; `id` is the forge's, `author` empty for a deleted account."""

    id: int
    author: str
    body: str


def require_label(label: str) -> None:
    """See that a label is named: without one, a forge may give everything.

    Raises:
        ForgeRefused: none is.
    """
    if not label.strip():
        raise ForgeRefused("no label was given, so no request was sent to the forge; name one")


def require_text(text: str) -> None:
    """See that a comment says something, and not more than every forge takes.

    Raises:
        ForgeRefused: it does not.
    """
    if not text.strip():
        raise ForgeRefused("the comment is empty, so it was not written; give it a text")
    if len(text) > MAX_COMMENT:
        raise ForgeRefused(f"the text of a comment must have at most {MAX_COMMENT} characters; shorten it")


class Issues(Protocol):
    """The issues of one repository, and what pull requests have in common with them: labels and comments.

    Every write raises ForgeRefused without permission or issue, ForgeUnclear where it may have
    happened, and ForgeUnavailable where it did not.
    """

    def same_label(self, one: str, other: str) -> bool:
        """Whether two names are those of one label: of some forges, names that differ by case are."""
        ...

    def get(self, number: int) -> Issue:
        """One issue.

        Raises:
            ForgeRefused: there is none.
            ForgeUnavailable: the forge did not answer.
        """
        ...

    def list(self, *, label: str = "", closed: bool = False) -> tuple[Issue, ...]:
        """The open ones (or the closed ones), with a label if one is named, all pages, oldest first.

        Raises:
            ForgeUnavailable: they could not be read completely.
        """
        ...

    def create(self, title: str, body: str = "", labels: Sequence[str] = ()) -> Issue:
        """Open an issue; labels that are not there yet are made. Not safe to repeat blindly."""
        ...

    def label(self, number: int, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> Issue:
        """Add labels to an issue or a pull request, made where needed, and remove others.

        What is so already is no error, nor is what somebody else does meanwhile. A pull request is answered as the
        issue that it would be.
        """
        ...

    def labelled_by(self, number: int, label: str) -> str:
        """The login of who last put a label on an issue; empty where the forge does not tell, or it was taken off.

        Raises:
            ForgeRefused: there is no such issue.
            ForgeUnavailable: what happened to it could not be read completely.
        """
        ...

    def comments(self, number: int) -> tuple[Comment, ...]:
        """What was said on an issue or a pull request, all pages, oldest first; reviews are none of it.

        Raises:
            ForgeRefused: there is no such issue or pull request.
            ForgeUnavailable: they could not be read completely.
        """
        ...

    def comment(self, number: int, text: str) -> Comment:
        """Say something on an issue or a pull request. Not safe to repeat blindly."""
        ...

    def edit_comment(self, number: int, comment_id: int, text: str) -> Comment:
        """Replace the text of a comment on this very issue or pull request; doing it again is safe.

        Raises:
            ForgeRefused: there is none with this id, or no permission.
        """
        ...

    def delete_comment(self, number: int, comment_id: int) -> None:
        """Delete a comment on this very issue or pull request; one that is not there is no error.

        Raises:
            ForgeRefused: there is no such issue, or no permission.
        """
        ...

    def close(self, number: int) -> Issue:
        """Close it; closed is closed."""
        ...
