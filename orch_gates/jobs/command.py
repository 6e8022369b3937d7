"""A job's command: its streams are passed on as they are, signals reach it, and it ends with whoever runs it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import IO

from orch_gates import clock, machine, process

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Between being asked to end and being ended.
GRACE_S = 10.0
# For what a command left behind to write its last lines, as a `tee` does; and for a reader that reads no more.
_LINGERS_S = 1.0
_STUCK_S = 10.0
_LOOK_S = 0.05
_CHUNK = 65_536
# As much as a pipe takes at once where it takes anything.
_PIECE = 4096
_STDOUT, _STDERR = 1, 2
_CUT = b"\n[the rest of the output is not shown here]\n"
# The command writes its session here before it begins, and the runner's end closes the pipe. Several looks find what
# left the command's group but not its session, and what was started during the look before. `kill -KILL -- -GROUP` is
# an illegal number to dash.
_GUARD = """
read -r session || exit 0
read -r _ && exit 0
looks=100
while [ $looks -gt 0 ]; do
    looks=$((looks - 1)) found=
    kill -s KILL -- "-$session"
    for file in /proc/[0-9]*/stat; do
        read -r line <"$file" || continue
        set -- ${line##*) }
        [ "${4:-}" = "$session" ] && [ "$1" != Z ] || continue
        pid=${file#/proc/}
        kill -s KILL "${pid%/stat}" && found=1
    done
    [ "$found" ] || exit 0
done
"""


@dataclass(frozen=True, slots=True)
class CommandEnd:
    """How a command ended, and the end of what it wrote to either stream; `timed_out`: its time was over."""

    returncode: int
    output: bytes = b""
    written: int = 0
    timed_out: bool = False

    @property
    def exit_code(self) -> int:
        """What a shell says of it; 124 where it called itself well although its time was over."""
        if self.returncode < 0:
            return 128 - self.returncode
        return 124 if self.timed_out and self.returncode == 0 else self.returncode


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    timeout: float,
    keep: int,
    grace: float = GRACE_S,
    most: int | None = None,
    to_stderr: bool = False,
) -> CommandEnd:
    """Run a command to its end in a session of its own, with our input; `timeout` in seconds, 0 for no bound.

    What it writes is passed on at once, byte for byte: of each stream at most `most` bytes, and then a line that says
    so; all of it `to_stderr` where our output is for something else. The last `keep` bytes are kept. Interrupts and
    hangups are
    passed on to it. What it left running in its session is ended with it; so is all of it where this process is killed.

    Raises:
        ProcessError: it could not be started.
    """
    forwarding = _Forwarding()
    with forwarding.installed(), process.closed_to_others(), _guarded() as guard:
        together = to_stderr or _one_stream()
        with process.spawn(
            argv,
            env=env,
            cwd=None,
            stdin=None,
            stderr=process.STDOUT if together else process.PIPE,
            first=guard.watch_this,
        ) as child:
            forwarding.to(child.pid)
            out = _STDERR if to_stderr else _STDOUT
            passing = _Passing(child, keep, together=together, most=most, out=out)
            timed_out = passing.until_over(clock.monotonic() + timeout if timeout else None, grace)
            # Its number is its own as long as nobody has waited for it.
            forwarding.to(0)
            guard.dismiss()
            return CommandEnd(child.wait(), bytes(passing.kept), passing.written, timed_out)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Let signals to end pass by while the block lasts: what a command came to is recorded all the same."""
    with _handled(lambda _number, _frame: None):
        yield


def ask_to_end(runner: machine.ProcessIdentity, how: signal.Signals = signal.SIGTERM) -> bool:
    """Ask a process of this machine to end, where it is known to be the one that is meant; tells whether it was.

    Killed, a wrapper's command and all in its session end with it.
    """
    if not runner.started or runner.host != machine.identity().host:
        return False
    try:
        # A number is given again; the descriptor stays with its process.
        descriptor = os.pidfd_open(runner.pid)
    except (OSError, AttributeError):
        return False
    try:
        if machine.is_dead(runner):
            return False
        signal.pidfd_send_signal(descriptor, how)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


class _Forwarding:
    """Passes signals on to a process group, those too that come before there is one."""

    def __init__(self) -> None:
        self._group = 0
        self._early: list[int] = []
        self._over = False

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        with _handled(self._take):
            yield

    def to(self, group: int) -> None:
        """Pass signals on to this group from now on; to none where it is 0."""
        self._group, self._over = group, not group
        while self._early:
            self._send(self._early.pop(0))

    def _take(self, number: int, _frame: FrameType | None) -> None:
        if self._group:
            self._send(number)
        elif not self._over:
            self._early.append(number)

    def _send(self, number: int) -> None:
        if self._group:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._group, number)


@contextlib.contextmanager
def _handled(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # What is ignored stays so, as with nohup, also for the command.
    before = {number: was for number in SIGNALS if (was := signal.getsignal(number)) is not signal.SIG_IGN}
    for number in before:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, was in before.items():
            signal.signal(number, was or signal.SIG_DFL)


class _Guard:
    """A process that ends a session when this one is gone; it is in a session of its own, so that it outlives us."""

    def __init__(self, child: process.Child) -> None:
        self._child = child

    def watch_this(self) -> None:
        """Have the session of the calling process ended; called before the command begins, so that none is missed."""
        assert self._child.stdin is not None
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        with contextlib.suppress(BrokenPipeError):
            os.write(self._child.stdin.fileno(), f"{os.getpid()}\n".encode("ascii"))
        # As a program begins with it; Python's own memory of it is of before the fork.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)

    def dismiss(self) -> None:
        """Nothing is left that it could end."""
        self._child.kill()
        self._child.wait()


@contextlib.contextmanager
def _guarded() -> Iterator[_Guard]:
    argv = ["sh", "-c", _GUARD]
    env = {"PATH": os.defpath}
    with process.spawn(
        argv, env=env, cwd=None, stdin=process.PIPE, stdout=process.DEVNULL, stderr=process.DEVNULL
    ) as child:
        yield _Guard(child)


def _one_stream() -> bool:
    """Whether our output and our complaints go to the same place, where their order has to stay."""
    try:
        return os.path.sameopenfile(_STDOUT, _STDERR)
    except OSError:
        return False


@dataclass(slots=True)
class _Stream:
    """One stream of the command, and where it goes; what is `pending` was read and is not written yet.

    `left`: how many more bytes may be passed on; None for no bound. `lost`: nothing more is written.
    """

    source: IO[bytes]
    target: int
    left: int | None = None
    pending: bytes = b""
    open: bool = True
    lost: bool = False

    def read(self) -> bytes | None:
        """What is there now: None for nothing yet, empty at the end."""
        try:
            return os.read(self.source.fileno(), _CHUNK)
        except BlockingIOError:
            return None

    def pass_on(self, chunk: bytes) -> None:
        """Have this written, as far as it may be."""
        if self.lost:
            return
        self.pending = chunk[: self.left]
        if self.left is not None:
            self.left -= len(self.pending)
            if len(self.pending) < len(chunk):
                self.pending, self.lost = self.pending + _CUT, True

    def write(self) -> None:
        """Pass on what is pending, as far as it is taken at once."""
        try:
            written = os.write(self.target, self.pending[:_PIECE])
        except BlockingIOError:
            return
        except BrokenPipeError:
            # The command is told the same, as if it had written there itself.
            self.pending, self.lost = b"", True
            self.close()
        except OSError:
            # A full disk is no reason to stop its work.
            self.pending, self.lost = b"", True
        else:
            self.pending = self.pending[written:]

    def close(self) -> None:
        if self.open:
            self.open = False
            self.source.close()


@dataclass(slots=True)
class _Passing:
    """Passes a child's output on, until it has ended and all is written."""

    child: process.Child
    keep: int
    together: bool
    most: int | None
    out: int = _STDOUT
    kept: bytearray = field(default_factory=bytearray)
    written: int = 0
    streams: list[_Stream] = field(default_factory=list)

    def until_over(self, deadline: float | None, grace: float) -> bool:
        """Whether its time was over before it ended; then it is asked to end, and ended `grace` seconds later."""
        self._begin()
        timed_out = False
        with _end_of(self.child) as end:
            while not process.has_ended(self.child):
                now = clock.monotonic()
                if deadline is not None and now >= deadline:
                    if timed_out:
                        process.end_session(self.child.pid)
                    else:
                        with contextlib.suppress(ProcessLookupError, PermissionError):
                            os.killpg(self.child.pid, signal.SIGTERM)
                    timed_out, deadline = True, now + grace
                wait = None if deadline is None else max(deadline - now, 0.0)
                self._pass_on(end, wait)
        self._finish()
        return timed_out

    def _begin(self) -> None:
        assert self.child.stdout is not None
        self.streams = [_Stream(self.child.stdout, self.out, self.most)]
        if self.child.stderr is not None:
            self.streams.append(_Stream(self.child.stderr, _STDERR, self.most))
        for stream in self.streams:
            os.set_blocking(stream.source.fileno(), False)

    def _finish(self) -> None:
        """What it left may write for a moment, and is ended then; whoever left the session is not waited for."""
        until = clock.monotonic() + _LINGERS_S
        while any(stream.open for stream in self.streams) and (left := until - clock.monotonic()) > 0:
            self._pass_on([], left)
        process.end_session(self.child.pid)
        stuck = clock.monotonic() + _STUCK_S
        while any(stream.open or stream.pending for stream in self.streams) and clock.monotonic() < stuck:
            before = self.written, sum(len(stream.pending) for stream in self.streams)
            self._pass_on([], _LOOK_S)
            idle = before == (self.written, sum(len(stream.pending) for stream in self.streams))
            if idle and not any(stream.pending for stream in self.streams):
                return

    def _pass_on(self, also: Sequence[int], wait: float | None) -> None:
        readers = {stream.source.fileno(): stream for stream in self.streams if stream.open and not stream.pending}
        writers = {stream.target: stream for stream in self.streams if stream.pending}
        # Where its end cannot be waited for, it is looked for.
        most = wait if also else min(_LOOK_S, _LOOK_S if wait is None else wait)
        readable, writable, _ = select.select([*readers, *also], list(writers), [], most)
        for number in writable:
            writers[number].write()
        for number in readable:
            if number in readers:
                self._take(readers[number])

    def _take(self, stream: _Stream) -> None:
        chunk = stream.read()
        if chunk is None:
            return
        if not chunk:
            stream.close()
            return
        self.written += len(chunk)
        self.kept += chunk
        del self.kept[: -self.keep]
        stream.pass_on(chunk)


@contextlib.contextmanager
def _end_of(child: process.Child) -> Iterator[list[int]]:
    """A descriptor that can be read once a child has ended; none where a machine knows no such thing."""
    try:
        descriptor = os.pidfd_open(child.pid)
    except (OSError, AttributeError):
        yield []
        return
    try:
        yield [descriptor]
    finally:
        os.close(descriptor)
