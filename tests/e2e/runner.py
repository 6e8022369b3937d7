"""Gitea's own runner of Actions: jobs on this machine, as one of the server's runners."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from tests.builders import loaded_program
from tests.conftest import CACHE
from tests.e2e import keeper
from tests.e2e.gitea import Gitea
from tests.e2e.repository import eventually

_REGISTER_S = 60
# By default it asks, tells and notices seconds later.
_CONFIG = """\
runner:
  file: {folder}/.runner
  labels: ["{label}:host"]
  capacity: {capacity}
  timeout: 150s
  fetch_interval: 200ms
  fetch_interval_max: 200ms
  log_report_interval: 1s
  log_report_max_latency: 200ms
  state_report_interval: 500ms
cache: {{enabled: false}}
host: {{workdir_parent: {folder}/work}}
container: {{workdir_parent: {folder}/container}}
"""


class Runner:
    """A runner of the whole server, up between `start` and `stop`."""

    def __init__(
        self, server: Gitea, program: Path, folder: Path, capacity: int = 2, label: str = "ubuntu-latest"
    ) -> None:
        self.server = server
        self.label = label
        self.capacity = capacity
        self.folder = folder
        self._keeper: subprocess.Popen[bytes] | None = None
        self._argv = [str(program.resolve()), "--config", str(folder / "config.yaml")]
        # Its jobs have this environment too; the programs of this project are what a runner's machine has ready.
        ready = [str(loaded_program().parent), str(Path(sys.executable).parent)]
        path = os.pathsep.join([*ready, os.environ["PATH"]])
        code = {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
        self._env = {**code, "PATH": path, "HOME": str(folder), "ORCH_CACHE_DIR": str(CACHE), "LANG": "C.UTF-8"}

    def start(self) -> None:
        """Register it and start it."""
        config = _CONFIG.format(folder=self.folder, capacity=self.capacity, label=self.label)
        (self.folder / "config.yaml").write_text(config)
        token = self.server.admin.api.post("/admin/actions/runners/registration-token").ok()["token"]
        # It takes the token in no other way; the server is gone after the tests.
        given = ["--no-interactive", "--name", "tests", "--instance", self.server.url, "--token", token]
        done = subprocess.run(
            [*self._argv, "register", *given],
            cwd=self.folder,
            env=self._env,
            capture_output=True,
            text=True,
            check=False,
            timeout=_REGISTER_S,
        )
        assert done.returncode == 0, done.stderr
        self._keeper = subprocess.Popen(
            [sys.executable, "-IS", keeper.__file__, str(self.folder), *self._argv, "daemon"],
            env=self._env,
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        eventually(self._is_up, "the runner asks the server for jobs")

    def stop(self) -> None:
        """End it with its jobs, and remove its folders."""
        if self._keeper is not None:
            self._keeper.communicate()
            self._keeper = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def kill(self) -> None:
        """Let it die with its jobs, so that the server is told nothing."""
        assert self._keeper is not None
        keeps = f"/proc/{self._keeper.pid}/task/{self._keeper.pid}/children"
        children = Path(keeps).read_text("utf-8").split()
        # What was left of earlier jobs is the keeper's child too.
        (program,) = (one for one in children if Path(f"/proc/{one}/cmdline").read_bytes().endswith(b"\0daemon\0"))
        os.kill(int(program), signal.SIGKILL)
        # The keeper ends in the same way what the program started.
        assert self._keeper.wait(_REGISTER_S) == 1
        self._keeper.communicate()
        self._keeper = None

    def _is_up(self) -> bool:
        assert self._keeper is not None
        assert self._keeper.poll() is None, (self.folder / "log").read_text("utf-8", "replace")[-3000:]
        found = self.server.admin.api.get("/admin/actions/runners").ok()["runners"]
        return any(runner["status"] == "online" for runner in found)
