"""What can happen to a task: a gate evaluation, or a person's word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from orch_gates.model.task import Task


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The gates of the edge were judged for the commit `head`, on the task as it was `seen`.

    A task that has moved since is left alone: the verdicts are about another edge (P6).
    """

    by: str
    seen: Task
    head: str


@dataclass(frozen=True, slots=True)
class Approved:
    """A person lets the task, as it was `seen`, leave a human stage; its gates were judged for `head`."""

    by: str
    seen: Task
    head: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A person sends the task back, or keeps it in a human stage."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class HoldAsked:
    """A person stops the task where it stands."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class ResumeAsked:
    """A person lets a held task go on."""

    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RetryAsked:
    """A person gives an escalated task new attempts, or does not wait for a deferred one."""

    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CancelAsked:
    """A person ends the task unfinished."""

    by: str
    reason: str


Event: TypeAlias = Evaluated | Approved | Rejected | HoldAsked | ResumeAsked | RetryAsked | CancelAsked
