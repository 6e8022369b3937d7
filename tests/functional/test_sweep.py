"""A tick on a real server: stuck tasks move, nothing else does, nothing is written where nothing changed (SWP-1)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orch_gates.cli.sweep.commands import parts_of
from orch_gates.jobs import spool
from orch_gates.jobs.spool import ExitRecord
from orch_gates.model.ids import TaskId
from orch_gates.state import layout
from orch_gates.sweep.tick import Ticking
from tests import sweep_rig
from tests.builders import PROGRAM
from tests.sweep_rig import SOON, SWEEP, SweepRig, until


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sweep_rig.template(tmp_path_factory.mktemp("sweep"))


@pytest.fixture
def rig(made: Path, tmp_path: Path) -> SweepRig:
    return sweep_rig.copy(made, tmp_path / "project")


# ---- what moves


def test_a_task_whose_event_was_lost_moves_at_the_next_tick(rig: SweepRig) -> None:
    """REC-1: the report is there and nobody advanced it; its history and the counters say who did (REC-4)."""
    rig.passed()
    before = rig.commits()
    assert rig.sweep() == "T-1: advance to review: tests-passed PASS\n"
    assert rig.commits() == before + 1
    assert (rig.task()["stage"], rig.task()["state"]) == ("review", "active")
    assert rig.memory()["counters"]["unblocked"] == 1
    history = json.loads(rig.ok("task", "log", "T-1", "--json"))["steps"]
    assert (history[-1]["event"], history[-1]["by"]) == ("sweep", "bot")
    assert "legal" in rig.ok("state", "verify")


def test_a_green_status_that_nobody_told_of_is_found(rig: SweepRig) -> None:
    """A lost status event: the statuses of the branch's head are asked for, not waited for."""
    rig.passed()
    rig.tick()
    head = rig.server.git("rev-parse", "task/T-1")
    rig.local_forge()
    assert not rig.tick(SOON).lines
    rig.green(head)
    report = rig.tick(2 * SOON)
    assert [line.split(":")[0] for line in report.lines if "advance" in line] == ["T-1"]
    assert rig.task()["stage"] == "done"


def test_a_red_gate_is_silence(rig: SweepRig) -> None:
    """Nobody is charged by a sweep, nothing is written, and nothing is said of it."""
    rig.ok("task", "report", "T-1", "tests-passed", "FAILED", "--reason", "no")
    before = rig.state()
    assert rig.sweep() == "nothing to do\n"
    assert rig.state() == before


@pytest.mark.parametrize("state", ["escalated", "held"])
def test_what_waits_for_a_person_is_never_touched(rig: SweepRig, state: str) -> None:
    """The infinite bounce of an escalated task: however green its gates are, and however often it is swept."""
    rig.passed()
    rig.edit("T-1", state=state)
    before = rig.state()
    for number in range(3):
        assert not rig.tick(number * SOON).lines
    assert rig.state() == before


def test_a_task_that_just_changed_is_left_to_whoever_changed_it(rig: SweepRig) -> None:
    rig.passed()
    assert not rig.tick(env={"ORCH_RECONCILER_GRACE_S": "3600"}).lines
    assert not rig.tick(env={"ORCH_RECONCILER_ENABLED": "false"}).lines
    assert rig.task()["stage"] == "development"


def test_more_tasks_than_one_tick_asks_have_their_turn(rig: SweepRig) -> None:
    """The cursor goes round; a tick says nothing of those that it left to the next."""
    for name in ("T-2", "T-3"):
        rig.new(name)
    for name in ("T-1", "T-2", "T-3"):
        rig.passed(name)
    moved = [len(rig.tick(number * SOON, env={"ORCH_SWEEP_MAX_TASKS": "2"}).lines) for number in range(3)]
    assert moved[:2] == [2, 1]
    assert {rig.task(name)["stage"] for name in ("T-1", "T-2", "T-3")} == {"review"}


def test_jobs_and_tasks_are_recorded_in_one_commit(rig: SweepRig) -> None:
    """One planning commit, which names every task that it is about."""
    rig.new("T-2")
    rig.passed("T-2")
    job = rig.add_job()
    spool.write(rig.cache, job.attempt, ExitRecord(3, "", datetime.now(UTC)))
    before = rig.commits()
    report = rig.tick()
    assert rig.commits() == before + 1
    assert (report.counts["reaped"], report.counts["unblocked"]) == (1, 1)
    assert rig.events()[-1] == "sweep"
    for name in ("T-1", "T-2"):
        (last,) = json.loads(rig.ok("task", "log", name, "--json"))["steps"][-1:]
        assert last["subject"] == "sweep: 1 job ended, 1 task unblocked"
        assert last["body"].startswith(f"{name}: ")


# ---- what is written


def test_a_second_tick_commits_nothing(rig: SweepRig) -> None:
    """Quiescent: only the memory is replaced, and it has no history."""
    rig.passed()
    rig.tick()
    before = rig.state()
    for number in range(1, 4):
        report = rig.tick(number * SOON)
        assert (report.lines, report.problems, report.exit_code) == ((), (), 0)
    assert rig.state() == before
    assert rig.server.git("rev-list", "--count", SWEEP) == "1"
    assert rig.memory()["counters"]["ticks"] == 4


def test_a_dry_run_writes_nothing(rig: SweepRig) -> None:
    rig.passed()
    before = rig.refs()
    would, rest = rig.sweep("--dry-run").splitlines()
    assert would == "would do: T-1: advance to review: tests-passed PASS"
    assert rest.startswith("a dry run does not look at merges")
    assert json.loads(rig.sweep("--dry-run", "--json"))["dry_run"] is True
    assert rig.refs() == before
    assert rig.task()["stage"] == "development"


def test_ten_at_once_do_the_work_of_one(rig: SweepRig) -> None:
    """Real processes that race: one commit, one step, one end of the job, whoever wins."""
    rig.new("T-2")
    rig.passed("T-2")
    job = rig.add_job()
    spool.write(rig.cache, job.attempt, ExitRecord(3, "", datetime.now(UTC)))
    before = rig.commits()
    with ThreadPoolExecutor(10) as pool:
        # Caches of their own, as on ten machines; the record is on one of them.
        def one(number: int) -> int:
            cache = rig.folder / f"cache-{number}"
            spool.write(cache, job.attempt, ExitRecord(3, "", datetime.now(UTC)))
            return rig.say("sweep", env={**rig.settings, "ORCH_CACHE_DIR": str(cache)}).returncode

        codes = list(pool.map(one, range(10)))
    assert codes == [0] * 10
    assert rig.commits() == before + 1
    assert (rig.status_of(), rig.task("T-2")["stage"]) == ("failed", "review")
    assert rig.server.git("rev-list", "--count", SWEEP) == "1"
    assert "legal" in rig.ok("state", "verify")


# ---- what stops nothing


def test_one_broken_document_stops_nobody(rig: SweepRig) -> None:
    """ST-6: it is told once, stays to be seen, and is over when it is mended."""
    rig.new("T-2")
    rig.passed()
    path = layout.task_path(TaskId("T-2"))
    good = rig.server.git("show", f"{sweep_rig.STATE}:{path}") + "\n"
    rig.put({path: "---\nbroken\n---\n", layout.job_path(TaskId("T-1"), "f" * 16): "---\n"})
    report = rig.tick()
    assert rig.task()["stage"] == "review"
    assert sorted(alert.key.rpartition("/")[2] for alert in report.opened) == [f"{'f' * 16}.md", "task.md"]
    assert report.exit_code == 2
    again = rig.tick(SOON)
    assert (again.opened, again.exit_code) == ((), 0)
    assert len(rig.memory()["alerts"]) == 2
    rig.put({path: good})
    assert [alert.key for alert in rig.tick(2 * SOON).closed] == [f"file {path}"]


def test_a_gate_that_could_not_be_asked_touches_nothing_and_stops_nobody(rig: SweepRig) -> None:
    """P2, P3: no answer is neither green nor red; it is told as long as it lasts."""
    rig.new("T-2")
    rig.passed("T-1")
    rig.tick()
    rig.passed("T-2")
    rig.env |= {"ORCH_FORGE": "gitea", "ORCH_FORGE_URL": "http://127.0.0.1:9", "ORCH_FORGE_REPOSITORY": "a/b"}
    rig.env |= {"ORCH_FORGE_TIMEOUT_S": "1"}
    report = rig.tick(SOON)
    assert report.exit_code == 2
    assert any(problem.startswith("T-1: could not evaluate its gates: ") for problem in report.problems)
    assert (rig.task("T-1")["stage"], rig.task("T-2")["stage"]) == ("review", "review")


def test_a_memory_that_was_damaged_or_lost_is_begun_anew(rig: SweepRig) -> None:
    rig.tick()
    rig.server.git("update-ref", SWEEP, sweep_rig.STATE)
    report = rig.tick(SOON)
    assert report.exit_code == 0
    assert "is written anew" in report.lines[0]
    assert rig.memory()["counters"]["ticks"] == 1
    rig.server.git("update-ref", "-d", SWEEP)
    rig.tick(2 * SOON)
    assert rig.memory()["counters"]["ticks"] == 1


def test_the_time_of_a_tick_is_bounded(rig: SweepRig) -> None:
    """What is left has its turn at the next one."""
    rig.passed()
    workspace = rig.workspace()
    parts = replace(parts_of(workspace), monotonic=iter([0.0, *[1e6] * 99]).__next__)
    assert not Ticking(parts, workspace.now).run().lines
    assert rig.task()["stage"] == "development"
    assert rig.tick(SOON).counts["unblocked"] == 1


# ---- the schedule


def test_a_tick_says_that_it_is_late(rig: SweepRig) -> None:
    """T13: the gap before it, by the interval that the settings expect."""
    rig.tick()
    assert not rig.tick(timedelta(minutes=19)).lines
    (late,) = rig.tick(timedelta(minutes=50)).lines
    assert late.endswith("the schedule is late")
    (dead,) = rig.tick(timedelta(hours=3)).lines
    assert dead.startswith("warning: the last sweep began 2 hours ago")
    assert dead.endswith("the schedule seems to be dead")


def test_a_loop_goes_on_until_it_is_told_to_end(rig: SweepRig) -> None:
    """Without a scheduler: one line for what a tick did, nothing for one that did nothing, and TERM ends it cleanly."""
    env = {**os.environ, **rig.settings}
    with subprocess.Popen(
        [PROGRAM, "sweep", "--loop", "1"], cwd=rig.work.path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        until(lambda: SWEEP in rig.refs() and rig.memory()["counters"]["ticks"] >= 1)
        rig.passed()
        until(lambda: rig.task()["stage"] == "review")
        child.send_signal(signal.SIGTERM)
        out, err = child.communicate(timeout=30)
    assert (child.returncode, err) == (0, b"")
    assert out == b"T-1: advance to review: tests-passed PASS\n"


def test_a_sweep_needs_a_state_branch(rig: SweepRig) -> None:
    rig.server.git("update-ref", "-d", sweep_rig.STATE)
    rig.server.git("update-ref", "-d", "refs/orch/witness")
    output = rig.ok("sweep", code=2, env={**rig.settings, "ORCH_CACHE_DIR": str(rig.folder / "empty")})
    assert "there is no state branch yet" in output


# ---- what is shown


def test_status_shows_what_moves_by_itself(rig: SweepRig) -> None:
    """OBS-1: before the first sweep, after it, and when the schedule is late."""
    assert "sweep: no sweep has run yet\n" in rig.ok("status")
    rig.passed()
    rig.tick()
    rig.add_job(process={"host": "elsewhere b p", "pid": 1, "started": "1"})
    rig.put({layout.task_path(TaskId("T-9")): "---\nbroken\n---\n"})
    rig.tick(SOON)
    text = rig.ok("status")
    assert "jobs: developer 1 running\n" in text
    assert "sweep: the last sweep began 0 seconds ago, at " in text
    assert "sweeps did: 1 task unblocked\n" in text
    assert f"needs a person, since {rig.memory()['alerts'][0]['since']}: tasks/" in text
    found = json.loads(rig.say("status", "--json").stdout)
    assert (found["jobs"], found["queued"]) == ({"developer": {"running": 1}}, 0)
    assert (found["sweep"]["schedule"], found["sweep"]["counters"]["unblocked"]) == ("on time", 1)
    assert [alert["key"].split(" ")[0] for alert in found["sweep"]["alerts"]] == ["file"]
    rig.server.git("update-ref", SWEEP, sweep_rig.STATE)
    assert "holds no sweep.md" in rig.ok("status")
