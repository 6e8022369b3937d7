"""A job's command as whoever waits for it sees it: streams, signals, time, and nothing outlives its end (JOB-1)."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orch_gates import machine
from orch_gates.errors import ProcessError
from orch_gates.jobs import command

PROGRAM = """
import os, sys
from orch_gates.jobs import command
most = int(os.environ["MOST"]) if "MOST" in os.environ else None
timeout, keep = float(sys.argv[1]), int(sys.argv[2])
done = command.run(sys.argv[3:], env=dict(os.environ), timeout=timeout, keep=keep, grace=0.3, most=most)
with open(os.environ["TOLD"], "wb") as file:
    file.write(f"{done.returncode} {done.written} {done.timed_out}\\n".encode() + done.output)
sys.exit(done.exit_code)
"""


@pytest.fixture
def told(tmp_path: Path) -> Path:
    return tmp_path / "told"


def words(*argv: str, timeout: float = 0, keep: int = 1000) -> list[str]:
    return [sys.executable, "-c", PROGRAM, str(timeout), str(keep), *argv]


def run(
    told: Path, *argv: str, stdin: bytes = b"", timeout: float = 0, keep: int = 1000, most: int | None = None
) -> tuple[int, bytes, bytes]:
    """Exit code, output and complaints."""
    bound = {} if most is None else {"MOST": str(most)}
    done = subprocess.run(
        words(*argv, timeout=timeout, keep=keep),
        env={**os.environ, "TOLD": str(told), **bound},
        input=stdin,
        capture_output=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("length", "most", "shown"),
    [
        (10, 10, b"x" * 10),
        (11, 10, b"x" * 10 + command._CUT),
        (1_000_000, 70_000, b"x" * 70_000 + command._CUT),
        (5, 0, command._CUT),
        (0, 0, b""),
    ],
)
def test_no_more_is_passed_on_than_may_be(told: Path, length: int, most: int, shown: bytes) -> None:
    """Who watches nobody's output has a bound for it; the command goes on, and the end of its output is kept."""
    code, out, _ = run(told, "sh", "-c", f"head -c {length} /dev/zero | tr '\\0' x; exit 3", keep=4, most=most)
    assert (code, out) == (3, shown)
    assert told.read_bytes().endswith(b"x" * min(length, 4))


@contextlib.contextmanager
def running(told: Path, script: str, pids: Path) -> Iterator[tuple[subprocess.Popen[bytes], list[int]]]:
    """A command that says the processes it is made of in a file; all of them are ended at last."""
    found: list[int] = []
    child = subprocess.Popen(
        words("bash", "-c", f'tell() {{ echo "$1" >>{pids}; }}; tell $$; {script}'),
        env={**os.environ, "TOLD": str(told)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield child, found
    finally:
        child.kill()
        child.communicate()
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def lines_of(path: Path, count: int) -> list[int]:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if len(found := path.read_text().split()) >= count:
                return [int(one) for one in found]
        time.sleep(0.01)
    raise AssertionError("it did not begin")


def in_session(leader: int) -> list[int]:
    return [pid for pid in machine.processes() if machine.stat_of(pid)[3:4] == [str(leader).encode()]]


def ends(pid: int) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state in {"Z", "X"}:
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize(
    ("script", "code", "returncode"),
    [("exit 0", 0, 0), ("exit 3", 3, 3), ("kill -TERM $$", 143, -15), ("kill -KILL $$", 137, -9)],
)
def test_its_exit_code_is_passed_on(told: Path, script: str, code: int, returncode: int) -> None:
    """A signal is 128 and its number, as a shell has it, and recorded as what it is."""
    assert run(told, "sh", "-c", script)[0] == code
    assert told.read_text().split()[0] == str(returncode)


def test_both_streams_are_passed_on_byte_for_byte(told: Path) -> None:
    """Also what is no text, and more of it than a pipe holds; the end is kept."""
    every = bytes(range(256))
    script = "import sys; d = bytes(range(256)); sys.stdout.buffer.write(d * 4000); sys.stderr.buffer.write(d[::-1])"
    code, out, err = run(told, sys.executable, "-c", script, keep=100)
    assert (code, out, err) == (0, every * 4000, every[::-1])
    output, _, kept = told.read_bytes().partition(b"\n")
    assert output == b"0 1024256 False"
    assert len(kept) == 100


def test_what_it_writes_is_seen_at_once(told: Path) -> None:
    """Nobody waits for the end of a job to see how it goes."""
    with subprocess.Popen(
        words("sh", "-c", "echo one; read -r _; echo two"),
        env={**os.environ, "TOLD": str(told)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        assert child.stdout.readline() == b"one\n"
        assert child.poll() is None
        child.stdin.write(b"\n")
        child.stdin.close()
        assert child.stdout.readline() == b"two\n"
        assert child.wait(30) == 0


def test_it_reads_what_we_are_given(told: Path) -> None:
    assert run(told, "cat", stdin=b"a\0b")[1] == b"a\0b"


def test_two_names_of_one_place_keep_their_order(told: Path) -> None:
    """`job run ... 2>&1` reads as the command alone does."""
    done = subprocess.run(
        words("sh", "-c", "for i in 1 2 3 4 5; do echo out $i; echo err $i >&2; done"),
        env={**os.environ, "TOLD": str(told)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=True,
        timeout=60,
    )
    assert done.stdout.decode().split("\n") == [f"{s} {i}" for i in range(1, 6) for s in ("out", "err")] + [""]


def test_it_may_read_from_a_terminal(told: Path) -> None:
    """In a session of its own it is not stopped for that, as a job in the background is."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        words("sh", "-c", "read -r line; echo got $line"),
        env={**os.environ, "TOLD": str(told)},
        stdin=theirs,
        stdout=subprocess.PIPE,
    ) as child:
        os.write(ours, b"hello\n")
        assert child.communicate(timeout=30)[0] == b"got hello\n"
    os.close(ours)
    os.close(theirs)


def test_a_reader_that_goes_away_is_told_to_the_command(told: Path) -> None:
    """`job run ... | head -1` ends, as the command alone would."""
    argv = " ".join(f"'{word}'" for word in words("yes")[3:])
    done = subprocess.run(
        ["bash", "-c", f'{sys.executable} -c "$PROGRAM" {argv} | head -1; exit "${{PIPESTATUS[0]}}"'],
        env={**os.environ, "TOLD": str(told), "PROGRAM": PROGRAM},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (128 + signal.SIGPIPE, b"y\n")


def test_a_full_disk_does_not_stop_its_work(told: Path) -> None:
    """What cannot be shown is lost; the end of it is kept all the same."""
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            words("sh", "-c", "echo one; echo two"), env={**os.environ, "TOLD": str(told)}, stdout=full, check=False
        )
    assert done.returncode == 0
    assert told.read_bytes().endswith(b"one\ntwo\n")


@pytest.mark.parametrize("number", command.SIGNALS)
def test_a_signal_reaches_it(told: Path, tmp_path: Path, number: signal.Signals) -> None:
    """And all that it started; it has its own way to end, whose exit code is passed on."""
    script = f"sleep 60 & tell $!; trap 'kill $!; exit 7' {number.name.removeprefix('SIG')}; tell ready; wait"
    with running(told, script.replace("tell ready", "tell 0"), tmp_path / "pids") as (child, found):
        found.extend(lines_of(tmp_path / "pids", 3)[:2])
        child.send_signal(number)
        assert child.wait(30) == 7
        assert all(ends(pid) for pid in found)


def test_an_ignored_hangup_stays_ignored(told: Path) -> None:
    """Whoever is started with `nohup` goes on, and so does the command."""
    script = "kill -HUP $PPID; kill -HUP $$; echo lives"
    done = subprocess.run(
        ["nohup", *words("sh", "-c", script)],
        env={**os.environ, "TOLD": str(told)},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, b"lives\n")


@pytest.mark.parametrize(
    "script",
    [
        "sleep 60 & tell $!; wait",
        "set -m; sleep 60 & tell $!; wait",
        "timeout 60 sleep 60 & tell $!; wait",
        "trap '' TERM HUP INT; sleep 60 & tell $!; while :; do wait; done",
    ],
)
def test_it_does_not_outlive_a_runner_that_is_killed(told: Path, tmp_path: Path, script: str) -> None:
    """SIGKILL of whoever runs it ends the command and all of its session, in whatever group (REAP-1).

    Else it would work on beside the next run.
    """
    with running(told, script, tmp_path / "pids") as (child, found):
        found.extend(lines_of(tmp_path / "pids", 2))
        child.kill()
        assert all(ends(pid) for pid in found)


@pytest.mark.parametrize("groups", ["", "set -m; "])
def test_a_command_that_starts_others_all_the_time_does_not_outlive_its_runner(
    groups: str, told: Path, tmp_path: Path
) -> None:
    """What was started while the session was looked through is ended too, each in a group of its own as well."""
    script = f"{groups}tell 0; for _ in $(seq 400); do sh -c 'sleep 0.05; sleep 60' & sleep 0.01; done; wait"
    with running(told, script, tmp_path / "pids") as (child, found):
        (leader, _) = lines_of(tmp_path / "pids", 2)
        time.sleep(0.5)
        child.kill()
        assert ends(leader)
        deadline = time.monotonic() + 10
        while (left := in_session(leader)) and time.monotonic() < deadline:
            time.sleep(0.1)
        found.extend(left)
        assert not left


def test_it_ends_with_a_group_that_is_killed(told: Path, tmp_path: Path) -> None:
    """A CI runner kills all that it started at once, the guard's parent too."""
    pids = tmp_path / "pids"
    with subprocess.Popen(
        words("bash", "-c", f"sleep 60 & echo $$ $! >{pids}; wait"),
        env={**os.environ, "TOLD": str(told)},
        start_new_session=True,
    ) as child:
        found = lines_of(pids, 2)
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        assert all(ends(pid) for pid in found)


def test_what_it_leaves_running_is_ended_with_it(told: Path, tmp_path: Path) -> None:
    """A job is over when its command is: no server of it stays."""
    pids = tmp_path / "pids"
    began = time.monotonic()
    code, out, _ = run(told, "bash", "-c", f"sleep 60 & echo $! >{pids}; set -m; sleep 60 & echo $! >>{pids}; echo x")
    assert (code, out) == (0, b"x\n")
    assert time.monotonic() - began < 20
    assert all(ends(pid) for pid in lines_of(pids, 2))


def test_what_it_leaves_may_write_its_last_lines(told: Path) -> None:
    """A `tee` at the end of a script is behind it by a moment."""
    assert run(told, "bash", "-c", "exec > >(sleep 0.3; cat); echo late")[1] == b"late\n"


@pytest.mark.parametrize(
    ("script", "code", "returncode"),
    [
        ("sleep 60", 143, -15),
        ("trap '' TERM; sleep 60; sleep 60", 137, -9),
        ("trap 'exit 0' TERM; sleep 60 & wait", 124, 0),
        ("trap 'exit 5' TERM; sleep 60 & wait", 5, 5),
    ],
)
def test_its_time_is_limited(told: Path, script: str, code: int, returncode: int) -> None:
    """It is asked to end, and then ended; whatever it says of itself, that is no success."""
    assert run(told, "sh", "-c", script, timeout=0.3)[0] == code
    assert told.read_text().split()[::2] == [str(returncode), "True"]


def test_what_cannot_be_started_is_a_typed_error() -> None:
    with pytest.raises(ProcessError, match="cannot start"):
        command.run(["/nonexistent/program"], env={"PATH": os.environ["PATH"]}, timeout=0, keep=10)


def test_only_the_process_that_is_meant_is_asked_to_end() -> None:
    """A number that was given again is another process, and another machine's is nobody here (faults.md T10)."""
    with subprocess.Popen(["sleep", "60"]) as child:
        here = machine.identity().host
        started = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[19]
        for other in (
            machine.ProcessIdentity(here, child.pid, "1"),
            machine.ProcessIdentity(here, child.pid, ""),
            machine.ProcessIdentity("elsewhere", child.pid, started),
            machine.ProcessIdentity(here, 2**22 + 1, started),
        ):
            assert not command.ask_to_end(other)
        time.sleep(0.1)
        assert child.poll() is None
        assert command.ask_to_end(machine.ProcessIdentity(here, child.pid, started))
        assert child.wait(10) == -signal.SIGTERM
