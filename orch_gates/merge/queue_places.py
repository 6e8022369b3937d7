"""What is around the tasks of one snapshot: who waits before whom, who has the lease, what is frozen (ENG-8)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from orch_gates.engine.board import Lines, lines, queue_context, task_position
from orch_gates.engine.stages import Pipeline, pipeline_of
from orch_gates.engine.why import Why, explain
from orch_gates.merge import ledger
from orch_gates.model.attempt import Attempt
from orch_gates.model.ids import timestamp
from orch_gates.model.queue import Freeze, Queue
from orch_gates.model.task import Task
from orch_gates.state import layout
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Store
from orch_gates.tasks import book, positions
from orch_gates.tasks.book import Book, Quarantined
from orch_gates.tasks.positions import TaskPositions


@dataclass(frozen=True, slots=True)
class Places:
    """All of it for one target; `attempt` is the newest one of whoever holds the lease."""

    target: str
    others: TaskPositions
    lines: Lines
    leases: Book
    attempt: Attempt | None
    queue: Queue

    @property
    def quarantined(self) -> tuple[Quarantined, ...]:
        """The files that were set apart."""
        return (*self.leases.quarantined, *self.others.quarantined)

    def frozen(self, now: datetime) -> Freeze | None:
        """The freeze of the queue that holds now."""
        return self.queue.frozen(timestamp(now))

    def why(self, task: Task, configured: Pipeline, now: datetime) -> Why:
        """Why a task stands where it stands."""
        where = queue_context(task_position(task), self.lines, self.leases.leases, self.target, self.attempt)
        frozen = self.frozen(now) if where.position and task.enqueued is not None else None
        found = explain(task, pipeline_of(task, configured), where, now)
        works = task.enqueued is not None and where.position > 0 and found.holder == task.id
        if works and self.attempt is not None and not self.attempt.over:
            found = replace(found, reason=self.attempt.reason, cause="merge")
        return found.under(frozen.said) if frozen is not None else found


def read(store: Store, snapshot: Snapshot, target: str) -> Places:
    """All of it in one snapshot.

    Raises:
        StateDocumentError: the attempt, or what holds for the queue, is malformed.
    """
    return _places(snapshot, target, positions.read(store, snapshot), book.read(snapshot, layout.LEASES))


def of(snapshot: Snapshot, target: str, everything: Book) -> Places:
    """The same where all tasks and leases were read anyway: none of them is read again.

    Raises:
        StateDocumentError: as `read`.
    """
    return _places(snapshot, target, TaskPositions(tuple(map(task_position, everything.tasks)), ()), everything)


def _places(snapshot: Snapshot, target: str, others: TaskPositions, leases: Book) -> Places:
    holder = next((one.holder for one in leases.leases if one.target == target), "")
    attempt = ledger.page(snapshot, target, holder).attempt if holder else None
    return Places(target, others, lines(others.tasks), leases, attempt, ledger.queue(snapshot, target)[0])
