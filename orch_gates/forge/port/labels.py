"""The labels that a repository offers, whether or not anything has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Labels(Protocol):
    """The labels of one repository; those of its organisation are not among them."""

    def names(self) -> tuple[str, ...]:
        """All of them, as they are spelled there.

        Raises:
            ForgeUnavailable: they could not be read completely.
        """
        ...

    def used(self, names: Sequence[str]) -> tuple[str, ...]:
        """Those of these names that an issue or a pull request has: open, closed or merged.

        Raises:
            ForgeUnavailable: that could not be read completely.
        """
        ...

    def make(self, name: str, description: str) -> None:
        """Make one; one of this name that is there stays as it is.

        Raises:
            ForgeRefused: no permission.
            ForgeUnclear, ForgeUnavailable: doing it again is safe.
        """
        ...

    def remove(self, name: str) -> None:
        """Remove one, from all that have it too; one that is not there is no error.

        Raises:
            ForgeRefused: no permission.
            ForgeUnclear, ForgeUnavailable: doing it again is safe.
        """
        ...
