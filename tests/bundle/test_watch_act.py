"""The action that watches a deploy, run by a real runner against a production that is well or ill."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import watch_rig
from tests.bundle.acting import ROOT, Runner
from tests.watch_rig import WatchRig

CHECKOUT = (ROOT / "docs" / "examples" / "github-deploy.yml").read_text("utf-8").partition("      # Has the bot's")[0]
WORKFLOW = f"""{CHECKOUT}
      - uses: orch/orch-gates/actions/watch@{"0" * 40}
        id: watch
        with:
          task: ${{{{ inputs.task }}}}
          token: ${{{{ secrets.ORCH_TOKEN }}}}
      - if: always()
        env:
          SEEN: ${{{{ toJSON(steps.watch.outputs) }}}}
        run: printf '%s' "$SEEN" >"$OUT/outputs.json"
"""
ASKED: dict[str, Any] = {"inputs": {"task": "T-1"}, "repository": {"default_branch": "main"}}


@pytest.fixture(scope="module")
def served() -> Iterator[watch_rig.Production]:
    with watch_rig.production() as server:
        yield server


@pytest.fixture
def rig(served: watch_rig.Production, tmp_path: Path) -> WatchRig:
    made = watch_rig.template(tmp_path / "template", served.url)
    return watch_rig.copy(made, tmp_path / "project", served)


@pytest.fixture
def runner(rig: WatchRig, real: Callable[[str], Path], bundle: Path, tmp_path: Path) -> Runner:
    """The rig's clone on a runner that has `orch-gates` on its PATH; the bot's token is a secret."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {name: value for name, value in rig.env.items() if value is not None} | {"ORCH_FORGE": "none"}
    tokens = {name: secrets.token_hex(20) for name in ("ORCH_TOKEN", "GITHUB_TOKEN")}
    return Runner(real("act"), bundle, tmp_path, path, env, "watch", "project/work", tokens)


def test_a_watch_is_a_step_after_the_deploy(rig: WatchRig, runner: Runner) -> None:
    """Well, the step is green and the deploy verified; ill, it is red and the rollback has run, once (WCH-3)."""
    rig.deploy("exit 0")
    verified = rig.environment()["current"]["deploy"]
    run = runner.run("workflow_dispatch", ASKED, WORKFLOW)
    assert run.passed, run.log
    assert (run.outputs["verdict"], run.outputs["reaction"], run.outputs["exit-code"]) == ("HEALTHY", "none", "0")
    assert run.outputs["deploy"] == rig.environment()["verified"]["deploy"] == verified
    rig.deploy("exit 0", task="T-2")
    rig.fall_ill()
    ill = runner.run("workflow_dispatch", ASKED | {"inputs": {"task": "T-2"}}, WORKFLOW)
    assert not ill.passed
    assert (ill.outputs["verdict"], ill.outputs["reaction"], ill.outputs["exit-code"]) == ("DEGRADED", "done", "1")
    assert ill.outputs["rollback"] == rig.environment()["current"]["deploy"]
    assert rig.rolled == [rig.head("T-1")]
    assert runner.secrets["ORCH_TOKEN"] not in run.log + ill.log
    rig.legal()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("none", "the input token is empty"),
        ("kept", "give it persist-credentials: false"),
        ("environment: ''", "the input environment is empty"),
        ("environment: $(touch pwned)", "the name of an environment"),
        ("", "nothing of T-1 was deployed to production yet"),
    ],
)
def test_what_cannot_be_watched_is_refused_in_one_sentence(
    change: str, message: str, rig: WatchRig, runner: Runner
) -> None:
    """Nothing is recorded, and no input becomes a script (OWN-1)."""
    state, workflow = rig.commits(), WORKFLOW
    match change:
        case "none":
            del runner.secrets["ORCH_TOKEN"]
        case "kept":
            rig.work.git("config", "http.https://github.com/.extraheader", "AUTHORIZATION: basic eDp5")
        case _:
            workflow = WORKFLOW.replace("          token: ", f"          {change}\n          token: ")
    run = runner.run("workflow_dispatch", ASKED, workflow)
    assert not run.passed, run.log
    assert message in " ".join(run.log.split()), run.log
    assert rig.commits() == state
    assert "pwned" not in {path.name for path in rig.work.path.iterdir()}
