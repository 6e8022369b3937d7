"""Judging the gates of a task's edge, and applying exactly one outcome (ENG-3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from orch_gates.engine import events
from orch_gates.engine.stages import Pipeline
from orch_gates.model.task import Task
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.state import layout
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Store
from orch_gates.tasks import book
from orch_gates.tasks.book import Page
from orch_gates.tasks.change import Applied, apply

Reader = Callable[[str], str | None]
Gate = Callable[[str, Task, str, Reader], Verdict]
HeadOf = Callable[[str], str]


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


def advance(
    store: Store, name: str, *, by: str, gate: Gate, head_of: HeadOf, pipeline: Pipeline, now: datetime
) -> Applied:
    """Judge the edge of a task and record what follows from it.

    The recorded reports are read from the very snapshot that the commit is made on. A task that
    somebody else has moved since this call began is left alone: one call is one step (P6).

    Raises:
        UsageError: there is no such task.
        StateError: it could not be recorded.
    """
    seen = book.need(store.load(), name).task
    head = head_of(seen.branch)
    return apply(
        store,
        name,
        lambda _page: events.Evaluated(by, seen, head),
        pipeline,
        now,
        lambda snapshot, page: _edge(gate, snapshot, page, head, pipeline),
    )


def _edge(gate: Gate, snapshot: Snapshot, page: Page, head: str, pipeline: Pipeline) -> tuple[Verdict, ...]:
    return judge_edge(gate, snapshot, page.task, head, pipeline)
