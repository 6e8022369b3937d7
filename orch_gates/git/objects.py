"""The bytes of single objects, asked for by name."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

from orch_gates.errors import GitError
from orch_gates.git.cli import Git

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Object:
    """An object with all its bytes, headers included."""

    oid: str
    kind: str
    data: bytes


class ObjectReader:
    """Reads objects through one `git cat-file --batch` process."""

    # 500 names fit a pipe's 64 KiB, so writing them all never waits for an answer to be read.
    WINDOW = 500

    def __init__(self, stdin: IO[bytes], stdout: IO[bytes], most_bytes: int) -> None:
        self._stdin = stdin
        self._stdout = stdout
        self._most_bytes = most_bytes

    def read(self, names: Sequence[str]) -> Iterator[Object]:
        """Yield the objects in the order asked; one that is larger than may be held has no data.

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
        oid, kind, length = head
        size = int(length) + 1
        held = int(length) <= self._most_bytes
        data = self._stdout.read(size) if held else self._passed_over(size)
        if held and len(data) != size:
            raise GitError(f"object {name} was cut off: git ended early or took too long")
        return Object(oid, kind, data[:-1])

    def _passed_over(self, size: int) -> bytes:
        while size and (chunk := self._stdout.read(min(size, _CHUNK))):
            size -= len(chunk)
        return b""


@contextlib.contextmanager
def reader(git: Git, *, most_bytes: int) -> Iterator[ObjectReader]:
    """An `ObjectReader` for as long as the block lasts.

    Raises:
        ProcessError: git cannot be started.
    """
    with git.converse("cat-file", "--batch") as child:
        assert child.stdin is not None
        assert child.stdout is not None
        yield ObjectReader(child.stdin, child.stdout, most_bytes)


def exist(git: Git, names: Sequence[str]) -> list[bool]:
    """Whether each of some names (`<commit>:<path>`, without line breaks) is an object.

    Raises:
        GitError: git failed, or answered less than was asked.
    """
    if not names:
        return []
    given = "".join(f"{name}\n" for name in names).encode("utf-8", "surrogateescape")
    answers = git.read("cat-file", "--batch-check", stdin=given).split(b"\n")[:-1]
    if len(answers) != len(names):
        raise GitError(f"git cat-file answered {len(answers)} of {len(names)} requests")
    return [not answer.endswith(b" missing") for answer in answers]
