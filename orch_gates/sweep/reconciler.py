"""Which tasks may be stuck, and which of them move: pure (REC-1, REC-5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from orch_gates.engine import spent
from orch_gates.engine.decision import Decision, Move
from orch_gates.engine.stages import Pipeline
from orch_gates.engine.work import runs_of
from orch_gates.model.ids import moment
from orch_gates.model.job import Job, JobStatus
from orch_gates.model.task import Task
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.tasks.edge import GateResults

_GREEN = frozenset({Outcome.PASS, Outcome.SKIP})


@dataclass(frozen=True, slots=True)
class ReconcilerRules:
    """For how long a task is left alone after it changed, and of how many one tick asks the gates."""

    grace: timedelta = timedelta(minutes=2)
    most: int = 100


def due(
    tasks: Sequence[Task],
    jobs: Mapping[str, Sequence[Job]],
    stopped: frozenset[str],
    cursor: str,
    now: datetime,
    pipeline_of: Callable[[Task], Pipeline],
    rules: ReconcilerRules,
) -> tuple[Task, ...]:
    """The tasks whose gates are asked in this tick, by id from behind the cursor on, and then from the beginning.

    `stopped` are those that a person has put in Blocked or Needs Input, or whose issue could not be looked at.
    """
    found = [
        task
        for task in sorted(tasks, key=lambda task: task.id)
        if task.id not in stopped and not left_alone(task, jobs.get(task.id, ()), now, pipeline_of(task), rules)
    ]
    behind = [task for task in found if task.id > cursor]
    return tuple([*behind, *found[: len(found) - len(behind)]][: rules.most])


def left_alone(task: Task, jobs: Sequence[Job], now: datetime, pipeline: Pipeline, rules: ReconcilerRules) -> str:
    """Why the gates of a task are not asked; empty where they are."""
    if task.state.finished or task.state.waits_for_a_person:
        return f"it is {task.state}"
    if task.pipeline:
        return "the merge queue has an order of its own"
    if task.available_at is not None and now < moment(task.available_at):
        return f"it is deferred until {task.available_at}"
    stage = pipeline.stage(task.stage)
    if stage is None or stage.human:
        return "its stage needs a person's approval"
    if active := next((job for job in jobs if not job.status.terminal), None):
        return f"its job {active.attempt} is {active.status}"
    changed = max([task.updated, *(job.ended for job in jobs if job.ended is not None)])
    # A change that lies further ahead than that was dated by a clock that is wrong.
    if abs(now - moment(changed)) < rules.grace:
        return "it has changed just now"
    if not stage.gates and not _worked(task, jobs):
        return "neither a gate nor a job shows that its work is done"
    return ""


def moves(judged: GateResults, decided: Decision, jobs: Sequence[Job]) -> bool:
    """Whether a task moves on: its gates are green, and something says that its work was done.

    Where every gate is switched off, nothing but a job that ended well says so (P1).
    """
    if decided.move is not Move.ADVANCE or decided.task == judged.task:
        return False
    return any(one.outcome is Outcome.PASS for one in judged.verdicts) or _worked(judged.task, jobs)


def stopping(judged: GateResults, decided: Decision, pipeline: Pipeline) -> Verdict | None:
    """What keeps a task on its edge; None where nothing does."""
    red = next((one for one in judged.verdicts if one.outcome not in _GREEN), None)
    if red is not None or decided.move is Move.ADVANCE:
        return red
    stage = pipeline.stage(judged.task.stage)
    gate = stage.gates[-1].name if stage is not None and stage.gates else judged.task.stage
    # Asked or not, none of them moves it before its work is done again (ENG-9).
    why = spent.blocked(judged.task, judged.head) or decided.reason
    return Verdict(gate, Outcome.FAIL, why, absent=True)


def _worked(task: Task, jobs: Sequence[Job]) -> bool:
    runs = runs_of(task, jobs)
    return bool(runs) and runs[-1].status is JobStatus.SUCCEEDED
