"""A project that is swept: ticks at any moment, jobs of any machine, and what is left on the server."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from orch_gates import machine
from orch_gates.cli.sweep.commands import parts_of
from orch_gates.documents import frontmatter
from orch_gates.forge.port.checks import CommitStatus, StatusState
from orch_gates.model.ids import TaskId, timestamp
from orch_gates.model.job import Job
from orch_gates.state import codec, layout
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Change
from orch_gates.sweep.tick import Ticking, TickReport
from orch_gates.workspace import Workspace, open_workspace
from tests import job_rig
from tests.builders import Repo
from tests.job_rig import NO_ENV, Env, JobRig
from tests.patience import rest
from tests.tasks_builders import make_job

SWEEP = "refs/orch/sweep"
STATE = "refs/heads/orch-state"
# A tick looks at once what others would be given time for, and starts nothing that nobody asked for here.
SETTINGS = {"ORCH_RECONCILER_GRACE_S": "0", "ORCH_DISPATCH_ENABLED": "false"}
CONFIG = """\
stages:
  - name: development
    role: developer
    gates: [tests-passed]
  - name: review
    role: reviewer
    gates: [ci-green]
rework: development
ci_green:
  contexts: [ci]
"""
SOON = timedelta(seconds=11)
ATTEMPT = "0123456789abcdef"


@dataclass
class SweepRig(JobRig):
    """One project; `tick` runs in this process, so that a test says when it is."""

    @property
    def settings(self) -> dict[str, str]:
        return {name: value for name, value in {**SETTINGS, **self.env}.items() if value is not None}

    def workspace(self, now: datetime | None = None, env: Env = NO_ENV) -> Workspace:
        found = open_workspace(self.work.path, {**self.settings, **env})
        return replace(found, now=now or datetime.now(UTC), tests=False)

    def tick(self, later: timedelta = timedelta(0), *, dry_run: bool = False, env: Env = NO_ENV) -> TickReport:
        """A tick so much later than now."""
        now = datetime.now(UTC) + later
        workspace = self.workspace(now, env)
        try:
            return Ticking(parts_of(workspace), now).run(dry_run=dry_run)
        finally:
            workspace.store.close()

    def sweep(self, *args: str, code: int = 0, **changed: str) -> str:
        """The command."""
        return self.ok("sweep", *args, code=code, env={**self.settings, **changed})

    def put(self, writes: dict[str, str]) -> None:
        """Write documents where no command would."""
        workspace = self.workspace()
        workspace.store.transact(lambda _: Change("test", "-", "a test's", writes))
        workspace.store.close()

    def edit(self, name: str, **changes: Any) -> None:
        """Change fields of a task's document."""
        path = layout.task_path(TaskId(name))
        text = self.server.git("show", f"{STATE}:{path}") + "\n"
        values, body = frontmatter.decode(text)
        self.put({path: frontmatter.encode({**values, **changes}, body)})

    def add_job(self, attempt: str = ATTEMPT, *, minutes: float = 10, task: str = "T-1", **changes: Any) -> Job:
        """A running job that began so many minutes ago; by a process of this machine that is gone, if not said."""
        at = timestamp(datetime.now(UTC) - timedelta(minutes=minutes))
        here = machine.identity()
        values: dict[str, Any] = {
            "task": task,
            "attempt": attempt,
            "created": at,
            "started": at,
            "process": {"host": here.host, "pid": os.getpid(), "started": f"{here.started}0"},
        }
        job = make_job(**(values | changes))
        self.put({layout.job_path(TaskId(task), attempt): codec.encode(job, "\n- begun\n")})
        return job

    def status_of(self, attempt: str = ATTEMPT, task: str = "T-1") -> str:
        return str(self.document(layout.job_path(TaskId(task), attempt))["status"])

    def passed(self, name: str = "T-1") -> None:
        """The report that the first gate waits for."""
        self.ok("task", "report", name, "tests-passed", "PASSED", "--reason", "it works")

    def green(self, commit: str, context: str = "ci", state: StatusState = StatusState.SUCCESS) -> None:
        """A status of CI on the bare repository, which is its own forge."""
        self.local_forge()
        workspace = self.workspace()
        workspace.need_forge().statuses.post(commit, CommitStatus(context, state, "by a test", ""))
        workspace.store.close()

    def local_forge(self) -> None:
        self.env |= {"ORCH_FORGE": "local", "ORCH_FORGE_URL": str(self.server.path)}

    def refs(self) -> str:
        return self.server.git("for-each-ref", "--format=%(refname) %(objectname)")

    def state(self) -> str:
        return self.server.git("rev-parse", STATE)

    def events(self) -> list[str]:
        """The events of the state branch, the newest last."""
        form = "%(trailers:key=Orch-Event,valueonly,separator=%x2C)"
        return self.server.git("log", "--reverse", "--first-parent", f"--format={form}", STATE).split()

    def memory(self) -> dict[str, Any]:
        return frontmatter.decode(self.server.git("show", f"{SWEEP}:sweep.md") + "\n")[0]

    def looks_on(self, minutes: float) -> None:
        """Let this machine have seen every claim of a card for so much longer."""
        for path in self.cache.rglob("kept-cards"):
            host, since = json.loads(path.read_text("utf-8"))
            path.write_text(json.dumps([host, {nonce: at - 60 * minutes for nonce, at in since.items()}]), "utf-8")

    def snapshot(self) -> Snapshot:
        return self.workspace().store.load()


def until(condition: Callable[[], bool]) -> None:
    """Wait for what other processes do."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() < began + 60, "it did not happen"
        rest(began)


def template(folder: Path, *, hook: bool = False, config: str = CONFIG) -> Path:
    return job_rig.template(folder, hook=hook, config=config)


def copy(made: Path, folder: Path) -> SweepRig:
    rig = job_rig.copy(made, folder)
    return SweepRig(rig.folder, rig.server, Repo(rig.work.path), rig.env)
