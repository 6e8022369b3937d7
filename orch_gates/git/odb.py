"""Objects wherever git keeps them, packs included: the only user of pygit2, which is dear to load."""

from __future__ import annotations

from pathlib import Path

import pygit2
from pygit2.enums import ObjectType

from orch_gates.errors import GitError

_KINDS = {
    "commit": ObjectType.COMMIT,
    "tree": ObjectType.TREE,
    "blob": ObjectType.BLOB,
    "tag": ObjectType.TAG,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


class Database:
    """The object database of an `objects` folder with its alternates."""

    def __init__(self, folder: Path, quarantine: str) -> None:
        """Open it; `quarantine` is a second folder, or empty.

        Raises:
            GitError: it cannot be opened.
        """
        try:
            self._odb = pygit2.Odb(str(folder))
            if quarantine:
                self._odb.add_disk_alternate(quarantine)
        except (pygit2.GitError, OSError) as error:
            raise GitError(f"the object store {folder} cannot be opened: {error}") from error

    def has(self, oid: str) -> bool:
        """Whether an object is here."""
        return pygit2.Oid(hex=oid) in self._odb

    def size(self, oid: str) -> int | None:
        """The bytes of an object's content; None where it is not here.

        Raises:
            GitError: it cannot be read.
        """
        try:
            return self._odb.read_header(pygit2.Oid(hex=oid))[1]
        except pygit2.NotFoundError:
            return None
        except pygit2.GitError as error:
            raise GitError(f"object {oid} cannot be read: {error}") from error

    def read(self, oid: str) -> tuple[str, bytes] | None:
        """An object's kind and content; None where it is not here.

        Raises:
            GitError: it cannot be read.
        """
        try:
            kind, data = self._odb.read(pygit2.Oid(hex=oid))
        except pygit2.NotFoundError:
            return None
        except pygit2.GitError as error:
            raise GitError(f"object {oid} cannot be read: {error}") from error
        return _NAMES[ObjectType(kind)], data

    def write(self, kind: str, data: bytes) -> str:
        """Store an object, and answer its id.

        Raises:
            GitError: it cannot be written.
        """
        try:
            return str(self._odb.write(_KINDS[kind], data))
        except (pygit2.GitError, OSError) as error:
            raise GitError(f"an object cannot be written: {error}") from error
