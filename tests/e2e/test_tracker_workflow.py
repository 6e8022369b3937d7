"""Issues as tasks on a real Gitea: the example's workflow, copied as it stands, and the people who set labels."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orch_gates.trackers.notice import MARK
from tests.builders import orch
from tests.e2e.actions import Project, Run
from tests.e2e.gitea import ROOT, User
from tests.e2e.repository import MAIN, eventually

EXAMPLE = (ROOT / "docs" / "examples" / "gitea-issues.yml").read_text("utf-8")
CONFIG = """\
tracker: {kind: forge}
stages:
  - {name: analysis, role: analyst, human: true}
  - {name: design, role: architect, human: true}
  - {name: development, role: developer, gates: [ci-green]}
rework: development
"""
LABELS = ("in progress", "approved", "rejected", "blocked")
_PATIENCE_S = 480


class Tracked:
    """A project whose issues become tasks by the workflow alone; the bot's token is a secret of it."""

    def __init__(self, project: Project, folder: Path) -> None:
        self.project, self.repository = project, project.repository
        self.api, server = self.repository.api(), project.server
        self.repository.add(server.bot)
        self.repository.add(server.bob)
        project.secret("ORCH_TOKEN", server.token(server.bot, ["write:repository", "write:issue", "read:user"]))
        self._bot = self.repository.clone(server.bot)
        self._env = {"ORCH_CACHE_DIR": str(folder / "cache"), "ORCH_FORGE": "none"}
        self.say("state", "init")
        made = [self.api.post("/labels", {"name": name, "color": "#00aa00"}).ok() for name in LABELS]
        self._ids = {row["name"]: row["id"] for row in made}

    def say(self, *args: str) -> str:
        done = orch(*args, cwd=self._bot.path, env=self._env)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def issue(self, title: str) -> int:
        return int(self.api.post("/issues", {"title": title}).ok()["number"])

    def label(self, number: int, name: str, user: User) -> None:
        self.repository.api(user).post(f"/issues/{number}/labels", {"labels": [self._ids[name]]}).ok()

    def labels(self, number: int) -> set[str]:
        return {row["name"] for row in self.api.get(f"/issues/{number}").ok()["labels"]}

    def comments(self, number: int) -> list[tuple[str, str]]:
        rows = self.api.get(f"/issues/{number}/comments").ok()
        return [(row["user"]["login"], row["body"]) for row in rows]

    def task(self, number: int) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.say("task", "show", f"ISSUE-{number}", "--json"))
        return found

    def runs(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api.get("/actions/runs?limit=50").ok()["workflow_runs"]
        return found

    def till(self, ready: Callable[[], Any], what: str) -> None:
        """Wait for what runs bring about; says what they did where they do not."""
        try:
            eventually(ready, what, _PATIENCE_S)
        except AssertionError as error:
            ended = sorted(row["id"] for row in self.runs() if row["status"] == "completed")
            logs = [Run(self.repository, one).log("issues")[-1500:] for one in ended]
            raise AssertionError("\n".join([str(error), *logs])) from error

    def settled(self) -> None:
        self.till(lambda: all(row["status"] == "completed" for row in self.runs()), "all runs are over")


def test_an_issue_becomes_a_task_and_another_person_approves(project: Callable[..., Project], tmp_path: Path) -> None:
    """By events alone: each word is recorded by the name of who set the label, and followed once (ENG-11, REC-2)."""
    made = project(EXAMPLE, {**MAIN, ".orch-gates.yaml": CONFIG})
    tracked, server = Tracked(made, tmp_path), made.server
    number = tracked.issue("Greet the user")
    tracked.label(number, "in progress", server.alice)
    tracked.till(lambda: "orch/analysis" in tracked.labels(number), "the task is made, and its issue says so")
    task = tracked.task(number)
    assert (task["title"], task["created_by"], task["issue"]) == ("Greet the user", "alice", number)
    tracked.label(number, "approved", server.bob)
    tracked.till(lambda: tracked.labels(number) == {"in progress", "orch/design"}, "bob's approval is followed")
    tracked.settled()
    task = tracked.task(number)
    assert (task["stage"], task["cause"], task["reason"]) == ("design", "bob", "approved by bob")
    log = json.loads(tracked.say("task", "log", f"ISSUE-{number}", "--json"))["steps"]
    steps = [(one["event"], one["by"]) for one in log if one["event"] != "acknowledge"]
    assert steps == [("new", "alice"), ("advance", "bob")]
    ((author, text),) = tracked.comments(number)
    assert (author, text.startswith(MARK)) == ("orch-bot", True)
    assert "is in design, and waits for a person" in text
    # A run that waits is replaced by the next one of the same issue.
    assert {row["conclusion"] for row in tracked.runs()} <= {"success", "cancelled"}
    assert {row["event"] for row in tracked.runs()} == {"issues"}
    tracked.say("state", "verify")
