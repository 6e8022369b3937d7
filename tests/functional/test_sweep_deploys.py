"""Deploys that were lost are found by the sweep, told once, and never repeated (SWP-1, DEP-1)."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orch_gates import machine
from orch_gates.jobs import spool
from orch_gates.jobs.spool import ExitRecord
from orch_gates.model.ids import timestamp
from orch_gates.state import codec, layout
from tests import deploy_rig, sweep_rig
from tests.builders import Repo
from tests.deploy_builders import NEW, make_environment, make_running
from tests.deploy_rig import DeployRig
from tests.sweep_rig import SweepRig

ABROAD = {"host": "elsewhere 5f0c2f7e-8a41-4c5e pid:[1]", "pid": 7, "started": "99"}


class Rig(SweepRig, DeployRig):
    """A project that is deployed and swept."""

    def running(self, **changes: Any) -> str:  # type: ignore[override]
        """A deploy of T-1 that is under way, of a process of this machine that is gone, if not said; its id."""
        here = machine.identity()
        gone = {"host": here.host, "pid": os.getpid(), "started": f"{here.started}0"}
        now = datetime.now(UTC)
        values = {"revision": self.head(), "process": gone, "began": timestamp(now - timedelta(minutes=1))}
        running = make_running(**(values | {"until": timestamp(now + timedelta(hours=1))} | changes))
        found = make_environment(generation=1, running=running, current=None, verified=None)
        self.put({layout.environment_path("production"): codec.encode(found, "\n- begun\n")})
        return NEW


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deploy_rig.template(tmp_path_factory.mktemp("lost"))


@pytest.fixture
def rig(made: Path, tmp_path: Path) -> Rig:
    found = deploy_rig.copy(made, tmp_path / "project")
    return Rig(found.folder, found.server, Repo(found.work.path), found.env)


def test_a_killed_deploy_is_found_and_told_once(rig: Rig) -> None:
    """What runs is not known; its task is held; the alert stays until a person has settled it; then all is quiet."""
    lost = rig.kill()
    first = rig.tick()
    assert any("T-1: production: UNKNOWN: deploy" in line for line in first.lines), first.lines
    assert [alert.key for alert in first.opened] == ["environment production: unknown"]
    assert "orch-gates env settle production" in first.opened[0].line
    assert rig.environment()["unsettled"]["deploy"] == lost
    assert (rig.report()["deploy_status"], rig.task()["state"]) == ("REFUSED", "held")
    state = rig.state()
    second = rig.tick(sweep_rig.SOON)
    assert (second.opened, second.exit_code, rig.state()) == ((), 0, state)
    assert [alert.key for alert in second.alerts] == ["environment production: unknown"]
    rig.ok("env", "settle", "production", "--runs", lost, "--reason", "it answers")
    third = rig.tick(2 * sweep_rig.SOON)
    assert [alert.key for alert in third.closed] == ["environment production: unknown"]
    assert rig.ran == 1
    rig.legal()


def test_a_deploy_that_lives_is_left_alone(rig: Rig) -> None:
    with rig.deploying("sleep 60"):
        before = rig.state()
        report = rig.tick(timedelta(days=2))
        assert (report.opened, report.exit_code) == ((), 0)
        assert rig.environment()["running"] is not None
        assert rig.state() == before


@pytest.mark.parametrize(
    ("code", "word", "state"),
    [(0, "DEPLOYED", "active"), (1, "FAILED", "active"), (2, "REFUSED", "held"), (143, "REFUSED", "held")],
)
def test_what_this_machine_kept_of_it_is_recorded(rig: Rig, code: int, word: str, state: str) -> None:
    """Its wrapper could not reach the state branch; the exit code is a contract all the same."""
    deploy = rig.running()
    spool.write(rig.cache, deploy, ExitRecord(code, f"exit code {code}", datetime.now(UTC)))
    report = rig.tick()
    assert (rig.report()["deploy_status"], rig.task()["state"]) == (word, state)
    assert rig.environment()["running"] is None
    assert (rig.environment()["current"] is not None) is (code == 0)
    assert bool(rig.environment()["unknown"]) is (code == 143)
    assert bool(report.opened) is (code == 143)
    assert not list((rig.cache / "jobs").iterdir())
    rig.legal()


def test_on_another_machine_it_has_its_time(rig: Rig) -> None:
    """Nobody can look there; after its deadline it counts as lost."""
    rig.running(process=ABROAD)
    assert rig.tick(timedelta(minutes=59)).lines == ()
    assert rig.environment()["running"] is not None
    late = rig.tick(timedelta(minutes=61))
    assert "should have ended by" in rig.environment()["unknown"]
    assert late.exit_code == 2
    rig.legal()


def test_it_is_nobody_elses_reaper(rig: Rig) -> None:
    """The kill switch: off, nothing is looked for (P9)."""
    rig.running()
    assert rig.tick(env={"ORCH_REAPER_ENABLED": "false"}).lines == ()
    assert rig.environment()["running"] is not None


def test_dry_run_changes_nothing(rig: Rig) -> None:
    rig.running()
    before = rig.refs()
    rig.tick(dry_run=True)
    assert rig.refs() == before


def test_the_command_finds_them_too(rig: Rig) -> None:
    rig.running()
    output = rig.sweep(code=2)
    assert "production: UNKNOWN" in output


def test_a_task_that_is_gone_keeps_its_reports(rig: Rig) -> None:
    """Cancelled and archived meanwhile: what runs is a question all the same, and no report is written there."""
    rig.running(task="T-9")
    rig.tick()
    assert rig.environment()["unknown"]
    rig.legal()
