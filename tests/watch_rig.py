"""A project whose deploys are watched, and a production that is well or ill as a test says."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from orch_gates.model.ids import TaskId
from orch_gates.state import layout
from tests import deploy_rig, job_rig
from tests.builders import PROGRAM
from tests.deploy_rig import STATE, DeployRig
from tests.fakes import scripted_http
from tests.fakes.scripted_http import says
from tests.job_rig import NO_ENV, Env
from tests.patience import rest

WINDOW_S = 10
LONG_S = 20
CONFIG = """
environments:
  production:
    rollback: echo "$EXPECTED_REVISION" >>"$ROLLED"; eval "$ROLLBACK"
    watch:
      window_s: {window}
      every_s: {every}
      failures: 2
      probes:
        - url: {url}/
          timeout_s: 2
"""


class Production:
    """Answers 200, and 503 while the file `ill` is there."""

    def __init__(self) -> None:
        self.ill = Path("/nowhere")
        self.url = ""
        self.asked = 0

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked += 1
        says(503 if self.ill.exists() else 200)(handler)


@contextlib.contextmanager
def production() -> Iterator[Production]:
    """Serve until the block ends."""
    made = Production()
    with scripted_http.serving(made) as server:
        made.url = server.url
        yield made


@dataclass
class WatchRig(DeployRig):
    """`T-1` and `T-2` wait to be deployed; nothing is verified yet."""

    served: Production = field(kw_only=True)

    @property
    def rolled(self) -> list[str]:
        """The revision of each rollback that ran."""
        path = self.folder / "rolled"
        return path.read_text().split() if path.exists() else []

    def fall_ill(self) -> None:
        self.served.ill.touch()

    def recover(self) -> None:
        self.served.ill.unlink(missing_ok=True)

    def watch(self, task: str = "T-1", *options: str, code: int = 0, env: Env = NO_ENV) -> str:
        return self.ok("watch", "--task", task, *options, code=code, env=env)

    @contextlib.contextmanager
    def watching(self, task: str = "T-1", *, env: Env = NO_ENV) -> Iterator[subprocess.Popen[bytes]]:
        """A watch that has begun."""
        values = {**os.environ, **self.env, **env}
        deploy = self.environment()["current"]["deploy"]
        with subprocess.Popen(
            [PROGRAM, "watch", "--task", task],
            cwd=self.work.path,
            env={name: value for name, value in values.items() if value is not None},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as child:
            try:
                pid = child.pid
                self.until(
                    lambda: (
                        (self.document(layout.watch_path(deploy))["watcher"] or {}).get("process", {}).get("pid") == pid
                    )
                )
                yield child
            finally:
                child.kill()

    def until(self, condition: Callable[[], bool]) -> None:
        began = time.monotonic()
        while not condition():
            assert time.monotonic() < began + 60
            rest(began)

    def over(self, deploy: str = "") -> dict[str, Any]:
        """The watch over a deploy; without one, over what runs."""
        return self.document(layout.watch_path(deploy or self.environment()["current"]["deploy"]))

    def watch_log(self, task: str = "T-1") -> str:
        path = layout.report_path(TaskId(task), "16-post-deploy-log.md", self.head(task))
        return self.server.git("show", f"{STATE}:{path}") + "\n"

    def verify(self) -> str:
        """Deploy T-1 and have it verified, by a short watch; later ones have time. Answers its deploy."""
        self.deploy("exit 0")
        self.watch()
        self.configure(LONG_S)
        return str(self.environment()["current"]["deploy"])

    def configure(self, window: int) -> None:
        """Have the next deploys watched for so many seconds."""
        self.work.commit("Watch longer", {".orch-gates.yaml": configuration(self.served.url, window)})
        self.work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
        self.work.git("fetch", "--quiet", "origin")


def configuration(url: str, window: int, every: int = 1) -> str:
    return deploy_rig.CONFIG + CONFIG.format(url=url, window=window, every=every)


def template(folder: Path, url: str, window: int = WINDOW_S, every: int = 1) -> Path:
    made = deploy_rig.template(folder, config=configuration(url, window, every))
    job_rig.at(made).new("T-2")
    return made


def copy(made: Path, folder: Path, served: Production) -> WatchRig:
    rig = job_rig.copy(made, folder)
    served.ill = folder / "ill"
    env = {**rig.env, "ROLLED": str(folder / "rolled"), "ILL": str(served.ill), "ROLLBACK": 'rm -f "$ILL"'}
    return WatchRig(rig.folder, rig.server, rig.work, env, served=served)
