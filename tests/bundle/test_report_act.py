"""The action that records reports for a task, run by a real runner against a bare repository."""

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

CONFIG = """\
stages:
  - {name: development, role: developer}
  - {name: staging, role: deployer, gates: [image-freshness]}
  - {name: deploy, role: deployer, gates: [deploy-status]}
rework: development
"""
CHECKOUT = (ROOT / "docs" / "examples" / "github-deploy.yml").read_text("utf-8").partition("      # Has the bot's")[0]
WORKFLOW = f"""{CHECKOUT}
      - run: cp "$OUT"/*.md .
      - uses: orch/orch-gates/actions/report@{"0" * 40}
        id: report
        with:
          task: ${{{{ inputs.task }}}}
          files: |
            15-staging-report.md
            19-image-report.md
          token: ${{{{ secrets.ORCH_TOKEN }}}}
      - if: always()
        env:
          SEEN: ${{{{ toJSON(steps.report.outputs) }}}}
        run: printf '%s' "$SEEN" >"$OUT/outputs.json"
"""
ASKED: dict[str, Any] = {"inputs": {"task": "T-1"}, "repository": {"default_branch": "main"}}


@pytest.fixture
def rig(tmp_path: Path) -> DeployRig:
    found = deploy_rig.copy(deploy_rig.template(tmp_path / "made", config=CONFIG), tmp_path / "project")
    found.ok("advance", "T-1")
    return found


@pytest.fixture
def runner(rig: DeployRig, real: Callable[[str], Path], bundle: Path, tmp_path: Path) -> Runner:
    """The rig's clone on a runner that has `orch-gates` on its PATH; the bot's token is a secret."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {name: value for name, value in rig.env.items() if value is not None} | {"ORCH_FORGE": "none"}
    tokens = {name: secrets.token_hex(20) for name in ("ORCH_TOKEN", "GITHUB_TOKEN")}
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "other.md").touch()
    return Runner(real("act"), bundle, tmp_path, path, env, "report", "project/work", tokens)


def proven(rig: DeployRig, runner: Runner, word: str) -> None:
    """What the gate on an image wrote about the task's commit."""
    (runner.work / "out" / "19-image-report.md").write_text(
        f"---\nschema: orch.report/1\ngate: image-freshness\nimage_status: {word}\nhead: {rig.head()}\n"
        f"reason: looked at\nevidence: {{digest: 'sha256:{'ab' * 32}'}}\n---\n"
    )


def test_what_is_there_is_recorded_and_the_task_moves_on(rig: DeployRig, runner: Runner) -> None:
    proven(rig, runner, "FRESH")
    run = runner.run("workflow_dispatch", ASKED, WORKFLOW)
    assert run.passed, run.log
    assert "there is no 15-staging-report.md to record" in run.log
    assert rig.task()["stage"] == "deploy"
    assert run.outputs == {"exit-code": "0"}
    assert runner.secrets["ORCH_TOKEN"] not in run.log


def test_a_red_report_is_a_red_step_and_sends_the_task_back(rig: DeployRig, runner: Runner) -> None:
    proven(rig, runner, "STALE")
    run = runner.run("workflow_dispatch", ASKED, WORKFLOW)
    assert not run.passed
    assert run.outputs == {"exit-code": "1"}
    assert rig.task()["stage"] == "development"


def test_without_a_report_the_gates_are_asked_all_the_same(rig: DeployRig, runner: Runner) -> None:
    """Where an earlier gate is red nothing was judged yet, and the task is sent back all the same."""
    run = runner.run("workflow_dispatch", ASKED, WORKFLOW)
    assert not run.passed
    assert run.outputs == {"exit-code": "1"}
    assert rig.task()["stage"] == "development"


def test_recording_alone(rig: DeployRig, runner: Runner) -> None:
    """`advance: false`: the gates are for others to ask, and there has to be something to record."""
    alone = WORKFLOW.replace("          token: ", "          advance: false\n          token: ")
    run = runner.run("workflow_dispatch", ASKED, alone)
    assert not run.passed
    assert "none of the reports in the input files is there" in run.log
    proven(rig, runner, "FRESH")
    assert runner.run("workflow_dispatch", ASKED, alone).passed
    assert rig.task()["stage"] == "staging"
    assert "report" in rig.events()[-1]


@pytest.mark.parametrize(
    ("task", "change", "message"),
    [
        ("T-1", "none", "the input token is empty"),
        ("T-1", "advance: '`touch pwned`'", "neither true nor false"),
        ("", "", "the input task is empty"),
        ("--help", "", "not the id of a task"),
        ("$(touch pwned)", "", "touch pwned"),
    ],
)
def test_what_cannot_work_is_refused_in_one_sentence(
    task: str, change: str, message: str, rig: DeployRig, runner: Runner
) -> None:
    """Nothing is recorded, and no input becomes a script (OWN-1)."""
    proven(rig, runner, "FRESH")
    state, workflow = rig.commits(), WORKFLOW
    if change == "none":
        del runner.secrets["ORCH_TOKEN"]
    elif change:
        workflow = WORKFLOW.replace("          token: ", f"          {change}\n          token: ")
    run = runner.run("workflow_dispatch", ASKED | {"inputs": {"task": task}}, workflow)
    assert not run.passed, run.log
    assert message in run.log
    assert rig.commits() == state
    assert not list(runner.work.rglob("pwned"))
