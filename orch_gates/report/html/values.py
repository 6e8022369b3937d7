"""What the dashboard shows, as values: found out by `dashboard`, and nothing here asks anybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

# `orch-gates status` has one of these values, and is not to load what the page needs.
if TYPE_CHECKING:
    from datetime import datetime

    from orch_gates.engine.why import Why
    from orch_gates.model.attempt import Attempt
    from orch_gates.model.environment import Environment
    from orch_gates.model.job import Job
    from orch_gates.model.lease import Lease
    from orch_gates.model.queue import Freeze
    from orch_gates.model.sweep import Memory
    from orch_gates.model.task import Task
    from orch_gates.model.watch import Watch


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task, why it stands where it stands (None once it is finished), and what happened to it, the oldest first.

    `log` are the last lines of its document, and `earlier` is how many there were before them; None for a task whose
    history is left out.
    """

    task: Task
    why: Why | None = None
    log: tuple[str, ...] | None = None
    earlier: int = 0
    jobs: tuple[Job, ...] = ()


@dataclass(frozen=True, slots=True)
class QueueOf:
    """The merge queue of one target in its order."""

    target: str
    freeze: Freeze | None
    rows: tuple[TaskRow, ...]


@dataclass(frozen=True, slots=True)
class LeaseRow:
    """A lease, and the newest attempt of whoever holds it."""

    lease: Lease
    attempt: Attempt | None = None


@dataclass(frozen=True, slots=True)
class SweepState:
    """How the sweep does: `schedule` in a word, since `last`, `line` for people; `problem` is why that is not known."""

    schedule: str
    last: str
    line: str
    memory: Memory
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Everything on the page, at the moment `now`, of the state at one commit.

    `stages` are those of the pipeline in their order; `unread` says what could not be read, and why; `problem` why the
    configuration could not be used.
    """

    repository: str
    now: datetime
    commit: str
    generation: int
    version: str
    stages: tuple[str, ...]
    tasks: tuple[TaskRow, ...]
    queues: tuple[QueueOf, ...]
    leases: tuple[LeaseRow, ...]
    environments: tuple[Environment, ...]
    watches: tuple[Watch, ...]
    sweep: SweepState
    unread: tuple[str, ...] = ()
    problem: str = ""
