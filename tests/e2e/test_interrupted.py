"""Tests that are interrupted leave nothing behind: no server, no runner, no job."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.gitea import ROOT
from tests.e2e.repository import eventually

TEST = '''
import time
from pathlib import Path

from tests.e2e.repository import eventually

WORKFLOW = """
on: push
jobs:
  wait:
    runs-on: ubuntu-latest
    steps:
      - run: setsid sleep 300 & touch "$PLACE"; sleep 300
        env: {PLACE: "${{ vars.PLACE }}"}
"""


def test_that_goes_on(project):
    app = project(WORKFLOW)
    place = Path("PLACE")
    app.variable("PLACE", str(place))
    app.push({"a": "1\\n"})
    time.sleep(300)
'''


def processes(folder: Path) -> list[bytes]:
    """Command lines of what runs in a folder, or was told of it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "environ").read_bytes() + (line := (process / "cmdline").read_bytes())
        except OSError:
            continue
        if bytes(folder) in told:
            found.append(line)
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_nothing_is_left_of_an_interrupted_job(
    gitea_program: Path, runner_program: Path, tmp_path: Path, number: signal.Signals
) -> None:
    """Ctrl-C while a job runs, or worse: every process ends, and their folders go."""
    base, place, test = tmp_path / "base", tmp_path / "place", tmp_path / "test_long.py"
    test.write_text(TEST.replace('PLACE")', f'{place}")'))
    argv = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), f"--basetemp={base}", str(test)]
    for plugin in ("tests.conftest", "tests.e2e.conftest", "no:cacheprovider"):
        argv += ["-p", plugin]
    env = {**os.environ, "ORCH_GITEA_BIN": str(gitea_program), "ORCH_RUNNER_BIN": str(runner_program)}
    with (
        (tmp_path / "said").open("wb") as output,
        subprocess.Popen(argv, cwd=ROOT, env=env, stdout=output, stderr=output) as tests,
    ):
        try:
            eventually(lambda: place.exists() or tests.poll() is not None, "the job runs")
            seen = b"\0".join(processes(base))
            tests.send_signal(number)
            tests.wait(60)
        finally:
            tests.kill()
    assert all(name in seen for name in (b"\0web", b"\0daemon", b"sleep\x00300")), (tmp_path / "said").read_text()
    eventually(lambda: not processes(base), "all processes end")
    assert [folder for name in ("gitea", "runner") for folder in base.glob(f"{name}*") if folder.exists()] == []
