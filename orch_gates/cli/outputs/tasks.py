"""Tasks, steps and the board as `--json` prints them (GATE-4, OBS-1)."""

from __future__ import annotations

from pydantic import Field

from orch_gates.cli.outputs.parts import AlertPart, Counts, Output, Part
from orch_gates.cli.outputs.verdicts import NestedVerdict
from orch_gates.engine.card import GateState
from orch_gates.engine.decision import Move
from orch_gates.model.ids import BranchName, Oid, TaskName, Timestamp
from orch_gates.model.task import Task, TaskState
from orch_gates.model.verdict import Outcome
from orch_gates.sweep.lag import Schedule


class TaskNew(Output):
    """A task that was made, or was there already."""

    task: Task = Field(description="The task as it is recorded.")
    commit: Oid | None = Field(description="The state commit that made it; `null` where it was there already.")


class TaskList(Output):
    """The tasks that are not archived, by id."""

    tasks: list[Task] = Field(description="Each as it is recorded.")


class StepPart(Part):
    """One commit of the state branch about a task."""

    commit: Oid = Field(description="The commit.")
    when: Timestamp = Field(description="When, UTC.")
    subject: str = Field(description="The first line of its message.")
    body: str = Field(description="What else it says of this task.")
    op: str = Field(description="The id of the operation; empty for a hand edit.")
    event: str = Field(description="What happened, in a word; empty for a hand edit.")
    tasks: list[str] = Field(description="The tasks that it is about.")
    by: str = Field(description="Who did it, or had it done.")
    email: str = Field(description="The address of whoever committed it.")


class TaskLog(Output):
    """What happened to a task."""

    task: TaskName = Field(description="The task.")
    steps: list[StepPart] = Field(description="Every commit about it, the oldest first.")


class Advance(Output):
    """What a step of a task came to."""

    task: Task = Field(description="The task as it is now, or would be.")
    move: Move = Field(description="What follows.")
    outcome: Outcome = Field(description="The answer of all gates together.")
    reason: str = Field(description="Why, in one line.")
    refused: bool = Field(description="Whether nothing may be done, as things are.")
    commit: Oid | None = Field(description="The state commit that records it; `null` where nothing was recorded.")
    verdicts: list[NestedVerdict] = Field(description="The gates that were judged.")


class Why(Output):
    """Why a task stands where it stands."""

    task: TaskName = Field(description="The task.")
    stage: str = Field(description="Its stage.")
    state: TaskState = Field(description="Whether it may move, and by whom.")
    reason: str = Field(description="Why it stands there.")
    cause: str = Field(description="The gate or person that decided that.")
    holder: str = Field(description="Who holds the merge lease; empty where nobody does, or it is not waited for.")
    phase: str = Field(description="How far the attempt of the holder is; empty for none.")
    runner: str = Field(description="Who works on that attempt; empty for nobody.")
    until: str = Field(description="When the lease ends by itself, UTC; empty where it does not.")
    position: int = Field(ge=0, description="Its place among those that wait in its stage, from 1; 0 for none.")
    waiting: int = Field(ge=0, description="How many wait there.")
    next_action: str = Field(description="What takes it on; empty where it is over.")
    when: str = Field(description="`now`, or when that is done.")
    developer_retries_left: int = Field(ge=0, description="How often it may be sent back before a person is asked.")
    defers_left: int = Field(ge=0, description="How often it may be deferred before a person is asked.")
    by_asking: bool = Field(description="Whether it is a pull request in the merge queue.")
    advice: str = Field(description="What its author does about it; empty for nothing.")
    frozen: str = Field(description="Why nothing is merged now; empty where it goes on.")
    work: str = Field(description="What the work of its stage has come to; empty for none.")
    line: str = Field(description="All of it in one line for people.")


class StagePart(Part):
    """One stage."""

    stage: str = Field(description="Its name.")
    total: int = Field(ge=0, description="The tasks in it.")
    states: Counts = Field(description="How many of them are in each state; a state without a task is left out.")


class AttentionPart(Part):
    """A task that waits for a person."""

    task: TaskName = Field(description="The task.")
    stage: str = Field(description="Its stage.")
    state: TaskState = Field(description="Its state.")
    reason: str = Field(description="Why it waits.")


class HeldLeasePart(Part):
    """A lease that is held."""

    target: BranchName = Field(description="The branch that it is for.")
    holder: str = Field(description="The task that holds it.")


class SweepPart(Part):
    """How the sweep does."""

    schedule: Schedule | None = Field(description="How its schedule does; `null` where that is not known.")
    last: Timestamp | None = Field(description="When the last tick began, UTC; `null` before the first one.")
    counters: Counts = Field(description="What all ticks together did, by name.")
    alerts: list[AlertPart] = Field(description="What a person has to look at.")


class Status(Output):
    """What stands where, who waits for a person, and what moves by itself."""

    generation: int = Field(ge=0, description="That of the state branch: it grows with each change.")
    stages: list[StagePart] = Field(description="The stages in their order; last those not configured any more.")
    attention: list[AttentionPart] = Field(description="The tasks that wait for a person.")
    leases: list[HeldLeasePart] = Field(description="The merge leases that are held.")
    quarantined: int = Field(ge=0, description="Files that cannot be read; `orch-gates state lint` names them.")
    jobs: dict[str, Counts] = Field(description="Jobs that are not over: how many by role and status.")
    queued: int = Field(ge=0, description="Pull requests in the merge queue.")
    sweep: SweepPart = Field(description="How the sweep does.")


class EffectPart(Part):
    """Something that a step of a task planned at the forge."""

    task: TaskName = Field(description="The task.")
    key: str = Field(description="The name of this effect; it is done at most once under it.")
    kind: str = Field(description="What is to be done: `status` or `issue`.")
    subject: str = Field(description="What it is about.")
    since: Timestamp = Field(description="When it was planned, UTC.")
    repeatable: bool = Field(description="Whether doing it twice does no more than doing it once.")


class EffectsList(Output):
    """What is planned at the forge."""

    effects: list[EffectPart] = Field(description="One for each.")


class GatePart(Part):
    """How a gate of a task stands."""

    stage: str = Field(description="The stage that it is in.")
    gate: str = Field(description="The gate.")
    mark: GateState = Field(description="How it stands.")


class CardWhyPart(Part):
    """Why a task stands where it stands."""

    line: str = Field(description="The line of `orch-gates why`.")
    reason: str = Field(description="Why it stands there.")
    cause: str = Field(description="The gate or person that decided that.")


class CardNextPart(Part):
    """What happens next."""

    action: str = Field(description="What takes it on; empty where it is over.")
    when: str = Field(description="`now`, or when that is done.")


class LinkPart(Part):
    """A page that belongs to the task."""

    label: str = Field(description="What it is.")
    url: str = Field(description="Its address.")


class CardEvent(Output):
    """The card of a task, as the webhook gets it when it changed."""

    task: TaskName = Field(description="The task.")
    title: str = Field(description="Its title.")
    stage: str = Field(description="Its stage.")
    state: TaskState = Field(description="Its state.")
    gates: list[GatePart] = Field(description="Its gates, in the order in which they are passed.")
    why: CardWhyPart = Field(description="Why it stands where it stands.")
    next: CardNextPart = Field(description="What happens next.")
    links: list[LinkPart] = Field(description="Pages that belong to it.")
