"""The readable parts of commits, tags and trees: all bytes in them that a person can choose."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# git checks that the object is there for these modes alone; any other mode is a submodule to it.
_CHECKED_MODES = frozenset({b"100644", b"100755", b"120000", b"40000"})
_FILE_MODES = frozenset({b"100644", b"100755"})

_ROLES = frozenset({b"author", b"committer", b"tagger"})
_HEX_HEADER = re.compile(rb"(?:tree|parent|object) (?:[0-9a-f]{40}|[0-9a-f]{64})\Z")
_ENTRIES = {
    size: (
        re.compile(rb"([0-7]+) ([^\0]+)\0([\s\S]{%d})" % size),
        re.compile(rb"(?:[0-7]+ [^\0]+\0[\s\S]{%d})*+" % size),
    )
    for size in (20, 32)
}
_SIGNATURE_TIME = re.compile(rb" \d{1,12} [+-]\d{4}\Z")


@dataclass(slots=True)
class MessageReader:
    """Reads commits and tags; a person's name and address is given once per scan, not per commit."""

    _people: set[bytes] = field(default_factory=set)

    def readable(self, data: bytes) -> tuple[bytes, dict[int, str]]:
        """The object without ids and times, and by line the people in it: `author`, `committer` or `tagger`.

        Headers of any kind are kept, and the message: in that nothing is dropped, whatever it looks like.
        """
        head, blank, message = data.partition(b"\n\n")
        kept = [(line, role) for line, role in map(self._header, head.split(b"\n")) if line]
        people = {number: role for number, (_, role) in enumerate(kept, 1) if role}
        return b"\n".join(line for line, _ in kept) + blank + message, people

    def _header(self, line: bytes) -> tuple[bytes, str]:
        if _HEX_HEADER.match(line):
            return b"", ""
        role, space, person = line.partition(b" ")
        if not space or role not in _ROLES:
            return line, ""
        person = _SIGNATURE_TIME.sub(b"", person)
        if person in self._people:
            return b"", ""
        self._people.add(person)
        return person, role.decode("ascii")


def root_tree_and_parents(commit: bytes) -> tuple[str, tuple[str, ...]]:
    """The ids in a commit's header."""
    tree, parents = "", []
    for line in commit.partition(b"\n\n")[0].split(b"\n"):
        if line.startswith(b"tree ") and not tree:
            tree = line[5:].decode("ascii", "replace")
        elif line.startswith(b"parent "):
            parents.append(line[7:].decode("ascii", "replace"))
    return tree, tuple(parents)


@dataclass(frozen=True, slots=True)
class Folder:
    """A tree: the names in it with the ids of what they name, and bytes in it that are neither.

    `files` are those of the entries that are files: no folders, links or submodules.
    """

    entries: tuple[tuple[bytes, bytes], ...]
    files: tuple[tuple[bytes, bytes], ...] = ()
    odd: tuple[bytes, ...] = ()


def folder(tree: bytes, id_bytes: int) -> Folder:
    """What a person can choose in a tree.

    A submodule's id is checked by nobody, so its raw bytes can spell anything (SEC-3); git takes
    every mode that it does not know for a submodule. A tree that is not of the usual form is odd as a whole.
    """
    entry, whole = _ENTRIES[id_bytes]
    if not whole.fullmatch(tree):
        return Folder((), odd=(tree,))
    found = entry.findall(tree)
    return Folder(
        tuple((name, oid) for _, name, oid in found),
        tuple((name, oid) for mode, name, oid in found if mode in _FILE_MODES),
        tuple(oid for mode, _, oid in found if mode not in _CHECKED_MODES),
    )
