"""The scheduled sweep on a real Gitea: the example's workflow as it stands, by the server's own scheduler."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.builders import orch
from tests.e2e.actions import Project, Run
from tests.e2e.gitea import ROOT
from tests.e2e.repository import MAIN, eventually

EXAMPLE = (ROOT / "docs" / "examples" / "gitea-sweep.yml").read_text("utf-8")
CONFIG = """\
stages:
  - {name: development, role: developer, gates: [tests-passed]}
  - {name: review, role: reviewer, gates: [review-approved]}
rework: development
reconciler: {grace_s: 0}
"""
SWEEP = "refs/orch/sweep"
_PATIENCE_S = 480


class Swept:
    """A project with the workflow, a bot whose token is a secret, and tasks whose gates are green without a word."""

    def __init__(self, project: Project, folder: Path) -> None:
        self.project, self.repository = project, project.repository
        server = project.server
        # The server learns of the schedule by a push.
        self.first = project.push({"README.md": "# Swept\n"})
        self.repository.add(server.bot)
        token = server.token(server.bot, ["write:repository", "write:issue", "read:user"])
        project.secret("ORCH_TOKEN", token)
        self._bot = self.repository.clone(server.bot)
        self._env = {"ORCH_CACHE_DIR": str(folder / "cache"), "ORCH_FORGE": "none"}
        self.say("state", "init")

    def say(self, *args: str) -> str:
        done = orch(*args, cwd=self._bot.path, env=self._env)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def stuck(self, name: str) -> None:
        """A task that could move on: its event was lost."""
        self.project.work.git("checkout", "--quiet", "--detach", self.first)
        self.project.push({f"{name}.md": "work\n"}, f"task/{name}")
        self.say("task", "new", name, f"Work on {name}")
        self.say("task", "report", name, "tests-passed", "PASSED", "--reason", "it works")

    def stage(self, name: str) -> str:
        return str(json.loads(self.say("task", "show", name, "--json"))["stage"])

    def runs(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.repository.api().get("/actions/runs?limit=50").ok()["workflow_runs"]
        return found


def test_the_schedule_finds_what_a_lost_event_said(project: Callable[..., Project], tmp_path: Path) -> None:
    """SWP-1, T13, T14: the server's own scheduler runs a tick; the next one, on unchanged facts, commits nothing."""
    swept = Swept(project(EXAMPLE, {**MAIN, ".orch-gates.yaml": CONFIG}), tmp_path)
    swept.stuck("T-1")
    swept.project.due()
    run = swept.project.run("schedule", swept.first)
    assert run.ended() == "success", run.log("sweep")
    assert "T-1: advance to review" in run.log("sweep")
    assert swept.stage("T-1") == "review"
    state, memory = (swept.repository.bare.git("rev-parse", ref) for ref in ("orch-state", SWEEP))
    again = swept.project.dispatch()
    assert again.ended() == "success", again.log("sweep")
    assert swept.repository.bare.git("rev-parse", "orch-state") == state
    assert swept.repository.bare.git("rev-parse", SWEEP) != memory
    swept.say("state", "verify")


def test_ticks_that_come_together_do_the_work_of_one(project: Callable[..., Project], tmp_path: Path) -> None:
    """T14: one run goes on, one waits, and the server cancels those between without starting them: nothing is lost."""
    swept = Swept(project(EXAMPLE, {**MAIN, ".orch-gates.yaml": CONFIG}), tmp_path)
    for name in ("T-1", "T-2"):
        swept.stuck(name)
    for _ in range(4):
        swept.project.dispatch()
    over = {"success", "cancelled"}
    eventually(lambda: {row.get("conclusion") for row in swept.runs()} <= over, "all runs are over", _PATIENCE_S)
    assert [swept.stage(name) for name in ("T-1", "T-2")] == ["review", "review"]
    moved = swept.repository.bare.git(
        "log", "--format=%(trailers:key=Orch-Event,valueonly,separator=%x2C)", "orch-state"
    )
    assert moved.split().count("sweep") == 1
    ended = [row for row in swept.runs() if row.get("conclusion") == "success"]
    assert ended
    assert all(Run(swept.repository, row["id"]).log("sweep") for row in ended)
