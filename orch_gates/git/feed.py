"""The objects that a push adds, listed once and streamed to whoever scans them.

Everything goes through git's plumbing: libgit2 reads neither SHA-256 repositories nor, without a
flag, quarantined objects, and plumbing ignores display configuration.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO

from orch_gates.errors import BudgetExceeded, GitError
from orch_gates.git.cli import Git, complaint, failed
from orch_gates.process import Child

ALL_REFS = ("--all",)

_CHUNK = 1 << 16
_HEADER = "--batch=%(objectname) %(objecttype) %(objectsize) %(rest)"


@dataclass(slots=True)
class Listed:
    """What was listed and asked for: `commits` newest first, `digest` that of all ids in order."""

    commits: list[str] = field(default_factory=list)
    ids: set[bytes] = field(default_factory=set)
    _digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    def add(self, oid: bytes) -> None:
        """Count an object that is asked for."""
        self.ids.add(oid)
        self._digest.update(oid)

    @property
    def digest(self) -> str:
        """The SHA-256 of all ids, in the order in which they were asked for."""
        return self._digest.hexdigest()


def reachable(git: Git, tips: Iterable[str], excluded: Sequence[str], listed: Listed, *, most: int) -> Iterator[bytes]:
    """Lines of `<id> <path>` for what `tips` reach and `excluded` (object ids, or `--all`) do not.

    Raises:
        BudgetExceeded: more than `most` objects.
        GitError: history is broken or git failed.
    """
    args, given = _range(tips, excluded)
    with git.converse("rev-list", "--objects", "--topo-order", *args) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        _send(child.stdin, given)
        for line in child.stdout:
            oid, blank, _ = line.rstrip(b"\n").partition(b" ")
            # A commit is listed without a path, and without the blank before one.
            if not blank:
                listed.commits.append(oid.decode("ascii"))
            listed.add(oid)
            if len(listed.ids) > most:
                raise BudgetExceeded(_too_many(most))
            yield line
        finish(child, "rev-list")


def boundary(git: Git, tips: Iterable[str], excluded: Sequence[str]) -> list[str]:
    """The commits that stood there before: those that the range's commits are made upon.

    Raises:
        GitError: history is broken or git failed.
    """
    args, given = _range(tips, excluded)
    listed = git.read("rev-list", "--boundary", *args, stdin=given)
    return [line[1:].decode("ascii") for line in listed.split(b"\n") if line.startswith(b"-")]


def _range(tips: Iterable[str], excluded: Sequence[str]) -> tuple[list[str], bytes]:
    lines = list(tips)
    args = ["--stdin"]
    if "--all" in excluded:
        args += ["--not", "--all"]
    else:
        lines += [f"^{oid}" for oid in excluded]
    return args, "".join(f"{line}\n" for line in lines).encode("ascii")


def quarantined(git: Git, listed: Listed, quarantine: str, main_store: str, *, most: int) -> Iterator[bytes]:
    """Objects that the push brought along although no pushed ref reaches them (SEC-3).

    Objects that the repository already has are left out: git completes thin packs with them.

    Raises:
        BudgetExceeded: more than `most` objects, with those that were listed.
        GitError: the quarantine cannot be read.
    """
    alone = git.with_env({"GIT_OBJECT_DIRECTORY": quarantine, "GIT_ALTERNATE_OBJECT_DIRECTORIES": None})
    unreached = set()
    with alone.converse("cat-file", "--batch-all-objects", "--batch-check=%(objectname)", "--unordered") as child:
        assert child.stdout is not None
        for line in child.stdout:
            if (oid := line.rstrip(b"\n")) not in listed.ids:
                unreached.add(oid)
                if len(unreached) + len(listed.ids) > most:
                    raise BudgetExceeded(_too_many(most))
        finish(child, "cat-file")
    extra = sorted(unreached)
    if not extra:
        return
    before = git.with_env({"GIT_OBJECT_DIRECTORY": main_store, "GIT_ALTERNATE_OBJECT_DIRECTORIES": None})
    answer = before.read("cat-file", "--batch-check", stdin=b"".join(b"%b\n" % oid for oid in extra))
    present = {line.split(b" ", 1)[0] for line in answer.split(b"\n") if line and not line.endswith(b" missing")}
    for oid in extra:
        if oid not in present:
            listed.add(oid)
            yield oid + b"\n"


def stream(git: Git, lines: Iterable[bytes], to: int) -> None:
    """Write the objects of `lines` (`<id> <path>`), each after a line of id, kind, size and path, to a descriptor.

    Raises:
        GitError: git failed, or complained.
    """
    with git.converse("cat-file", "--buffer", _HEADER, stdout=to) as child:
        assert child.stdin is not None
        chunk: list[bytes] = []
        size = 0
        for line in lines:
            chunk.append(line)
            size += len(line)
            if size > _CHUNK:
                _write(child.stdin, chunk)
                chunk, size = [], 0
        _write(child.stdin, chunk)
        child.stdin.close()
        finish(child, "cat-file")


def _too_many(most: int) -> str:
    return (
        f"more than {most} new objects are more than one check may read; "
        "push in smaller parts, or raise ORCH_SECURITY_MAX_OBJECTS"
    )


def _send(stdin: IO[bytes], data: bytes) -> None:
    _write(stdin, [data])
    stdin.close()


def _write(stdin: IO[bytes], chunk: Sequence[bytes]) -> None:
    try:
        stdin.write(b"".join(chunk))
        stdin.flush()
    except OSError as error:
        raise GitError("git ended early, or took longer than its limit") from error


def finish(child: Child, command: str) -> None:
    """Wait for a child that must succeed and must not complain.

    Raises:
        GitError: a non-zero exit code, or anything on stderr.
    """
    assert child.stderr is not None
    complaints = complaint(child.stderr.read())[-400:].decode("utf-8", "replace")
    if child.wait() != 0 or complaints:
        raise failed(command, child.returncode, complaints or "it ended early or took too long")
