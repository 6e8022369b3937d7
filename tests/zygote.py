"""`orch-gates` in a process of its own whose modules are loaded already: most of a short command is importing.

The zygote imports the program once and forks for each call. The child gets the caller's arguments, environment,
folder and streams, and ends as the program ends. Where an interpreter would begin differently in the caller's
environment (its locale, its own variables), the caller starts a new one instead.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
MOST = 100_000
_LOCALES = ("LANG", "LANGUAGE", "TZ")


class Zygote:
    """The caller's end; started by the first call."""

    def __init__(self, program: Path) -> None:
        self._program = program
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._begun: Mapping[str, str] = {}

    def run(
        self, args: list[str], cwd: str, stdin: bytes, env: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[bytes] | None:
        """Run the program to its end; None where it needs an interpreter of its own.

        Raises:
            subprocess.TimeoutExpired: it was killed after `timeout` seconds.
        """
        call = json.dumps({"argv": [str(self._program), *args], "cwd": cwd, "env": dict(env)}).encode()
        with self._lock:
            if self._socket is None:
                self._start()
        if len(call) > MOST or _interpreter(env) != self._begun:
            return None
        with contextlib.ExitStack() as stack:
            given, out, err = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(3))
            given.write(stdin)
            given.seek(0)
            ours, theirs = socket.socketpair()
            stack.enter_context(ours)
            with theirs, self._lock:
                assert self._socket is not None
                streams = [given.fileno(), out.fileno(), err.fileno(), theirs.fileno()]
                socket.send_fds(self._socket, [call], streams)
            code = _ended(ours, args, timeout)
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess([str(self._program), *args], code, out.read(), err.read())

    def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            # It ends when this process does: nobody else holds our end.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.zygote", str(theirs.fileno())],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self._begun, self._socket = _interpreter(os.environ), ours


def _interpreter(env: Mapping[str, str]) -> Mapping[str, str]:
    """The variables that an interpreter reads only when it begins."""
    return {name: value for name, value in env.items() if name.startswith(("PYTHON", "LC_")) or name in _LOCALES}


def _ended(answers: socket.socket, args: list[str], timeout: float) -> int:
    """The exit code, as `subprocess` gives it."""
    with answers.makefile("r") as file:
        pid = int(file.readline())
        answers.settimeout(timeout)
        try:
            return int(file.readline())
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            raise subprocess.TimeoutExpired(args, timeout) from None


def _serve(control: socket.socket) -> None:
    while True:
        call, streams, _, _ = socket.recv_fds(control, MOST, 4)
        if not call:
            return
        if not os.fork():
            control.close()
            _mind(json.loads(call), streams)
        for stream in streams:
            os.close(stream)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _mind(call: dict[str, object], streams: list[int]) -> None:
    """Fork once more, and tell how that ended."""
    answers = streams.pop()
    pid = os.fork()
    if not pid:
        os.close(answers)
        _become(call, streams)
    for stream in streams:
        os.close(stream)
    os.write(answers, f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    os.write(answers, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _become(call: dict[str, object], streams: list[int]) -> None:
    argv, cwd, env = call["argv"], call["cwd"], call["env"]
    assert isinstance(argv, list)
    assert isinstance(cwd, str)
    assert isinstance(env, dict)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    sys.argv = argv
    sys.path[0] = str(Path(argv[0]).parent)
    os._exit(_run() & 0xFF)


def _run() -> int:
    from orch_gates.__main__ import main

    code: object = 0
    try:
        main()
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 - as the interpreter does
        traceback.print_exc()
        code = 1
    if isinstance(code, str):
        print(code, file=sys.stderr)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    return code if isinstance(code, int) else int(code is not None)


def _load() -> None:
    import orch_gates

    for module in pkgutil.walk_packages(orch_gates.__path__, "orch_gates."):
        importlib.import_module(module.name)
    # What is never collected is never copied either.
    gc.freeze()


if __name__ == "__main__":
    _load()
    with socket.socket(fileno=int(sys.argv[1])) as control:
        _serve(control)
