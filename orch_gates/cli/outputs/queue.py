"""The merge queue, markers, events, issues and ticks as `--json` prints them (GATE-4)."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from orch_gates.cli.outputs.parts import AlertPart, Counts, Output, Part
from orch_gates.cli.queue.turns import TurnOutcome
from orch_gates.model.attempt import Phase
from orch_gates.model.effect import TrackerState
from orch_gates.model.ids import BranchName, Oid, TaskName, Timestamp
from orch_gates.model.markers import Marker
from orch_gates.model.queue import Freeze
from orch_gates.model.task import Enqueued, Priority, TaskState
from orch_gates.sweep.lag import Schedule


class QueueRow(Enqueued):
    """A pull request in the queue: what was asked for, and where it stands."""

    model_config = ConfigDict(extra="allow")

    task: TaskName = Field(description="Its task.")
    title: str = Field(description="Its title.")
    state: TaskState = Field(description="Whether it may move, and by whom.")
    position: int = Field(ge=0, description="Its place, from 1; 0 where it waits for a person.")
    phase: Phase | Literal[""] = Field(description="How far its merge is; empty before its turn.")
    reason: str = Field(description="Why it stands there.")
    why: str = Field(description="The line of `orch-gates why`.")


class QueueList(Output):
    """The merge queue of a target in its order."""

    target: BranchName = Field(description="The branch that is merged into.")
    on: bool = Field(description="Whether the queue is turned on.")
    freeze: Freeze | None = Field(description="Why nothing is merged now, by a person; `null` where it goes on.")
    entries: list[QueueRow] = Field(description="The pull requests, the next one first.")


class QueueChange(Output):
    """What a command did to the merge queue; which keys there are depends on the command."""

    target: BranchName = Field(description="The branch that is merged into.")
    pull: int = Field(default=0, ge=1, description="The pull request, of `add`, `remove` and `priority`.")
    head: Oid = Field(default="", description="The commit that the merge was asked for, of `add`.")
    reason: str = Field(default="", description="Why it stands where it stands now, of `add` and `remove`.")
    priority: Priority = Field(default=Priority.NORMAL, description="Its priority now, of `priority`.")
    freeze: Freeze | None = Field(default=None, description="The freeze, of `freeze`; `null` of `thaw`.")
    thawed: bool = Field(default=False, description="Whether it was frozen before, of `thaw`.")
    said: str = Field(description="All of it in one line for people.")


class PlannedPart(Part):
    """What a run would record first."""

    pull: int = Field(ge=1, description="The pull request.")
    what: Literal[
        "queue", "refuse", "take out", "drop", "take label off", "set label", "note that the label is gone"
    ] = Field(description="What would be recorded or done.")
    line: str = Field(description="The same in one line for people.")


class QueuePlan(Output):
    """What a run of the queue would do (`--dry-run`)."""

    target: BranchName = Field(description="The branch that is merged into.")
    actions: list[PlannedPart] = Field(description="What would be recorded first.")
    order: list[int] = Field(description="The pull requests that would get a turn then; none where it is frozen.")
    frozen: str = Field(description="Why nothing would be merged; empty where it goes on.")


class QueueDonePart(Part):
    """What was recorded of a pull request."""

    pull: int = Field(ge=1, description="The pull request.")
    what: str = Field(description="What became of it, in a word.")
    reason: str = Field(description="Why.")
    problem: bool = Field(description="Whether it could not be done or told; the next run tries it again.")


class TurnPart(Part):
    """The turn of a pull request."""

    pull: int = Field(ge=1, description="The pull request.")
    task: TaskName = Field(description="Its task.")
    outcome: TurnOutcome = Field(description="What came of it.")
    reason: str = Field(description="Why.")


class QueueRun(Output):
    """What a run of the queue did."""

    done: list[QueueDonePart] = Field(description="What was recorded first.")
    turns: list[TurnPart] = Field(description="The turns, in their order.")
    frozen: str = Field(description="Why nothing is merged; empty where it goes on.")
    problems: list[str] = Field(description="Comments that could not be written, and why.")
    exit_code: Literal[0, 2, 75] = Field(description="That of the command.")


class EventOutput(Output):
    """What the event means that started a workflow, where nothing is done about it."""

    event: str = Field(description="What happened, in a word: `Pushed`, `Labelled`, `Reviewed`, …")
    actor: str = Field(description="Who did it, as the event says.")
    runs: bool = Field(description="Whether something is to be done.")
    reason: str = Field(description="Why, in one line.")


class MarkerList(Output):
    """The text that has to stay in a branch."""

    target: BranchName = Field(description="The branch.")
    markers: list[Marker] = Field(description="The markers, the oldest first.")


class MarkerCheck(Output):
    """Whether every marker is in the branch."""

    target: BranchName = Field(description="The branch.")
    markers: int = Field(ge=0, description="How many there are.")
    missing: list[Marker] = Field(description="Those that are gone.")
    unknown: list[str] = Field(description="Those that could not be looked for, and why.")
    reason: str = Field(description="All of it in one line.")


class IssuePart(Part):
    """What became of an issue, or would."""

    issue: int = Field(ge=0, description="The issue; 0 where it is about none.")
    task: TaskName | Literal[""] = Field(description="Its task; empty where it is about none.")
    what: str = Field(description="What became of it, in a word.")
    reason: str = Field(description="Why.")
    problem: bool = Field(description="Whether it could not be done or told; the next run tries it again.")


class TrackerSync(Output):
    """What was done about issues, or would be done (`--dry-run`)."""

    done: list[IssuePart] = Field(description="One for each issue of which something came.")
    stopped: list[TaskName] = Field(description="The tasks that nothing automatic touches.")


class TrackerStatePart(Part):
    """A word, and the state of the tracker that says it."""

    word: TrackerState = Field(description="The word.")
    state: str = Field(description="The name of the state.")
    there: bool = Field(description="Whether the project has it.")


class TrackerStates(Output):
    """Whether the project of the tracker has a state for each word."""

    states: list[TrackerStatePart] = Field(description="One for each word.")


class BeforePart(Part):
    """How the schedule of the sweep does."""

    schedule: Schedule = Field(description="How it does.")
    last: Timestamp | None = Field(description="When the tick before began, UTC; `null` for the first one.")
    seconds: int | None = Field(description="How long ago that was; `null` for the first one.")


class Tick(Output):
    """What a tick of the sweep did, or would do (`--dry-run`)."""

    dry_run: bool = Field(description="Whether nothing was done.")
    done: list[str] = Field(description="What was done, a line each.")
    problems: list[str] = Field(description="What could not be done or told, a line each.")
    counts: Counts = Field(description="What was done, by name; what was not is left out.")
    opened: list[AlertPart] = Field(description="What a person has to look at since this tick.")
    closed: list[AlertPart] = Field(description="What is over since this tick.")
    alerts: list[AlertPart] = Field(description="Everything that a person has to look at.")
    before: BeforePart = Field(description="The gap before this tick.")
    busy: bool = Field(description="Whether others changed the state meanwhile, so that nothing could be recorded.")
    exit_code: Literal[0, 1, 2, 75] = Field(description="That of the command.")
