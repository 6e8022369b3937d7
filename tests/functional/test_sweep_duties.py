"""What a tick does besides jobs and gates: merges, leases, markers, effects, starts (SWP-1, REAP-4, MRG-10)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from orch_gates.forge.port.checks import StatusState
from orch_gates.model.ids import TaskId
from orch_gates.state import codec, layout
from tests import sweep_rig
from tests.merge_worker import worker
from tests.sweep_rig import SOON, SweepRig
from tests.tasks_builders import make_effect, make_lease

ON = {"ORCH_DISPATCH_ENABLED": "true"}
MERGING = """\
stages:
  - name: development
    role: developer
    gates: [merge, merge-proof]
rework: development
ci_green:
  contexts: [ci]
merge:
  fence: none
  grace_s: 1
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sweep_rig.template(tmp_path_factory.mktemp("duties"))


@pytest.fixture(scope="module")
def merging_made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sweep_rig.template(tmp_path_factory.mktemp("merging"), config=MERGING)


@pytest.fixture
def rig(made: Path, tmp_path: Path) -> SweepRig:
    return sweep_rig.copy(made, tmp_path / "project")


@pytest.fixture
def merging(merging_made: Path, tmp_path: Path) -> SweepRig:
    made = sweep_rig.copy(merging_made, tmp_path / "project")
    made.local_forge()
    return made


def attempt_of(rig: SweepRig, name: str = "T-1") -> dict[str, object]:
    return rig.document(layout.attempt_path(TaskId(name)))


# ---- merges


def test_a_merge_is_begun_waited_for_and_landed_by_ticks(merging: SweepRig) -> None:
    """No event arrives at all: each tick does what it can, and waits for nothing."""
    work(merging)
    first = merging.tick()
    assert first.exit_code == 0, first.problems
    assert attempt_of(merging)["phase"] == "testing"
    before = merging.state()
    assert not merging.tick(SOON).lines
    assert merging.state() == before
    merging.green(str(attempt_of(merging)["commit"]))
    report = merging.tick(2 * SOON)
    assert report.exit_code == 0, report.problems
    assert (merging.task()["stage"], merging.task()["state"]) == ("done", "done")
    assert merging.server.git("log", "--format=%(trailers:key=Orch-Task,valueonly)", "-1", "main").strip() == "T-1"
    assert not merging.tick(3 * SOON).lines
    assert "legal" in merging.ok("state", "verify")


def test_an_attempt_that_was_killed_is_gone_on_with(merging: SweepRig) -> None:
    """MRG-14: whoever was at it is dead, and its claim with it; the next tick finishes what it began."""
    head = work(merging)
    merging.green(head)
    child = worker(merging.work.path, merging.env, "T-1", dies_at=5)
    child.communicate(timeout=60)
    assert child.returncode == -9
    assert attempt_of(merging)["outcome"] is None
    report = merging.tick(SOON)
    assert report.exit_code == 0, report.problems
    assert merging.task()["state"] == "done"


def test_what_was_red_is_not_tried_again_without_a_change(merging: SweepRig) -> None:
    """Quiescent: a branch that adds nothing makes one attempt, not one for every tick."""
    merging.tick()
    assert attempt_of(merging)["outcome"] == "FAIL"
    before = merging.state()
    for number in range(1, 4):
        assert not merging.tick(number * SOON).lines
    assert merging.state() == before
    work(merging)
    assert merging.tick(4 * SOON).exit_code == 0
    assert attempt_of(merging)["outcome"] is None


def test_no_test_is_run_by_a_tick(merging: SweepRig, tmp_path: Path) -> None:
    """SWP-1: it says who does it, and writes nothing; what was tested is merged."""
    head = work(merging)
    merging.green(head)
    ran = tmp_path / "ran"
    command = {"ORCH_MERGE_TEST": f"touch {ran}", "ORCH_MERGE_TEST_ENV": ""}
    before = merging.state()
    report = merging.tick(env=command)
    assert report.lines == (
        "T-1: merge-proof: not merged: a sweep runs no tests (merge.test); run `orch-gates merge --task T-1`",
    )
    assert merging.state() == before
    assert not ran.exists()
    merging.ok("gate", "merge", "--task", "T-1", env={**merging.settings, **command})
    assert ran.exists()
    ran.unlink()
    merging.tick(SOON, env=command)
    assert merging.task()["state"] == "done"
    assert not ran.exists()


def test_a_validated_attempt_whose_target_moved_is_not_tested_by_a_tick(merging: SweepRig, tmp_path: Path) -> None:
    """It has to be caught up and tested anew, which is not a tick's to do."""
    merging.green(work(merging))
    ran = tmp_path / "ran"
    command = {"ORCH_MERGE_TEST": f"touch {ran}", "ORCH_MERGE_TEST_ENV": ""}
    merging.ok("gate", "merge", "--task", "T-1", env={**merging.settings, **command})
    ran.unlink()
    merging.work.git("switch", "--quiet", "--detach", "origin/main")
    merging.work.commit("meanwhile", {"other": "1\n"})
    merging.work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    merging.work.git("fetch", "--quiet", "origin")
    for number in range(2):
        merging.tick(number * SOON, env=command)
    assert not ran.exists()
    assert merging.task()["stage"] == "development"


def work(rig: SweepRig, name: str = "T-1") -> str:
    """A commit with content on the branch of a task."""
    rig.work.git("switch", "--quiet", "--force-create", f"task/{name}", "origin/main")
    made = rig.work.commit("work", {f"work-{name}": "1\n"})
    rig.work.git("push", "--quiet", "--force", "origin", f"task/{name}")
    rig.work.git("switch", "--quiet", "main")
    return made


# ---- leases


def lease(rig: SweepRig, target: str, **changes: object) -> None:
    made = make_lease(target=target, **changes)
    rig.put({layout.lease_path(target): codec.encode(made, "\n- granted\n")})


def test_a_lease_that_leads_nowhere_is_taken_back(rig: SweepRig) -> None:
    """REAP-4: of any target, with a corrupt one; a state commit only, and one that is counted."""
    lease(rig, "main", holder="T-7", attempt="a" * 16)
    rig.put({layout.lease_path("release"): "---\nbroken\n---\n"})
    report = rig.tick()
    assert report.counts["reclaimed"] == 2, report
    for target in ("main", "release"):
        assert rig.document(layout.lease_path(target))["holder"] == ""
    before = rig.state()
    assert not rig.tick(SOON).lines
    assert rig.state() == before


def test_reclaiming_has_a_switch(rig: SweepRig) -> None:
    lease(rig, "main", holder="T-7", attempt="a" * 16)
    assert not rig.tick(env={"ORCH_LEASE_RECLAIM_ENABLED": "false"}).lines
    assert rig.document(layout.lease_path("main"))["holder"] == "T-7"


def test_a_lease_that_is_held_is_left_alone(merging: SweepRig) -> None:
    """An attempt that waits for its CI keeps what it has."""
    work(merging)
    merging.tick()
    assert merging.document(layout.lease_path("main"))["holder"] == "T-1"
    merging.tick(SOON)
    assert merging.document(layout.lease_path("main"))["holder"] == "T-1"


# ---- markers


def test_a_feature_that_a_revert_took_is_told_once(rig: SweepRig) -> None:
    """MRG-10: a definite miss stays to be seen until it is back; a git error says nothing."""
    rig.work.commit("feature", {"login.py": "def reset_password\n"})
    rig.work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    rig.work.git("fetch", "--quiet", "origin")
    rig.ok("marker", "add", "login.py", "def reset_password", "--reason", "people reset their password")
    assert rig.tick().exit_code == 0
    rig.work.commit("revert", {"login.py": "nothing\n"})
    rig.work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    rig.work.git("fetch", "--quiet", "origin")
    output = rig.sweep(code=2)
    assert output.startswith("needs a person: main has lost 'def reset_password' in login.py (people reset")
    assert rig.sweep() == "nothing to do\n"
    assert "needs a person, since" in rig.ok("status")
    rig.work.commit("again", {"login.py": "def reset_password\n"})
    rig.work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    rig.work.git("fetch", "--quiet", "origin")
    assert rig.sweep().startswith("resolved: main has lost")
    assert "needs a person, since" not in rig.ok("status")


# ---- effects


def planned(rig: SweepRig, commit: str, **changes: object) -> None:
    effect = make_effect(commit=commit, generation=1, replaces=None, state="failure", **changes)
    rig.edit("T-1", head=commit, effects=[effect.model_dump(mode="json")])


def test_a_status_that_was_planned_and_never_posted_is_posted(rig: SweepRig) -> None:
    """P7: whoever planned it was killed; it is acknowledged in one commit, and done once."""
    head = rig.server.git("rev-parse", "task/T-1")
    rig.local_forge()
    planned(rig, head)
    before = rig.events()
    report = rig.tick()
    assert report.exit_code == 0, report.problems
    assert rig.events()[len(before) :][-1] == "acknowledge"
    assert "effects" not in rig.task()
    workspace = rig.workspace()
    (status,) = workspace.need_forge().statuses.latest(head)
    assert (status.context, status.state) == ("orch/ci-green", StatusState.FAILURE)
    workspace.store.close()
    last = rig.state()
    assert not rig.tick(SOON).lines
    assert rig.state() == last


def test_effects_without_a_forge_stay_pending(rig: SweepRig) -> None:
    planned(rig, rig.server.git("rev-parse", "task/T-1"))
    before = rig.state()
    assert rig.tick().exit_code == 0
    assert rig.state() == before


# ---- starts


def test_work_that_is_due_is_started_in_the_planning_commit(tmp_path: Path) -> None:
    """JOB-1: queued, started and confirmed by one tick; the next one has nothing to do."""
    config = sweep_rig.CONFIG + "roles:\n  developer:\n    dispatch: {command: 'echo $ORCH_TASK >>done'}\n"
    rig = sweep_rig.copy(sweep_rig.template(tmp_path / "made", config=config), tmp_path / "project")
    report = rig.tick(env=ON)
    assert report.counts["dispatched"] == 1, report
    sweep_rig.until(lambda: [job["status"] for job in rig.jobs()] == ["succeeded"])
    assert (rig.work.path / "done").read_text() == "T-1\n"
    # Its wrapper asks the gate at last, which has no report.
    sweep_rig.until(lambda: rig.task()["cause"] == "tests-passed")
    before = rig.state()
    assert not rig.tick(SOON, env=ON).lines
    assert rig.state() == before


def test_a_job_that_died_is_started_again(tmp_path: Path) -> None:
    """Reaped and, after its pause, dispatched anew; at the cap a person is asked, with the reason of every run."""
    config = sweep_rig.CONFIG + "roles:\n  developer:\n    dispatch: {command: 'exit 3'}\njobs: {max_attempts: 2}\n"
    rig = sweep_rig.copy(sweep_rig.template(tmp_path / "made", config=config), tmp_path / "project")
    rig.add_job(minutes=0)
    rig.tick(env=ON)
    assert rig.tick(SOON, env=ON).counts["reaped"] == 1
    rig.tick(timedelta(minutes=2), env=ON)
    sweep_rig.until(lambda: [job["status"] for job in rig.jobs()] == ["failed", "failed"])
    report = rig.tick(timedelta(minutes=9), env=ON)
    assert report.counts["escalated"] == 1, report
    assert rig.task()["state"] == "held"
    assert "its work failed 2 times: run 1 failed (its process" in rig.task()["reason"]
    before = rig.state()
    assert not rig.tick(timedelta(minutes=18), env=ON).lines
    assert rig.state() == before
