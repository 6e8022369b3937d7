"""The only place that starts processes: bounded in time and output, killed as a group."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from orch_gates.errors import ProcessError

STDERR_SHOWN = 400
PIPE = subprocess.PIPE

Child = subprocess.Popen[bytes]


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
) -> Completed:
    """Run a command to its end; `memory` bounds the bytes that it may allocate, 0 for no bound.

    Without a `session` of its own it ends with whoever ends our group, and a timeout ends it alone.

    A timeout kills the whole process group: gitleaks can hang on its own git child for ever
    (reference/scanners.md §1).

    Raises:
        ProcessError: it could not be started or did not end within `timeout` seconds.
    """
    given = stdin if isinstance(stdin, bytes) else None
    source = PIPE if isinstance(stdin, bytes) else stdin or subprocess.DEVNULL
    with _spawn(argv, env=env, cwd=cwd, stdin=source, memory=memory, session=session) as child:
        try:
            stdout, stderr = child.communicate(given, timeout=timeout)
        except subprocess.TimeoutExpired as error:
            raise ProcessError(f"{argv[0]} did not finish within {timeout:.0f} s") from error
        return Completed(child.returncode, stdout, stderr)


@contextlib.contextmanager
def converse(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    timeout: float,
    memory: int = 0,
    stdout: int = PIPE,
    pass_fds: Sequence[int] = (),
) -> Iterator[Child]:
    """A child to write to and read from; its group is killed when the block is left.

    It is also killed `timeout` seconds after its start: the reader then sees the end of the
    stream, which is never the end of an answer. `stdout` may be a file descriptor that somebody else reads,
    `pass_fds` are those that the child inherits, `memory` bounds the bytes that it may allocate.

    Raises:
        ProcessError: it could not be started.
    """
    with _spawn(argv, env=env, cwd=None, stdin=PIPE, memory=memory, stdout=stdout, pass_fds=pass_fds) as child:
        watchdog = threading.Timer(timeout, _kill_group, [child])
        watchdog.daemon = True
        watchdog.start()
        try:
            yield child
        finally:
            watchdog.cancel()


@contextlib.contextmanager
def _spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | None,
    stdin: IO[bytes] | int,
    memory: int = 0,
    stdout: int = PIPE,
    pass_fds: Sequence[int] = (),
    session: bool = True,
) -> Iterator[Child]:
    try:
        child = subprocess.Popen(
            list(argv),
            env=dict(env),
            cwd=cwd,
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            start_new_session=session,
            pass_fds=pass_fds,
        )
    except OSError as error:
        raise ProcessError(f"cannot start {argv[0]}: {error.strerror or error}") from error
    except ValueError as error:
        raise ProcessError(f"cannot start {argv[0]}: an argument cannot be one: {error}") from error
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
