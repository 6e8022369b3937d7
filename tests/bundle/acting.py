"""`act`, which runs a workflow of a project with the actions of the bundle, in host mode and offline."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
PINNED = "0" * 40

# act 0.2.89 closes the terminal of a step that failed without reading what is left in it
# (pkg/container/host_environment.go); bash sources this first, and a step's shell that fails ends a little later.
_READ_FIRST = "unset BASH_ENV\ntrap '[ $? = 0 ] || sleep 0.4' EXIT\n"


@dataclass
class Run:
    """What a runner's job said and left."""

    passed: bool
    log: str
    out: Path
    declared: frozenset[str]

    @property
    def outputs(self) -> dict[str, str]:
        """What the workflow kept of its step's outputs in `outputs.json`, as far as the action declares it."""
        seen: dict[str, str] = json.loads((self.out / "outputs.json").read_text())
        # act also shows what the steps inside the action set; only what the action declares is promised.
        return {name: seen[name] for name in self.declared if name in seen}


@dataclass
class Runner:
    """A project with one workflow, and the runner that runs it."""

    act: Path
    bundle: Path
    work: Path
    path: str
    env: dict[str, str] = field(default_factory=dict)
    action: str = "security"
    folder: str = "repo"
    secrets: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def repo(self) -> Path:
        return self.work / self.folder

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.repo, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def run(self, event: str, payload: dict[str, Any], workflow: str, where: str = ".github") -> Run:
        folder = self.repo / where / "workflows"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "workflow.yml").write_text(workflow)
        (self.work / "event.json").write_text(json.dumps(payload))
        out = self.work / "out"
        out.mkdir(exist_ok=True)
        command = [str(self.act), event, "-e", str(self.work / "event.json"), "-W", str(folder)]
        command += ["-P", "ubuntu-latest=-self-hosted", "--no-cache-server", "--artifact-server-addr", "127.0.0.1"]
        command += [f"--local-repository=orch/orch-gates@{PINNED}={self.bundle}", "--env", "GITHUB_REPOSITORY=acme/app"]
        waits = self.work / "read-first.sh"
        waits.write_text(_READ_FIRST)
        for name, value in {**self.env, "OUT": str(out), "BASH_ENV": str(waits)}.items():
            command += ["--env", f"{name}={value}"]
        given = self.work / "secrets"
        given.write_text("".join(f"{name}={value}\n" for name, value in self.secrets.items()))
        command += ["--secret-file", str(given)]
        done = subprocess.run(
            command,
            cwd=self.repo,
            env={**os.environ, "PATH": self.path, "HOME": str(self.work)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode in {0, 1}, done.stdout
        document = yaml.safe_load((ROOT / "actions" / self.action / "action.yml").read_text())
        return Run(done.returncode == 0, done.stdout, out, frozenset(document["outputs"]))
