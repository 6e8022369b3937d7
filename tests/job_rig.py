"""A project whose tasks' work is run by jobs: a server, a clone, a state branch, and what stands on it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from orch_gates.documents import frontmatter
from orch_gates.jobs import output
from orch_gates.model.ids import TaskId
from orch_gates.state import layout
from tests.builders import HOOK, PROGRAM, Done, Repo, bare, clone, install_hook, load_hook_early, orch

CONFIG = """\
stages:
  - name: development
    role: developer
    gates: [tests-passed]
  - name: review
    role: reviewer
    gates: [review-approved]
rework: development
roles:
  developer:
    dispatch: {command: ./develop}
    max_concurrency: 2
jobs:
  max_concurrency: 3
"""
Env = Mapping[str, str]
NO_ENV: Env = MappingProxyType({})
BY = ("--task", "T-1", "--role", "developer")


@dataclass
class JobRig:
    """One project; commands run in the clone, as a bot."""

    folder: Path
    server: Repo
    work: Repo
    env: dict[str, str | None] = field(default_factory=dict)

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    def say(self, *args: str, env: Env = NO_ENV) -> Done:
        return orch(*args, cwd=self.work.path, env={**self.env, **env})

    def ok(self, *args: str, code: int = 0, env: Env = NO_ENV) -> str:
        """Run a command that has to end with `code`; answers all that it printed."""
        done = self.say(*args, env=env)
        output = done.stdout.decode() + done.stderr.decode()
        assert done.returncode == code, (args, output)
        assert "Traceback" not in output
        return output

    def run(self, *command: str, code: int = 0, options: tuple[str, ...] = (), env: Env = NO_ENV) -> str:
        """`job run` of the developer's work of T-1."""
        return self.ok("job", "run", *BY, *options, "--", *command, code=code, env=env)

    def sh(self, script: str, code: int = 0, options: tuple[str, ...] = (), env: Env = NO_ENV) -> str:
        return self.run("sh", "-c", script, code=code, options=options, env=env)

    @contextlib.contextmanager
    def running(self, script: str, *options: str, env: Env = NO_ENV) -> Iterator[subprocess.Popen[bytes]]:
        """A job whose command has begun, and waits for nobody; it is ended at last."""
        began = self.folder / f"began-{time.monotonic_ns()}"
        values = {**os.environ, **self.env, **env, "BEGAN": str(began)}
        with subprocess.Popen(
            [PROGRAM, "job", "run", *BY, *options, "--", "sh", "-c", f'echo $$ >"$BEGAN"; {script}'],
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

    def document(self, path: str) -> dict[str, Any]:
        """A document of the state branch as it is now."""
        return frontmatter.decode(self.server.git("show", f"refs/heads/orch-state:{path}"))[0]

    def task(self, name: str = "T-1") -> dict[str, Any]:
        return self.document(layout.task_path(TaskId(name)))

    def jobs(self, name: str = "T-1") -> list[dict[str, Any]]:
        """All jobs of a task, the oldest first."""
        folder = f"{layout.task_folder(TaskId(name))}/{layout.JOBS}/"
        listed = self.server.git("ls-tree", "--name-only", "refs/heads/orch-state", folder).split()
        found = [self.document(path) for path in listed]
        return sorted(found, key=lambda job: (job["created"], job["number"]))

    def job(self) -> dict[str, Any]:
        """The only job of T-1."""
        (found,) = self.jobs()
        return found

    def shown(self) -> str:
        """The end of its output, as it is kept."""
        job = self.job()
        path = layout.job_path(TaskId("T-1"), job["attempt"])
        return output.in_body(self.server.git("show", f"refs/heads/orch-state:{path}") + "\n")

    def commits(self) -> int:
        return int(self.server.git("rev-list", "--count", "refs/heads/orch-state"))

    def everything(self) -> str:
        """All that the server ever had of the state, in one text."""
        return self.server.git("log", "--all", "--patch", "--format=%B")

    def retry(self, *args: str, code: int = 0, task: str = "T-1", env: Env = NO_ENV) -> str:
        """`job retry`, where the role is dispatched, without the start."""
        return self.ok(
            "job", "retry", task, "--no-start", *args, code=code, env={"ORCH_DISPATCH_ENABLED": "true", **env}
        )

    def queue(self) -> str:
        """Have the developer's work of T-1 queued; answers the attempt."""
        self.retry()
        (waiting,) = [job for job in self.jobs() if job["status"] == "queued"]
        return str(waiting["attempt"])

    def push(self, name: str = "T-1") -> str:
        """A new commit on the branch of a task."""
        self.work.git("switch", "--quiet", "--force-create", f"task/{name}", "origin/main")
        made = self.work.commit(f"work {time.monotonic_ns()}")
        self.work.git("push", "--quiet", "--force", "origin", f"task/{name}")
        self.work.git("switch", "--quiet", "main")
        return made

    def new(self, name: str) -> None:
        """A task with a commit, in its first stage."""
        self.push(name)
        self.ok("task", "new", name, f"Change for {name}")


def eventually(condition: Any, child: subprocess.Popen[bytes]) -> None:
    """Wait for something that a process does, which has to live so long."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if condition():
            return
        if child.poll() is not None:
            raise AssertionError(child.communicate())
        time.sleep(0.02)
    raise AssertionError("it did not happen")


def template(folder: Path, *, hook: bool = False, scans: bool = False, config: str = CONFIG) -> Path:
    """Make a project once; `copy` gives each test its own. With a hook its server guards the state, or `scans` too."""
    made = folder / "template"
    server = bare(made / "server.git")
    work = clone(server, made / "work")
    work.commit("Configure", {".orch-gates.yaml": config})
    work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    if hook:
        install_hook(server, "kingfisher")
        load_hook_early(server.path / HOOK, scans=scans)
    rig = at(made)
    rig.ok("state", "init")
    rig.new("T-1")
    return made


def copy(made: Path, folder: Path) -> JobRig:
    """A project of one's own."""
    shutil.copytree(made, folder, symlinks=True)
    return at(folder)


def at(folder: Path) -> JobRig:
    """The project that stands in a folder."""
    server, work = Repo(folder / "server.git"), Repo(folder / "work")
    work.git("remote", "set-url", "origin", str(server.path))
    work.git("fetch", "--quiet", "origin")
    work.git("remote", "set-head", "origin", "--auto")
    # Nothing is started but what a test starts.
    env: dict[str, str | None] = {"ORCH_STATE_BY": "bot", "ORCH_DISPATCH_ENABLED": "false"}
    return JobRig(folder, server, work, {**env, "ORCH_CACHE_DIR": str(folder / "cache")})
