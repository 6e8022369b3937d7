"""Writers that share a cache take turns, and nobody waits for ever for one that hangs (ST-2, faults.md T7)."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orch_gates.state.branch.timing import Timing
from orch_gates.state.branch.turn import Patience, turn
from orch_gates.state.outcome import Committed
from tests.state_rig import FILES, GitRig, put
from tests.state_writer import writer

WRITERS, EACH = 4, 5


@pytest.fixture
def rig(tmp_path: Path) -> GitRig:
    made = GitRig(tmp_path, str(tmp_path / "server.git"))
    made.store().initialise(FILES)
    return made


def test_nobody_of_one_machine_is_sent_back(rig: GitRig) -> None:
    """Every transaction lands at its first attempt, whoever else writes."""
    with writer(rig) as started:
        started.begin(*([f"{number}-{one}" for one in range(EACH)] for number in range(WRITERS)))
        answers = started.end()
    assert [answer["kind"] for answer in answers] == ["Committed"] * WRITERS * EACH
    assert [answer["attempts"] for answer in answers] == [1] * WRITERS * EACH
    # The last word is the counter's: nothing was lost.
    assert rig.store().load().text("sweep/count.md") == f"{WRITERS * EACH}\n"


@pytest.mark.parametrize("gate", ["next", "turn"])
def test_a_writer_that_hangs_holds_up_nobody_for_long(rig: GitRig, gate: str) -> None:
    """The turn is a courtesy: after a quarter of its time a writer goes ahead without it."""
    store = rig.store("shared", ORCH_STATE_TIMEOUT_S="4")
    assert isinstance(store.transact(put("sweep/a.md")), Committed)
    (lock,) = (rig.folder / "shared").rglob(gate)
    with lock.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert isinstance(store.transact(put("sweep/b.md")), Committed)


def test_a_turn_that_changes_hands_is_waited_for(tmp_path: Path) -> None:
    """Sixteen writers through a slow hook: who waits longer than one turn may take is not sent back for it."""
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        # Somebody else's turn begins every two seconds.
        (tmp_path / "turn").write_text(f"{now // 2}")
        if now > 12:
            fcntl.flock(others, fcntl.LOCK_UN)

    with (tmp_path / "next").open("wb") as others:
        fcntl.flock(others, fcntl.LOCK_EX)
        with turn(tmp_path, Timing(monotonic=lambda: now, sleep=sleep), Patience(whole=30, unmoved=5)):
            assert 12 < now < 13
            with (tmp_path / "turn").open("rb") as held, pytest.raises(BlockingIOError):
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize(("every", "given_up"), [(2, 30), (1_000, 5)])
def test_waiting_ends(tmp_path: Path, every: int, given_up: float) -> None:
    """However many there are before, and sooner where the turn does not move."""
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        (tmp_path / "turn").write_text(f"{now // every}")

    with (tmp_path / "next").open("wb") as others:
        fcntl.flock(others, fcntl.LOCK_EX)
        with turn(tmp_path, Timing(monotonic=lambda: now, sleep=sleep), Patience(whole=30, unmoved=5)):
            assert given_up <= now < given_up + 1


@pytest.mark.slow
def test_a_stopped_writer_costs_the_others_five_seconds_at_most(rig: GitRig) -> None:
    """Somebody pressed Ctrl-Z in the middle of a write; the others have all the time that they have by default."""
    started = rig.folder / "started"
    rig.hook("pre-receive", f"test -e {started} && exit 0\ntouch {started}\nsleep 10\n")
    with subprocess.Popen(
        [sys.executable, "-m", "tests.state_writer"],
        env={**os.environ, "ORCH_STATE_REMOTE": rig.url, "ORCH_CACHE_DIR": str(rig.folder / "shared")},
        cwd=Path(__file__).parent.parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    ) as stopped:
        assert stopped.stdin is not None
        stopped.stdin.write(b'[[["stopped"]], 0, "die"]\n')
        stopped.stdin.flush()
        while not started.exists():
            time.sleep(0.01)
        os.killpg(stopped.pid, signal.SIGSTOP)
        try:
            begun = time.monotonic()
            assert isinstance(rig.store("shared").transact(put("sweep/b.md")), Committed)
            assert time.monotonic() - begun < 8
        finally:
            os.killpg(stopped.pid, signal.SIGKILL)
