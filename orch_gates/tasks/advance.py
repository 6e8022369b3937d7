"""One step of a task: its gates run without a lock, then exactly one outcome is recorded (ENG-3, ENG-10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from orch_gates.effects.outbox import NOWHERE, Outbox
from orch_gates.effects.performed import Performed
from orch_gates.engine import events
from orch_gates.engine.decide import decide
from orch_gates.engine.decision import Decision, Move
from orch_gates.engine.statuses import Posting
from orch_gates.model.task import Task
from orch_gates.model.verdict import Outcome
from orch_gates.state.outcome import commit_of
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Change, Store
from orch_gates.tasks import book, edge
from orch_gates.tasks.change import Applied, finish, recorded, with_effects
from orch_gates.tasks.configured import Configured
from orch_gates.tasks.edge import Gate, GateResults, HeadOf

Stepped = events.Evaluated | events.Approved | events.Rejected

_ROUNDS = 3
_MOVED_ON = "the task changed after its issue was read; nothing was decided, the next run checks again"


@dataclass(frozen=True, slots=True)
class TakenStep:
    """A step on one snapshot: what was decided, and the change that records it; None where nothing is to be written."""

    decision: Decision
    change: Change | None


@dataclass(frozen=True, slots=True)
class TaskStep:
    """One step of a task, by its gates or by a person's word; `head_of` answers empty for no such branch.

    `due` as in the event. `seen`: the task as it was before its issue was looked at, where a word there is acted on;
    on another one the word says nothing, as somebody may have acted on it already (ENG-9).
    """

    store: Store
    configured: Configured
    gate: Gate
    head_of: HeadOf
    by: str
    now: datetime
    approve: bool = False
    reject: str = ""
    outbox: Outbox = NOWHERE
    due: bool = False
    seen: Task | None = None

    def take(self, name: str) -> Applied:
        """Run the gates on the edge of a task and record what follows from it.

        Gates may take minutes, so they run before the transaction, which refuses where the
        task, its branch's head or a report is another one by then; all of them run again, a
        few times. A task that somebody else has moved since this call began is left alone, as one
        call is one step (P6); a rejection sends it back from wherever it is by then.

        Raises:
            UsageError: there is no such task.
            StateError: it could not be recorded.
        """
        self.configured.agree(self.store)
        first: Task | None = None
        earlier: tuple[Performed, ...] = ()
        for _ in range(_ROUNDS):
            snapshot = self.store.load()
            task = book.need(snapshot, name).task
            if self.seen is not None and task != self.seen:
                return Applied(Decision(Move.STAY, task, _MOVED_ON, Outcome.DEFER), (), "")
            if first is None:
                first, earlier = task, self.outbox.perform(task.effects)
            if not self.reject and _place(task) != _place(first):
                pipeline = self.configured.pipeline_of(task)
                event = self._event(GateResults(first, first.head))
                return Applied(decide(task, event, (), self.now, pipeline), (), "")
            results = self.run_gates(snapshot, task)
            posting = self.posting(results)
            # A push may have come while slow gates ran.
            if results.verdicts and self._head(task, results.merge) != results.head:
                continue
            if (applied := self._record(results, posting, earlier)) is not None:
                return self._finished(applied, earlier)
        why = (
            f"the task or its reports changed {_ROUNDS} times while its gates ran; nothing was decided, run the "
            "command again"
        )
        assert first is not None
        return Applied(Decision(Move.STAY, first, why, Outcome.DEFER), (), "")

    def would(self, name: str) -> Applied:
        """What `take` would do now; nothing is recorded.

        Raises:
            UsageError, StateError: as `take`.
        """
        snapshot = self.store.load()
        results = self.run_gates(snapshot, book.need(snapshot, name).task)
        return Applied(self.decided(results), results.verdicts, "")

    def decided(self, results: GateResults, posting: Posting | None = None, generation: int = 0) -> Decision:
        """What follows from verdicts on the task that they are about; `generation` as for `decide`."""
        pipeline, event = self.configured.pipeline_of(results.task), self._event(results)
        return decide(results.task, event, results.verdicts, self.now, pipeline, posting, generation=generation)

    def posting(self, results: GateResults) -> Posting | None:
        """What statuses are planned with; where nothing follows from the verdicts, the forge is not asked."""
        moves = results.verdicts and self.decided(results).task != results.task
        return self.outbox.posting(results.head) if moves else None

    def on(
        self,
        snapshot: Snapshot,
        results: GateResults,
        head: str,
        posting: Posting | None = None,
        done: Sequence[Performed] = (),
    ) -> TakenStep | None:
        """What follows on a snapshot, its branch standing at `head`; None where the verdicts are about what is not so.

        Pure on a snapshot, so that a lost race decides again, and several tasks can move in one commit.

        Raises:
            UsageError: there is no such task any more.
            StateError: a document is malformed, or the configuration is older than the branch's.
        """
        self.configured.check(book.root_of(snapshot))
        page = book.need(snapshot, results.task.id)
        found = edge.reports(snapshot, page.task, head, results.merge.earlier(head))
        if not results.holds(page.task, head, found):
            return None
        # Whatever is recorded by now is from before a step back (ENG-9).
        now = replace(results, reports=found.ids)
        generation = snapshot.generation + 1
        decided = self.decided(now, posting and replace(posting, generation=generation), generation)
        if decided.task == page.task:
            return TakenStep(decided, None)
        decided = with_effects(decided, page.task, done)
        return TakenStep(decided, recorded(page, decided, self.by, self.now))

    def _finished(self, applied: Applied, earlier: tuple[Performed, ...]) -> Applied:
        task = applied.decision.task
        left = tuple(one for one in earlier if one.effect in task.effects)
        performed = (*left, *(self.outbox.perform(applied.decision.effects) if applied.commit else ()))
        return replace(applied, performed=finish(self.store, task, performed))

    def _record(self, results: GateResults, posting: Posting | None, done: tuple[Performed, ...]) -> Applied | None:
        """Record what follows from the verdicts; None where they are about what is not so any more."""
        head = results.head
        decided: Decision | None = None

        def look_again() -> None:
            nonlocal head
            if results.verdicts:
                head = self._head(results.task, results.merge)

        def decision(snapshot: Snapshot) -> Change | None:
            nonlocal decided
            taken = self.on(snapshot, results, head, posting, done)
            decided = None if taken is None else taken.decision
            return None if taken is None else taken.change

        commit = commit_of(self.store.transact(decision, look_again))
        return None if decided is None else Applied(decided, results.verdicts, commit)

    def run_gates(self, snapshot: Snapshot, task: Task) -> GateResults:
        """Run the gates on the edge of a task; nothing is recorded, and no lock is held.

        Raises:
            OrchError: a gate could not be asked, or the head of the branch.
        """
        stage = self.configured.pipeline_of(task).stage(task.stage)
        # Asking for the head costs a request; only gates, and what was sent back, need it.
        needed = (stage is not None and stage.gates) or self.reject or task.sent_back is not None
        merge = edge.merge_of(snapshot, task) if needed else edge.NO_MERGE
        head = self._head(task, merge) if needed else task.head
        if self.reject or task.state.finished or task.state.waits_for_a_person:
            return GateResults(task, head, reports=edge.reports(snapshot, task, head).ids)
        return edge.run_gates(self.gate, snapshot, task, head, self.configured.pipeline_of(task), merge)

    def _head(self, task: Task, merge: edge.Merge) -> str:
        return merge.head(self.head_of, self.configured.pipeline_of(task), task)

    def _event(self, results: GateResults) -> Stepped:
        by_issue = self.seen is not None
        if self.reject:
            return events.Rejected(self.by, self.reject, results.head, results.reports, by_issue)
        if self.approve:
            return events.Approved(self.by, results.task, results.head, reports=results.reports, by_issue=by_issue)
        return events.Evaluated(self.by, results.task, results.head, results.reports, self.due)


def _place(task: Task) -> tuple[object, ...]:
    return (task.stage, task.state, task.since)
