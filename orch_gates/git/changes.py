"""Where objects stand in history: path and commit, and what stood at that path before."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from orch_gates.errors import BudgetExceeded, GitError
from orch_gates.git import feed
from orch_gates.git.cli import Git

GITLINK = "160000"
# A commit of some kilobytes can list ten thousand million paths (ten folders of ten folders, ten times).
MOST_CHANGES = 3_000_000
_CHUNK = 1 << 18
# Of a longer history it is enough to know the end.
_MOST_COMMITS = 50_000


@dataclass(frozen=True, slots=True)
class CommitChange:
    """A file that a commit adds, changes or removes; `oid` is empty where it removes one.

    `before` are the objects at the same path in each parent that has one there.
    """

    commit: str
    path: str
    oid: str
    before: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class History:
    """How the commits of a range are made upon each other.

    `parents` are those of each commit, the newest first; `followed` are commits that another of the range is made upon.
    """

    parents: Mapping[str, tuple[str, ...]]
    followed: Collection[str]

    @property
    def merges(self) -> bool:
        """Whether there is a merge among them."""
        return any(len(parents) > 1 for parents in self.parents.values())

    def newest(self, commit: str) -> bool:
        """Whether no other commit is made upon it, so that it can be amended."""
        return commit in self.parents and commit not in self.followed

    def is_root(self, commit: str) -> bool:
        """Whether it has no parent that a rebase could begin at."""
        return self.parents.get(commit) == ()

    def is_merge(self, commit: str) -> bool:
        """Whether it has several parents."""
        return len(self.parents.get(commit, ())) > 1

    def below(self, commit: str) -> str:
        """The commit before the range that it is made upon, by first parents; empty where it goes back to a root."""
        while (parents := self.parents.get(commit)) is not None:
            commit = parents[0] if parents else ""
        return commit


def history(git: Git, commits: Sequence[str]) -> History:
    """How these commits are made upon each other; of very many, the first are looked at, which are the newest.

    Raises:
        GitError: git failed.
    """
    if not commits:
        return History({}, frozenset())
    given = "".join(f"{oid}\n" for oid in commits[:_MOST_COMMITS]).encode("ascii")
    listed = git.read("rev-list", "--no-walk=unsorted", "--parents", "--stdin", stdin=given).decode("ascii")
    of = {first: tuple(rest) for first, *rest in (line.split(" ") for line in listed.splitlines())}
    return History(of, frozenset(itertools.chain(*of.values())))


def changes(git: Git, commits: Sequence[str]) -> Iterator[CommitChange]:
    """Every file that a commit changes against all of its parents, in the order of `commits`.

    Merges are compared with all parents at once (`-c`), octopus merges too; a file that a merge takes over unchanged
    from one parent is that parent's. Renames are not looked for here: git would read every file for it.

    Raises:
        BudgetExceeded: more changes than are ever looked at.
        GitError: git failed or printed something that is not a raw diff.
    """
    if not commits:
        return
    command = ("diff-tree", "--stdin", "-r", "-c", "--raw", "-z", "--root", "--no-abbrev", "--no-renames")
    with git.converse(*command) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        # git reads a commit, answers it, and reads the next; this window never fills a pipe both ways.
        yield from parse_raw(_fields(_asked(child.stdin, child.stdout, commits)))
        feed.finish(child, "diff-tree")


def _asked(stdin: IO[bytes], stdout: IO[bytes], commits: Sequence[str]) -> Iterator[bytes]:
    import threading

    def write() -> None:
        try:
            stdin.write("".join(f"{oid}\n" for oid in commits).encode("ascii"))
            stdin.close()
        except OSError:
            return

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    while chunk := stdout.read(_CHUNK):
        yield chunk
    writer.join()


def _fields(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The parts between NUL bytes; what follows the last one is cut off, which the parser notices."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole
    if rest:
        yield rest


def parse_raw(fields: Iterator[bytes], commit: str = "") -> Iterator[CommitChange]:
    """Parse the fields of `git diff-tree --stdin -r -c --raw -z --no-renames`, or of `git diff-index` for a `commit`.

    Raises:
        BudgetExceeded: as `changes`.
        GitError: they are cut off or not of that form.
    """
    count = 0
    for field in fields:
        if not field:
            continue
        if not field.startswith(b":"):
            commit = field.decode("ascii", "replace")
            continue
        parents = len(field) - len(field.lstrip(b":"))
        words = field.lstrip(b":").decode("ascii", "replace").split(" ")
        path = next(fields, b"")
        if len(words) != 2 * parents + 3 or not path or not commit:
            raise GitError("git printed something that is not a raw diff, or was cut off")
        count += 1
        if count > MOST_CHANGES:
            raise BudgetExceeded(f"more than {MOST_CHANGES} files are changed; push in smaller parts")
        mode, oid = words[parents], words[2 * parents + 1]
        before = tuple(
            words[parents + 1 + index]
            for index in range(parents)
            if words[index] != GITLINK and words[parents + 1 + index].strip("0")
        )
        kept = "" if mode == GITLINK or not oid.strip("0") else oid
        yield CommitChange(commit, path.decode("utf-8", "surrogateescape"), kept, before)
