"""A process that merges tasks as `orch-gates merge` does, and dies or dawdles at its effects.

`python -m tests.merge_worker DIRECTORY DIES_AT DAWDLES_S TASK…`: every effect (a commit of the state, a push, a
question to the forge that changes something) has a moment before and one after it. At the DIES_AT-th of these moments
the process is killed; 0 is never. Before each it waits a random time of at most DAWDLES_S. It prints the exit code for
each task, and with several tasks it goes on with those that are not done until all are. Where
MERGE_WORKER_STOPS_BEFORE names an effect, it stops itself (SIGSTOP) before the first of them; where
MERGE_WORKER_DIES_BEFORE does, it is killed.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from orch_gates.cli.merge import merging
from orch_gates.errors import OrchError
from orch_gates.workspace import Workspace, open_workspace

_CODE = Path(__file__).parent.parent
_EFFECTS = {"transact", "push", "merge", "open", "post", "label", "comment", "edit_comment", "delete_comment"}


def worker(
    directory: Path, env: Mapping[str, str | None], *tasks: str, dies_at: int = 0, dawdles: float = 0
) -> subprocess.Popen[str]:
    """Start one."""
    inherited = {**os.environ, **{key: value for key, value in env.items() if value is not None}}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.merge_worker", str(directory), str(dies_at), str(dawdles), *tasks],
        env={**inherited, "PYTHONPATH": str(_CODE)},
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class Moments:
    """Counts the moments of this process; the one where it dies is its last."""

    def __init__(self, dies_at: int, dawdles: float) -> None:
        self._dies_at = dies_at
        self._dawdles = dawdles
        self.count = 0
        self._dies_before = os.environ.get("MERGE_WORKER_DIES_BEFORE", "")
        self._stops_before = os.environ.get("MERGE_WORKER_STOPS_BEFORE", "")

    def pass_by(self, before: str = "") -> None:
        if before and before == self._dies_before:
            os.kill(os.getpid(), signal.SIGKILL)
        if before and before == self._stops_before:
            self._stops_before = ""
            os.kill(os.getpid(), signal.SIGSTOP)
        self.count += 1
        if self.count == self._dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if self._dawdles:
            time.sleep(random.uniform(0, self._dawdles))


class Watched:
    """A port whose effects have a moment before and one after them; all else is passed on."""

    def __init__(self, port: Any, moments: Moments) -> None:
        self._port = port
        self._moments = moments

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if name not in _EFFECTS:
            return found

        def performed(*args: Any, **values: Any) -> Any:
            self._moments.pass_by(before=name)
            answer = found(*args, **values)
            self._moments.pass_by()
            return answer

        return performed


def watched(workspace: Workspace, moments: Moments) -> Callable[[str], int]:
    """What merges a task, and answers its exit code."""
    workspace.__dict__["store"] = Watched(workspace.store, moments)
    driving = merging.driving(workspace)
    context, forge = driving.context, driving.context.forge
    assert forge is not None
    forge = replace(forge, pulls=Watched(forge.pulls, moments), statuses=Watched(forge.statuses, moments))
    remote: Any = Watched(context.remote, moments)
    driving = replace(driving, context=replace(context, forge=forge, remote=remote))

    def merge(task: str) -> int:
        result = driving.land(task)
        if merging.is_attempt(result):
            merging.step_after(workspace, result).take(task)
        return merging.verdict_of(workspace, "merge-proof", task, result).outcome.exit_code

    return merge


def main(directory: str, dies_at: str, dawdles: str, *tasks: str) -> None:
    """Merge, until every task is done or red."""
    moments = Moments(int(dies_at), float(dawdles))
    left = list(tasks)
    while left:
        task = random.choice(left)
        workspace = open_workspace(Path(directory))
        try:
            code = watched(workspace, moments)(task)
        except OrchError as error:
            print(task, type(error).__name__, error, flush=True)
            code = error.exit_code
        print(task, code, flush=True)
        if code in {0, 1} or len(tasks) == 1:
            left.remove(task)


if __name__ == "__main__":
    main(*sys.argv[1:])
