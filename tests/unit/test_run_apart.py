"""Running a branch's own code: bounded in time and in output, and nothing of it is left behind (MRG-3)."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from orch_gates import machine, process
from orch_gates.errors import ProcessError
from orch_gates.machine import ProcessIdentity
from orch_gates.process import Tail

ENV = {"PATH": os.environ["PATH"]}


def run(text: str, folder: Path, *, timeout: float = 20, most: int = 1000) -> Tail:
    return process.run_apart(["bash", "-c", text], env=ENV, timeout=timeout, cwd=folder, most=most)


def python(text: str, folder: Path, *, timeout: float = 20, most: int = 1000) -> Tail:
    return process.run_apart([sys.executable, "-c", text], env=ENV, timeout=timeout, cwd=folder, most=most)


def lives(pid: int) -> bool:
    """Whether a process is there and no dead one."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    return False


def ends(pid: int) -> bool:
    """Whether a process is gone within moments: a signal takes a while to arrive."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if not lives(pid):
            return True
        time.sleep(0.01)
    return False


@contextlib.contextmanager
def ended_at_last(pid: int) -> Iterator[None]:
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_it_says_how_the_command_ended_and_what_it_wrote(tmp_path: Path) -> None:
    """Both streams, in the order in which they were written."""
    done = run("echo one; echo two >&2; echo three; exit 3", tmp_path)
    assert done == Tail(3, b"one\ntwo\nthree\n", 14, timed_out=False)


def test_a_signal_is_told_apart_from_an_exit_code(tmp_path: Path) -> None:
    """Killed by something else is not the same as killed by us."""
    done = run("kill -TERM $$", tmp_path)
    assert (done.returncode, done.timed_out) == (-signal.SIGTERM, False)


def test_it_runs_in_the_folder_with_nothing_but_the_variables_that_it_is_given(tmp_path: Path) -> None:
    """No token of the job is among them, and there is nothing to read from."""
    done = process.run_apart(
        [sys.executable, "-c", "import os, sys; print(os.getcwd(), sorted(os.environ), sys.stdin.read())"],
        env={"ONE": "1", "LC_ALL": "C.UTF-8"},
        timeout=20,
        cwd=tmp_path,
        most=1000,
    )
    assert done.output.decode() == f"{tmp_path} ['LC_ALL', 'ONE', 'PWD'] \n"


@pytest.mark.parametrize("text", ["sleep 60", "trap '' TERM INT HUP; sleep 60; sleep 60", "exec >&- 2>&-; sleep 60"])
def test_its_time_is_limited(text: str, tmp_path: Path) -> None:
    """Whatever signals it ignores, and also where it closes its output and goes on."""
    began = time.monotonic()
    done = run(text, tmp_path, timeout=0.2)
    assert (done.returncode, done.timed_out) == (-signal.SIGKILL, True)
    assert 0.2 <= time.monotonic() - began < 5


def test_one_that_writes_all_the_time_is_limited_too(tmp_path: Path) -> None:
    """The end of the flood is kept, and the time still counts."""
    began = time.monotonic()
    done = run("while :; do echo 0123456789abcdef; done", tmp_path, timeout=0.3, most=170)
    assert time.monotonic() - began < 5
    assert done.timed_out
    assert len(done.output) == 170
    assert done.written > 10_000


@pytest.mark.parametrize(("written", "kept"), [(0, 0), (9, 9), (10, 10), (11, 10), (1_000_003, 10)])
def test_the_end_of_the_output_is_kept(written: int, kept: int, tmp_path: Path) -> None:
    """Bounded at exactly so many bytes; how much there was is counted all the same."""
    text = (
        f"import sys; sys.stdout.buffer.write(b'x' * ({written} - min({written}, 3)) + b'end'[3 - min({written}, 3):])"
    )
    done = python(text, tmp_path, most=10)
    assert (done.returncode, done.written, len(done.output)) == (0, written, kept)
    assert not kept or done.output.endswith(b"end")


@pytest.mark.parametrize(
    "text",
    [
        # in its group
        "sleep 60 & echo $!",
        "(sleep 60 >/dev/null 2>&1 </dev/null & echo $!)",
        "nohup sleep 60 >/dev/null 2>&1 & echo $!",
        # in a group of its own, in the session all the same
        "set -m; sleep 60 & echo $!",
        "timeout 60 sleep 60 & echo $!; sleep 0.2",
    ],
)
def test_what_it_leaves_running_is_ended_with_it(text: str, tmp_path: Path) -> None:
    """A server that a test forgot neither stays on the machine nor holds up the run."""
    began = time.monotonic()
    done = run(text, tmp_path)
    pid = int(done.output.split()[-1])
    with ended_at_last(pid):
        assert (done.returncode, done.timed_out) == (0, False)
        assert ends(pid)
        assert time.monotonic() - began < 5


def test_what_it_started_is_ended_when_its_time_is_over(tmp_path: Path) -> None:
    """`timeout` in a script takes what it runs out of the script's own group."""
    done = run("timeout 60 sleep 60 & echo $!; wait", tmp_path, timeout=0.5)
    pid = int(done.output)
    with ended_at_last(pid):
        assert done.timed_out
        assert ends(pid)


def test_who_left_the_session_and_writes_for_ever_does_not_hold_it_up(tmp_path: Path) -> None:
    """What such a one writes after the command ended is nobody's concern."""
    told = tmp_path / "pid"
    flood = (
        "import fcntl, os, pathlib, signal, time\n"
        "fcntl.fcntl(1, fcntl.F_SETPIPE_SZ, 1 << 20)\n"
        f"told = pathlib.Path({str(told)!r})\n"
        "if os.fork():\n"
        "    while not told.exists(): time.sleep(0.01)\n"
        "    time.sleep(0.1)\n"
        "    os._exit(0)\n"
        "os.setsid()\n"
        "signal.alarm(6)\n"
        "told.write_text(str(os.getpid()))\n"
        "while True: os.write(1, b'x' * 65536)\n"
    )
    began = time.monotonic()
    done = python(flood, tmp_path)
    took = time.monotonic() - began
    with ended_at_last(int(told.read_text())):
        assert (done.returncode, done.timed_out) == (0, False)
        assert took < 3


def test_only_what_it_started_is_ended(tmp_path: Path) -> None:
    """Another session of the same user goes on."""
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as other:
        run("sleep 60 & set -m; sleep 60 &", tmp_path)
        assert other.poll() is None
        other.kill()


def test_a_program_that_is_not_there_is_a_typed_error(tmp_path: Path) -> None:
    """And so is a word that no program can be handed."""
    for argv in (["/nonexistent/program"], ["sh", "-c", "a\0b"]):
        with pytest.raises(ProcessError, match="cannot start"):
            process.run_apart(argv, env=ENV, timeout=1, cwd=tmp_path, most=10)


# ---- whether a process is known to be dead


def test_this_process_is_not_dead() -> None:
    """It can be told from any other by machine, boot and start."""
    me = machine.identity()
    assert me.pid == os.getpid()
    assert me.host
    assert me.started
    assert not machine.is_dead(me)


def test_one_that_ended_is_dead_before_and_after_it_is_waited_for() -> None:
    """A child that nobody looks after any more counts as gone."""
    with subprocess.Popen(["sleep", "60"]) as child:
        me = machine.identity()
        other = ProcessIdentity(me.host, child.pid, machine._start_of(child.pid))
        assert not machine.is_dead(other)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert machine.is_dead(other)
    assert machine.is_dead(other)


@pytest.mark.parametrize(
    ("changes", "dead"),
    [
        ({"started": "1"}, True),
        ({"started": ""}, False),
        ({"host": ""}, False),
        ({"host": "elsewhere"}, False),
        ({"host": "elsewhere", "pid": 2**22 + 1}, False),
        ({"pid": 2**22 + 1}, True),
        ({"pid": 2**22 + 1, "started": ""}, False),
    ],
)
def test_only_here_is_anybody_known_to_be_dead(changes: dict[str, str | int], *, dead: bool) -> None:
    """Another machine, boot or container is not known; here a number that was given again is another process."""
    assert machine.is_dead(replace(machine.identity(), **changes)) is dead  # type: ignore[arg-type]


def test_it_cannot_read_what_we_have_in_our_environment() -> None:
    """SEC-5: a bot's token is there, and foreign code runs as the same user; only a superuser is kept from nothing.

    So both run as a user without rights here, on copies that such a user may read.
    """
    code = """
from pathlib import Path
from orch_gates import process
words = ["sh", "-c", "cat /proc/$PPID/environ; id -u"]
print(process.run_apart(words, env={"PATH": "/usr/bin:/bin"}, timeout=20, cwd=Path("/"), most=1000).output)
"""
    superuser = os.getuid() == 0
    nobody = {"user": 65534, "group": 65534, "extra_groups": []} if superuser else {}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        package = Path(folder) / "orch_gates"
        package.mkdir()
        for name in ("__init__", "process", "machine", "errors"):
            shutil.copy(Path(process.__file__).parent / f"{name}.py", package)
        done = subprocess.run(
            ["/usr/bin/python3" if superuser else sys.executable, "-c", code],
            env={"PATH": "/usr/bin:/bin", "BOT": "a-token-of-a-bot", "HOME": "/", "PYTHONPATH": folder},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
            **nobody,  # type: ignore[call-overload]
        )
    assert "denied" in done.stdout
    assert "a-token-of-a-bot" not in done.stdout


def test_what_comes_first_is_done_in_the_session_before_the_program_begins(tmp_path: Path) -> None:
    """Whoever guards a session knows of it by then, so that no moment is left in which a program is unguarded."""
    told = tmp_path / "told"

    def first() -> None:
        told.write_text(f"{os.getsid(0)}\n")

    argv = ["sh", "-c", f'cat "{told}"; echo $$']
    with process.spawn(argv, env=ENV, cwd=None, stdin=None, first=first) as child:
        out, _ = child.communicate(timeout=60)
        assert out.split() == [str(child.pid).encode()] * 2
