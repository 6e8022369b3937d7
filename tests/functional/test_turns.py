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
