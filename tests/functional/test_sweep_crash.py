"""A tick is killed at any of its calls; the next ones come to the same end, and then to rest (P7, SWP-1)."""

from __future__ import annotations

import signal
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orch_gates.forge.port.checks import StatusState
from orch_gates.jobs import spool
from orch_gates.jobs.spool import ExitRecord
from tests import sweep_rig
from tests.sweep_rig import SOON, SweepRig
from tests.sweep_worker import worker

pytestmark = pytest.mark.slow

# More moments than a tick of this scene has.
_MOST = 60
_PARTS = 3
CONFIG = """\
stages:
  - name: development
    role: developer
    gates: [tests-passed]
  - name: review
    role: reviewer
    gates: [review-approved]
rework: development
roles:
  reviewer:
    dispatch: {command: 'echo "$ORCH_TASK $ORCH_ATTEMPT" >>runs'}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sweep_rig.template(tmp_path_factory.mktemp("crash"), config=CONFIG)


def scene(made: Path, folder: Path) -> SweepRig:
    """A stuck task whose next work is dispatched, with a status to post; a job that ended and that nobody recorded."""
    rig = sweep_rig.copy(made, folder)
    rig.local_forge()
    rig.env |= {"ORCH_DISPATCH_ENABLED": "true", "ORCH_STATUSES_ENABLED": "true"}
    rig.new("T-2")
    rig.passed("T-1")
    job = rig.add_job(task="T-2")
    spool.write(rig.cache, job.attempt, ExitRecord(3, "", datetime.now(UTC)))
    return rig


def settled(rig: SweepRig) -> str:
    """Where the state branch stands, once nobody writes it: a job's wrapper asks its gate at last."""
    while True:
        before = rig.state()
        time.sleep(0.8)
        if rig.state() == before and all(job["status"] != "running" for job in rig.jobs("T-1")):
            return before


def at_rest(rig: SweepRig) -> None:
    """Ticks until one writes nothing; bounded, as a fixpoint is not far."""
    for number in range(1, 8):
        before = settled(rig)
        # A start that is not known to be made is asked for again after a minute.
        report = rig.tick(number * 12 * SOON)
        assert report.exit_code == 0, report.problems
        if settled(rig) == before:
            return
    raise AssertionError("it does not come to rest")


@pytest.mark.parametrize("part", range(_PARTS))
def test_a_tick_that_is_killed_at_any_call_is_made_up_for(made: Path, tmp_path: Path, part: int) -> None:
    """One step of the task, one end of the job, one status, and work that ran once, wherever it died."""
    for moment in range(1 + part, _MOST, _PARTS):
        rig = scene(made, tmp_path / f"at-{moment}")
        child = worker(rig.work.path, rig.settings, dies_at=moment)
        _, told = child.communicate(timeout=120)
        if child.returncode == 0:
            assert moment > 9, "no moment was met"
            break
        assert child.returncode == -signal.SIGKILL, told
        at_rest(rig)
        assert rig.task("T-1")["stage"] == "review", moment
        assert rig.status_of(task="T-2") == "failed", moment
        runs = (rig.work.path / "runs").read_text().split("\n")[:-1]
        attempts = [job["attempt"] for job in rig.jobs("T-1") if job["role"] == "reviewer"]
        assert runs == [f"T-1 {attempt}" for attempt in attempts], moment
        assert len(attempts) == 1, moment
        head = rig.server.git("rev-parse", "task/T-1")
        workspace = rig.workspace()
        statuses = workspace.need_forge().statuses.latest(head)
        workspace.store.close()
        assert [(one.context, one.state) for one in statuses if one.context == "orch/tests-passed"] == [
            ("orch/tests-passed", StatusState.SUCCESS)
        ], moment
        assert [event for event in rig.events() if event == "sweep"], moment
        assert "legal" in rig.ok("state", "verify")
    else:
        raise AssertionError("it has more moments than expected")
