"""One task, run by `act` in a folder that goes with it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import yaml

from tests.e2e import keeper
from tests.e2e.runner_protocol import Server, Task
from tests.e2e.runner_report import Report
from tests.e2e.runner_workflow import Checkout, actions, checkout, environment, job, runnable

_GIT_S = 60
_JOB_S = 150
_TICK_S = 0.1
_TELL_S = 0.5
_ACT = ["-P", "ubuntu-latest=-self-hosted", "--no-cache-server", "--artifact-server-addr", "127.0.0.1", "--json"]


class Failed(Exception):
    """The job could not be run; says why."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What every job of this runner has: the program, the environment of its steps, and where summaries are kept."""

    act: str
    env: Mapping[str, str]
    folder: Path
    kept: Path


@dataclass(slots=True)
class Job:
    """A task in its folder."""

    server: Server
    task: Task
    settings: Settings
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder = self.settings.folder / f"task-{self.task.id}"

    def run(self) -> None:
        """Run it to its end, and tell the server."""
        name, _ = job(self.task.workflow)
        report = Report(self.server, self.task, self.settings.kept / str(self.task.context["run_id"]) / name)
        result = "failure"
        outputs: dict[str, str] = {}
        try:
            self.folder.mkdir()
            result = self._act(self._prepared(), report)
            if self._ended.exists():
                ended = json.loads(self._ended.read_text())
                result, outputs = ended["result"], ended["outputs"] or {}
        except (Failed, subprocess.TimeoutExpired) as error:
            report.row(str(error))
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
            report.close(result, outputs)

    @property
    def _ended(self) -> Path:
        return self.folder / "ended.json"

    def _prepared(self) -> list[str]:
        """The command that runs the job, when its repository and its actions are there."""
        _, definition = job(self.task.workflow)
        steps = definition["steps"]
        work = self.folder / "work"
        work.mkdir()
        if wanted := checkout(steps):
            self._check_out(work, wanted)
        argv = [self.settings.act, str(self.task.context["event_name"]), *_ACT, "-W", str(self.folder / "job.yml")]
        (self.folder / "job.yml").write_text(runnable(self.task, self._ended))
        argv += ["--actor", str(self.task.context["actor"])]
        argv += ["-e", self._file("event.json", self.task.context.get("event") or {})]
        argv += ["--secret-file", self._file("secrets.yml", self.task.secrets)]
        argv += ["--env-file", self._file("env.yml", environment(self.task.context))]
        argv += ["--var-file", self._file("vars.yml", self.task.variables)]
        for repository, ref, folder in self._actions(steps):
            argv += ["--local-repository", f"{repository}@{ref}={folder}"]
        return argv

    def _file(self, name: str, document: object) -> str:
        path = self.folder / name
        path.touch(0o600)
        path.write_text(json.dumps(document))
        return str(path)

    def _check_out(self, work: Path, wanted: Checkout) -> None:
        context = self.task.context
        sha, ref = str(context["sha"]), str(context["ref"])
        self._git(work, "init", "--quiet", "-b", "main")
        self._git(work, "remote", "add", "origin", f"{self.task.url}/{context['repository']}.git")
        if wanted.depth:
            self._git(work, "fetch", "--quiet", f"--depth={wanted.depth}", "origin", sha)
        else:
            self._git(work, "fetch", "--quiet", "--tags", "origin", sha, "+refs/heads/*:refs/remotes/origin/*")
        branch = ref.removeprefix("refs/heads/")
        self._git(work, "checkout", "--quiet", *(("--detach",) if branch == ref else ("-B", branch)), sha)
        if wanted.credentials:
            with (work / ".git" / "config").open("a") as file:
                file.write(f'[http "{self.task.url}/"]\n\textraHeader = {self._header()}\n')

    def _actions(self, steps: list[dict[str, object]]) -> set[tuple[str, str, Path]]:
        """Clones of what the steps use, and of what those use."""
        fetched: set[tuple[str, str, Path]] = set()
        waiting = list(actions(steps))
        while waiting:
            action = waiting.pop()
            clone = self.folder / "actions" / f"{action.repository.replace('/', '-')}-{action.ref.replace('/', '-')}"
            if (action.repository, action.ref, clone) not in fetched:
                clone.mkdir(parents=True)
                self._git(clone, "init", "--quiet", "-b", "main")
                url = f"{self.task.url}/{action.repository}.git"
                self._git(clone, "fetch", "--quiet", "--depth=1", url, action.ref)
                self._git(clone, "checkout", "--quiet", "--detach", "FETCH_HEAD")
                fetched.add((action.repository, action.ref, clone))
            description = clone / action.path / "action.yml"
            if not description.exists():
                raise Failed(f"{action.repository}@{action.ref} has no action in /{action.path}")
            waiting += actions(yaml.safe_load(description.read_text())["runs"].get("steps", []))
        return fetched

    def _header(self) -> str:
        return "Authorization: basic " + b64encode(f"x-access-token:{self.task.token}".encode()).decode()

    def _git(self, folder: Path, *args: str) -> None:
        # In the environment, where no list of processes shows it.
        header = {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.{self.task.url}/.extraHeader",
            "GIT_CONFIG_VALUE_0": self._header(),
        }
        env = {**self._env(), **header, "GIT_TERMINAL_PROMPT": "0"}
        done = subprocess.run(
            ["git", *args], cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=_GIT_S
        )
        if done.returncode:
            raise Failed(f"git {args[0]} failed: {done.stderr}")

    def _env(self) -> dict[str, str]:
        return {**self.settings.env, "HOME": str(self.folder)}

    def _act(self, argv: list[str], report: Report) -> str:
        """Run `act` below a keeper, which ends everything that it started."""
        log = self.folder / "log"
        log.touch()
        command = [sys.executable, "-IS", keeper.__file__, str(self.folder), "sh", "-c", 'cd work && exec "$@"', "sh"]
        kept = subprocess.Popen([*command, *argv], env=self._env(), stdin=subprocess.PIPE)
        try:
            with log.open("rb") as lines:
                return self._watch(kept, lines, report)
        finally:
            # The keeper removes the folder, unless `act` ended by itself.
            kept.communicate()

    def _watch(self, kept: subprocess.Popen[bytes], lines: IO[bytes], report: Report) -> str:
        """Tell the server what is said until `act` ends, the server wants no more, or the time is over."""
        told = 0.0
        deadline = time.monotonic() + _JOB_S
        running = True
        while running:
            running = _running(kept)
            for line in _complete(lines):
                report.said(line)
            if running and time.monotonic() > told + _TELL_S:
                told = time.monotonic()
                if ended := report.send():
                    return ended.removeprefix("RESULT_").lower()
            if told > deadline:
                report.row(f"the job took more than {_JOB_S} s and was ended")
                return "failure"
        # Unless it left word of its end.
        return "failure"


def _running(program: subprocess.Popen[bytes]) -> bool:
    try:
        program.wait(_TICK_S)
    except subprocess.TimeoutExpired:
        return True
    return False


def _complete(lines: IO[bytes]) -> Iterator[str]:
    """The lines that are there; one that is being written waits for its end."""
    while line := lines.readline():
        if not line.endswith(b"\n"):
            lines.seek(-len(line), os.SEEK_CUR)
            break
        yield line.decode("utf-8", "replace")
