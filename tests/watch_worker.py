"""A process that watches as `orch-gates watch` does, and dies right after one of its commits (`tests.workers`)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from orch_gates.cli.deploy.watch_run import WatchRun, exit_code
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Change
from orch_gates.workspace import open_workspace
from tests import workers
from tests.workers import Moments

Decision = Callable[[Snapshot], Change | None]


class Dying:
    """A store whose commits have a moment after them; what decides to write nothing has none."""

    def __init__(self, store: Any, moments: Moments) -> None:
        self._store = store
        self._moments = moments

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def transact(self, decision: Decision, **options: Any) -> Any:
        writes = False

        def decided(snapshot: Snapshot) -> Change | None:
            nonlocal writes
            change = decision(snapshot)
            writes = change is not None
            return change

        answer = self._store.transact(decided, **options)
        if writes:
            self._moments.pass_by()
        return answer


def watch(directory: Path, env: Mapping[str, str], deploy: str, dies_at: int) -> subprocess.CompletedProcess[str]:
    """Watch a deploy in one, to its end."""
    return workers.finished(workers.start("watch_worker", directory, env, deploy, dies_at), timeout=120)


def main(directory: str, deploy: str, dies_at: str) -> None:
    """One watch; its exit code is the process's."""
    workspace = open_workspace(Path(directory))
    workspace.__dict__["store"] = Dying(workspace.store, Moments(int(dies_at)))
    sys.exit(exit_code(WatchRun(workspace, "production", lambda: False).go(deploy)))
