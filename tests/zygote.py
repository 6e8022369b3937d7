"""`orch-gates` in a process of its own whose modules are loaded already: most of a short command is importing.

The zygote imports the program once and forks for each call. The child gets the caller's arguments, environment,
folder and streams, and ends as the program ends. Where an interpreter would begin differently in the caller's
environment (its locale, its own variables), the caller starts a new one instead.

A server's hook and a runner's job call it by `Zygote.caller`, a program that anybody can start:
`tests/zygote_caller.c`. Where there is no C compiler that is the real program.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import io
import os
import pkgutil
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TextIO

from pydantic import BaseModel

ROOT = Path(__file__).parents[1]
MOST = 100_000
_CALLER = Path(__file__).with_name("zygote_caller.c")
_COMPILE_S = 60
_READ_ONCE = ("LANGUAGE", "TZ")
# Python takes UTF-8 in each of them, and passes on what is none.
_UTF8 = ("C", "POSIX", "C.UTF-8", "C.utf8")


@dataclass(frozen=True)
class Call:
    """What a caller wants: a program with its arguments or, where it is named, a module of the tests."""

    argv: list[str]
    module: str
    cwd: str
    env: Mapping[str, str]


class Zygote:
    """The caller's end; started by the first call."""

    def __init__(self, program: Path) -> None:
        self._program = program
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._begun: Mapping[str, str] = {}
        self._caller: Path | None = None

    @property
    def caller(self) -> Path:
        """A program that has the zygote run the real one; where that cannot be, it becomes the real one.

        What it began is killed with it.
        """
        with self._lock:
            if self._socket is None:
                self._start()
        assert self._caller is not None
        return self._caller

    def run(
        self, args: list[str], cwd: str, stdin: bytes, env: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[bytes] | None:
        """Run the program to its end; None where it needs an interpreter of its own.

        Raises:
            subprocess.TimeoutExpired: it was killed after `timeout` seconds.
        """
        argv = [str(self._program), *args]
        child = self._begin(argv, "", cwd, stdin, env)
        if child is None:
            return None
        try:
            out, err = child.output(timeout)
        except subprocess.TimeoutExpired:
            child.kill()
            child.output()
            raise
        assert child.returncode is not None
        return subprocess.CompletedProcess(argv, child.returncode, out, err)

    def module(self, name: str, args: list[str], cwd: str, env: Mapping[str, str]) -> Child:
        """Start a process that calls the `main` of a module."""
        child = self._begin([name, *args], name, cwd, b"", env)
        assert child is not None, "these variables need an interpreter of their own"
        return child

    def _begin(self, argv: list[str], module: str, cwd: str, stdin: bytes, env: Mapping[str, str]) -> Child | None:
        call = _packed(argv, module, cwd, env)
        with self._lock:
            if self._socket is None:
                self._start()
        if len(call) > MOST or _interpreter(env) != self._begun:
            return None
        # What it writes is read after its end.
        out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115
        with tempfile.TemporaryFile() as given:
            given.write(stdin)
            given.seek(0)
            ours, theirs = socket.socketpair()
            with theirs, self._lock:
                assert self._socket is not None
                streams = [given.fileno(), out.fileno(), err.fileno(), theirs.fileno()]
                socket.send_fds(self._socket, [call], streams)
        return Child(argv, ours, out, err)

    def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        folder = Path(tempfile.mkdtemp(prefix="zygote-"))
        atexit.register(_remove, folder, os.getpid())
        with theirs, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
            door.bind(str(folder / "door"))
            door.listen(socket.SOMAXCONN)
            # It ends when this process does: nobody else holds our end.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.zygote", str(theirs.fileno()), str(door.fileno())],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno(), door.fileno()],
            )
        self._caller = compiled_caller(self._program, folder / "door", folder)
        self._begun, self._socket = _interpreter(os.environ), ours


class Child:
    """A process that was forked from the zygote, in the manner of `subprocess.Popen`."""

    def __init__(self, argv: list[str], answers: socket.socket, out: IO[bytes], err: IO[bytes]) -> None:
        self.args = argv
        self.returncode: int | None = None
        self._answers, self._lines = answers, answers.makefile("r")
        self._streams = (out, err)
        self.pid = int(self._lines.readline())

    def poll(self) -> int | None:
        """The exit code, a signal as a negative number; None while it runs."""
        if self.returncode is None and select.select([self._answers], [], [], 0)[0]:
            self._end()
        return self.returncode

    def kill(self) -> None:
        """Kill it, where it runs."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it wrote until its end."""
        out, err = self.output(timeout)
        return out.decode(), err.decode()

    def output(self, timeout: float | None = None) -> tuple[bytes, bytes]:
        """As bytes.

        Raises:
            subprocess.TimeoutExpired: it still runs after `timeout` seconds.
        """
        if self.returncode is None:
            if not select.select([self._answers], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self._end()
        for stream in self._streams:
            stream.seek(0)
        out, err = (stream.read() for stream in self._streams)
        return out, err

    def _end(self) -> None:
        self.returncode = int(self._lines.readline())
        self._lines.close()
        self._answers.close()

    def __del__(self) -> None:
        for stream in (*self._streams, self._lines, self._answers):
            stream.close()


def compiled_caller(program: Path, door: Path, folder: Path) -> Path:
    """The program that has the zygote behind a door run another one; that itself where there is no C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return program
    caller = folder / program.name
    given = [f'-DPROGRAM="{program}"', f'-DDOOR="{door}"', f"-DMOST={MOST}"]
    subprocess.run([compiler, "-O1", *given, "-o", caller, _CALLER], check=True, timeout=_COMPILE_S)
    return caller


def _packed(argv: list[str], module: str, cwd: str, env: Mapping[str, str]) -> bytes:
    words = [str(len(argv)), *argv, module, cwd, *(f"{name}={value}" for name, value in env.items())]
    return b"\0".join(map(os.fsencode, words))


def _unpacked(call: bytes) -> Call:
    count, *words = map(os.fsdecode, call.split(b"\0"))
    argv, (module, cwd, *env) = words[: int(count)], words[int(count) :]
    pairs = (pair.partition("=") for pair in env)
    return Call(argv, module, cwd, {name: value for name, _, value in pairs})


def _remove(folder: Path, owner: int) -> None:
    """Take it away at the end of the process that made it, and not of one that was forked from that."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


def _interpreter(env: Mapping[str, str]) -> Mapping[str, str]:
    """What an interpreter reads only when it begins; git is started with LC_ALL=C, and so is what it starts."""
    characters = env.get("LC_ALL") or env.get("LC_CTYPE") or env.get("LANG") or "C"
    own = {name: value for name, value in env.items() if name.startswith("PYTHON") or name in _READ_ONCE}
    return {**own, "LC_CTYPE": "C" if characters in _UTF8 else characters}


def _serve(control: socket.socket, door: socket.socket) -> None:
    """Fork for each call, and tell each caller how that ended; nobody waits for another one's."""
    begun = _interpreter(os.environ)
    # By the descriptor of each process that was started: where its caller is told.
    running: dict[int, int] = {}
    # By where a caller at the door is told: the process that does not outlive it.
    guarded: dict[int, int] = {}
    doors = [control.fileno(), door.fileno()]
    while True:
        ready, _, _ = select.select([*doors, *running, *guarded], [], [])
        for gone in guarded.keys() & set(ready):
            signal.pidfd_send_signal(guarded.pop(gone), signal.SIGKILL)
        for ended in running.keys() & set(ready):
            status = os.waitid(os.P_PIDFD, ended, os.WEXITED)
            assert status is not None
            os.close(ended)
            code = status.si_status if status.si_code == os.CLD_EXITED else -status.si_status
            answers = running.pop(ended)
            guarded.pop(answers, None)
            _tell(answers, code)
        if door.fileno() in ready:
            caller, _ = door.accept()
            data, streams, _, _ = socket.recv_fds(caller, MOST, 3)
            if data and _interpreter((call := _unpacked(data)).env) == begun:
                answers = caller.detach()
                guarded[answers] = _start(call, [*streams, answers], running, doors)
            else:
                # Whoever is told nothing starts an interpreter of its own.
                caller.close()
                for stream in streams:
                    os.close(stream)
        if control.fileno() in ready:
            data, streams, _, _ = socket.recv_fds(control, MOST, 4)
            if not data:
                return
            _start(_unpacked(data), streams, running, doors)


def _start(call: Call, streams: list[int], running: dict[int, int], doors: list[int]) -> int:
    """The descriptor of the process that does it."""
    answers = streams.pop()
    pid = os.fork()
    if not pid:
        for other in (*doors, answers, *running, *running.values()):
            os.close(other)
        _become(call, streams)
    for stream in streams:
        os.close(stream)
    begun = os.pidfd_open(pid)
    running[begun] = answers
    with contextlib.suppress(OSError):
        os.write(answers, f"{pid}\n".encode())
    return begun


def _tell(answers: int, code: int) -> None:
    """A caller that was killed meanwhile is told nothing."""
    with contextlib.suppress(OSError):
        os.write(answers, f"{code}\n".encode())
    os.close(answers)


def _become(call: Call, streams: list[int]) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    # What the zygote was started with may have been a file, and these be pipes.
    sys.stdin, sys.stdout, sys.stderr = map(_opened, range(3), (sys.stdin, sys.stdout, sys.stderr))
    os.chdir(call.cwd)
    os.environ.clear()
    os.environ.update(call.env)
    time.tzset()
    sys.argv = call.argv
    if call.module:
        os._exit(_run(functools.partial(importlib.import_module(call.module).main, *call.argv[1:])) & 0xFF)
    from orch_gates.__main__ import main

    sys.path[0] = str(Path(call.argv[0]).parent)
    os._exit(_run(main) & 0xFF)


def _opened(number: int, before: TextIO) -> TextIO:
    assert isinstance(before, io.TextIOWrapper)
    unbuffered = number and before.write_through
    raw = open(number, "wb" if number else "rb", 0 if unbuffered else -1, closefd=False)  # noqa: SIM115
    return io.TextIOWrapper(raw, before.encoding, before.errors, None, before.line_buffering, before.write_through)


def _run(main: Callable[[], object]) -> int:
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
    # A model is built by its first use, which each process would have of its own.
    models = BaseModel.__subclasses__()
    for model in models:
        model.model_rebuild()
        models += model.__subclasses__()
    # What is never collected is never copied either.
    gc.freeze()


if __name__ == "__main__":
    _load()
    with socket.socket(fileno=int(sys.argv[1])) as control, socket.socket(fileno=int(sys.argv[2])) as door:
        _serve(control, door)
