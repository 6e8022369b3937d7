"""What the pull requests as they are now mean for the merge queue: pure (MRG-13).

Every event only makes somebody look again, so a lost, late or repeated one changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from orch_gates.engine.board import turn
from orch_gates.engine.stages import QUEUE
from orch_gates.forge.port.pulls import PullRequest, PullState
from orch_gates.model.attempt import Attempt, Phase
from orch_gates.model.branch import BRANCH
from orch_gates.model.ids import OID, moment
from orch_gates.model.task import Priority, Task, TaskState
from orch_gates.tasks.edge import Merge


@dataclass(frozen=True, slots=True)
class QueuedPull:
    """A pull request as the forge shows it, and whether it carries the label that asks for its merge."""

    pull: PullRequest
    labelled: bool


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """The task of a pull request, and the newest attempt to merge it."""

    task: Task
    attempt: Attempt | None

    @property
    def queued(self) -> bool:
        """Whether it was asked for, and is neither refused nor done."""
        return not self.task.state.finished and self.task.stage != QUEUE.rework

    @property
    def unlabel(self) -> bool:
        """Whether the label that asked before is still to be taken off; of a finished task nothing is recorded."""
        request = self.task.enqueued
        return request is not None and request.unlabel and not self.task.state.finished

    @property
    def merging(self) -> bool:
        """Whether the forge may have been asked for the merge, and the task does not know what became of it yet.

        Only proof says that; also of one that landed, whose task has its step to come.
        """
        attempt = self.attempt
        if attempt is None:
            return False
        return Merge(attempt).landed(self.task) != "" or (attempt.phase is Phase.MERGING and not attempt.over)


@dataclass(frozen=True, slots=True)
class LabelEvent:
    """Who set the label, and at which commit, as an event says; what is empty it does not say."""

    by: str
    head: str


@dataclass(frozen=True, slots=True)
class QueueLook:
    """Everything that was looked at, by the number of the pull request."""

    target: str
    label: str
    pulls: Mapping[int, QueuedPull]
    entries: Mapping[int, QueueEntry]
    label_events: Mapping[int, LabelEvent] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Enqueue:
    """It was asked for, by somebody where that is known: it goes into the queue, for the commit at its head.

    `instead`: it is queued for another commit, which nobody wants any more.
    """

    pull: PullRequest
    by: str = ""
    instead: bool = False


@dataclass(frozen=True, slots=True)
class Refuse:
    """It was asked for, and cannot be queued: the label is taken off, and the reason said."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Unlabel:
    """It was refused or taken out before, and the label is still there."""

    number: int
    task: str


@dataclass(frozen=True, slots=True)
class Unlabelled:
    """The label that was to be taken off is gone."""

    number: int
    task: str


@dataclass(frozen=True, slots=True)
class TakeOut:
    """What was asked for does not hold any more; `unlabel`: the label is there and has to go."""

    number: int
    task: str
    reason: str
    unlabel: bool


@dataclass(frozen=True, slots=True)
class Drop:
    """It was merged by somebody else, so nothing is left to do."""

    number: int
    task: str
    reason: str


@dataclass(frozen=True, slots=True)
class SetLabel:
    """A command asked, and was not able to set the label any more."""

    number: int
    task: str


Action: TypeAlias = Enqueue | Refuse | Unlabel | Unlabelled | TakeOut | Drop | SetLabel


def plan(look: QueueLook) -> tuple[Action, ...]:
    """What follows, by number; nothing where everything is as it should be."""
    found = (_about(look, number) for number in sorted(look.pulls))
    return tuple(action for action in found if action is not None)


def _about(look: QueueLook, number: int) -> Action | None:
    seen, entry = look.pulls[number], look.entries.get(number)
    if entry is not None and entry.queued:
        return _still(look, seen, entry)
    label_set = number in look.label_events and (seen.pull.state, seen.pull.target) == (PullState.OPEN, look.target)
    if entry is not None and entry.unlabel and not (label_set and seen.labelled):
        # Nobody says that they asked again: this is the label that asked before.
        return Unlabel(number, entry.task.id) if seen.labelled else Unlabelled(number, entry.task.id)
    return _labelled(look, seen, entry) if seen.labelled else None


def _labelled(look: QueueLook, seen: QueuedPull, entry: QueueEntry | None) -> Action | None:
    pull = seen.pull
    if pull.state is not PullState.OPEN or pull.target != look.target:
        # Another queue may be meant.
        return None
    label_event = look.label_events.get(pull.number, LabelEvent("", ""))
    why = unfit(pull, entry.task if entry is not None else None)
    if not why and label_event.head not in {"", pull.head}:
        why = f"{pull.head[:10]} was pushed after the label was set at {label_event.head[:10]}; set the label again"
    if not why:
        return Enqueue(pull, label_event.by)
    if entry is None or entry.merging or entry.task.state.finished or entry.task.state.waits_for_a_person:
        return Refuse(pull.number, why)
    # Recorded, so that whoever looks for the reason later finds this one.
    return TakeOut(pull.number, entry.task.id, why, unlabel=True)


def unfit(pull: PullRequest, task: Task | None) -> str:
    """Why a pull request cannot be queued; empty where it can be."""
    if task is not None and task.state.finished:
        return f"its task {task.id} is {task.state}; open another pull request"
    if task is not None and task.state.waits_for_a_person:
        step = "resume" if task.state is TaskState.HELD else "retry"
        return f"its task is {task.state}: {task.reason}; run `orch-gates task {step} {task.id}`, then queue it again"
    if pull.draft:
        return "it is a draft; mark it as ready, and queue it again"
    if not (pull.fork or BRANCH.fullmatch(pull.branch)):
        return "the name of its branch has characters that orch-gates does not accept; rename the branch"
    return "" if OID.fullmatch(pull.head) else "the forge did not report its head commit"


def _still(look: QueueLook, seen: QueuedPull, entry: QueueEntry) -> Action | None:
    """Whether what was asked for holds; once the forge was asked for the merge, it is too late to leave."""
    task, pull = entry.task, seen.pull
    if entry.merging or task.state.waits_for_a_person:
        return None
    if pull.state is PullState.MERGED:
        return Drop(pull.number, task.id, f"pull request {pull.number} was merged, and not by the queue")
    assert task.enqueued is not None
    if task.enqueued.label and (pull.state, pull.target) == (PullState.OPEN, look.target):
        # The label of a command that asked: it is set, or was meant to be.
        return Unlabelled(pull.number, task.id) if seen.labelled else SetLabel(pull.number, task.id)
    label_event = look.label_events.get(pull.number, LabelEvent("", ""))
    if seen.labelled and label_event.head not in {"", task.enqueued.head} and not ours(label_event.head, entry):
        return _other_label_event(look, seen, entry, label_event)
    why = left(look, seen, entry)
    return TakeOut(pull.number, task.id, why, seen.labelled) if why else None


def _other_label_event(look: QueueLook, seen: QueuedPull, entry: QueueEntry, label_event: LabelEvent) -> Action | None:
    """An event says that the label was set at another commit than the one that is queued."""
    task, pull = entry.task, seen.pull
    assert task.enqueued is not None
    if label_event.head == pull.head and not unfit(pull, None):
        return Enqueue(pull, label_event.by, instead=True)
    why = left(look, seen, entry)
    if not why and task.enqueued.by == anybody(look.label):
        # It was queued without its event, for what was pushed after the label was set.
        why = f"{task.enqueued.head[:10]} was pushed after the label was set at {label_event.head[:10]}; set it again"
    return TakeOut(pull.number, task.id, why, seen.labelled) if why else None


def anybody(label: str) -> str:
    """Who asked, where no event said who set the label."""
    return f"the label {label}"


def left(look: QueueLook, seen: QueuedPull, entry: QueueEntry) -> str:
    """Why a pull request is to be taken out of the queue; empty where it stays in."""
    pull, request = seen.pull, entry.task.enqueued
    assert request is not None
    if pull.state is not PullState.OPEN:
        return f"pull request {pull.number} was closed"
    if pull.target != look.target:
        return f"it goes into {pull.target} now, but the queue merges into {look.target}"
    if not seen.labelled:
        return f"the label {look.label} was taken away"
    if pull.draft:
        return "it is a draft now"
    if not ours(pull.head, entry):
        return (
            f"{pull.head[:10]} was pushed after the merge of {request.head[:10]} was asked for; "
            f"look at it, and set the label {look.label} again"
        )
    return ""


def ours(head: str, entry: QueueEntry) -> bool:
    """Whether a commit is the one that was asked for, or what an attempt made of it by catching it up."""
    task, attempt = entry.task, entry.attempt
    if task.enqueued is None:
        return False
    if head == task.enqueued.head:
        return True
    if attempt is None:
        return False
    if head in attempt.earlier:
        # A busy forge shows what an earlier attempt pushed; what was there before the asking is not what was asked for.
        return task.enqueued.head in attempt.earlier[attempt.earlier.index(head) :]
    if not attempt.about(head):
        return False
    return task.enqueued.head in {attempt.head, attempt.commit, *attempt.earlier, *attempt.stands_for(head)}


def in_order(tasks: Iterable[Task], target: str, *, held: bool = False) -> list[Task]:
    """The tasks queued for a target, whose turn it is first; `held`: also those that wait for a person."""
    of_target = (task for task in tasks if task.enqueued is not None and task.enqueued.target == target)
    queued = (task for task in of_target if task.stage != QUEUE.rework)
    moving = (one for one in queued if not one.state.finished and (held or not one.state.waits_for_a_person))
    return sorted(moving, key=turn)


def order_after(actions: Iterable[Action], tasks: Iterable[Task], target: str) -> list[int]:
    """The pull requests in the order of their turns once that is recorded; new ones are the last of their rank."""
    gone: set[int] = set()
    new: list[int] = []
    for action in actions:
        match action:
            case Enqueue(pull=pull):
                gone.add(pull.number)
                new.append(pull.number)
            case TakeOut(number=number) | Drop(number=number):
                gone.add(number)
            case _:
                pass
    kept = [
        task.enqueued
        for task in in_order(tasks, target)
        if task.enqueued is not None and task.enqueued.pull not in gone
    ]
    ranked = [(one.priority.rank, one.pull) for one in kept] + [(Priority.NORMAL.rank, pull) for pull in new]
    return [pull for _, pull in sorted(ranked, key=lambda one: one[0])]


def next_turn(tasks: Iterable[Task], target: str, holder: str, had: Collection[str]) -> Task | None:
    """Whose turn it is now, of those that had none yet; `holder` works on the target, and is not overtaken."""
    left = [task for task in in_order(tasks, target) if task.id not in had]
    return min(left, key=lambda task: task.id != holder, default=None)


def red_by_test(queued: Iterable[tuple[Task, Attempt | None]], tip: str, now: datetime) -> str:
    """When the target, which an attempt found red by its own test, is tested again; empty where none did, or it is due.

    No status tells when it is green again, so whoever found it red looks once more when they were put off for long
    enough (MRG-6).
    """
    for task, attempt in queued:
        found = attempt is not None and attempt.red_target and attempt.over and attempt.base == tip
        if found and task.available_at is not None and now < moment(task.available_at):
            return f"{task.id} tests it again at {task.available_at}, or when a push replaces {tip[:10]}"
    return ""


def passed_over(entry: QueueEntry, frozen: str, now: datetime) -> str:
    """Why nothing is done for one whose turn it is; empty where it moves.

    What the forge was asked for is settled in a freeze too, and an attempt that goes on has no time to wait for.
    """
    task, attempt = entry.task, entry.attempt
    if frozen and not entry.merging:
        return f"nothing is merged now: {frozen}"
    if task.available_at is not None and now < moment(task.available_at) and (attempt is None or attempt.over):
        return f"deferred until {task.available_at}: {task.reason}"
    return ""
