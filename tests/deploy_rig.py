"""A project whose tasks are deployed: a server, a clone, a state branch, and what the deploy command left."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orch_gates.documents import frontmatter
from orch_gates.model.ids import TaskId
from orch_gates.state import layout
from tests import job_rig
from tests.builders import PROGRAM
from tests.hand_edits import edit_state_file
from tests.job_rig import NO_ENV, Env, JobRig, eventually

CONFIG = """\
stages:
  - name: deploy
    role: deployer
    gates: [deploy-status]
  - name: closing
    role: deployer
    human: true
rework: deploy
"""
STATE = "refs/heads/orch-state"


@dataclass
class DeployRig(JobRig):
    """One project; `T-1` waits to be deployed."""

    @property
    def marker(self) -> Path:
        """A line for each time that a deploy command ran."""
        return self.folder / "ran"

    @property
    def ran(self) -> int:
        return len(self.marker.read_text().splitlines()) if self.marker.exists() else 0

    def deploy(self, script: str, *options: str, task: str = "T-1", code: int = 0, env: Env = NO_ENV) -> str:
        """`deploy` with a command that marks each of its runs."""
        asked = ("deploy", "--task", task, *options, "--", "sh", "-c", f'echo "$ORCH_DEPLOY" >>"$MARKER"\n{script}')
        return self.ok(*asked, code=code, env={"MARKER": str(self.marker), **env})

    def mark_verified(self) -> None:
        """Let what runs in production be verified, as a watch over it would record it."""

        def verified(text: str) -> str:
            values, body = frontmatter.decode(text)
            assert isinstance(values["current"], dict)
            values["verified"] = values["current"] = {**values["current"], "standing": "verified"}
            return frontmatter.encode(values, body)

        edit_state_file(self.server, layout.environment_path("production"), verified)

    @contextlib.contextmanager
    def deploying(
        self, script: str, *options: str, task: str = "T-1", env: Env = NO_ENV
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A deploy whose command has begun, and waits for nobody; it is ended at last."""
        began = self.folder / f"began-{time.monotonic_ns()}"
        values = {**os.environ, **self.env, **env, "BEGAN": str(began), "MARKER": str(self.marker)}
        with subprocess.Popen(
            [
                PROGRAM,
                "deploy",
                "--task",
                task,
                *options,
                "--",
                "sh",
                "-c",
                f'echo "$ORCH_DEPLOY" >>"$MARKER"; echo $$ >"$BEGAN"\n{script}',
            ],
            cwd=self.work.path,
            env={name: value for name, value in values.items() if value is not None},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as child:
            try:
                eventually(lambda: began.exists() and began.read_text().strip(), child)
                yield child
            finally:
                child.kill()

    def kill(self, script: str = "sleep 60", *options: str) -> str:
        """A deploy that is killed while its command runs; answers its id."""
        with self.deploying(script, *options) as child:
            child.kill()
            child.wait()
        deploy = self.environment()["running"]["deploy"]
        return str(deploy)

    def environment(self, name: str = "production") -> dict[str, Any]:
        return self.document(layout.environment_path(name))

    def log(self, name: str = "production") -> str:
        return self.server.git("show", f"{STATE}:{layout.environment_path(name)}")

    def head(self, task: str = "T-1") -> str:
        return self.server.git("rev-parse", f"refs/heads/task/{task}")

    def report_text(self, task: str = "T-1", head: str = "") -> str:
        path = layout.report_path(TaskId(task), "20-deploy-report.md", head or self.head(task))
        return self.server.git("show", f"{STATE}:{path}") + "\n"

    def report(self, task: str = "T-1", head: str = "") -> dict[str, Any]:
        return frontmatter.decode(self.report_text(task, head))[0]

    def events(self) -> list[str]:
        form = "%(trailers:key=Orch-Event,valueonly,separator=%x2C)"
        return self.server.git("log", "--reverse", "--first-parent", f"--format={form}", STATE).split()

    def legal(self) -> None:
        """Every step of the state branch was legal (ST-6)."""
        assert "legal" in self.ok("state", "verify")


def template(folder: Path, *, hook: bool = False, config: str = CONFIG) -> Path:
    return job_rig.template(folder, hook=hook, config=config)


def copy(made: Path, folder: Path) -> DeployRig:
    rig = job_rig.copy(made, folder)
    return DeployRig(rig.folder, rig.server, rig.work, rig.env)
