"""Which objects a push adds, and their bytes.

Everything goes through git's plumbing: libgit2 reads neither SHA-256 repositories nor, without a
flag, quarantined objects (DESIGN §7), and plumbing ignores display configuration.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from orch_gates.errors import BudgetExceeded, GitError
from orch_gates.git.cli import Git


@dataclass(frozen=True, slots=True)
class Header:
    """The kind and size in bytes of an object."""

    kind: str
    size: int


@dataclass(frozen=True, slots=True)
class NewObjects:
    """What is reachable from the new tips and from nothing excluded.

    `commits` are in topological order, parents first; `headers` describes every object, commits
    included.
    """

    commits: tuple[str, ...]
    headers: Mapping[str, Header]


@dataclass(frozen=True, slots=True)
class Object:
    """An object with all its bytes, headers included."""

    oid: str
    kind: str
    data: bytes


def list_new(git: Git, tips: Iterable[str], excluded: Sequence[str], *, most: int) -> NewObjects:
    """List the objects that `tips` reach and `excluded` (object ids, or `--all`) do not.

    Raises:
        BudgetExceeded: more than `most` objects.
        GitError: history is broken or git failed.
    """
    args, stdin = _range(tips, excluded)
    listed = git.read("rev-list", "--objects", "--topo-order", "--reverse", *args, stdin=stdin)
    oids = [line.split(b" ", 1)[0].decode("ascii") for line in listed.splitlines()]
    if len(oids) > most:
        raise BudgetExceeded(
            f"{len(oids)} new objects are more than the {most} that one check may read; "
            "push in smaller parts, or raise ORCH_SECURITY_MAX_OBJECTS"
        )
    described = headers(git, oids)
    commits = tuple(oid for oid in oids if described[oid].kind == "commit")
    return NewObjects(commits, described)


def count_commits(git: Git, tips: Iterable[str], excluded: Sequence[str]) -> int:
    """The number of commits in the range, asked of git a second time (SEC-2)."""
    args, stdin = _range(tips, excluded)
    return int(git.read("rev-list", "--count", *args, stdin=stdin))


def _range(tips: Iterable[str], excluded: Sequence[str]) -> tuple[list[str], bytes]:
    lines = list(tips)
    args = ["--stdin"]
    if "--all" in excluded:
        args += ["--not", "--all"]
    else:
        lines += [f"^{oid}" for oid in excluded]
    return args, "".join(f"{line}\n" for line in lines).encode("ascii")


def list_quarantined(git: Git, listed: NewObjects, quarantine: str, main_store: str) -> tuple[str, ...]:
    """Objects that the push brought along although no pushed ref reaches them (SEC-3).

    Objects that the repository already has are left out: git completes thin packs with them.

    Raises:
        GitError: the quarantine cannot be read.
    """
    alone = git.with_env({"GIT_OBJECT_DIRECTORY": quarantine, "GIT_ALTERNATE_OBJECT_DIRECTORIES": None})
    brought = alone.read("cat-file", "--batch-all-objects", "--batch-check=%(objectname)", "--unordered")
    extra = sorted(set(brought.decode("ascii").split()) - set(listed.headers))
    if not extra:
        return ()
    before = git.with_env({"GIT_OBJECT_DIRECTORY": main_store, "GIT_ALTERNATE_OBJECT_DIRECTORIES": None})
    answer = before.read("cat-file", "--batch-check", stdin="".join(f"{oid}\n" for oid in extra).encode())
    present = {line.split(b" ", 1)[0].decode("ascii") for line in answer.splitlines() if not line.endswith(b" missing")}
    return tuple(oid for oid in extra if oid not in present)


def headers(git: Git, oids: Sequence[str]) -> dict[str, Header]:
    """The kind and size of every object, in the order asked.

    Raises:
        GitError: an object is missing or unreadable.
    """
    if not oids:
        return {}
    answer = git.read("cat-file", "--batch-check", "--buffer", stdin="".join(f"{oid}\n" for oid in oids).encode())
    found: dict[str, Header] = {}
    for line in answer.decode("ascii").splitlines():
        oid, kind, *size = line.split(" ")
        if not size:
            raise GitError(f"object {oid} is {kind}: the history that was given is incomplete")
        found[oid] = Header(kind, int(size[0]))
    if len(found) != len(set(oids)):
        raise GitError(f"git described {len(found)} of {len(set(oids))} objects")
    return found


class ObjectReader:
    """Reads objects through one `git cat-file --batch` process."""

    # 500 names fit a pipe's 64 KiB, so writing them all never waits for an answer to be read.
    WINDOW = 500

    def __init__(self, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        self._stdin = stdin
        self._stdout = stdout

    def read(self, names: Sequence[str]) -> Iterator[Object]:
        """Yield the objects in the order asked; a name may be an id or `<id>^{tree}`.

        Raises:
            GitError: an object is missing, or git ended before its answer did.
        """
        for start in range(0, len(names), self.WINDOW):
            window = names[start : start + self.WINDOW]
            try:
                self._stdin.write("".join(f"{name}\n" for name in window).encode("ascii"))
                self._stdin.flush()
            except OSError as error:
                raise GitError("git cat-file ended early, or took longer than its limit") from error
            for name in window:
                yield self._answer(name)

    def _answer(self, name: str) -> Object:
        head = self._stdout.readline().decode("ascii", "replace").split()
        if len(head) != 3 or not head[2].isdigit():
            raise GitError(f"object {name} cannot be read: {' '.join(head) or 'git ended early or took too long'}")
        oid, kind, size = head
        data = self._stdout.read(int(size) + 1)
        if len(data) != int(size) + 1:
            raise GitError(f"object {name} was cut off: git ended early or took too long")
        return Object(oid, kind, data[:-1])


@contextlib.contextmanager
def reader(git: Git) -> Iterator[ObjectReader]:
    """An `ObjectReader` for as long as the block lasts.

    Raises:
        ProcessError: git cannot be started.
    """
    with git.converse("cat-file", "--batch") as child:
        assert child.stdin is not None
        assert child.stdout is not None
        yield ObjectReader(child.stdin, child.stdout)
