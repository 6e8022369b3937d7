"""A process that deploys as `orch-gates deploy` does, and dies at one of its calls (`tests.workers`).

Every commit of the state is an effect, and every reading of it, and of the branches, a question.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from orch_gates.cli.deploy.run import DeployOptions, DeployRun
from orch_gates.deploy.contract import DeployRequest
from orch_gates.workspace import open_workspace
from tests import workers
from tests.sweep_worker import EFFECTS, QUESTIONS
from tests.workers import Moments, Watched


def deploy(
    directory: Path, env: Mapping[str, str], script: str, *, dies_at: int = 0
) -> subprocess.CompletedProcess[str]:
    """Deploy T-1 in one, to its end."""
    return workers.finished(workers.start("deploy_worker", directory, env, dies_at, script), timeout=300)


def main(directory: str, dies_at: str, script: str) -> None:
    """One deploy; its exit code is the process's."""
    moments = Moments(int(dies_at))
    workspace = open_workspace(Path(directory))
    workspace.__dict__["store"] = Watched(workspace.store, moments, EFFECTS, QUESTIONS)
    workspace.__dict__["heads"] = Watched(workspace.heads, moments, EFFECTS, QUESTIONS)
    code = DeployRun(workspace, DeployRequest("T-1", "production"), DeployOptions()).go(["sh", "-c", script])
    print(moments.count, flush=True)
    sys.exit(code)
