"""Several runners, several tasks, one repository: runners are stopped, killed and overtaken at random (MRG-12)."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests import merge_rig
from tests.builders import Repo
from tests.merge_rig import MergeRig
from tests.merge_worker import worker
from tests.zygote import Child

pytestmark = pytest.mark.slow

_TASKS = 4
_RUNNERS = 3
# Shorter than a stopped runner sleeps, together with the grace of the others.
_PHASE_S = 8
_STOPPED_S = 26
_LONGEST_S = 240


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return merge_rig.template(tmp_path_factory.mktemp("race"))


@pytest.fixture
def rig(made: Path, tmp_path: Path) -> MergeRig:
    found = merge_rig.copy(made, tmp_path / "project")
    found.env |= {"ORCH_LEASE_PHASE_S": str(_PHASE_S), "ORCH_MERGE_DEFER_MAX_ATTEMPTS": "1000"}
    for number in range(_TASKS):
        found.task(f"T-{number}", {f"values/task-{number}": f"{100 + number}\n"})
    return found


def clones(rig: MergeRig) -> Sequence[Repo]:
    return [merge_rig.another(rig, f"runner-{number}") for number in range(_RUNNERS)]


def start(rig: MergeRig, place: Repo, dies_at: int = 0) -> Child:
    env = {**rig.env, "ORCH_CACHE_DIR": str(place.path / ".git" / "cache")}
    tasks = [f"T-{number}" for number in range(_TASKS)]
    return worker(place.path, env, *tasks, dies_at=dies_at, dawdles=0.3)


def ended(rig: MergeRig, runners: Sequence[Child]) -> None:
    """Every runner comes to its end; whatever is left is finished by a person."""
    deadline = time.monotonic() + _LONGEST_S
    for one in runners:
        with contextlib.suppress(subprocess.TimeoutExpired):
            one.communicate(timeout=max(1.0, deadline - time.monotonic()))
    left = [one for one in runners if one.poll() is None]
    for one in left:
        one.kill()
        one.communicate()
    assert not left, "a runner never came to its end"


def test_every_task_lands_once(rig: MergeRig) -> None:
    """Nothing but waiting for each other."""
    ended(rig, [start(rig, place) for place in clones(rig)])
    assert sorted(rig.assert_sound()) == [f"T-{number}" for number in range(_TASKS)]
    assert rig.lease()["holder"] == ""


def test_killed_runners_are_followed_by_others(rig: MergeRig) -> None:
    """Each dies at a random moment, with its children left to themselves; the last one lives."""
    places = clones(rig)
    for turn in range(3):
        dying = [start(rig, place, dies_at=random.randint(3, 40)) for place in places]
        for one in dying:
            one.communicate(timeout=_LONGEST_S)
        assert all(one.returncode in {0, -signal.SIGKILL} for one in dying), turn
    ended(rig, [start(rig, places[0])])
    assert sorted(rig.assert_sound()) == [f"T-{number}" for number in range(_TASKS)]


@pytest.mark.parametrize("effect", ["push", "merge"])
def test_a_runner_that_wakes_up_before_its_effect_is_too_late(rig: MergeRig, effect: str) -> None:
    """Faults.md T8: others have taken the lease back and landed. Its merge is refused.

    Its push to the task's own branch does no harm: it stands where nobody pushed meanwhile.
    """
    places = clones(rig)
    rig.task("T-9", {"values/nine": "9\n"})
    rig.work.git("fetch", "--quiet", "origin")
    assert rig.merge("T-0")[0] == 0
    env = {**rig.env, "MERGE_WORKER_STOPS_BEFORE": effect, "ORCH_CACHE_DIR": str(places[0].path / ".git" / "cache")}
    zombie = worker(places[0].path, env, "T-9")
    deadline = time.monotonic() + 60
    while not stopped(zombie.pid):
        assert zombie.poll() is None, zombie.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert rig.merge("T-1")[0] == 75
    time.sleep(_STOPPED_S)
    assert rig.merge("T-1")[0] == 0, "the lease is taken back"
    main = rig.main
    os.kill(zombie.pid, signal.SIGCONT)
    zombie.communicate(timeout=60)
    assert rig.main == main
    assert rig.merge("T-9")[0] == 0
    assert rig.assert_sound() == ["T-0", "T-1", "T-9"]


def stopped(pid: int) -> bool:
    """Whether a process is stopped."""
    return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] == "T"


def test_a_stopped_runner_that_wakes_up_is_fenced_off(rig: MergeRig) -> None:
    """Stopped past its deadline, at whatever it does, its merge request included; others take over meanwhile."""
    runners = [start(rig, place) for place in clones(rig)]
    time.sleep(random.uniform(1, 4))
    stopped = random.choice(runners)
    if stopped.poll() is None:
        os.kill(stopped.pid, signal.SIGSTOP)
        time.sleep(_STOPPED_S)
        # It may be a child of the test that has not been waited for, and then is still there.
        os.kill(stopped.pid, signal.SIGCONT)
    ended(rig, runners)
    assert sorted(rig.assert_sound()) == [f"T-{number}" for number in range(_TASKS)]
