"""`orch-gates doctor`: an emergency, effects, work and alerts that were left open."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from orch_gates.model.ids import TaskId
from orch_gates.state import layout
from tests import merge_rig
from tests.builders import orch
from tests.doctor_rig import follow, only
from tests.hand_edits import edit_state_file
from tests.merge_rig import MergeRig
from tests.sweep_rig import SweepRig, copy, template
from tests.tasks_builders import make_effect

LONG_AGO = "2026-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def fenced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return merge_rig.template(tmp_path_factory.mktemp("fenced"))


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return template(tmp_path_factory.mktemp("swept"))


@pytest.fixture
def rig(swept: Path, tmp_path: Path) -> SweepRig:
    return copy(swept, tmp_path / "project")


def test_an_emergency(fenced: Path, tmp_path: Path) -> None:
    """Open it is bad; spent it is to be looked at; acknowledged, as is said, it is over."""
    rig: MergeRig = merge_rig.copy(fenced, tmp_path / "project")
    assert only(rig.work.path, "break-glass", env=rig.env)["state"] == "ok"
    rig.ok("lease", "break-glass", "--tip", rig.main, "--reason", "production is down")
    found = only(rig.work.path, "break-glass", env=rig.env)
    assert (found["state"], "production is down" in found["seen"]) == ("bad", True)
    rig.work.git("fetch", "--quiet")
    rig.work.git("checkout", "--quiet", "--detach", "origin/main")
    rig.work.commit("mend it", {"values/mended": "9\n"})
    rig.work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    found = only(rig.work.path, "break-glass", env=rig.env)
    assert (found["state"], "nobody has reviewed its use" in found["seen"]) == ("warning", True)
    follow(found, rig.work.path, rig.env)
    assert only(rig.work.path, "break-glass", env=rig.env)["state"] == "ok"


def test_an_administrators_word(rig: SweepRig) -> None:
    """In the configuration of the bare repository, where the state branch does not tell of it."""
    key = "orch.breakglass"
    main = rig.server.git("rev-parse", "main")
    for until, state in (("2999-01-01T00:00:00Z", "bad"), (LONG_AGO, "warning"), ("soon", "warning")):
        rig.server.git("config", key, f"main {main} {until}")
        assert only(rig.server.path, "break-glass", env=rig.env)["state"] == state
        found = only(rig.work.path, "break-glass", env=rig.env)
        assert (found["state"], key in found["seen"]) == (state, True)
        follow(found, rig.work.path)
        assert only(rig.server.path, "break-glass", env=rig.env)["state"] == "ok"


def test_what_mends_it_can_be_run_wherever_the_repository_is(swept: Path, tmp_path: Path) -> None:
    """A path with a blank, a quote and a dollar is one word to a shell, and nothing is run but what is said."""
    rig = copy(swept, tmp_path / "Ann's $HOME; project")
    rig.server.git("config", "orch.breakglass", "main soon")
    follow(only(rig.work.path, "break-glass", env=rig.env), rig.work.path)
    assert only(rig.work.path, "break-glass", env=rig.env)["state"] == "ok"


ODD = "it's;$(id)"


def test_a_branch_of_any_name_is_one_word_in_a_command_that_is_said(rig: SweepRig) -> None:
    """Other people chose it, and what is said is copied into a shell."""
    quoted = shlex.quote(ODD)
    missing = orch("gate", "security", cwd=rig.work.path, env={**rig.env, "ORCH_TARGET": ODD})
    assert f"git fetch origin {quoted}" in " ".join(missing.stdout.decode().split())
    no_task = orch("gate", "merge", "--branch", ODD, cwd=rig.work.path, env=rig.env)
    assert f"task new ID TITLE --branch {quoted}`" in no_task.stderr.decode()


def test_an_effect_that_is_never_done(rig: SweepRig) -> None:
    """Planned long ago, by a run that was killed, say; what is said performs it."""
    assert only(rig.work.path, "waiting", env=rig.env)["state"] == "not used"
    head = rig.push()
    rig.local_forge()
    effect = make_effect(commit=head).model_dump(mode="json")
    rig.edit("T-1", effects=[effect | {"planned": rig.task()["updated"]}])
    assert only(rig.work.path, "waiting", env=rig.env)["state"] == "ok"
    rig.edit("T-1", effects=[effect | {"planned": LONG_AGO}])
    found = only(rig.work.path, "waiting", env=rig.env)
    assert (found["state"], f"orch/ci-green@{head}" in found["seen"]) == ("warning", True)
    follow(found, rig.work.path, rig.env)
    assert only(rig.work.path, "waiting", env=rig.env)["state"] == "not used"


def test_work_that_nobody_begins(rig: SweepRig) -> None:
    """Queued long ago: no runner took it, or the dispatch was refused."""
    rig.add_job(minutes=600, status="queued", started=None, process=None, runner="", reason="no runner")
    found = only(rig.work.path, "waiting", env=rig.env)
    assert (found["state"], "developer of T-1 (no runner)" in found["seen"]) == ("warning", True)
    assert "orch-gates job list" in found["mend"]


def test_what_the_sweep_needs_a_person_for(rig: SweepRig) -> None:
    """Its alerts are told until they are over."""
    assert only(rig.work.path, "alerts", env=rig.env)["state"] == "not used"
    rig.tick()
    assert only(rig.work.path, "alerts", env=rig.env)["state"] == "ok"
    edit_state_file(rig.server, layout.task_path(TaskId("T-1")), lambda text: text.replace("stage: ", "stage: [", 1))
    rig.tick()
    found = only(rig.work.path, "alerts", env=rig.env)
    assert (found["state"], "T-1" in found["seen"]) == ("warning", True)
