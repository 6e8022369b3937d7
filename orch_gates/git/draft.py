"""A tree being changed in memory: folders are opened only on the way to a change (ST-5)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from orch_gates.git.tree import FILE_MODE, FOLDER_MODE, MissingObject, Node, Objects

_Folder: TypeAlias = "dict[str, Node | _Opened]"


class _Opened:
    def __init__(self, entries: _Folder) -> None:
        self.entries = entries


class TreeDraft:
    """Changes to a tree; `write` stores the result. Paths use `/` and are relative."""

    def __init__(self, objects: Objects, tree: str | None) -> None:
        self._objects = objects
        self._top = _Opened({} if tree is None else {node.name: node for node in objects.list(tree)})

    def put(self, path: str, data: bytes) -> None:
        """Put a file, in place of what stands there; folders on the way are made.

        Raises:
            ValueError: a file stands where a folder has to be, or the path is not allowed.
            MissingObject: a folder on the way is not in the store.
        """
        folder, name = self._parent(path, make=True)
        assert folder is not None
        folder.entries[name] = Node(name, self._objects.put_blob(data), FILE_MODE)

    def take(self, path: str) -> Node | _Opened | None:
        """Remove a file or folder and answer it; None where there is none.

        Raises:
            ValueError: the path is not allowed.
            MissingObject: as `put`.
        """
        folder, name = self._parent(path, make=False)
        return None if folder is None else folder.entries.pop(name, None)

    def move(self, source: str, target: str) -> None:
        """Move a file or folder to a path that is free.

        Raises:
            ValueError: there is nothing at `source`, something at `target`, or a path is not allowed.
            MissingObject: as `put`.
        """
        folder, name = self._parent(target, make=True)
        assert folder is not None
        if name in folder.entries:
            raise ValueError(f"there is something at {target} already")
        moved = self.take(source)
        if moved is None:
            raise ValueError(f"there is nothing at {source}")
        folder.entries[name] = Node(name, moved.oid, moved.mode) if isinstance(moved, Node) else moved

    def write(self) -> str:
        """Store every changed folder, and answer the tree; folders left empty are gone."""
        return self._store(self._top)

    def _store(self, folder: _Opened) -> str:
        nodes = []
        for name, entry in folder.entries.items():
            if isinstance(entry, Node):
                nodes.append(entry)
            elif _files(entry):
                nodes.append(Node(name, self._store(entry), FOLDER_MODE))
        return self._objects.put_tree(iter(nodes))

    def _parent(self, path: str, *, make: bool) -> tuple[_Opened | None, str]:
        *folders, name = checked(path)
        here = self._top
        for step in folders:
            entry = here.entries.get(step)
            if entry is None and not make:
                return None, name
            if isinstance(entry, Node) and not entry.folder:
                if make:
                    raise ValueError(f"{path}: {step} is a file")
                return None, name
            if not isinstance(entry, _Opened):
                entry = _Opened({} if entry is None else {node.name: node for node in self._objects.list(entry.oid)})
                here.entries[step] = entry
            here = entry
        return here, name


def _files(folder: _Opened) -> bool:
    return any(isinstance(entry, Node) or _files(entry) for entry in folder.entries.values())


def checked(path: str) -> list[str]:
    """The names of a path.

    Raises:
        ValueError: it is absolute, empty, leads out of the tree, or git refuses such names (OWN-3).
    """
    names = path.split("/")
    for name in names:
        odd = name in {"", ".", ".."} or name.lower().rstrip(". ") == ".git" or "\0" in name or "\\" in name
        if odd or any(ord(character) < 32 or 0xD800 <= ord(character) < 0xE000 for character in name):
            raise ValueError(f"{path!r} is not a path that may be written")
    return names


def absent_folders(objects: Objects, tree: str, paths: Iterable[str]) -> set[str]:
    """The first folder on the way to each path that is not in the store: what has to be fetched to go there."""
    absent: set[str] = set()
    for path in paths:
        try:
            objects.find(tree, path)
        except MissingObject as error:
            absent.add(error.oid)
    return absent
