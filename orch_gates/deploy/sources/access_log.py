"""The access log of a proxy on this machine, in the common or combined format, read from where it was left."""

from __future__ import annotations

import errno
import os
import re
import stat
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from orch_gates import clock
from orch_gates.deploy.sources.port import Totals, reading
from orch_gates.engine.watch_assessment import Count, NoData, Reading

# `host ident user [time] "request" status …`; both servers escape a quote inside the request.
_LINE = re.compile(rb'\S+ \S+ [^"\n]*\[([^\]\n]{1,64})\] "(?:[^"\\\n]|\\.)*" ([1-5][0-9]{2}) ')
_CHUNK = 1_048_576
_LONGEST_LINE = 65_536
# Of a log that grows faster, the rest is read with the next sample.
_READ_WITHIN_S = 5.0
_BASELINE_BYTES = 4_194_304
_COMPARED = 256
EMPTIED = "the log was truncated, so older lines may be lost"


@dataclass(slots=True)
class _Counts:
    """Lines as they are counted, of those that say when only from `since` on."""

    since: datetime | None = None
    requests: int = 0
    errors: int = 0
    strange: int = 0
    note: str = ""

    def take(self, line: bytes) -> None:
        found = _LINE.match(line)
        if found is None:
            self.strange += 1
            return
        if self.since is not None and not _is_recent(found[1], self.since):
            return
        self.requests += 1
        self.errors += found[2].startswith(b"5")


def _is_recent(moment: bytes, since: datetime) -> bool:
    try:
        return datetime.strptime(moment.decode("ascii"), "%d/%b/%Y:%H:%M:%S %z") >= since
    except ValueError:
        return False


def _opened(path: Path) -> BinaryIO:
    """A regular file, opened to be read.

    Raises:
        OSError: it cannot be, or something else is there, which could let a reader wait for ever.
    """
    # A pipe is not waited for.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a regular file")
    return open(descriptor, "rb")


@dataclass(slots=True)
class _Open:
    """A log that is read; the file stays the same one when it is renamed by a rotation."""

    file: BinaryIO
    rest: bytes = b""
    # The end of what was read, to see that it is still there: a log may be emptied and grow beyond it again.
    last: bytes = b""

    def drain(self, counts: _Counts, give_up: float) -> bool:
        """Count up to the end of the file; whether that was reached in time."""
        if self._is_emptied():
            # Copied and emptied, as `copytruncate` does.
            counts.note = EMPTIED
            self.file.seek(0)
            self.rest, self.last = b"", b""
        while chunk := self.file.read(_CHUNK):
            self.last = (self.last + chunk)[-_COMPARED:]
            *lines, self.rest = (self.rest + chunk).split(b"\n")
            self.rest = self.rest[:_LONGEST_LINE]
            for line in lines:
                counts.take(line)
            if clock.monotonic() > give_up:
                return False
        return True

    def skip(self) -> None:
        """Go to the end of the file."""
        end = self.file.seek(0, os.SEEK_END)
        self.last = os.pread(self.file.fileno(), _COMPARED, max(0, end - _COMPARED))

    def _is_emptied(self) -> bool:
        at = self.file.tell()
        return os.pread(self.file.fileno(), len(self.last), at - len(self.last)) != self.last

    def is_at(self, status: os.stat_result) -> bool:
        mine = os.fstat(self.file.fileno())
        return (mine.st_dev, mine.st_ino) == (status.st_dev, status.st_ino)


@dataclass
class AccessLog:
    """A log file, followed through its rotation; what is older than `window` seconds tells nothing of before."""

    path: Path
    name: str
    window: int
    _now: _Open | None = None
    # A server goes on writing to what was rotated away until it is told.
    _former: _Open | None = None
    _counts: _Counts = field(default_factory=_Counts)

    def before(self) -> Reading:
        """What the end of the log tells of as long a time as a watch takes."""
        counts = _Counts(clock.utc_now() - timedelta(seconds=self.window))
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
            self._now = _Open(_opened(self.path))
            self._now.skip()
        except OSError:
            self.close()

    def read(self) -> Reading:
        """What was written since, in the file that was read and in those that took its place."""
        give_up = clock.monotonic() + _READ_WITHIN_S
        try:
            whole = self._follow(give_up)
        except OSError as error:
            # What was counted before that is told with the next sample.
            return self._unread(error)
        counts, self._counts = self._counts, _Counts()
        if not whole:
            counts.note = f"it grows faster than it can be read in {_READ_WITHIN_S:g} s"
        return self._reading(counts)

    def _follow(self, give_up: float) -> bool:
        """Count to the end of what is there; whether that was reached in time."""
        if self._former is not None:
            if not self._former.drain(self._counts, give_up):
                return False
            self._former.file.close()
            self._former = None
        if self._now is None:
            self._now = _Open(_opened(self.path))
        if not self._now.drain(self._counts, give_up):
            return False
        found = self._successor(self._now)
        if found is None:
            return True
        self._former, self._now = self._now, found
        return self._now.drain(self._counts, give_up)

    def _successor(self, log: _Open) -> _Open | None:
        """The file that is at the path by now, if it is another one."""
        try:
            found = _opened(self.path)
        except FileNotFoundError:
            # In the midst of a rotation.
            return None
        if log.is_at(os.fstat(found.fileno())):
            found.close()
            return None
        return _Open(found)

    def _reading(self, counts: _Counts) -> Reading:
        if counts.strange > counts.requests:
            # One odd line is no other format; where there is never another one, the source is silent all the time.
            return NoData(self.name, "its lines are not in the common or combined format")
        found = reading(self.name, Totals(counts.requests, counts.errors))
        return replace(found, note=counts.note) if isinstance(found, Count) else found

    def _unread(self, error: OSError) -> NoData:
        return NoData(self.name, f"it cannot be read: {error.strerror or type(error).__name__}")

    def close(self) -> None:
        """Let go of the files."""
        for one in (self._former, self._now):
            if one is not None:
                one.file.close()
        self._former = self._now = None
