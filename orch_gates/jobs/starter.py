"""Starts a queued job: by a workflow of the forge, or by a command on this machine (JOB-1)."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol, assert_never

from orch_gates import clock, process
from orch_gates.engine.work import Role
from orch_gates.errors import ForgeRefused, OrchError
from orch_gates.forge.port.workflows import Workflows
from orch_gates.model.job import Job, Way
from orch_gates.report import files

# Of each stream of a command that nobody watches; and how long that is kept.
_MOST_OUTPUT = 10_000_000
_KEPT_S = 14 * 86_400
_SUFFIXES = (".log", ".json")


class StartOutcome(StrEnum):
    """The outcome of a request to start a job; UNKNOWN may have started it, and asking again is safe (JOB-1).

    REFUSED may not be started as things are, so it is asked for again; GIVEN_UP is not to be started at all.
    """

    STARTED = "started"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    GIVEN_UP = "given-up"


@dataclass(frozen=True, slots=True)
class StartResult:
    """A job whose start was requested; `run` is the CI run, 0 where none is known."""

    job: Job
    outcome: StartOutcome
    run: int = 0
    reason: str = ""


class WithWorkflows(Protocol):
    """The part of a `Forge` that starts need."""

    @property
    def workflows(self) -> Workflows:
        """The workflows of the repository."""
        ...


@dataclass(frozen=True, slots=True)
class Starter:
    """Where jobs are started from.

    `forge` connects to the forge that may be written to from here, None where there is none. `program` runs
    orch-gates, `folder` is the repository that commands run in, `logs` where they write. `target` is the branch that a
    workflow runs on whose role names none.
    """

    forge: Callable[[], WithWorkflows | None]
    target: str
    program: Sequence[str]
    folder: Path
    logs: Path
    env: Mapping[str, str]

    def start(self, job: Job, role: Role | None) -> StartResult:
        """Ask for the start of one job; whatever happens is an answer (P3)."""
        if role is None:
            return StartResult(
                job, StartOutcome.GIVEN_UP, reason=f"no way to start the role {job.role} is configured any more"
            )
        try:
            match role.way:
                case Way.WORKFLOW:
                    return self._workflow(job, role)
                case Way.COMMAND:
                    return self._command(job, role)
                case _:
                    assert_never(role.way)
        except ForgeRefused as error:
            return StartResult(job, StartOutcome.REFUSED, reason=str(error))
        except OrchError as error:
            return StartResult(job, StartOutcome.UNKNOWN, reason=str(error))
        except Exception as error:  # noqa: BLE001 - one job's trouble stops no other (P3)
            return StartResult(job, StartOutcome.UNKNOWN, reason=f"{type(error).__name__}: {error}")

    def _workflow(self, job: Job, role: Role) -> StartResult:
        forge = self.forge()
        if forge is None:
            return StartResult(job, StartOutcome.UNKNOWN, reason="no forge with a write token is configured")
        inputs = {"task": job.task, "role": job.role, "attempt": job.attempt}
        return StartResult(
            job, StartOutcome.STARTED, forge.workflows.dispatch(role.workflow, role.ref or self.target, inputs)
        )

    def _command(self, job: Job, role: Role) -> StartResult:
        self.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        files.remove_older(self.logs, _SUFFIXES, clock.utc_now().timestamp() - _KEPT_S)
        argv = [*self.program, "job", "run", "--task", job.task, "--role", job.role, "--attempt", job.attempt]
        argv += ["--max-output", str(_MOST_OUTPUT), "--repo", str(self.folder), "--", "sh", "-c", role.command]
        log = self.logs / f"{job.attempt}.log"
        process.leave_running(argv, env=self.env, cwd=self.folder, log=log)
        return StartResult(job, StartOutcome.STARTED, reason=f"its output is in {shlex.quote(str(log))}")
