"""A process that merges tasks as `orch-gates merge` does, and dies or dawdles at its effects (`tests.workers`).

It prints the exit code for each task, and with several tasks it goes on with those that are not done until all are.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from orch_gates.cli.merge import merge_context
from orch_gates.errors import OrchError
from orch_gates.workspace import Workspace, open_workspace
from tests import workers
from tests.workers import Moments, Watched
from tests.zygote import Child

# A commit of the state, a push, a question to the forge that changes something.
EFFECTS = {"transact", "push", "merge", "open", "post", "label", "comment", "edit_comment", "delete_comment"}


def worker(directory: Path, env: Mapping[str, str | None], *tasks: str, dies_at: int = 0, dawdles: float = 0) -> Child:
    """Start one."""
    return workers.start("merge_worker", directory, env, dies_at, dawdles, *tasks)


def watched(workspace: Workspace, moments: Moments) -> Callable[[str], int]:
    """What merges a task, and answers its exit code."""

    def port(of: Any) -> Any:
        return Watched(of, moments, EFFECTS)

    workspace.__dict__["store"] = port(workspace.store)
    driving = merge_context.driving(workspace)
    context, forge = driving.context, driving.context.forge
    assert forge is not None
    forge = replace(forge, pulls=port(forge.pulls), statuses=port(forge.statuses))
    driving = replace(driving, context=replace(context, forge=forge, remote=port(context.remote)))

    def merge(task: str) -> int:
        result = driving.land(task)
        if merge_context.is_attempt(result):
            merge_context.step_after(workspace, result).take(task)
        return merge_context.verdict_of(workspace, "merge-proof", task, result).outcome.exit_code

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
