"""Jobs, environments, watches, leases and effects that were run, as `--json` prints them (GATE-4)."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from orch_gates.cli.outputs.parts import Output, Part, unmarked
from orch_gates.cli.outputs.tasks import EffectPart
from orch_gates.effects.performed import EffectResult
from orch_gates.jobs.starter import StartOutcome
from orch_gates.model.attempt import Attempt
from orch_gates.model.environment import DeployId, DigestOrNone, Environment
from orch_gates.model.ids import BranchName, Oid, Slug, TaskName
from orch_gates.model.job import Job, JobStatus
from orch_gates.model.lease import Lease
from orch_gates.model.watch import Reaction, WatchVerdict


class JobRow(Job):
    """A job as it is recorded, without its `schema`, and how long it took."""

    model_config = ConfigDict(json_schema_extra=unmarked)

    seconds: int | None = Field(ge=0, description="How long it took until its end, or now; `null` before it began.")


class JobList(Output):
    """The jobs of all tasks or of one, the newest first."""

    jobs: list[JobRow] = Field(description="One for each.")


class JobShow(JobRow):
    """One job."""

    model_config = ConfigDict(json_schema_extra=unmarked)

    output: str = Field(description="The end of what its command wrote.")


class StartPart(Part):
    """A job that was to be started."""

    task: TaskName = Field(description="Its task.")
    role: str = Field(description="Who does it.")
    attempt: str = Field(description="The id of the job.")
    number: int = Field(ge=1, description="Which run of this work it is.")
    outcome: StartOutcome = Field(description="What came of it.")
    run: int | None = Field(description="The CI run that was started; `null` where there is none, or it is not known.")
    reason: str = Field(description="Why it was not started; else empty or what is worth knowing.")


class EndedPart(Part):
    """A job that was ended."""

    task: TaskName = Field(description="Its task.")
    attempt: str = Field(description="The id of the job.")
    status: JobStatus = Field(description="How it ended.")
    reason: str = Field(description="Why.")


class HeldPart(Part):
    """A task that a person has to see to."""

    task: TaskName = Field(description="The task.")
    reason: str = Field(description="Why.")


class JobDispatch(Output):
    """The work that was due, and what came of starting it."""

    starts: list[StartPart] = Field(description="The jobs that were to be started.")
    ended: list[EndedPart] = Field(description="The jobs that were ended instead.")
    problem: str | None = Field(description="Why not everything could be looked at; `null` for no problem.")
    held: list[HeldPart] = Field(description="The tasks that are held now.")


_STATE = Field(description="Whether a deploy is under way, or what the environment runs is not known.")


class EnvironmentRow(Environment):
    """An environment as it is recorded, without its `schema`, and how it stands."""

    model_config = ConfigDict(json_schema_extra=unmarked)

    state: Literal["settled", "deploying", "unknown"] = _STATE


class EnvList(Output):
    """What each environment runs."""

    environments: list[EnvironmentRow] = Field(description="One for each that was ever deployed to.")


class EnvShow(EnvironmentRow):
    """What an environment runs, and what it ran before."""

    model_config = ConfigDict(json_schema_extra=unmarked)

    log: str = Field(description="Its log, as it is on the state branch; empty right after `env settle`.")


class WatchEnd(Output):
    """What a watch came to."""

    deploy: DeployId = Field(description="The deploy that was watched.")
    environment: Slug = Field(description="Where.")
    task: TaskName = Field(description="The task that was deployed.")
    revision: Oid = Field(description="The commit that was deployed.")
    digest: DigestOrNone = Field(description="The image that was deployed; empty for none.")
    verdict: WatchVerdict = Field(description="What it came to; empty while it goes on.")
    reason: str = Field(description="Why.")
    reaction: Reaction = Field(description="What was done about it.")
    samples: int = Field(ge=0, description="How many moments were recorded.")


class LeaseRow(Lease):
    """A lease as it is recorded, without its `schema`, and the attempt to merge that it belongs to."""

    model_config = ConfigDict(json_schema_extra=unmarked)

    attempt_of_holder: Attempt | None = Field(description="The newest attempt of whoever holds it; `null` for none.")


class LeaseShow(Output):
    """Who may merge into which branch."""

    leases: list[LeaseRow] = Field(description="One for each target that was ever merged into.")


class LeaseChange(Output):
    """What came of a change of a lease."""

    target: BranchName = Field(description="The branch that it is for.")
    changed: bool = Field(description="Whether anything was changed.")
    reason: str = Field(description="What was done, or why nothing was.")


class EffectRunPart(EffectPart):
    """An effect that was tried."""

    result: EffectResult = Field(description="How it ended.")
    reason: str = Field(description="Why it is not done; else empty.")
    pending: bool = Field(description="Whether it is still planned.")


class EffectsRun(Output):
    """What came of performing what was planned."""

    effects: list[EffectRunPart] = Field(description="One for each that was tried.")
