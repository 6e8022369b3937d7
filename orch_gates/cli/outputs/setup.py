"""The state branch's proof, the forge, channels and the configuration as `--json` prints them (GATE-4)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from orch_gates.cli.outputs.parts import Output, Part
from orch_gates.engine.stages import OnRed
from orch_gates.engine.watch_plan import SourceKind
from orch_gates.forge.port.server import ForgeKind
from orch_gates.model.ids import Oid, TaskName
from orch_gates.model.job import Way
from orch_gates.notify.delivery import DeliveryResult
from orch_gates.variables.resolve import ValueOrigin


class BadCommitPart(Part):
    """A commit of the state branch that is not legal."""

    commit: Oid = Field(description="The commit.")
    problems: list[str] = Field(description="What is wrong with it, a line each.")


class StateVerify(Output):
    """Whether every step of the state branch was legal."""

    commits: int = Field(ge=0, description="How many were looked at.")
    generation: int = Field(ge=0, description="That of the newest one.")
    witnessed: bool = Field(description="Whether the witness says that none is lost.")
    bad: list[BadCommitPart] = Field(description="The commits that are not legal, the oldest first.")


class ProblemPart(Part):
    """A problem of a file."""

    path: str = Field(description="The file.")
    field: str = Field(description="The field; empty for the file as a whole.")
    rule: str = Field(description="What is wrong.")


class StateLint(Output):
    """Whether each file of the state branch is valid by itself."""

    files: int = Field(ge=0, description="How many were looked at.")
    problems: list[ProblemPart] = Field(description="What is wrong with them.")


class PermissionsPart(Part):
    """What the token may do; `null` for what the forge does not tell."""

    read: bool = Field(description="Read.")
    write: bool | None = Field(description="Write.")
    admin: bool | None = Field(description="Administer.")


class ProtectionPart(Part):
    """The rule that protects the default branch."""

    branch: str = Field(description="The branch, or a pattern that matches it.")
    contexts: list[str] = Field(description="The statuses that a merge needs.")
    approvals: int = Field(ge=0, description="How many approvals it needs.")
    mergers: list[str] = Field(description="The only users who may merge; none: all who may write.")
    pushes: bool = Field(description="Whether it may be pushed to.")
    admins: bool = Field(description="Whether administrators are held to it.")
    up_to_date: bool = Field(description="Whether a branch that is behind is not merged.")


class ForgeCheck(Output):
    """Who we are at the forge, and what we may do there."""

    kind: ForgeKind = Field(description="What it is.")
    version: str = Field(description="Its version; empty where it does not say.")
    url: str = Field(description="Its address.")
    repository: str = Field(description="The repository there.")
    login: str = Field(description="Whose token it is; empty where that is not told.")
    scopes: list[str] | None = Field(description="The scopes of the token; `null` where they are not told.")
    permissions: PermissionsPart = Field(description="What the token may do in the repository.")
    archived: bool = Field(description="Whether the repository is archived.")
    mirror: bool = Field(description="Whether it is a mirror.")
    empty: bool = Field(description="Whether it has no commit.")
    merge_commits: bool | None = Field(description="Whether merge commits are allowed; `null` where not told.")
    deletes_branches: bool | None = Field(description="Whether every merge deletes its branch; `null` where not told.")
    default_branch: str = Field(description="Its default branch; empty for none.")
    protection: ProtectionPart | None = Field(description="What protects that; `null` for nothing, or not told.")
    protection_hidden: str | None = Field(description="Why the protection is not told; `null` where it is.")
    clock_ahead_s: float | None = Field(description="How far its clock is ahead of ours; `null` where not told.")
    requests: int = Field(ge=0, description="How many requests this took.")
    problems: list[str] = Field(description="What keeps it from working, a line each.")


class ChannelPart(Part):
    """What came of the cards in one channel."""

    channel: str = Field(description="The channel: `telegram`, `webhook` or `comment`.")
    shown: list[TaskName] = Field(description="The tasks whose card was shown.")
    waits: list[str] = Field(description="What the next run tries again, and why.")
    refused: list[str] = Field(description="What needs a person, and why.")
    left: int = Field(ge=0, description="How many tasks are looked at by the next run.")


class NotifyRun(Output):
    """What came of showing the cards that changed."""

    channels: list[ChannelPart] = Field(description="One for each channel that is set.")


class TriedPart(Part):
    """What came of a card that was sent to try a channel."""

    channel: Literal["telegram", "webhook"] = Field(description="The channel.")
    result: DeliveryResult = Field(description="What came of it.")
    reason: str = Field(description="Why it was not shown; else empty.")


class NotifyTest(Output):
    """Whether the channels take a card."""

    channels: list[TriedPart] = Field(description="One for each channel that is set.")


class Origin(Part):
    """Where a value came from."""

    source: ValueOrigin = Field(description="Where it came from.")
    place: str | None = Field(description="The variable, or the place in the file; `null` for a default.")


class SettingPart(Origin):
    """A setting."""

    variable: str = Field(description="Its environment variable.")
    key: str | None = Field(description="Its key in `.orch-gates.yaml`; `null` where the file cannot set it.")
    value: str | int | bool | list[str] = Field(description="Its value; a secret is shown as (set).")


class QueueSettingPart(Origin):
    """Whether the merge queue is turned on."""

    value: bool = Field(description="Whether it is.")


class StageGatePart(Part):
    """A gate of a stage."""

    name: str = Field(description="The gate.")
    on_fail: OnRed = Field(description="What follows where it is red.")
    on_absent: OnRed = Field(description="What follows where nothing is recorded for it.")


class StageSettingPart(Origin):
    """A stage."""

    name: str = Field(description="Its name.")
    role: str = Field(description="Who does its work.")
    human: bool = Field(description="Whether a person lets a task leave it.")
    gates: list[StageGatePart] = Field(description="The gates on the edge out of it.")


class ReworkPart(Origin):
    """The stage that a task is sent back to."""

    value: str = Field(description="The stage.")


class PipelinePart(Part):
    """The pipeline."""

    rework: ReworkPart = Field(description="The stage that a task is sent back to.")
    stages: list[StageSettingPart] = Field(description="The stages, in their order.")


class RolePart(Part):
    """How the work of a role is started."""

    name: str = Field(description="The role.")
    way: Way = Field(description="How it is started.")
    starts: str = Field(description="The command or workflow.")
    max_concurrency: int | None = Field(description="How many of its jobs go on at once; `null` for any number.")


class ProbeSettingPart(Part):
    """A request that a watch makes."""

    url: str = Field(description="What is asked.")
    status: list[int] | None = Field(description="The answers that are well; `null` for the usual ones.")
    body: str | None = Field(description="What the answer has to hold; `null` for anything.")
    latency_s: float | None = Field(description="How long it may take; `null` for as long as it is waited for.")
    timeout_s: float = Field(description="How long it is waited for.")
    follow: bool = Field(description="Whether it is followed to another host.")


class SourceSettingPart(Part):
    """What counts the requests of production."""

    kind: SourceKind = Field(description="What it is.")
    name: str = Field(description="Its name.")
    path: str = Field(default="", description="The file, of a log.")
    url: str = Field(default="", description="The address, of counters.")
    total: str = Field(default="", description="What counts requests, of counters.")
    errors: str = Field(default="", description="What counts errors, of counters.")


class WatchSettingPart(Part):
    """How a deploy is watched."""

    window_s: int = Field(description="For how long.")
    every_s: int = Field(description="From one sample to the next.")
    failures: int = Field(description="Failures in a row that are an illness.")
    min_requests: int = Field(description="Requests that are needed to tell.")
    max_ratio: float = Field(description="The share of errors that is still well.")
    warmup_s: int = Field(description="For how long at first nothing counts.")
    control: str | None = Field(description="What shows whether the runner reaches anything; `null` for nothing.")
    probes: list[ProbeSettingPart] = Field(description="The requests that are made.")
    sources: list[SourceSettingPart] = Field(description="What counts the requests of others.")


class EnvironmentPart(Part):
    """An environment."""

    name: str = Field(description="Its name.")
    deploy_timeout_s: int | None = Field(description="How long a deploy may take; `null` for the default.")
    rollback: str | None = Field(description="The command that takes a deploy back; `null` for none.")
    watch: WatchSettingPart | None = Field(description="How a deploy is watched; `null` where none is.")


class ConfigShow(Output):
    """Every setting, the pipeline and the environments, with where each came from."""

    file: str | None = Field(description="The file that was read; `null` where the commit has none.")
    revision: Oid | None = Field(description="The commit that it was read from; `null` where none is known.")
    settings: list[SettingPart] = Field(description="Every setting.")
    merge_queue: QueueSettingPart = Field(description="Whether the merge queue is turned on.")
    pipeline: PipelinePart = Field(description="The stages and their gates.")
    roles: list[RolePart] = Field(description="The roles whose work is started.")
    environments: list[EnvironmentPart] = Field(description="The environments that are configured.")
