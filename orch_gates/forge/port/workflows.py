"""Workflow runs: started by us, watched by the sweep (REAP-1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class RunState(StrEnum):
    """Where a run or job stands; UNKNOWN is any word that is not known here, and never an end."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCESS = "success"
    FAILURE = "failure"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a workflow; `workflow` is its file's name, `commit` what it runs on."""

    id: int
    workflow: str
    event: str
    commit: str
    branch: str
    state: RunState
    url: str = ""


@dataclass(frozen=True, slots=True)
class RunJob:
    """One job of a run."""

    id: int
    name: str
    state: RunState


@dataclass(frozen=True, slots=True)
class Secrets:
    """The names of secrets, not what they are; `untold` says whose others may count, of which nobody is told."""

    names: tuple[str, ...]
    untold: str = ""


class Workflows(Protocol):
    """The workflows of one repository; a forge without a CI of its own refuses all of it."""

    def secrets(self) -> Secrets:
        """The secrets that workflows of the repository may be given: its own, its owner's, its environments'.

        Raises:
            ForgeRefused: the token may not see those of the repository.
            ForgeUnavailable: they could not be read completely.
        """
        ...

    def dispatch(self, workflow: str, ref: str, inputs: Mapping[str, str]) -> int:
        """Start a workflow by its file's name, on a branch; the id of its run, 0 where the forge does not tell.

        Not safe to repeat blindly.

        Raises:
            ForgeRefused: no permission, or no such workflow, ref or trigger.
            ForgeUnclear: it may have started.
            ForgeUnavailable: it did not start.
        """
        ...

    def runs(self, *, commit: str = "", branch: str = "", event: str = "") -> tuple[Run, ...]:
        """The runs of a commit, branch or event, newest first, all pages.

        Raises:
            ForgeUnavailable: they could not be read completely.
        """
        ...

    def run(self, number: int) -> Run:
        """One run.

        Raises:
            ForgeRefused: there is none.
            ForgeUnavailable: the forge did not answer.
        """
        ...

    def jobs(self, number: int) -> tuple[RunJob, ...]:
        """The jobs of a run, all pages.

        Raises:
            ForgeRefused: there is no such run.
            ForgeUnavailable: they could not be read completely.
        """
        ...
