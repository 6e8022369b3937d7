"""Where each new object stands in history: its path, its commit, and what stood there before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orch_gates.errors import GitError
from orch_gates.git.cli import Git

GITLINK = "160000"
_ABSENT = "0"


@dataclass(frozen=True, slots=True)
class Placement:
    """An object at a path in the first commit that has it there.

    `before` are the objects at the same path in each parent (or at the path it was renamed from).
    """

    oid: str
    path: str
    commit: str
    before: tuple[str, ...]

    def uncommitted(self) -> Placement:
        """The same place, in no commit yet."""
        return Placement(self.oid, self.path, "", self.before)


def placements(git: Git, commits: Sequence[str]) -> Iterator[Placement]:
    """Every file and folder that a commit changes against all of its parents, oldest commit first.

    Merges are compared with all parents at once (`-c`), octopus merges too; a file that a merge
    takes over unchanged from one parent is that parent's. Renames are followed, as git does by
    default, so that moving a file adds nothing.

    Raises:
        GitError: git failed or printed something that is not a raw diff.
    """
    if not commits:
        return
    stdin = "".join(f"{oid}\n" for oid in commits).encode("ascii")
    raw = git.read(
        *("diff-tree", "--stdin", "-r", "-t", "-c", "--raw", "-z", "--root", "--no-abbrev", "-M", "-l400"),
        stdin=stdin,
    )
    yield from parse_raw(raw)


def parse_raw(raw: bytes) -> Iterator[Placement]:
    """Parse the output of `git diff-tree --stdin -r -t -c --raw -z`.

    Raises:
        GitError: it is cut off or not of that form.
    """
    fields = iter(raw.split(b"\0"))
    commit = ""
    for field in fields:
        if not field:
            continue
        if not field.startswith(b":"):
            commit = field.decode("ascii", "replace")
            continue
        parents = len(field) - len(field.lstrip(b":"))
        words = field.lstrip(b":").decode("ascii", "replace").split(" ")
        if len(words) != 2 * parents + 3:
            raise GitError("git diff-tree printed a line that is not a raw diff")
        mode, oid, status = words[parents], words[2 * parents + 1], words[-1]
        path = next(fields, b"")
        if parents == 1 and status[:1] in {"R", "C"}:
            path = next(fields, b"")
        if not path or not commit:
            raise GitError("git diff-tree was cut off")
        if mode == GITLINK or not oid.strip(_ABSENT):
            continue
        before = tuple(
            words[parents + 1 + index]
            for index in range(parents)
            if words[index] != GITLINK and words[parents + 1 + index].strip(_ABSENT)
        )
        yield Placement(oid, path.decode("utf-8", "surrogateescape"), commit, before)
