"""Applying one event to one task in one state commit (ENG-3, ST-2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from orch_gates.engine.decide import Decision, decide
from orch_gates.engine.events import Event
from orch_gates.model.verdict import Verdict
from orch_gates.state import codec
from orch_gates.state.outcome import commit_of
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Change, Store
from orch_gates.tasks import book
from orch_gates.tasks.book import Page
from orch_gates.tasks.configured import Configured


@dataclass(frozen=True, slots=True)
class Applied:
    """What was decided, on which verdicts, and the commit that recorded it; empty where nothing was to be written."""

    decision: Decision
    verdicts: tuple[Verdict, ...]
    commit: str


def apply(store: Store, name: str, event: Event, configured: Configured, now: datetime) -> Applied:
    """Decide on the task as it is now by a person's word, and record it; a lost race decides again (P6).

    Raises:
        UsageError: there is no such task.
        StateError: it could not be recorded, or whether it was could not be found out.
    """
    configured.agree(store)
    decided: Decision | None = None

    def decision(snapshot: Snapshot) -> Change | None:
        nonlocal decided
        configured.check(book.root_of(snapshot))
        page = book.need(snapshot, name)
        decided = decide(page.task, event, (), now, configured.pipeline)
        return None if decided.task == page.task else recorded(page, decided, event.by, now)

    commit = commit_of(store.transact(decision))
    assert decided is not None
    return Applied(decided, (), commit)


def recorded(page: Page, decided: Decision, by: str, now: datetime) -> Change:
    """The change that records a decision about a task."""
    before, after = page.task, decided.task
    step = f"{before.stage} → {after.stage}" if before.stage != after.stage else after.stage
    line = f"{decided.move} ({step}): {decided.reason} [{after.cause}; by {by}]"
    return Change(
        event=decided.move.value,
        task=after.id,
        subject=f"{after.id}: {decided.move} ({step})",
        body=decided.reason,
        writes={page.path: codec.encode(after, codec.append_line(page.body, now, line))},
    )
