"""A snapshot that reads git objects, and fetches those that were left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from orch_gates.documents import frontmatter
from orch_gates.errors import GitError, StateDocumentError, StateError
from orch_gates.git.tree import MissingObject, Node, TooBig
from orch_gates.state.branch import generation
from orch_gates.state.branch.source import StateRemote
from orch_gates.state.layout import ROOT
from orch_gates.state.snapshot import TreeEntry

ONE_FOLDER = "tree:1"

_MOST_BYTES = 4 * frontmatter.MAX_DOCUMENT
_Answer = TypeVar("_Answer")


class GitSnapshot:
    """The state branch at one commit."""

    def __init__(self, source: StateRemote, tip: str, timeout: float) -> None:
        """`timeout` bounds each fetch of something that was left out, in seconds.

        Raises:
            StateDocumentError: `orch-state.md` is missing, malformed, or of a newer schema.
            StateUnreachable: something had to be fetched and was not.
        """
        self._source = source
        self._timeout = timeout
        self._tip = tip
        self.tree = self._read(lambda: source.objects.commit(tip).tree)
        self._generation = generation.read(self.text(ROOT))

    @property
    def tip(self) -> str:
        """The id of the commit."""
        return self._tip

    @property
    def generation(self) -> int:
        """What `orch-state.md` says."""
        return self._generation

    def text(self, path: str) -> str | None:
        """A file's text, None where there is no such file.

        Raises:
            StateDocumentError: it is no regular file, no UTF-8, or too big.
            StateUnreachable: it had to be fetched and was not.
        """
        node = self._find(path)
        return None if node is None else self.read(TreeEntry(path, node.oid, node.regular))

    def read(self, entry: TreeEntry) -> str:
        """The text of a file that `files` told of; see `text`."""
        path = entry.path
        if not entry.regular:
            raise StateDocumentError(f"{path}: not a regular file")
        try:
            return self._read(lambda: self._source.objects.blob(entry.oid, most=_MOST_BYTES), whole=True).decode()
        except TooBig as error:
            raise StateDocumentError(f"{path}: {error}") from error
        except UnicodeDecodeError as error:
            raise StateDocumentError(f"{path}: byte {error.start + 1} is not UTF-8") from error

    def files(self, prefix: str = "") -> Iterator[TreeEntry]:
        """Everything below a folder that is no folder, sorted by path."""
        folder = prefix.strip("/")
        node = self._find(folder) if folder else None
        if folder and (node is None or not node.folder):
            return
        start = self.tree if node is None else node.oid
        listed = self._read(lambda: list(self._source.objects.walk(start, f"{folder}/" if folder else "")), whole=True)
        for path, node in sorted(listed, key=lambda pair: pair[0]):
            yield TreeEntry(path, node.oid, node.regular)

    def folders(self, path: str) -> Mapping[str, str]:
        """The folders in a folder, with their ids; see `Snapshot.folders`."""
        node = self._find(path)
        if node is None or not node.folder:
            return {}
        listed = self._read(lambda: self._source.objects.list(node.oid))
        return dict(sorted((entry.name, entry.oid) for entry in listed if entry.folder))

    def _find(self, path: str) -> Node | None:
        return self._read(lambda: self._source.objects.find(self.tree, path))

    def _read(self, read: Callable[[], _Answer], *, whole: bool = False) -> _Answer:
        fetched: set[str] = set()
        while True:
            try:
                return read()
            except MissingObject as error:
                if error.oid in fetched:
                    raise StateError(f"the remote lacks object {error.oid} of the state branch") from error
                fetched.add(error.oid)
                self._source.fill([error.oid], self._timeout, only="" if whole else ONE_FOLDER)
            except TooBig:
                raise
            except GitError as error:
                self._source.leave_behind()
                borrowed = self._source.local
                again = f"; where that does not help, `git fsck` in {borrowed} shows what is" if borrowed else ""
                raise StateError(
                    f"the cache of the state branch is damaged ({error}); run the command again{again}"
                ) from error
