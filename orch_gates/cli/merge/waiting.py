"""`--waiting` of the commands that merge: every task that stands where they apply, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from orch_gates import clock
from orch_gates.engine import spent
from orch_gates.engine.board import turn
from orch_gates.errors import OrchError
from orch_gates.model.ids import timestamp
from orch_gates.model.task import Task, TaskState
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.tasks import book
from orch_gates.workspace import Workspace

# The worst one is the answer of all.
_WORST = (Outcome.SKIP, Outcome.PASS, Outcome.DEFER, Outcome.FAIL, Outcome.HOLD, Outcome.ERROR)


def names(workspace: Workspace, gate: str) -> list[str]:
    """The tasks on an edge with this gate that may move now, the one that has been there longest first."""
    found = [task for task in book.read(workspace.store.load()).tasks if _on_edge(workspace, task, gate)]
    return [task.id for task in sorted(found, key=turn) if may_move(workspace, task)]


def drive(workspace: Workspace, gate: str, one: Callable[[Workspace, str], tuple[Verdict, str]]) -> tuple[Verdict, str]:
    """Drive each of them with `one`, and sum the answers up; what stops one task does not stop the next (P3)."""
    answers: dict[str, Verdict] = {}
    steps = ""
    for name in names(workspace, gate):
        try:
            # A re-test takes its time, so each task has a moment of its own.
            answers[name], step = one(workspace.at(clock.utc_now()), name)
        except OrchError as error:
            outcome = Outcome.DEFER if error.exit_code == Outcome.DEFER.exit_code else Outcome.ERROR
            answers[name], step = Verdict(gate, outcome, str(error)), ""
        steps += step
    return summed(gate, answers), steps


def summed(gate: str, answers: Mapping[str, Verdict]) -> Verdict:
    """One verdict for all of them; a task that only lacks something is not ready, which is nobody's failure."""
    begun = {name: verdict for name, verdict in answers.items() if not verdict.absent}
    evidence = {f"task {name}": f"{verdict.outcome}: {verdict.reason}" for name, verdict in answers.items()}
    if not begun:
        left = f"; not ready: {', '.join(answers)}" if answers else ""
        return Verdict(gate, Outcome.SKIP, f"no task waits to be merged{left}", evidence=evidence)
    worst = max(begun.values(), key=lambda verdict: _WORST.index(verdict.outcome))
    return Verdict(
        gate,
        worst.outcome,
        "; ".join(f"{name}: {verdict.outcome}, {verdict.reason}" for name, verdict in begun.items()),
        findings=tuple(finding for verdict in begun.values() for finding in verdict.findings),
        evidence=evidence,
        next_step=worst.next_step,
    )


def _on_edge(workspace: Workspace, task: Task, gate: str) -> bool:
    """Whether a task of the repository's own pipeline stands where it is merged; the queue has an order of its own."""
    stage = None if task.pipeline else workspace.pipeline.stage(task.stage)
    return stage is not None and any(edge.name == gate for edge in stage.gates)


def may_move(workspace: Workspace, task: Task) -> bool:
    """Whether nothing but its gates keeps a task on its edge now."""
    if task.state is TaskState.DEFERRED and (task.available_at or "") > timestamp(workspace.now):
        return False
    if task.state.finished or task.state.waits_for_a_person:
        return False
    # What sent it back would do so again (ENG-9).
    return task.sent_back is None or not spent.blocked(task, workspace.heads.of(task.branch))
