"""Something that runs the server's Actions: the test runner of this folder, or Gitea's own runner."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.conftest import CACHE
from tests.e2e import keeper
from tests.e2e.gitea import ROOT, Gitea
from tests.e2e.repository import eventually
from tests.e2e.runner_daemon import LABEL

_REGISTER_S = 60
_CONFIG = """\
log: {{level: info}}
runner: {{file: {folder}/.runner, capacity: 2, fetch_interval: 1s, fetch_interval_max: 1s, labels: ["{label}:host"]}}
cache: {{enabled: false}}
host: {{workdir_parent: {folder}/work}}
"""


class Runner:
    """A runner of the whole server, up between `start` and `stop`."""

    def __init__(self, server: Gitea, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self._kept = folder / "kept"
        self._keeper: subprocess.Popen[bytes] | None = None
        # The programs of this project are what a runner's machine has ready.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self._env = {"PATH": path, "HOME": str(folder), "ORCH_CACHE_DIR": str(CACHE), "LANG": "C.UTF-8"}

    def start(self, act: Path) -> None:
        """Start the test runner, which runs jobs with `act`."""
        given = {"url": self.server.url, "token": self._token(), "act": str(act), "env": self._env}
        settings = self.folder / "settings.json"
        settings.touch(0o600)
        settings.write_text(json.dumps({**given, "kept": str(self._kept)}))
        argv = [sys.executable, "-m", "tests.e2e.runner_daemon", str(settings)]
        self._keep(argv, {**self._env, "PYTHONPATH": str(ROOT)})

    def start_native(self, program: Path) -> None:
        """Start Gitea's own runner."""
        config = self.folder / "config.yaml"
        config.write_text(_CONFIG.format(folder=self.folder, label=LABEL))
        argv = [str(program), "--config", str(config)]
        register = ["register", "--no-interactive", "--name", "native", "--labels", f"{LABEL}:host"]
        # It takes the token in no other way; the server is gone after the tests.
        register += ["--instance", self.server.url, "--token", self._token()]
        subprocess.run([*argv, *register], cwd=self.folder, env=self._env, check=True, timeout=_REGISTER_S)
        self._keep([*argv, "daemon"], self._env)

    def stop(self) -> None:
        """End it with its jobs, and remove its folders."""
        if self._keeper is not None:
            self._keeper.communicate()
            self._keeper = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def summary(self, run: int, job: str) -> str | None:
        """What a job wrote for people; this release of the server takes it from no runner."""
        path = self._kept / str(run) / job
        return path.read_text() if path.exists() else None

    def log(self) -> str:
        """What it says about itself."""
        path = self.folder / "log"
        return path.read_text("utf-8", "replace")[-3000:] if path.exists() else ""

    def _token(self) -> str:
        return str(self.server.admin.api.post("/admin/actions/runners/registration-token").ok()["token"])

    def _keep(self, argv: list[str], env: Mapping[str, str]) -> None:
        self._keeper = subprocess.Popen(
            [sys.executable, "-IS", keeper.__file__, str(self.folder), *argv],
            env=env,
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        eventually(self._is_known, "the runner is known to the server")

    def _is_known(self) -> bool:
        assert self._keeper is not None
        assert self._keeper.poll() is None, self.log()
        return bool(self.server.admin.api.get("/admin/actions/runners").ok()["total_count"])
