"""Runs a server for as long as its own standard input stays open, whatever becomes of the tests; then cleans up."""

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


def _die_with_parent() -> None:
    _LIBC.prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def _end(server: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, number)
            server.wait(10)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def main() -> int:
    """Keep a server running in a folder, which is removed with it; 1 when the server ended by itself."""
    folder, *argv = sys.argv[1:]
    with Path(folder, "log").open("ab") as log:
        server = subprocess.Popen(
            argv,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - no thread runs here
        )
    ended = os.pidfd_open(server.pid)
    ready, _, _ = select.select([sys.stdin, ended], [], [])
    if ended in ready:
        return 1
    _end(server)
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
