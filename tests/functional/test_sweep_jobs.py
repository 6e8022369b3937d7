"""Jobs that died, with real processes and a real server: who is ended, who is left alone (REAP-1 to REAP-3)."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orch_gates import machine
from orch_gates.jobs import spool
from orch_gates.jobs.spool import ExitRecord
from tests import sweep_rig
from tests.sweep_rig import SOON, SweepRig, until


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sweep_rig.template(tmp_path_factory.mktemp("sweep"))


@pytest.fixture
def rig(made: Path, tmp_path: Path) -> SweepRig:
    return sweep_rig.copy(made, tmp_path / "project")


def gone(pid: int) -> None:
    """Wait until a process is not there any more."""
    until(lambda: not _lives(pid))


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False


def test_a_job_that_is_killed_fails_at_the_second_tick(rig: SweepRig) -> None:
    """The runner was killed -9 with all that it started: one look may be wrong, two in a row are not."""
    with rig.running("exec sleep 300") as child:
        command = int(next(rig.folder.glob("began-*")).read_text())
        child.kill()
        child.wait()
        os.kill(command, signal.SIGKILL)
        gone(command)
        before = rig.commits()
        assert not rig.tick().lines
        assert (rig.job()["status"], rig.commits()) == ("running", before)
        assert [one["ticks"] for one in rig.memory()["streaks"]] == [1]
        # At once is no second look.
        assert not rig.tick(timedelta(seconds=1)).lines
        report = rig.tick(SOON)
    assert report.exit_code == 0
    assert report.counts["reaped"] == 1
    assert (rig.job()["status"], rig.job()["exit_code"]) == ("failed", None)
    assert rig.job()["reason"].endswith("is gone, in 2 sweeps in a row")
    assert "run 1 (developer) failed" in rig.ok("task", "log", "T-1")
    rig.tick(2 * SOON)
    assert rig.memory()["streaks"] == []
    assert "legal" in rig.ok("state", "verify")


def test_a_killed_wrapper_whose_command_works_on_is_no_dead_job(rig: SweepRig) -> None:
    """What it started is found by its environment, wherever it went (T10)."""
    with rig.running('setsid sleep 300 & echo $! >>"$BEGAN"; wait') as child:
        began = next(rig.folder.glob("began-*"))
        until(lambda: len(began.read_text().split()) == 2)
        worker = int(began.read_text().split()[1])
        until(lambda: os.getsid(worker) == worker)
        child.kill()
        child.wait()
        try:
            for number in range(3):
                assert not rig.tick(number * SOON).lines
            assert rig.job()["status"] == "running"
            assert rig.memory()["streaks"] == []
        finally:
            os.kill(worker, signal.SIGKILL)
        gone(worker)
        rig.tick(3 * SOON)
        rig.tick(4 * SOON)
    assert rig.job()["status"] == "failed"


def test_a_job_that_runs_is_left_alone(rig: SweepRig) -> None:
    with rig.running("exec sleep 300") as child:
        for number in range(3):
            assert not rig.tick(number * SOON).lines
        assert rig.job()["status"] == "running"
        assert child.poll() is None
        child.send_signal(signal.SIGTERM)
        child.wait()


def test_an_exit_that_nobody_recorded_ends_it_and_the_gate_decides(rig: SweepRig) -> None:
    """REAP-3: the wrapper was killed between its command's end and the record; 0 alone moves no task."""
    job = rig.add_job()
    spool.write(rig.cache, job.attempt, ExitRecord(0, "exit code 0", datetime.now(UTC)))
    report = rig.tick()
    assert rig.status_of() == "succeeded"
    assert rig.task()["stage"] == "development"
    assert report.lines == ("T-1: run 1 (developer) succeeded: exit code 0; it was never recorded",)
    assert not list((rig.cache / "jobs").glob("*.json"))
    assert not rig.tick(SOON).lines
    rig.passed()
    assert rig.tick(2 * SOON).counts["unblocked"] == 1
    assert rig.task()["stage"] == "review"


@pytest.mark.parametrize(
    ("host", "ends"),
    [("another-machine boot pid:[1]", False), ("{name} another-boot pid:[1]", True), ("{name} {boot} pid:[1]", False)],
    ids=["another machine", "before this machine was started anew", "a container of this machine"],
)
def test_whose_process_can_be_looked_for(rig: SweepRig, host: str, ends: bool) -> None:
    """A process of a foreign host is unknown, not dead; of a machine that was started anew, it is gone."""
    name, boot = machine.identity().host.split(" ")[:2]
    rig.add_job(process={"host": host.format(name=name, boot=boot), "pid": 1, "started": "1"})
    for number in range(3):
        rig.tick(number * SOON)
    assert rig.status_of() == ("failed" if ends else "running")


def test_a_number_that_was_given_again_is_not_taken_for_the_process(rig: SweepRig) -> None:
    """The pid lives, as this very process; it started at another time."""
    rig.add_job()
    rig.tick()
    rig.tick(SOON)
    assert rig.status_of() == "failed"


def test_a_job_is_ended_when_it_has_run_too_long(rig: SweepRig) -> None:
    rig.add_job(minutes=10, process={"host": "elsewhere boot pid:[1]", "pid": 1, "started": "1"})
    assert not rig.tick(env={"ORCH_REAPER_MAX_RUNNING_S": "900"}).lines
    assert rig.tick(env={"ORCH_REAPER_MAX_RUNNING_S": "300"}).counts["reaped"] == 1
    assert rig.status_of() == "failed"


def test_the_reaper_has_a_switch(rig: SweepRig) -> None:
    rig.add_job()
    for number in range(3):
        rig.tick(number * SOON, env={"ORCH_REAPER_ENABLED": "false"})
    assert rig.status_of() == "running"


def test_a_retry_that_a_reaper_races_stays_alive(rig: SweepRig) -> None:
    """T1: what was seen is about one attempt, whatever happened between the look and the commit."""
    first = rig.add_job()
    rig.tick()
    rig.ok("job", "cancel", "T-1", "--reason", "it hangs")
    again = rig.add_job("fedcba9876543210", number=2, process={"host": "elsewhere b p", "pid": 1, "started": "1"})
    rig.tick(SOON)
    assert rig.status_of(first.attempt) == "cancelled"
    assert rig.status_of(again.attempt) == "running"
