"""The workflow that does the work of a task, run as written by a real runner against a bare repository."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import job_rig
from tests.builders import PROGRAM
from tests.bundle.acting import ROOT, Runner
from tests.job_rig import JobRig

EXAMPLE = (ROOT / "docs" / "examples" / "github-job.yml").read_text("utf-8")
KEPT = """
      - if: always()
        env:
          SEEN: ${{ toJSON(steps.job.outputs) }}
        run: printf '%s' "$SEEN" >"$OUT/outputs.json"
"""
CHECKED = EXAMPLE.replace("        with:\n          task:", "        id: job\n        with:\n          task:") + KEPT


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return job_rig.template(tmp_path_factory.mktemp("jobs"))


@pytest.fixture
def rig(made: Path, tmp_path: Path) -> JobRig:
    return job_rig.copy(made, tmp_path / "project")


@pytest.fixture
def runner(rig: JobRig, real: Callable[[str], Path], bundle: Path, tmp_path: Path) -> Runner:
    """The rig's clone on a runner that has `orch-gates` on its PATH; the bot's token is a secret."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {name: value for name, value in rig.env.items() if value is not None} | {"ORCH_FORGE": "none"}
    tokens = {name: secrets.token_hex(20) for name in ("ORCH_TOKEN", "GITHUB_TOKEN")}
    return Runner(real("act"), bundle, tmp_path, path, env, "job", "project/work", tokens)


def develop(rig: JobRig, script: str) -> None:
    """What `./develop` in the workspace does."""
    path = rig.work.path / "develop"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def dispatched(attempt: str = "", task: str = "T-1", role: str = "developer") -> dict[str, Any]:
    inputs = {"task": task, "role": role, "attempt": attempt}
    return {"inputs": inputs, "repository": {"default_branch": "main"}}


def test_a_dispatch_runs_once(rig: JobRig, runner: Runner) -> None:
    """The workflow as it stands: a queued attempt runs, knows its work; a second dispatch runs nothing (JOB-1)."""
    develop(rig, 'echo "$ORCH_TASK at $ORCH_ATTEMPT" >>"$OUT/ran"; env >"$OUT/env"; git config --list >>"$OUT/env"')
    attempt = rig.queue()
    run = runner.run("workflow_dispatch", dispatched(attempt), EXAMPLE)
    assert run.passed, run.log
    assert (run.out / "ran").read_text() == f"T-1 at {attempt}\n"
    job = rig.job()
    assert (job["status"], job["attempt"]) == ("succeeded", attempt)
    assert job["run"]["id"] > 0
    assert job["run"]["job"] == "develop"
    again = runner.run("workflow_dispatch", dispatched(attempt), EXAMPLE)
    assert again.passed, again.log
    assert "nothing is run: run 1 of developer succeeded" in again.log
    assert (run.out / "ran").read_text().count("\n") == 1
    for output in (run.log, (run.out / "env").read_text()):
        assert runner.secrets["ORCH_TOKEN"] not in output


def test_later_steps_read_what_became_of_it(rig: JobRig, runner: Runner) -> None:
    """Status, exit code, attempt, reason, and what the gate says; a red command is a red step."""
    report = f"'{PROGRAM}' task report T-1 tests-passed PASSED --reason tests"
    develop(rig, "echo working; exit 3")
    red = runner.run("workflow_dispatch", dispatched(), CHECKED)
    assert not red.passed
    first = rig.job()["attempt"]
    expected = {"status": "failed", "exit-code": "3", "attempt": first, "reason": "exit code 3"}
    assert {name: red.outputs.get(name, "") for name in expected} == expected
    assert red.outputs.get("verdict", "") == ""
    develop(rig, report)
    green = runner.run("workflow_dispatch", dispatched(), CHECKED)
    assert green.passed, green.log
    outputs = green.outputs
    assert (outputs["status"], outputs["exit-code"], outputs["verdict"]) == ("succeeded", "0", "PASS")
    assert rig.task()["stage"] == "review"


def test_later_is_no_failure(rig: JobRig, runner: Runner) -> None:
    """Where enough jobs run already: a notice, unless `deferred` says otherwise."""
    full = {"ORCH_JOBS_MAX_CONCURRENCY": "1"}
    rig.new("T-2")
    rig.retry(task="T-2")
    runner.env |= full
    develop(rig, "touch $OUT/ran")
    waits = runner.run("workflow_dispatch", dispatched(), CHECKED)
    assert waits.passed, waits.log
    assert "the work may not begin now" in waits.log
    assert waits.outputs["exit-code"] == "75"
    strict = CHECKED.replace("          token: ${{ secrets", "          deferred: fail\n          token: ${{ secrets")
    assert not runner.run("workflow_dispatch", dispatched(), strict).passed
    assert not (waits.out / "ran").exists()


def test_a_commands_own_75_is_red(rig: JobRig, runner: Runner) -> None:
    """Only what did not begin is put off."""
    develop(rig, "exit 75")
    run = runner.run("workflow_dispatch", dispatched(), CHECKED)
    assert not run.passed
    assert (run.outputs["status"], run.outputs["exit-code"]) == ("failed", "75")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("none", "the input token is empty"),
        ("kept", "give it persist-credentials: false"),
        ("advance: maybe", "neither true nor false"),
        ("deferred: '`touch pwned`'", "neither pass nor fail"),
        ("timeout: $(touch pwned)", "--timeout"),
        ("attempt: $(touch pwned)", "has no attempt"),
        ("role: tester", "which is for role developer, not tester"),
        ("role: ''", "the input role is empty"),
    ],
)
def test_what_cannot_work_is_refused_in_one_sentence(change: str, message: str, rig: JobRig, runner: Runner) -> None:
    """Nothing is begun, and no input becomes a script (OWN-1)."""
    state, workflow = rig.commits(), CHECKED
    match change:
        case "none":
            del runner.secrets["ORCH_TOKEN"]
        case "kept":
            rig.work.git("config", "http.https://github.com/.extraheader", "AUTHORIZATION: basic eDp5")
        case _:
            name = change.partition(":")[0]
            lines = [line for line in CHECKED.splitlines() if not line.startswith(f"          {name}: ${{{{")]
            workflow = "\n".join(lines).replace(
                "          command: ./develop", f"          {change}\n          command: ./develop"
            )
    run = runner.run("workflow_dispatch", dispatched(), workflow)
    assert not run.passed, run.log
    assert message in run.log
    assert rig.commits() == state
    assert "pwned" not in {path.name for path in rig.work.path.iterdir()}
