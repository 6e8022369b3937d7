"""Runs a program for as long as its own standard input stays open, whatever becomes of the tests; then cleans up."""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

_LIBC = ctypes.CDLL(None)
_PARENT_DEATH_SIGNAL = 1
_ADOPT_ORPHANS = 36


def _die_with_parent() -> None:
    _LIBC.prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def _end(program: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(program.pid, number)
            program.wait(3)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def _end_descendants() -> None:
    """End also what left the program's group; each comes here when its parent ends."""
    while children := Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        for child in children:
            os.kill(int(child), signal.SIGKILL)
        os.waitpid(-1, 0)


def main() -> int:
    """Keep a program running in a folder, which is removed with it; 1 when the program ended by itself."""
    folder, *argv = sys.argv[1:]
    _LIBC.prctl(_ADOPT_ORPHANS, 1)
    with Path(folder, "log").open("ab") as log:
        program = subprocess.Popen(
            argv,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - no thread runs here
        )
    ended = os.pidfd_open(program.pid)
    ready, _, _ = select.select([sys.stdin, ended], [], [])
    if ended in ready:
        _end_descendants()
        return 1
    _end(program)
    _end_descendants()
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
