"""The workflow that deploys a task, run as written by a real runner against a bare repository."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import deploy_rig
from tests.bundle.acting import ROOT, Runner
from tests.deploy_rig import DeployRig

EXAMPLE = (ROOT / "docs" / "examples" / "github-deploy.yml").read_text("utf-8")
KEPT = """
      - if: always()
        env:
          SEEN: ${{ toJSON(steps.deploy.outputs) }}
        run: printf '%s' "$SEEN" >"$OUT/outputs.json"
"""
CHECKED = EXAMPLE.replace("        with:\n          task:", "        id: deploy\n        with:\n          task:") + KEPT


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deploy_rig.template(tmp_path_factory.mktemp("deploys"))


@pytest.fixture
def rig(made: Path, tmp_path: Path) -> DeployRig:
    return deploy_rig.copy(made, tmp_path / "project")


@pytest.fixture
def runner(rig: DeployRig, real: Callable[[str], Path], bundle: Path, tmp_path: Path) -> Runner:
    """The rig's clone on a runner that has `orch-gates` on its PATH; the bot's token is a secret."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {name: value for name, value in rig.env.items() if value is not None} | {"ORCH_FORGE": "none"}
    tokens = {name: secrets.token_hex(20) for name in ("ORCH_TOKEN", "GITHUB_TOKEN")}
    return Runner(real("act"), bundle, tmp_path, path, env, "deploy", "project/work", tokens)


def script(rig: DeployRig, text: str) -> None:
    """What `./deploy.sh` in the workspace does."""
    path = rig.work.path / "deploy.sh"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def dispatched(task: str = "T-1") -> dict[str, Any]:
    return {"inputs": {"task": task}, "repository": {"default_branch": "main"}}


def test_a_task_is_deployed_once(rig: DeployRig, runner: Runner) -> None:
    """The workflow as it stands: deployed, recorded, moved on; again, nothing runs, and no token is seen."""
    script(rig, 'echo "$EXPECTED_REVISION" >>"$OUT/ran"; env >"$OUT/env"; git config --list >>"$OUT/env"')
    run = runner.run("workflow_dispatch", dispatched(), EXAMPLE)
    assert run.passed, run.log
    assert (run.out / "ran").read_text() == f"{rig.head()}\n"
    assert (rig.report()["deploy_status"], rig.task()["stage"]) == ("DEPLOYED", "closing")
    again = runner.run("workflow_dispatch", dispatched(), EXAMPLE)
    assert again.passed, again.log
    assert "nothing to do" in again.log
    assert (run.out / "ran").read_text().count("\n") == 1
    for output in (run.log, (run.out / "env").read_text()):
        assert runner.secrets["ORCH_TOKEN"] not in output


def test_later_steps_read_what_became_of_it(rig: DeployRig, runner: Runner) -> None:
    """A red command is a red step, whatever the red."""
    script(rig, "exit 1")
    red = runner.run("workflow_dispatch", dispatched(), CHECKED)
    assert not red.passed
    assert (red.outputs["status"], red.outputs["exit-code"], red.outputs["verdict"]) == ("FAILED", "1", "FAIL")
    rig.new("T-2")
    script(rig, "exit 75")
    lost = runner.run("workflow_dispatch", dispatched("T-2"), CHECKED)
    assert not lost.passed
    assert (lost.outputs["status"], lost.outputs["exit-code"]) == ("REFUSED", "2")
    assert lost.outputs["revision"] == rig.head("T-2")


def test_later_is_no_failure(rig: DeployRig, runner: Runner) -> None:
    """While another deploy is under way: a notice, unless `deferred` says otherwise."""
    rig.new("T-2")
    script(rig, "touch $OUT/ran")
    strict = CHECKED.replace("          token: ${{ secrets", "          deferred: fail\n          token: ${{ secrets")
    with rig.deploying("sleep 300"):
        waits = runner.run("workflow_dispatch", dispatched("T-2"), CHECKED)
        assert waits.passed, waits.log
        assert "another deploy is under way" in waits.log
        assert waits.outputs["exit-code"] == "75"
        assert not runner.run("workflow_dispatch", dispatched("T-2"), strict).passed
    assert not (waits.out / "ran").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("none", "the input token is empty"),
        ("kept", "give it persist-credentials: false"),
        ("advance: maybe", "neither true nor false"),
        ("deferred: '`touch pwned`'", "neither pass nor fail"),
        ("timeout: $(touch pwned)", "--timeout"),
        ("environment: $(touch pwned)", "the name of an environment"),
        ("digest: $(touch pwned)", "--digest must be `sha256:`"),
        ("environment: ''", "the input environment is empty"),
    ],
)
def test_what_cannot_work_is_refused_in_one_sentence(change: str, message: str, rig: DeployRig, runner: Runner) -> None:
    """Nothing is begun, and no input becomes a script (OWN-1)."""
    script(rig, "touch $OUT/ran")
    state, workflow = rig.commits(), CHECKED
    match change:
        case "none":
            del runner.secrets["ORCH_TOKEN"]
        case "kept":
            rig.work.git("config", "http.https://github.com/.extraheader", "AUTHORIZATION: basic eDp5")
        case _:
            workflow = CHECKED.replace("          command: ", f"          {change}\n          command: ")
    run = runner.run("workflow_dispatch", dispatched(), workflow)
    assert not run.passed, run.log
    assert message in run.log
    assert rig.commits() == state
    assert "pwned" not in {path.name for path in rig.work.path.iterdir()}
