"""A process that deploys as `orch-gates deploy` does, and dies at one of its calls.

`python -m tests.deploy_worker DIRECTORY DIES_AT SCRIPT`: every commit of the state has a moment before and one after,
and every reading of it, and of the branches, one before. At the DIES_AT-th of them the process is killed; 0 is never.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from orch_gates.cli.deploy.run import DeployRun, Options
from orch_gates.deploy.contract import Wanted
from orch_gates.workspace import open_workspace
from tests.merge_worker import Moments
from tests.sweep_worker import Watched

_CODE = Path(__file__).parent.parent


def deploy(
    directory: Path, env: Mapping[str, str], script: str, *, dies_at: int = 0
) -> subprocess.CompletedProcess[str]:
    """Deploy T-1 in one."""
    return subprocess.run(
        [sys.executable, "-m", "tests.deploy_worker", str(directory), str(dies_at), script],
        env={**os.environ, **env, "PYTHONPATH": str(_CODE)},
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def main(directory: str, dies_at: str, script: str) -> None:
    """One deploy; its exit code is the process's."""
    moments = Moments(int(dies_at), 0)
    workspace = open_workspace(Path(directory))
    workspace.__dict__["store"] = Watched(workspace.store, moments)
    workspace.__dict__["heads"] = Watched(workspace.heads, moments)
    code = DeployRun(workspace, Wanted("T-1", "production"), Options()).go(["sh", "-c", script])
    print(moments.count, flush=True)
    sys.exit(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
