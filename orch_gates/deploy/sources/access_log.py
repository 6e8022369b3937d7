"""The access log of a proxy on this machine, in the common or combined format, read from where it was left."""

from __future__ import annotations

import errno
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from orch_gates import clock
from orch_gates.deploy.sources.port import Totals, reading
from orch_gates.engine.watching import NoData, Reading

# `host ident user [time] "request" status …`; both servers escape a quote inside the request.
_LINE = re.compile(rb'\S+ \S+ [^"\n]*\[[^\]\n]{1,64}\] "(?:[^"\\\n]|\\.)*" ([1-5][0-9]{2}) ')
_CHUNK = 1_048_576
_LONGEST_LINE = 65_536
# Of a log that grows faster, the rest is read with the next sample.
_READ_WITHIN_S = 5.0
_BASELINE_BYTES = 4_194_304


@dataclass(slots=True)
class _Counts:
    requests: int = 0
    errors: int = 0
    strange: int = 0

    def take(self, line: bytes) -> None:
        found = _LINE.match(line)
        if found is None:
            self.strange += 1
            return
        self.requests += 1
        self.errors += found[1].startswith(b"5")


def _opened(path: Path) -> BinaryIO:
    """A regular file, opened to be read.

    Raises:
        OSError: it cannot be, or something else is there, which could let a reader wait for ever.
    """
    # A pipe is not waited for.
    file = open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")  # noqa: SIM115 - the caller closes it
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is not a regular file")
    return file


@dataclass
class AccessLog:
    """A log file; the open file is the one that was at the path, also after it was renamed by a rotation."""

    path: Path
    name: str
    _file: BinaryIO | None = None
    _rest: bytes = b""
    _counts: _Counts = field(default_factory=_Counts)

    def before(self) -> Reading:
        """What the end of the log tells."""
        counts = _Counts()
        try:
            with _opened(self.path) as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - _BASELINE_BYTES))
                lines = file.read(_BASELINE_BYTES).split(b"\n")
        except OSError as error:
            return self._unread(error)
        # The first line may have begun before, the last one may go on.
        for line in lines[1 if size > _BASELINE_BYTES else 0 : -1]:
            counts.take(line)
        return self._reading(counts)

    def begin(self) -> None:
        """Count what is written from here on; a log that is not there yet is read from its begin."""
        self.close()
        try:
            self._file = _opened(self.path)
            self._file.seek(0, os.SEEK_END)
        except OSError:
            self.close()

    def read(self) -> Reading:
        """What was written since, in the file that was read and in those that took its place."""
        self._counts = _Counts()
        give_up = clock.monotonic() + _READ_WITHIN_S
        try:
            if self._file is None:
                self._file = _opened(self.path)
            while not self._drain(self._file, give_up):
                found = self._successor(self._file)
                if found is None:
                    break
                self.close()
                self._file = found
        except OSError as error:
            return self._unread(error)
        return self._reading(self._counts)

    def _drain(self, file: BinaryIO, give_up: float) -> bool:
        """Count up to the end of a file; whether the time was up before."""
        if os.fstat(file.fileno()).st_size < file.tell():
            # Copied and emptied, as `copytruncate` does.
            file.seek(0)
            self._rest = b""
        while chunk := file.read(_CHUNK):
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            self._rest = self._rest[:_LONGEST_LINE]
            for line in lines:
                self._counts.take(line)
            if clock.monotonic() > give_up:
                return True
        return False

    def _successor(self, file: BinaryIO) -> BinaryIO | None:
        """The file that is at the path by now, if it is another one."""
        mine = os.fstat(file.fileno())
        try:
            found = _opened(self.path)
        except FileNotFoundError:
            # In the midst of a rotation.
            return None
        theirs = os.fstat(found.fileno())
        if (mine.st_dev, mine.st_ino) == (theirs.st_dev, theirs.st_ino):
            found.close()
            return None
        return found

    def _reading(self, counts: _Counts) -> Reading:
        if counts.strange > counts.requests:
            # One odd line is no other format; where there is never another one, the source is silent all the time.
            return NoData(self.name, "its lines are not in the common or combined format")
        return reading(self.name, Totals(counts.requests, counts.errors))

    def _unread(self, error: OSError) -> NoData:
        return NoData(self.name, f"it cannot be read: {error.strerror or type(error).__name__}")

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
        self._file, self._rest = None, b""
