"""What happened to a task, told from the commits of the state branch (ST-3)."""

from __future__ import annotations

from dataclasses import replace

from orch_gates.errors import UsageError
from orch_gates.state.log import Logged
from orch_gates.state.store import Store
from orch_gates.tasks.book import checked


def history_of(store: Store, name: str) -> tuple[Logged, ...]:
    """Every commit about a task, the oldest first; archived tasks too.

    Raises:
        UsageError: that is no task id, or nothing ever happened to such a task.
        StateError: the branch cannot be read.
    """
    task = checked(name)
    steps = tuple(_about(task, step) for step in store.log() if task in step.tasks)
    if not steps:
        raise UsageError(f"there is no task {name}; `orch-gates task list` shows those there are")
    return steps[::-1]


def _about(task: str, step: Logged) -> Logged:
    """A commit about several tasks as this one's: without the lines of the others."""
    if len(step.tasks) == 1:
        return step
    lines = (line for line in step.body.splitlines() if line.startswith(f"{task}: "))
    return replace(step, body="\n".join(lines))
