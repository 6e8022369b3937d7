"""What a tick is handed: the state, the forge, the rules, and the duties that other rooms bring."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from orch_gates.jobs.dispatcher import Dispatcher
from orch_gates.jobs.overview import Overview
from orch_gates.jobs.starter import StartResult
from orch_gates.model.job import Job
from orch_gates.model.sweep import Memory
from orch_gates.model.verdict import Verdict
from orch_gates.state.branch.memory import Recalled, Replaced
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Store
from orch_gates.sweep import reaper, reconciler
from orch_gates.sweep.look import JobLook
from orch_gates.sweep.unit_result import UnitResult
from orch_gates.tasks.advance import TaskStep


class Remembering(Protocol):
    """The sweep's memory; see `state/branch/memory.py`."""

    def read(self) -> Recalled:
        """What the last tick left; raises StateError where it could not be read."""
        ...

    def replace(self, memory: Memory, expected: str) -> Replaced:
        """Put a memory in the place of the one that was read; never raises."""
        ...


@dataclass(frozen=True, slots=True)
class TickScope:
    """What a tick is about: everything, or what an event named; None are all tasks.

    Only a tick about everything counts for the schedule, moves the cursor, and leaves tasks alone that just changed.
    """

    tasks: frozenset[str] | None = None
    jobs: bool = True

    @property
    def everything(self) -> bool:
        """Whether it is a sweep."""
        return self.tasks is None

    def holds(self, task: str) -> bool:
        """Whether a task is looked at."""
        return self.tasks is None or task in self.tasks


@dataclass(frozen=True, slots=True)
class SweepRules:
    """What bounds a tick; without a reaper or a reconciler, that part is switched off."""

    reaper: reaper.ReaperRules | None = field(default_factory=reaper.ReaperRules)
    reconciler: reconciler.ReconcilerRules | None = field(default_factory=reconciler.ReconcilerRules)
    every: timedelta = timedelta(minutes=10)
    seconds: float = 240


@dataclass(frozen=True, slots=True)
class Followed:
    """The tasks that people stopped in the tracker, and the result of everything else that they wrote there (REC-5)."""

    stopped: frozenset[str] = frozenset()
    result: UnitResult = field(default_factory=UnitResult)


@dataclass(frozen=True, slots=True)
class TickView:
    """What a duty is handed: everything as the tick left it, what keeps tasks on their edges, and who is left alone."""

    snapshot: Snapshot
    overview: Overview
    verdicts: Mapping[str, Verdict]
    stopped: frozenset[str]
    now: datetime


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing to do: what it raises stops no other (P3)."""

    name: str
    run: Callable[[], UnitResult]


# What follows the planning commit, in units of their own: leases, attempts, markers.
Duty = Callable[[TickView], Iterable[Unit]]


def no_tracker(_act: bool) -> Followed:
    """None is turned on."""
    return Followed()


@dataclass(frozen=True, slots=True)
class Parts:
    """What a tick works with.

    `look` is asked about jobs, `heads` for the branches of tasks at once. `follow` does what people say in the tracker;
    told not to act, it only tells whom they stopped. `dispatcher` is None where no work is started from here, `start`
    asks for the start of one job. `forget` is told which attempts were recorded as ended. `ended`: nothing more begins.
    """

    store: Store
    memory: Callable[[], Remembering]
    step: TaskStep
    look: Callable[[Sequence[Job], datetime, Callable[[], bool]], JobLook]
    heads: Callable[[Sequence[str]], Mapping[str, str]]
    monotonic: Callable[[], float]
    clock: Callable[[], datetime]
    by: str
    rules: SweepRules = field(default_factory=SweepRules)
    follow: Callable[[bool], Followed] = no_tracker
    dispatcher: Dispatcher | None = None
    start: Callable[[Job], StartResult] | None = None
    forget: Callable[[str], None] = lambda _attempt: None
    duties: Sequence[Duty] = ()
    ended: Callable[[], bool] = lambda: False
