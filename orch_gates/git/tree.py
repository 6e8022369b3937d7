"""Objects of an object store, read and written in memory.

It sees objects and nothing else: no refs, no configuration, no index, no work tree.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from orch_gates.errors import GitError
from orch_gates.git import loose

if TYPE_CHECKING:
    from orch_gates.git.odb import Database

FILE_MODE = b"100644"
FOLDER_MODE = b"40000"

_WHO = re.compile(r"[^<>]*<(?P<email>[^<>]*)> (?P<seconds>[0-9]{1,12}) [+-][0-9]{4}")
_UNFIT = re.compile(r"[<>\x00-\x1f\x7f]")
_REGULAR = {FILE_MODE, b"100755", b"100664"}


class MissingObject(GitError):
    """An object is not in this store; a partial clone may fetch it."""

    def __init__(self, oid: str) -> None:
        super().__init__(f"object {oid} is not here")
        self.oid = oid


class TooBig(GitError):
    """A file has more bytes than may be read."""


@dataclass(frozen=True, slots=True)
class Node:
    """An entry of a folder; a name that is no UTF-8 keeps its bytes as surrogates."""

    name: str
    oid: str
    mode: bytes

    @property
    def folder(self) -> bool:
        """Whether it is a folder."""
        return self.mode == FOLDER_MODE

    @property
    def regular(self) -> bool:
        """Whether it is a plain file: no symbolic link, no submodule."""
        return self.mode in _REGULAR


@dataclass(frozen=True, slots=True)
class Commit:
    """What a commit holds and what it follows; `seconds` since 1970 as its committer's clock said.

    Not `well_formed`: git would have refused to make it, as its author or committer cannot be read. Whatever cannot
    is empty or zero.
    """

    tree: str
    parents: tuple[str, ...]
    email: str
    seconds: int
    message: str
    well_formed: bool = True


@dataclass(frozen=True, slots=True)
class Changed:
    """A path that is not a folder and what stood there before and stands there after; None is nothing."""

    path: str
    before: Node | None
    after: Node | None


@dataclass(frozen=True, slots=True)
class Author:
    """Who a commit is by."""

    name: str
    email: str


class Objects:
    """The objects in a git `objects` folder and its alternates."""

    def __init__(self, folder: Path, quarantine: str = "") -> None:
        """Open the store; `quarantine` is a second folder, with the objects of a push that is being judged.

        Raises:
            GitError: there is none.
        """
        if not folder.is_dir():
            raise GitError(f"the object store {folder} cannot be opened: there is no such folder")
        self._folder = folder
        self._quarantine = quarantine
        self._folders = [*_with_alternates(folder), *([Path(quarantine)] if quarantine else [])]
        self._listed = lru_cache(maxsize=8192)(self._list)

    def has(self, oid: str) -> bool:
        """Whether the object itself is here, whatever it refers to."""
        return loose.holds(self._folders, oid) or self._database.has(oid)

    def commit(self, oid: str) -> Commit:
        """A commit.

        Raises:
            MissingObject: it is not here.
            GitError: it is no commit, or broken.
        """
        header, _, message = self._read(oid, "commit").decode("utf-8", "replace").partition("\n\n")
        fields = [line.partition(" ") for line in header.split("\n")]
        trees = [value for name, _, value in fields if name == "tree"]
        if len(trees) != 1:
            raise GitError(f"commit {oid} is broken")
        # As git reads them: those that follow the tree at once, and no others.
        after = itertools.takewhile(lambda field: field[0] == "parent", fields[1:])
        parents = tuple(value for _, _, value in after)
        names = [name for name, _, _ in fields]
        ordered = names[0] == "tree" and names.count("parent") == len(parents)
        # Servers take such a commit, so it stops nobody from reading the branch.
        who = [_WHO.fullmatch(value) for name, _, value in fields if name in {"author", "committer"}]
        committer = next((_WHO.fullmatch(value) for name, _, value in fields if name == "committer"), None)
        email, seconds = (committer["email"], int(committer["seconds"])) if committer else ("", 0)
        return Commit(trees[0], parents, email, seconds, message, ordered and len(who) == 2 and None not in who)

    def list(self, tree: str) -> tuple[Node, ...]:
        """A folder's entries, in git's order.

        Raises:
            MissingObject: it is not here.
            GitError: it is no tree, or broken.
        """
        return self._listed(tree)

    def find(self, tree: str, path: str) -> Node | None:
        """What stands at a path below a folder, if anything does.

        Raises:
            MissingObject: a folder on the way is not here.
        """
        node: Node | None = Node("", tree, FOLDER_MODE)
        for name in path.split("/"):
            if node is None or not node.folder:
                return None
            node = next((entry for entry in self.list(node.oid) if entry.name == name), None)
        return node

    def walk(self, tree: str, prefix: str = "") -> Iterator[tuple[str, Node]]:
        """Everything below a folder that is no folder, with its path, in git's order.

        Raises:
            MissingObject: a folder is not here.
        """
        for node in self.list(tree):
            if node.folder:
                yield from self.walk(node.oid, f"{prefix}{node.name}/")
            else:
                yield f"{prefix}{node.name}", node

    def changed(self, before: str, after: str, prefix: str = "") -> Iterator[Changed]:
        """What differs below two folders, in no particular order; an empty id is no folder.

        Raises:
            MissingObject: a folder is not here.
        """
        old = {node.name: node for node in self.list(before)} if before else {}
        new = {node.name: node for node in self.list(after)} if after else {}
        for name in old | new:
            was, now = old.get(name), new.get(name)
            if was == now:
                continue
            path = f"{prefix}{name}"
            yield from self.changed(_folder(was), _folder(now), f"{path}/")
            was_file, now_file = _file(was), _file(now)
            if was_file or now_file:
                yield Changed(path, was_file, now_file)

    def blob(self, oid: str, *, most: int) -> bytes:
        """A file's content.

        Raises:
            MissingObject: it is not here.
            TooBig: it has more than `most` bytes.
        """
        return self._read(oid, "blob", most)

    def history(self, tip: str) -> Iterator[tuple[str, tuple[str, ...] | None]]:
        """A tip and its ancestors, nearest first, with their parents; None for one that is not here.

        Raises:
            GitError: a commit is broken.
        """
        seen, front = {tip}, [tip]
        while front:
            following: list[str] = []
            for oid in front:
                try:
                    parents = self.commit(oid).parents
                except MissingObject:
                    yield oid, None
                    continue
                yield oid, parents
                following += [parent for parent in parents if parent not in seen]
                seen.update(parents)
            front = following

    def put_blob(self, data: bytes) -> str:
        """Store a file's content."""
        return self._write("blob", data)

    def put_tree(self, nodes: Iterator[Node]) -> str:
        """Store a folder."""
        ordered = sorted(nodes, key=lambda node: node.name.encode("utf-8", "surrogateescape") + b"/" * node.folder)
        return self._write(
            "tree",
            b"".join(
                b"%s %s\0%s" % (node.mode, node.name.encode("utf-8", "surrogateescape"), bytes.fromhex(node.oid))
                for node in ordered
            ),
        )

    def put_commit(self, tree: str, parents: tuple[str, ...], author: Author, seconds: int, message: str) -> str:
        """Store a commit made at `seconds` since 1970, UTC.

        Raises:
            GitError: the author's name or address cannot be part of a commit.
        """
        if _UNFIT.search(author.name + author.email) or not author.name.strip():
            raise GitError(f"{author.name!r} <{author.email!r}> is no author: no <, > or control character, and a name")
        who = f"{author.name} <{author.email}> {max(0, seconds)} +0000"
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents), f"author {who}", f"committer {who}"]
        return self._write("commit", ("\n".join(lines) + "\n\n" + message).encode())

    def _list(self, tree: str) -> tuple[Node, ...]:
        data, at, found = self._read(tree, "tree"), 0, []
        while at < len(data):
            space = data.find(b" ", at)
            end = data.find(b"\0", space)
            if space < 0 or end < 0 or end + 21 > len(data):
                raise GitError(f"tree {tree} is broken")
            name = data[space + 1 : end].decode("utf-8", "surrogateescape")
            found.append(Node(name, data[end + 1 : end + 21].hex(), data[at:space]))
            at = end + 21
        return tuple(found)

    def _read(self, oid: str, wanted: str, most: int | None = None) -> bytes:
        # libgit2 never returns from a file that is cut off: libgit2/libgit2#7342.
        alone = loose.find(self._folders, oid)
        if most is not None:
            size = alone.size if alone is not None else self._database.size(oid)
            if size is not None and size > most:
                raise TooBig(f"{size} bytes, at most {most} are read")
        found = (alone.kind, alone.data()) if alone is not None else self._database.read(oid)
        if found is None:
            raise MissingObject(oid)
        kind, data = found
        if kind != wanted:
            raise GitError(f"object {oid} is no {wanted}")
        return data

    @cached_property
    def _database(self) -> Database:
        from orch_gates.git.odb import Database

        return Database(self._folder, self._quarantine)

    def _write(self, kind: str, data: bytes) -> str:
        return self._database.write(kind, data)


def _with_alternates(folder: Path) -> list[Path]:
    found = [folder]
    for place in found:
        with contextlib.suppress(OSError):
            lines = (place / "info" / "alternates").read_bytes().splitlines()
            named = ((place / os.fsdecode(line)).resolve() for line in lines if line and not line.startswith(b"#"))
            found += [path for path in named if path not in found]
    return found


def _folder(node: Node | None) -> str:
    return node.oid if node is not None and node.folder else ""


def _file(node: Node | None) -> Node | None:
    return None if node is None or node.folder else node
