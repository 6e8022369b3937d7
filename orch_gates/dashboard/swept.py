"""How the sweep does, for the page and for the terminal."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from orch_gates.errors import StateError
from orch_gates.model.sweep import nothing
from orch_gates.report.html.values import SweepState
from orch_gates.sweep.lag import lag

if TYPE_CHECKING:
    from orch_gates.state.branch.git_store import GitStore


def sweep_state(store: GitStore, now: datetime, every: timedelta) -> SweepState:
    """How the sweep does; where its memory cannot be read, that is said, and the rest is shown all the same."""
    problem = ""
    try:
        recalled = store.memory.read()
        memory, problem = recalled.memory or nothing(), recalled.problem
    except StateError as error:
        memory, problem = nothing(), str(error)
    gap = lag(memory.ticks, now, every)
    return SweepState(gap.schedule.value, gap.last, gap.line, memory, problem)
