"""A process that runs one tick as `orch-gates sweep` does, and dies at one of its calls (`tests.workers`).

What changes something is a commit of the state, the memory, a status, a start; other calls to the state or the forge
are questions. The tick is LATER_S seconds from now.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from orch_gates.cli.sweep.commands import parts_of
from orch_gates.sweep.tick import Ticking
from orch_gates.workspace import open_workspace
from tests import workers
from tests.workers import Moments, Watched
from tests.zygote import Child

EFFECTS = {"transact", "replace", "post", "start"}
QUESTIONS = {"load", "read", "latest", "of", "of_all", "jobs", "run"}


def worker(directory: Path, env: Mapping[str, str], *, dies_at: int = 0, later: float = 0) -> Child:
    """Start one."""
    return workers.start("sweep_worker", directory, env, dies_at, later)


def main(directory: str, dies_at: str, later: str) -> None:
    """One tick; its exit code is the process's."""
    moments = Moments(int(dies_at))
    workspace = replace(open_workspace(Path(directory)), tests=False)

    def port(of: Any) -> Any:
        return Watched(of, moments, EFFECTS, QUESTIONS)

    remembering = port(workspace.store.memory)
    if (forge := workspace.forge) is not None:
        workspace.__dict__["forge"] = replace(forge, statuses=port(forge.statuses))
    workspace.__dict__["store"] = port(workspace.store)
    parts = parts_of(workspace)
    start = parts.start

    def started(job: Any) -> Any:
        assert start is not None
        moments.pass_by()
        answer = start(job)
        moments.pass_by()
        return answer

    parts = replace(parts, memory=lambda: remembering, start=started if start is not None else None)
    now = workspace.now + timedelta(seconds=float(later))
    report = Ticking(parts, now).run()
    print(report.lines, report.problems, moments.count, flush=True)
    sys.exit(report.exit_code)
