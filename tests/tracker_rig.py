"""A project whose issues become tasks, on a bare repository as its forge; two stages of it are left by people."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orch_gates.model.ids import TaskId
from orch_gates.state import layout
from tests import merge_rig
from tests.builders import PROGRAM, Done
from tests.merge_rig import MergeRig

CONFIG = """\
tracker: {{kind: forge}}
stages:
  - {{name: analysis, role: analyst, human: true}}
  - {{name: design, role: architect, human: true}}
  - {{name: development, role: developer, gates: [ci-green]}}
  - {{name: review, role: reviewer, gates: [review-approved]}}
rework: development
merge: {{fence: {fence}}}
"""


@dataclass
class TrackerRig(MergeRig):
    """One project; an issue is known by its number."""

    def issue(self, title: str, *labels: str) -> int:
        with self.forge("ann") as forge:
            return forge.issues.create(title, labels=labels).number

    def label(self, number: int, *add: str, remove: tuple[str, ...] = ()) -> None:
        with self.forge("ann") as forge:
            forge.issues.label(number, add=add, remove=remove)

    def labels(self, number: int) -> set[str]:
        with self.forge() as forge:
            return set(forge.issues.get(number).labels)

    def comments(self, number: int) -> list[str]:
        with self.forge() as forge:
            return [one.body for one in forge.issues.comments(number)]

    def sync(self, *args: str, **env: str) -> tuple[int, dict[int, str]]:
        """The exit code of a look at the issues, and what came of each."""
        done = self.say("tracker", "sync", "--json", *args, **env)
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        assert done.stdout, done.stderr.decode()
        return done.returncode, {one["issue"]: one["what"] for one in json.loads(done.stdout)["done"]}

    def started(self, *args: str, **env: str) -> subprocess.Popen[bytes]:
        """A command that nobody waits for."""
        given = {**self.env, **env}
        whole = {**os.environ, **{name: value for name, value in given.items() if value is not None}}
        return subprocess.Popen(
            [str(PROGRAM), *args], cwd=self.work.path, env=whole, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def happened(self, number: int, *args: str, action: str = "labeled", label: str = "", name: str = "issues") -> Done:
        """What a job does that an event of an issue started."""
        return self.say("event", *args, **self.told(number, action, label, name))

    def told(self, number: int, action: str, label: str = "", name: str = "issues") -> Mapping[str, str]:
        """What such a job finds in its environment."""
        path = self.folder / f"event-{number}-{action}.json"
        output: dict[str, Any] = {"action": action, "issue": {"number": number}, "sender": {"login": "ann"}}
        path.write_text(json.dumps(output | ({"label": {"name": label}} if label else {})))
        return {"GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(path), "CI": "true"}

    def task_of(self, number: int) -> dict[str, Any]:
        return self.document(layout.task_path(TaskId(f"ISSUE-{number}")))

    def events(self, number: int) -> list[str]:
        """What happened to a task, oldest first, the telling of its issue apart."""
        output = json.loads(self.ok("task", "log", f"ISSUE-{number}", "--json"))["steps"]
        return [one["event"] for one in output if one["event"] != "acknowledge"]

    @property
    def tip(self) -> str:
        return self.server.git("rev-parse", "orch-state")


def template(folder: Path) -> Path:
    """Make a project once; `copy` gives each test its own."""
    return merge_rig.template(folder, config=CONFIG)


def copy(made: Path, folder: Path) -> TrackerRig:
    """A project of one's own."""
    return merge_rig.opened(made, folder, TrackerRig)
