"""A process that runs one tick as `orch-gates sweep` does, and dies at one of its calls.

`python -m tests.sweep_worker DIRECTORY DIES_AT LATER_S`: every call that changes something (a commit of the state, the
memory, a status, a start) has a moment before and one after it, and every other call to the state or the forge one
before it. At the DIES_AT-th of these moments the process is killed; 0 is never. The tick is LATER_S seconds from now.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from orch_gates.cli.sweep.commands import parts_of
from orch_gates.sweep.tick import Ticking
from orch_gates.workspace import open_workspace
from tests.merge_worker import Moments

_CODE = Path(__file__).parent.parent
_EFFECTS = {"transact", "replace", "post", "start"}
_QUESTIONS = {"load", "read", "latest", "of", "of_all", "jobs", "run"}


def worker(directory: Path, env: Mapping[str, str], *, dies_at: int = 0, later: float = 0) -> subprocess.Popen[str]:
    """Start one."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.sweep_worker", str(directory), str(dies_at), str(later)],
        env={**os.environ, **env, "PYTHONPATH": str(_CODE)},
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class Watched:
    """A port whose calls have moments; all else is passed on."""

    def __init__(self, port: Any, moments: Moments) -> None:
        self._port = port
        self._moments = moments

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if name not in _EFFECTS | _QUESTIONS:
            return found

        def called(*args: Any, **values: Any) -> Any:
            self._moments.pass_by()
            answer = found(*args, **values)
            if name in _EFFECTS:
                self._moments.pass_by()
            return answer

        return called


def main(directory: str, dies_at: str, later: str) -> None:
    """One tick; its exit code is the process's."""
    moments = Moments(int(dies_at), 0)
    workspace = replace(open_workspace(Path(directory)), tests=False)
    memory = workspace.store.memory
    if (forge := workspace.forge) is not None:
        watched: Any = Watched(forge.statuses, moments)
        workspace.__dict__["forge"] = replace(forge, statuses=watched)
    workspace.__dict__["store"] = Watched(workspace.store, moments)
    parts = parts_of(workspace)
    start = parts.start

    def started(job: Any) -> Any:
        assert start is not None
        moments.pass_by()
        answer = start(job)
        moments.pass_by()
        return answer

    remembering: Any = Watched(memory, moments)
    parts = replace(parts, memory=lambda: remembering, start=started if start is not None else None)
    now = workspace.now + timedelta(seconds=float(later))
    report = Ticking(parts, now).run()
    print(report.lines, report.problems, moments.count, flush=True)
    sys.exit(report.exit_code)


if __name__ == "__main__":
    main(*sys.argv[1:])
