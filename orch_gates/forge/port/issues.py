"""Issues and their labels: a tracker that every forge has (TRK-1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


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


class Issues(Protocol):
    """The issues of one repository.

    Every write raises ForgeRefused without permission or issue, ForgeUnclear where it may have
    happened, and ForgeUnavailable where it did not.
    """

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
        """Add labels, made where needed, and remove others; what is so already is no error."""
        ...

    def comment(self, number: int, text: str) -> None:
        """Say something on an issue or a pull request. Not safe to repeat blindly."""
        ...

    def close(self, number: int) -> Issue:
        """Close it; closed is closed."""
        ...
