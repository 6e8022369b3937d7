"""The only place that starts processes: bounded in time and output, killed as a group."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from orch_gates import machine
from orch_gates.errors import ProcessError

STDERR_SHOWN = 400
PIPE = subprocess.PIPE
STDOUT = subprocess.STDOUT
DEVNULL = subprocess.DEVNULL
_CHUNK = 65_536
_LOOK_S = 0.05
_SET_DUMPABLE = 4
# What Linux lets anybody enlarge a pipe to.
_PIPE_HOLDS = 1_048_576
_SESSION = 3
_STARTS_WITHIN_S = 30

Child = subprocess.Popen[bytes]


@dataclass(frozen=True, slots=True)
class User:
    """Whom a child runs as where that is somebody else; only a superuser may choose."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Completed:
    """How a child process ended. `returncode` is negative when a signal ended it."""

    returncode: int
    stdout: bytes
    stderr: bytes

    @property
    def complaint(self) -> str:
        """The end of stderr on one line, for an error message."""
        text = " ".join(self.stderr.decode("utf-8", "replace").split())
        return text[-STDERR_SHOWN:]


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    timeout: float,
    cwd: Path | None = None,
    stdin: bytes | IO[bytes] | None = None,
    memory: int = 0,
    session: bool = True,
    user: User | None = None,
) -> Completed:
    """Run a command to its end, as `user`; `memory` bounds the bytes that it may allocate, 0 for no bound.

    Without a `session` of its own it ends with whoever ends our group, and a timeout ends it alone.

    A timeout kills the whole process group: gitleaks can hang on its own git child for ever.

    Raises:
        ProcessError: it could not be started or did not end within `timeout` seconds.
    """
    given = stdin if isinstance(stdin, bytes) else None
    source = PIPE if isinstance(stdin, bytes) else stdin or subprocess.DEVNULL
    with spawn(argv, env=env, cwd=cwd, stdin=source, memory=memory, session=session, user=user) as child:
        try:
            stdout, stderr = child.communicate(given, timeout=timeout)
        except subprocess.TimeoutExpired as error:
            raise ProcessError(f"{argv[0]} did not finish within {timeout:.0f} s") from error
        return Completed(child.returncode, stdout, stderr)


@dataclass(frozen=True, slots=True)
class Tail:
    """How a command ended, and the end of what it wrote to either stream; `timed_out`: it was ended by us."""

    returncode: int
    output: bytes
    written: int
    timed_out: bool


def run_apart(argv: Sequence[str], *, env: Mapping[str, str], timeout: float, cwd: Path, most: int) -> Tail:
    """Run foreign code to its end, in a session of its own; whatever it started and left in it is ended with it.

    Of its output the last `most` bytes are kept, however much there is. What this process has in its environment and
    memory is not to be read by it, as far as the machine can keep that from the same user.

    Raises:
        ProcessError: it could not be started.
    """
    deadline = time.monotonic() + timeout
    kept, written, streams = bytearray(), 0, []
    if shutil.which(argv[0], path=env.get("PATH", os.defpath)) is None:
        raise ProcessError(f"cannot start {argv[0]}: there is no such program")
    # It begins when it is told to: by then nobody can look into this process any more.
    waiting = ["sh", "-c", 'read -r _ && exec "$@" </dev/null', "sh", *argv]
    with spawn(waiting, env=env, cwd=cwd, stdin=PIPE, stderr=subprocess.STDOUT) as child, closed_to_others():
        assert child.stdout is not None
        assert child.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            child.stdin.write(b"\n")
            child.stdin.close()
        os.set_blocking(child.stdout.fileno(), False)
        streams = [child.stdout]
        while True:
            select.select(streams, [], [], _LOOK_S)
            ended = has_ended(child)
            over = ended or time.monotonic() > deadline
            if over:
                # Its session still exists while it is not waited for, so this ends nobody else.
                end_session(child.pid)
            # Whoever left the session may write for ever: what the pipe held is read, and no more.
            left = _PIPE_HOLDS if over else 0
            while streams and (chunk := _available(child.stdout)) is not None:
                written += len(chunk)
                kept += chunk
                del kept[:-most]
                if not chunk:
                    streams = []
                left -= len(chunk)
                if left <= 0:
                    break
            if over:
                return Tail(child.wait(), bytes(kept), written, timed_out=not ended)


def leave_running(argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path) -> None:
    """Start a command that outlives this process, in a session of its own; its output is added to `log`, for us alone.

    Raises:
        ProcessError: it could not be started.
    """
    if shutil.which(argv[0], path=env.get("PATH", os.defpath)) is None:
        raise ProcessError(f"cannot start {argv[0]}: there is no such program")
    try:
        # It may hold what the command prints, which nobody looked through.
        os.close(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise ProcessError(f"cannot start {argv[0]}: cannot write to {log}: {error.strerror}") from error
    # The shell ends at once, so its child is nobody's here: no dead one waits for whoever loops.
    behind = ["sh", "-c", 'log=$1; shift; "$@" </dev/null >>"$log" 2>&1 &', "sh", str(log), *argv]
    try:
        child = subprocess.Popen(
            behind,
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise ProcessError(f"cannot start {argv[0]}: {error.strerror or error}") from error
    if child.wait(timeout=_STARTS_WITHIN_S) != 0:
        raise ProcessError(f"cannot start {argv[0]}: its output cannot be written to {log}")


@contextlib.contextmanager
def closed_to_others() -> Iterator[None]:
    """Let no process of the same user read this one's environment or memory, while the block lasts.

    A superuser may all the same, where nothing takes that right away; a container usually does. A machine without
    `prctl` protects nothing.
    """
    # Only here it is needed.
    import ctypes

    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is None:
        yield
        return
    prctl(_SET_DUMPABLE, 0, 0, 0, 0)
    try:
        yield
    finally:
        prctl(_SET_DUMPABLE, 1, 0, 0, 0)


def has_ended(child: Child) -> bool:
    """Whether it ended; it is not waited for, so that its number stays its own."""
    return os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _available(stream: IO[bytes]) -> bytes | None:
    """What can be read now: None where that is nothing yet, empty at the end."""
    try:
        return os.read(stream.fileno(), _CHUNK)
    except BlockingIOError:
        return None


def end_session(leader: int) -> None:
    """End a child's group, and what left the group but not the session: `timeout` does, and a shell's own jobs."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
    # What was started meanwhile is found the next time.
    for _ in range(10):
        found = [pid for pid in machine.processes() if _is_in_session(pid, leader)]
        for pid in found:
            with contextlib.suppress(OSError):
                _kill_in_session(pid, leader)
        if not found:
            return


def _is_in_session(pid: int, leader: int) -> bool:
    return machine.stat_of(pid)[_SESSION : _SESSION + 1] == [str(leader).encode()]


def _kill_in_session(pid: int, leader: int) -> None:
    # A number is given again; the descriptor stays with its process.
    descriptor = os.pidfd_open(pid)
    try:
        if _is_in_session(pid, leader):
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def converse(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    timeout: float,
    memory: int = 0,
    stdout: int = PIPE,
    pass_fds: Sequence[int] = (),
    user: User | None = None,
) -> Iterator[Child]:
    """A child to write to and read from; its group is killed when the block is left.

    It is also killed `timeout` seconds after its start: the reader then sees the end of the
    stream, which is never the end of an answer. `stdout` may be a file descriptor that somebody else reads,
    `pass_fds` are those that the child inherits, `memory` bounds the bytes that it may allocate.

    Raises:
        ProcessError: it could not be started.
    """
    with spawn(
        argv, env=env, cwd=None, stdin=PIPE, memory=memory, stdout=stdout, pass_fds=pass_fds, user=user
    ) as child:
        watchdog = threading.Timer(timeout, _kill_group, [child])
        watchdog.daemon = True
        watchdog.start()
        try:
            yield child
        finally:
            watchdog.cancel()


@contextlib.contextmanager
def spawn(  # noqa: PLR0913 - each is a word of Popen
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | None,
    stdin: IO[bytes] | int | None,
    memory: int = 0,
    stdout: int = PIPE,
    stderr: int = PIPE,
    pass_fds: Sequence[int] = (),
    session: bool = True,
    user: User | None = None,
    first: Callable[[], None] | None = None,
) -> Iterator[Child]:
    """A child, as Popen starts it; with a `session` its group is killed when the block is left, else it alone.

    Without a `stdin` it reads what this process would. `first` is called in the child, before the program begins.

    Raises:
        ProcessError: it could not be started.
    """
    try:
        child = subprocess.Popen(
            list(argv),
            env=dict(env),
            cwd=cwd,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=session,
            pass_fds=pass_fds,
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=user.groups if user else None,
            preexec_fn=first,  # noqa: PLW1509 - what it calls takes no lock
        )
    except OSError as error:
        raise ProcessError(f"cannot start {argv[0]}: {error.strerror or error}") from error
    except ValueError as error:
        raise ProcessError(f"cannot start {argv[0]}: an argument cannot be passed to a program: {error}") from error
    try:
        if memory:
            _bound(child, memory)
        yield child
    finally:
        if session:
            _kill_group(child)
        else:
            child.kill()
        for pipe in (child.stdin, child.stdout, child.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        child.wait()


def _bound(child: Child, memory: int) -> None:
    """What git maps of its packs does not count, as that is the disk's; where there is no such limit, time is one."""
    if hasattr(resource, "prlimit"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            resource.prlimit(child.pid, resource.RLIMIT_DATA, (memory, memory))


def _kill_group(child: Child) -> None:
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
