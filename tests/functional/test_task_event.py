"""`orch-gates event` where tasks are: one way in, whether the event arrived or a sweep finds what it said (REC-3)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests import job_rig, sweep_rig
from tests.sweep_rig import SweepRig


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return job_rig.template(tmp_path_factory.mktemp("events"), config=sweep_rig.CONFIG)


@pytest.fixture
def rig(made: Path, tmp_path: Path) -> SweepRig:
    """T-1 waits in its last stage for CI."""
    found = sweep_rig.copy(made, tmp_path / "project")
    found.local_forge()
    found.passed()
    found.ok("advance", "T-1")
    return found


def happened(rig: SweepRig, name: str, payload: dict[str, Any], *args: str, code: int = 0) -> str:
    """What a job does that this event started."""
    path = rig.folder / "event.json"
    path.write_text(json.dumps(payload))
    env = {**rig.settings, "GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(path), "CI": "true"}
    return rig.ok("event", *args, code=code, env=env)


def status(commit: str, state: str = "success") -> dict[str, Any]:
    """As GitHub tells it."""
    return {"sha": commit, "context": "ci", "state": state, "sender": {"login": "ci-bot"}}


def head(rig: SweepRig) -> str:
    return rig.server.git("rev-parse", "task/T-1")


def test_a_status_moves_the_task_whose_branch_stands_at_its_commit(rig: SweepRig) -> None:
    """REC-3: the commit is resolved to its branch and task, and the gate is asked, not the event believed."""
    assert "looked at: the status ci of" in happened(rig, "status", status(head(rig)))
    assert rig.task()["stage"] == "review"
    rig.green(head(rig))
    happened(rig, "status", status(head(rig)))
    assert rig.task()["stage"] == "done"
    before = rig.commits()
    happened(rig, "status", status(head(rig)))
    assert rig.commits() == before


def test_what_a_lost_event_said_is_found_by_a_sweep(rig: SweepRig) -> None:
    """One way in: the same step, by the same gate."""
    rig.green(head(rig))
    assert "T-1: advance to done" in rig.sweep()
    assert rig.task()["stage"] == "done"


@pytest.mark.parametrize("branches", [0, 2])
def test_a_commit_of_no_task_or_of_two_moves_none(rig: SweepRig, branches: int) -> None:
    """REC-3: ambiguous is not resolved; a sweep asks both."""
    commit = head(rig)
    rig.green(commit)
    if branches:
        rig.server.git("update-ref", "refs/heads/task/T-2", commit)
        rig.ok("task", "new", "T-2", "The same commit")
    else:
        commit = rig.server.git("rev-parse", "main")
    output = happened(rig, "status", status(commit))
    assert ("not resolved" if branches else "is not the head of a task's branch") in output
    assert rig.task()["stage"] == "review"


def test_an_event_about_one_task_leaves_the_others_alone(rig: SweepRig) -> None:
    """It is no sweep: nothing else is asked, and the schedule is no less late for it."""
    rig.new("T-2")
    rig.passed("T-2")
    rig.green(head(rig))
    refs = rig.refs()
    happened(rig, "status", status(head(rig)), "--dry-run")
    assert rig.refs() == refs
    happened(rig, "status", status(head(rig)))
    assert (rig.task()["stage"], rig.task("T-2")["stage"]) == ("done", "development")
    happened(rig, "schedule", {"schedule": "7 * * * *"})
    assert rig.task("T-2")["stage"] == "review"
