"""Why a task stands where it stands, in one line (ENG-8)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from orch_gates.engine import queued, spent
from orch_gates.engine.stages import MERGE, MERGE_PROOF, Pipeline, Stage
from orch_gates.engine.work import WorkStatus
from orch_gates.model.ids import moment
from orch_gates.model.task import Task, TaskState

# So many places of what is red are named in the line.
_PLACES = 3


@dataclass(frozen=True, slots=True)
class QueueContext:
    """What is around a task: its position among those waiting in the same stage, from 1, and who holds the merge lease.

    Of the attempt that the lease belongs to: its `phase`, the `runner` that works on it now, and `until` when. All are
    empty where there is none; `until` also where a person has to end it.
    """

    position: int
    waiting: int
    holder: str
    phase: str = ""
    runner: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True)
class Why:
    """The parts of the line. `when` is `now` or says when; counts are what is left before a person is asked."""

    task: str
    stage: str
    state: str
    reason: str
    cause: str
    holder: str
    phase: str
    runner: str
    until: str
    position: int
    waiting: int
    next_action: str
    when: str
    developer_retries_left: int
    defers_left: int
    by_asking: bool = False
    advice: str = ""
    frozen: str = ""
    work: str = ""

    def under(self, frozen: str) -> Why:
        """The same while nothing is merged from the queue."""
        return replace(self, frozen=frozen)

    def at_work(self, work: WorkStatus | None) -> Why:
        """The same with what the work of its stage has come to; nothing but that is waited for where a run goes on."""
        if work is None or not self.next_action or self.state != TaskState.ACTIVE:
            return self
        line = replace(self, work=work.line)
        return replace(line, next_action=work.next_action, when=work.when) if work.next_action else line

    @property
    def line(self) -> str:
        """The same in one line for people."""
        parts = [f"{self.task} is {self._standing}: {self.reason} ({self.cause})"]
        if self.position:
            parts.append(f"position {self.position} of {self.waiting} in {self.stage}")
        if self.work:
            parts.append(self.work)
        if self.frozen:
            parts.append(f"nothing is merged now: {self.frozen}")
        if self.holder and self.next_action:
            # A task that is over has nothing to do with it.
            parts.append(f"merge lease: {self._lease}")
        if self.advice:
            parts.append(self.advice)
        if self.next_action:
            parts.append(f"next: {self.next_action}, {self.when}")
            parts.append(self._left)
        return " · ".join(parts)

    @property
    def _standing(self) -> str:
        if not self.by_asking or self.state in {TaskState.HELD, TaskState.CANCELLED}:
            return f"{self.state} in {self.stage}"
        if self.state == TaskState.DONE:
            return "merged"
        return "in the queue" if self.position else "not in the queue"

    @property
    def _left(self) -> str:
        retries = "" if self.by_asking else f"{self.developer_retries_left} developer retries, "
        return f"left: {retries}{self.defers_left} defers"

    @property
    def _lease(self) -> str:
        phase = f" ({self.phase}{f', {self.runner} works on it' if self.runner else ''})" if self.phase else ""
        return f"{self.holder}{phase}{f' until {self.until}' if self.until else ''}"


def explain(task: Task, pipeline: Pipeline, context: QueueContext, now: datetime) -> Why:
    """Everything that the line says about a task at the moment `now`."""
    action, when = _next(task, pipeline, now)
    waits_to_be_asked = pipeline.by_asking and task.stage == pipeline.rework
    return Why(
        task=task.id,
        stage=task.stage,
        state=task.state.value,
        reason=task.reason,
        cause=task.cause,
        holder="" if waits_to_be_asked else context.holder,
        phase="" if waits_to_be_asked else context.phase,
        runner="" if waits_to_be_asked else context.runner,
        until="" if waits_to_be_asked else context.until,
        # Whoever waits to be asked for waits for nobody's turn.
        position=0 if waits_to_be_asked else context.position,
        waiting=context.waiting,
        next_action=action,
        when=when,
        developer_retries_left=max(0, pipeline.caps.max_developer_retries - task.developer_retries),
        defers_left=max(0, pipeline.caps.defer_max_attempts - task.defers),
        by_asking=pipeline.by_asking,
        advice=_advice(task) if waits_to_be_asked else "",
    )


def _next(task: Task, pipeline: Pipeline, now: datetime) -> tuple[str, str]:
    person = "when a person decides"
    match task.state:
        case TaskState.DONE | TaskState.CANCELLED:
            return "", ""
        case TaskState.HELD:
            where = "" if pipeline.stage(task.stage) is not None else f", which takes it to {pipeline.rework},"
            return f"`orch-gates task resume {task.id}`{where} or `orch-gates task cancel {task.id}`", person
        case TaskState.ESCALATED:
            return f"`orch-gates task retry {task.id}` or `orch-gates task cancel {task.id}`", person
        case TaskState.DEFERRED if task.available_at is not None and now < moment(task.available_at):
            return _command(task, pipeline.stage(task.stage)), f"not before {task.available_at}"
        case TaskState.ACTIVE | TaskState.DEFERRED:
            return _work(task, pipeline), "now"
        case _:
            assert_never(task.state)


def _advice(task: Task) -> str:
    """What an author does about it, and where."""
    if task.feedback is None:
        return ""
    places = ", ".join(f"{one.path}:{one.line}" for one in task.feedback.findings[:_PLACES] if one.line)
    return " · ".join(part for part in (places, task.feedback.next_step) if part)


def _work(task: Task, pipeline: Pipeline) -> str:
    stage = pipeline.stage(task.stage)
    if stage is None:
        return f"`orch-gates advance {task.id}` (this stage is not configured any more)"
    if not stage.human and spent.blocked(task, task.head):
        return f"{spent.way_on(task)}, then {_command(task, stage)}"
    if stage.human:
        return f"a person has to {'ask for it' if pipeline.by_asking else 'approve'}: {queued.way_on(task, pipeline)}"
    command = _command(task, stage)
    if not stage.gates or task.enqueued is not None:
        return command if task.enqueued is not None else f"the {stage.role} has to finish, then {command}"
    # What the command itself brings about is nobody's work.
    gates = ", ".join(gate.name for gate in stage.gates if gate.name not in {MERGE, MERGE_PROOF})
    if not gates:
        return command
    if task.sent_back is not None and task.sent_back.ready and task.sent_back.head == task.head:
        return f"the {stage.role} has to record {gates} again (older reports do not count), then {command}"
    return f"the {stage.role} has to get {gates} green, then {command}"


def _command(task: Task, stage: Stage | None) -> str:
    """What takes a task out of its stage, once the other gates are green."""
    if task.enqueued is not None:
        return "`orch-gates queue run`"
    names = {gate.name for gate in stage.gates} if stage is not None else set()
    if MERGE_PROOF in names:
        return f"`orch-gates merge --task {task.id}`"
    driven = f"`orch-gates gate merge --task {task.id}`, then " if MERGE in names else ""
    return f"{driven}`orch-gates advance {task.id}`"
