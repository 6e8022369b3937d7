"""One look at the world: which running jobs live, as this machine and the forge tell (REAP-1, P3)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, TypeVar, assert_never

from orch_gates import machine
from orch_gates.engine.sighting import UNKNOWN, Life, Sighting
from orch_gates.errors import ForgeRefused, ForgeUnavailable, OrchError, ReportError
from orch_gates.forge.port.workflows import RunJob, RunState, Workflows
from orch_gates.jobs import spool
from orch_gates.jobs.spool import ExitRecord
from orch_gates.model.environment import Running
from orch_gates.model.job import CiRun, Job, JobStatus, Process
from orch_gates.model.watch import Watcher

T = TypeVar("T")

ATTEMPT = "ORCH_ATTEMPT"
# So long a wrapper that lives may take to record that its command ended.
RECORDS_WITHIN = timedelta(minutes=1)
# Machines that nobody named cannot be told apart by their names.
_NAMELESS = frozenset({"", "localhost", "localhost.localdomain"})
# A forge that is down is not asked about every run.
_MOST_SILENT = 3
_OVER = frozenset({RunState.SUCCESS, RunState.FAILURE, RunState.CANCELLED, RunState.SKIPPED})


class WithWorkflows(Protocol):
    """The part of a `Forge` that a look needs."""

    @property
    def workflows(self) -> Workflows:
        """The workflows of the repository."""
        ...


@dataclass(frozen=True, slots=True)
class JobLook:
    """The sightings of running jobs by attempt, the CI runs of jobs that wait to begin, and what could not be told."""

    sightings: Mapping[str, Sighting] = field(default_factory=dict)
    runs: Mapping[int, RunState] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Looking:
    """How this machine and the forge are asked.

    `cache_dir` is where wrappers write down how their commands ended, `forge` connects to the forge.
    """

    cache_dir: Path | None
    forge: Callable[[], WithWorkflows | None]

    def at(self, jobs: Sequence[Job], now: datetime, late: Callable[[], bool]) -> JobLook:
        """Look for every job that runs, and for the CI run of every one that was started and waits to begin.

        `late` says whether there is no time left to ask the forge.
        """
        running = [job for job in jobs if job.status is JobStatus.RUNNING]
        waiting = [job for job in jobs if job.status is JobStatus.QUEUED and job.dispatch and job.dispatch.run]
        ours = self._processes(running, now)
        # What this machine knows to live or to have ended is not asked for again.
        open_ = [job for job in running if ours[job.attempt].life not in {Life.ALIVE, Life.ENDED}]
        queries = _Asking(self.forge, late)
        of_jobs = queries.each({job.run.id for job in open_ if job.run}, lambda flows, run: flows.jobs(run))
        of_runs = queries.each(
            {job.dispatch.run for job in waiting if job.dispatch}, lambda flows, run: flows.run(run).state
        )
        sightings = {
            job.attempt: by_run(job.run, of_jobs.get(job.run.id)) if job in open_ and job.run else ours[job.attempt]
            for job in running
        }
        return JobLook(sightings, of_runs, tuple(queries.problems))

    def deploy(self, running: Running, now: datetime, late: Callable[[], bool] = lambda: False) -> Sighting:
        """Look for a deploy whose end is not recorded; its CI job tells whether it lives, not what it came to.

        Its command ends with its wrapper, and what lives on is the service that it has started.
        """
        gone = machine.is_dead(_identity(running.process))
        seen = by_process(running.process, machine.identity().host, gone=gone, lives=False)
        seen = by_record(seen, spool.read(self.cache_dir, running.deploy), now)
        if seen.life is not Life.UNKNOWN or running.run is None:
            return seen
        queries = _Asking(self.forge, late)
        jobs = queries.each({running.run.id}, lambda flows, run: flows.jobs(run))
        found = by_run(running.run, jobs.get(running.run.id))
        if found.life is Life.ENDED:
            return Sighting(Life.DEAD, found.why)
        return found if found.life is not Life.UNKNOWN else Sighting(Life.UNKNOWN, "; ".join(queries.problems))

    def watcher(self, watcher: Watcher, late: Callable[[], bool] = lambda: False) -> Sighting:
        """Look for whoever watches a deploy."""
        gone = machine.is_dead(_identity(watcher.process))
        seen = by_process(watcher.process, machine.identity().host, gone=gone, lives=False)
        if seen.life is not Life.UNKNOWN or watcher.run is None:
            return seen
        queries = _Asking(self.forge, late)
        return by_run(
            watcher.run, queries.each({watcher.run.id}, lambda flows, run: flows.jobs(run)).get(watcher.run.id)
        )

    def forget(self, attempt: str) -> None:
        """Take away what a wrapper wrote down, once it is recorded; what stays is of no use to anybody."""
        with contextlib.suppress(ReportError):
            spool.remove(self.cache_dir, attempt)

    def _processes(self, running: Sequence[Job], now: datetime) -> Mapping[str, Sighting]:
        here = machine.identity().host
        gone = {job.attempt for job in running if job.process and machine.is_dead(_identity(job.process))}
        # A wrapper that was killed leaves its command behind, which works on.
        living = machine.values_of(ATTEMPT) if gone else frozenset()
        found = {}
        for job in running:
            seen = by_process(job.process, here, gone=job.attempt in gone, lives=job.attempt in living)
            found[job.attempt] = by_record(seen, spool.read(self.cache_dir, job.attempt), now)
        return found


class _Asking:
    """Asks a forge one question for each run; one that fails stops no other, and silence is not asked for ever."""

    def __init__(self, forge: Callable[[], WithWorkflows | None], late: Callable[[], bool]) -> None:
        self._forge = forge
        self._late = late
        self._silent = 0
        self.problems: list[str] = []

    def each(self, runs: set[int], ask: Callable[[Workflows, int], T]) -> dict[int, T]:
        """The answers by run; without those that did not come."""
        found: dict[int, T] = {}
        for run in sorted(runs):
            if self._late() or self._silent >= _MOST_SILENT:
                self.problems.append(f"CI run {run} was not checked: {self._why()}")
                continue
            try:
                forge = self._forge()
                if forge is None:
                    self.problems.append(f"CI run {run} cannot be checked: no forge is known here")
                    continue
                found[run] = ask(forge.workflows, run)
                self._silent = 0
            except OrchError as error:
                self._silent += isinstance(error, ForgeUnavailable) and not isinstance(error, ForgeRefused)
                self.problems.append(f"CI run {run}: {error}")
            except Exception as error:  # noqa: BLE001 - what one run's answer breaks is told, and stops no other (P3)
                self.problems.append(f"CI run {run}: {type(error).__name__}: {error}")
        return found

    def _why(self) -> str:
        late = "the sweep ran out of time (sweep.timeout_s)"
        return "the forge does not answer" if self._silent >= _MOST_SILENT else late


def _identity(one: Process) -> machine.ProcessIdentity:
    return machine.ProcessIdentity(one.host, one.pid, one.started)


def by_process(one: Process | None, here: str, *, gone: bool, lives: bool) -> Sighting:
    """What is known of a job by its process; `gone`: no such process is here, `lives`: one that it started is (pure).

    A process of another machine is not known. One of this machine's before it was started anew is dead; of a container,
    whose numbers are its own, only that is known.
    """
    if one is None or not (here and one.host):
        return UNKNOWN
    if one.host == here:
        return _here(one, gone=gone, lives=lives)
    (name, boot), (our_name, our_boot) = _machine(one.host), _machine(here)
    if name != our_name or name in _NAMELESS:
        return Sighting(Life.UNKNOWN, f"it runs on {name}")
    if boot and our_boot and boot != our_boot:
        return Sighting(Life.DEAD, f"{name} was rebooted since it began")
    return Sighting(Life.UNKNOWN, f"it runs in a container on {name}")


def _here(one: Process, *, gone: bool, lives: bool) -> Sighting:
    if not one.started:
        return Sighting(Life.UNKNOWN, "its machine does not report when processes start")
    if gone and not lives:
        return Sighting(Life.DEAD, f"its process {one.pid} is gone")
    return Sighting(Life.ALIVE, f"its process {one.pid} is gone, but what it started works on" if gone else "")


def _machine(host: str) -> tuple[str, str]:
    """The name of a machine and its boot, of `<name> <boot> <numbers>`."""
    name, _, rest = host.partition(" ")
    return name, rest.partition(" ")[0]


def by_record(seen: Sighting, record: ExitRecord | None, now: datetime) -> Sighting:
    """What is known besides, where a wrapper wrote down how its command ended; one that lives has a moment (pure)."""
    if record is None:
        return seen
    if seen.life is Life.ALIVE and now - record.ended < RECORDS_WITHIN:
        return seen
    code = record.exit_code
    why = record.reason or ("its command was ended" if code is None else f"its command ended with exit code {code}")
    return Sighting(Life.ENDED, why, code)


def by_run(run: CiRun, jobs: Sequence[RunJob] | None) -> Sighting:
    """What is known of a job by the jobs of its CI run; None where the forge did not tell (pure).

    A run may say that it is over while a job of it still waits, so the job counts. Where its name finds none or
    several, it is dead once all of them are over, and else not known.
    """
    if not jobs:
        return UNKNOWN
    found = [job for job in jobs if job.name == run.job]
    if len(found) != 1:
        over = all(job.state in _OVER for job in jobs)
        return Sighting(Life.DEAD, f"every job of CI run {run.id} is over") if over else UNKNOWN
    what = f"job {run.job} of CI run {run.id}"
    match found[0].state:
        case RunState.WAITING | RunState.RUNNING:
            return Sighting(Life.ALIVE)
        case RunState.SUCCESS:
            return Sighting(Life.ENDED, f"{what} ended in success", 0)
        case RunState.FAILURE:
            return Sighting(Life.ENDED, f"{what} failed", 1)
        case RunState.CANCELLED | RunState.SKIPPED as state:
            return Sighting(Life.DEAD, f"{what} is {state}")
        case RunState.UNKNOWN:
            return UNKNOWN
        case other:
            assert_never(other)
