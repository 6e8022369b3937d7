"""A deploy is killed at any of its calls: the command never runs twice but by a person's word (P7, DEP-1)."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests import deploy_rig
from tests.deploy_rig import DeployRig
from tests.deploy_worker import deploy

pytestmark = pytest.mark.slow

# More moments than a deploy has.
_MOST = 40
_PARTS = 3
MARKS = 'echo ran >>"$MARKER"'


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deploy_rig.template(tmp_path_factory.mktemp("crash"))


def environment(rig: DeployRig) -> dict[str, str]:
    return {name: value for name, value in rig.env.items() if value is not None} | {"MARKER": str(rig.marker)}


def again(rig: DeployRig) -> int:
    """Deploy until nothing changes any more, as somebody who tries again; the last exit code."""
    codes = []
    for _ in range(4):
        before = rig.commits()
        done = rig.say("deploy", "--task", "T-1", "--", "sh", "-c", MARKS, env={"MARKER": str(rig.marker)})
        assert b"Traceback" not in done.stderr
        codes.append(done.returncode)
        if rig.commits() == before:
            return codes[-1]
    raise AssertionError(codes)


@pytest.mark.parametrize("part", range(_PARTS))
def test_wherever_it_dies_the_command_runs_once(made: Path, tmp_path: Path, part: int) -> None:
    """Either it is deployed, and all of it is recorded, or nobody knows, and a person is asked; never twice."""
    ends = set()
    for moment in range(1 + part, _MOST, _PARTS):
        rig = deploy_rig.copy(made, tmp_path / str(moment))
        done = deploy(rig.work.path, environment(rig), MARKS, dies_at=moment)
        if done.returncode == 0:
            assert moment > 6, "it has more moments than that"
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        began = rig.ran
        code = again(rig)
        assert code in {0, 2}
        ends.add(code)
        if code == 0:
            assert (rig.ran, rig.environment()["current"]["revision"]) == (1, rig.head())
            assert rig.report()["deploy_status"] == "DEPLOYED"
        else:
            assert rig.ran == began <= 1
            asked(rig)
        assert rig.task()["stage"] == "closing"
        rig.legal()
    else:
        raise AssertionError("it did not come to its end")
    assert 0 in ends


def asked(rig: DeployRig) -> None:
    """A person looks, says what runs, and lets the task go on: it is deployed then, if it has not been."""
    lost = rig.environment()["unsettled"]["deploy"]
    if rig.ran:
        rig.ok("env", "settle", "production", "--runs", lost, "--reason", "it answers")
    else:
        rig.ok("env", "settle", "production", "--runs", "d" * 40, "--reason", "the old one answers")
    rig.ok("task", "resume", "T-1")
    assert again(rig) == 0
    assert (rig.ran, rig.environment()["current"]["revision"]) == (1, rig.head())


def test_killed_by_its_own_command_it_is_not_known(made: Path, tmp_path: Path) -> None:
    """The command did all of its work, and nobody was left to hear its exit code."""
    rig = deploy_rig.copy(made, tmp_path / "project")
    done = deploy(rig.work.path, environment(rig), f"{MARKS}; kill -KILL $PPID; sleep 60")
    assert done.returncode == -signal.SIGKILL
    assert again(rig) == 2
    assert rig.ran == 1
    assert "its process" in rig.environment()["unknown"]
