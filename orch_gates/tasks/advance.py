"""Judging the gates of a task's edge, and applying exactly one outcome (ENG-3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from orch_gates.engine import events
from orch_gates.engine.decide import decide
from orch_gates.engine.stages import Pipeline
from orch_gates.model.task import Task
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.state import layout
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Store
from orch_gates.tasks import book
from orch_gates.tasks.change import Applied, apply

Reader = Callable[[str], str | None]
Gate = Callable[[str, Task, str, Reader], Verdict]
HeadOf = Callable[[str], str]
Stepped = events.Evaluated | events.Approved | events.Rejected


def judge_edge(gate: Gate, snapshot: Snapshot, task: Task, head: str, pipeline: Pipeline) -> tuple[Verdict, ...]:
    """The verdicts on the edge out of the task's stage, up to the first that is not PASS or SKIP (ENG-3)."""
    stage = pipeline.stage(task.stage)
    verdicts: list[Verdict] = []

    def read(name: str) -> str | None:
        return snapshot.text(layout.report_path(task.id, name))

    for edge in stage.gates if stage is not None else ():
        verdict = gate(edge.name, task, head, read)
        verdicts.append(verdict)
        if verdict.outcome not in {Outcome.PASS, Outcome.SKIP}:
            break
    return tuple(verdicts)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a task, by its gates or by a person's word; `head_of` answers empty for no such branch."""

    store: Store
    pipeline: Pipeline
    gate: Gate
    head_of: HeadOf
    by: str
    now: datetime
    approve: bool = False
    reject: str = ""

    def take(self, name: str) -> Applied:
        """Judge the edge of a task and record what follows from it.

        The recorded reports are read from the very snapshot that the commit is made on. A task
        that somebody else has moved since this call began is left alone: one call is one step (P6).

        Raises:
            UsageError: there is no such task.
            StateError: it could not be recorded.
        """
        event = self._event(book.need(self.store.load(), name).task)
        return apply(self.store, name, event, self.pipeline, self.now, lambda s, page: self._edge(s, page.task, event))

    def would(self, name: str) -> Applied:
        """What `take` would do now; nothing is recorded.

        Raises:
            UsageError, StateError: as `take`.
        """
        snapshot = self.store.load()
        task = book.need(snapshot, name).task
        event = self._event(task)
        verdicts = self._edge(snapshot, task, event)
        return Applied(decide(task, event, verdicts, self.now, self.pipeline), verdicts, "")

    def _event(self, seen: Task) -> Stepped:
        stage = self.pipeline.stage(seen.stage)
        # Asking for the head costs a request; only gates need it.
        head = self.head_of(seen.branch) if stage is not None and stage.gates else seen.head
        if self.reject:
            return events.Rejected(self.by, self.reject)
        if self.approve:
            return events.Approved(self.by, seen, head)
        return events.Evaluated(self.by, seen, head)

    def _edge(self, snapshot: Snapshot, task: Task, event: Stepped) -> tuple[Verdict, ...]:
        if isinstance(event, events.Rejected) or task.state.finished or task.state.waits_for_a_person:
            return ()
        return judge_edge(self.gate, snapshot, task, event.head, self.pipeline)
