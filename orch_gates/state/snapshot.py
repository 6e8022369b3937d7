"""The state branch as it was at one commit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """A file and the id of its content: equal ids are equal files. A link or submodule is not `regular`."""

    path: str
    oid: str
    regular: bool = True


class Snapshot(Protocol):
    """All files of one commit; only a `Store` makes one."""

    @property
    def tip(self) -> str:
        """The id of the commit."""
        ...

    @property
    def generation(self) -> int:
        """How often orch-gates has changed the branch (ST-4)."""
        ...

    def text(self, path: str) -> str | None:
        """A file's text, None where there is no such file.

        Raises:
            StateDocumentError: it is no regular file, no UTF-8, or too big.
            StateUnreachable: it is not in the cache and could not be fetched.
        """
        ...

    def files(self, prefix: str = "") -> Iterator[TreeEntry]:
        """Everything below a folder that is no folder, sorted by path; the empty prefix is the whole branch.

        Raises:
            StateUnreachable: as `text`.
        """
        ...

    def folders(self, path: str) -> Mapping[str, str]:
        """The folders in a folder by name, sorted, with the ids of their content; none where there is no such folder.

        Equal ids are equal folders.

        Raises:
            StateUnreachable: as `text`.
        """
        ...

    def read(self, entry: TreeEntry) -> str:
        """The text of a file that `files` told of.

        Raises:
            StateDocumentError: as `text`.
            StateUnreachable: as `text`.
        """
        ...
