"""What can happen to a task: a gate evaluation, or a person's word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from orch_gates.model.task import Priority, Task


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The gates of the edge were judged for the commit `head`, on the task as it was `seen`.

    A task that has changed since is left alone: the verdicts are about another one (P6).
    `reports` are the ids of all that is recorded about the task. `due`: what it was deferred for has come to an end, so
    the time that it was deferred until does not count.
    """

    by: str
    seen: Task
    head: str
    reports: tuple[str, ...] = ()
    due: bool = False


@dataclass(frozen=True, slots=True)
class Approved:
    """A person lets the task, as it was `seen`, leave a human stage; its gates were judged for `head`.

    `by_issue`: the word stands on the issue of the task, and is to be cleared there.
    """

    by: str
    seen: Task
    head: str
    reason: str = ""
    reports: tuple[str, ...] = ()
    by_issue: bool = False


@dataclass(frozen=True, slots=True)
class Rejected:
    """A person sends the task back at the commit `head`, or keeps it where it is; `reports` as in `Evaluated`.

    `by_issue` as in `Approved`.
    """

    by: str
    reason: str
    head: str
    reports: tuple[str, ...] = ()
    by_issue: bool = False


@dataclass(frozen=True, slots=True)
class MarkedReady:
    """A person or a job says that the work of a task that was sent back was done again, without a new commit."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class HoldRequested:
    """A person stops the task where it stands."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class ResumeRequested:
    """A person lets a held task go on."""

    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RetryRequested:
    """A person gives an escalated task new attempts, or does not wait for a deferred one."""

    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CancelRequested:
    """A person ends the task unfinished."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class EnqueueRequested:
    """A person asks that pull request `pull` be merged into `target` at its commit `head` (MRG-13).

    `label`: the label that says so is still to be set.
    """

    by: str
    pull: int
    target: str
    head: str
    reason: str = ""
    label: bool = False


@dataclass(frozen=True, slots=True)
class TakenOut:
    """What was asked for does not hold any more; `unlabel`: the label that asked for it is still there."""

    by: str
    reason: str
    unlabel: bool


@dataclass(frozen=True, slots=True)
class LabelSettled:
    """The label is as it has to be: off, so that it is a new asking when somebody sets it again, or set."""

    by: str


@dataclass(frozen=True, slots=True)
class Prioritised:
    """A person says who comes first."""

    by: str
    priority: Priority


QueueEvent: TypeAlias = EnqueueRequested | TakenOut | LabelSettled | Prioritised
Event: TypeAlias = (
    Evaluated
    | Approved
    | Rejected
    | HoldRequested
    | ResumeRequested
    | RetryRequested
    | CancelRequested
    | MarkedReady
    | QueueEvent
)
