"""Files of results, read in pieces and within bounds: only regular ones, and no more of them than is judged."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from orch_gates.results.model import ResultsUnreadable

MOST_BYTES = 256 * 1024 * 1024
_LONGEST_LINE = 1024 * 1024
_CHUNK = 65_536


class ResultFile:
    """One open file of results; what was read of it is hashed on the way."""

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises:
            Unreadable: it is absent, a link, or no regular file.
        """
        try:
            # Without O_NONBLOCK a pipe would be waited for without end.
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, ValueError) as error:
            cause = (error.strerror if isinstance(error, OSError) else None) or str(error)
            raise ResultsUnreadable(f"it cannot be read: {cause}") from error
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise ResultsUnreadable("it is not a regular file")
        self._stream = open(handle, "rb")  # noqa: SIM115 - closed by `close`
        self._hash = hashlib.sha256()
        self._size = 0

    @property
    def digest(self) -> str:
        """The SHA-256 of what was read so far."""
        return f"sha256:{self._hash.hexdigest()}"

    def begin(self, size: int) -> bytes:
        """The first bytes; what reads on begins with them again."""
        found = self._stream.read(size)
        self._stream.seek(0)
        return found

    def chunks(self, most: int = MOST_BYTES) -> Iterator[bytes]:
        """The content in pieces.

        Raises:
            Unreadable: there is more of it than `most` bytes, or it cannot be read.
        """
        while True:
            try:
                chunk = self._stream.read(_CHUNK)
            except OSError as error:
                raise ResultsUnreadable(f"it cannot be read: {error.strerror}") from error
            if not chunk:
                return
            self._size += len(chunk)
            if self._size > most:
                raise ResultsUnreadable(f"it is longer than {most} bytes")
            self._hash.update(chunk)
            yield chunk

    def whole(self, most: int) -> bytes:
        """All of it.

        Raises:
            Unreadable: as `chunks`.
        """
        return b"".join(self.chunks(most))

    def lines(self) -> Iterator[str]:
        """Its lines without their ends.

        Raises:
            Unreadable: as `chunks`; or a line is too long, or no UTF-8.
        """
        number, rest = 0, b""
        for chunk in self.chunks():
            parts = (rest + chunk).split(b"\n")
            rest = parts.pop()
            for part in parts:
                number += 1
                yield _decoded(part, number)
            if len(rest) > _LONGEST_LINE:
                raise ResultsUnreadable(f"a line is longer than {_LONGEST_LINE} bytes", number + 1)
        if rest:
            yield _decoded(rest, number + 1)

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


def _decoded(line: bytes, number: int) -> str:
    try:
        return line.removesuffix(b"\r").decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise ResultsUnreadable("it is not UTF-8", number) from error
