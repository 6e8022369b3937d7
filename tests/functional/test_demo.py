"""The demo shows what it says, leaves nothing behind, and does not depend on the machine it runs on."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

DEMO = [sys.executable, "-m", "orch_gates", "demo"]
TOKEN = re.compile(r"ghp_[A-Za-z0-9]{36}")


@pytest.fixture(params=["gitleaks", "kingfisher"])
def engine(request: pytest.FixtureRequest, real: Callable[[str], Path]) -> str:
    name = str(request.param)
    if name == "gitleaks":
        real(name)
    return name


def fresh(tmp_path: Path) -> dict[str, str]:
    """A machine without a committer's name, and with every temporary file in one place."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return env | {"TMPDIR": str(tmp_path)}


def test_every_step_happens_and_nothing_is_left(tmp_path: Path, engine: str) -> None:
    env = fresh(tmp_path) | {"ORCH_SECURITY_ENGINE": engine}
    done = subprocess.run(DEMO, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    for output in (
        "-> the clean push was accepted",
        "remote: orch-gates: push refused: 1 secret found",
        "-> the commit is not stored on the server",
        "security: FAIL: 1 secret found",
        'verdict: "FAIL"',
        "-> task/T-1 is green by itself",
        "-> task/T-2 is green by itself",
        "-> the merge is of exactly what was tested",
        "-> the output of the test is in the verdict",
        "-> the hook refused it, and main has not moved",
        "-> git proves that it is in main",
        "-> the first one landed",
        "-> the second one was sent back, and lost its label",
        "-> its comment says why",
        "-> exit code 1: no check failed, but the runner did",
        "-> exit code 0: production is healthy",
        "-> production shows the error",
        "-> exit code 1: production was unhealthy",
        "-> production shows the page of before",
        "-> the state records what runs, and what that rolled back",
        "All of this happened as described.",
    ):
        assert output in done.stdout
    assert TOKEN.search(done.stdout + done.stderr) is None
    assert list(tmp_path.glob("orch-gates-*")) == []


def test_a_hook_that_cannot_judge_is_no_demonstration(tmp_path: Path) -> None:
    """Without a scanner the demo ends with exit code 2 and says why."""
    env = fresh(tmp_path) | {"ORCH_SECURITY_ENGINE": "gitleaks", "ORCH_GITLEAKS_BIN": str(tmp_path / "none")}
    done = subprocess.run(DEMO, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "is not an executable file" in done.stderr
    assert "All of this happened" not in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_cleans_up(tmp_path: Path) -> None:
    child = subprocess.Popen(DEMO, env=fresh(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    for line in child.stdout:
        if "git push" in line:
            break
    time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    rest, complaint = child.communicate(timeout=30)
    assert child.returncode == 130, complaint
    assert "All of this happened" not in rest
    assert list(tmp_path.glob("orch-gates-demo-*")) == []
