"""`.orch-gates.yaml` at a trusted commit (P5); the reader of YAML is loaded only where there is such a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from orch_gates import settings as settings_module
from orch_gates.git.cli import Git
from orch_gates.settings import Settings
from orch_gates.variables.resolve import FileValue

if TYPE_CHECKING:
    from orch_gates.config.pipeline import Declared
    from orch_gates.engine.stages import Pipeline
    from orch_gates.engine.watch_plan import EnvironmentPlan
    from orch_gates.engine.work import Role, WorkRules

PATH = ".orch-gates.yaml"


@dataclass(frozen=True, slots=True)
class Config:
    """What a repository says about its pipeline and settings; nothing where there is no such file.

    `revision` is the full id of the commit that it was looked for in, empty where there is none to
    trust. `given` is keyed by variable. `declared` is None where the default pipeline stands. `queue` is the place that
    makes pull requests tasks of the merge queue, empty where nothing does (MRG-13). `roles` are those whose work is
    dispatched (JOB-1), `environments` what is said about where deploys go (WCH-1).
    """

    revision: str = ""
    present: bool = False
    given: Mapping[str, FileValue] = field(default_factory=dict)
    declared: Declared | None = None
    queue: str = ""
    roles: Mapping[str, Role] = field(default_factory=dict)
    environments: Mapping[str, EnvironmentPlan] = field(default_factory=dict)


def read(git: Git, revision: str) -> Config:
    """The configuration at a commit of the target branch; an empty `revision` trusts none.

    Raises:
        ConfigError: the file is there and anything in it is wrong; all of its problems are named.
        GitError: it cannot be read.
    """
    raw = git.blob(revision, PATH) if revision else None
    if raw is None:
        return Config(revision)
    from orch_gates.config.parse import parse

    return parse(raw, revision=revision)


def configured(settings: Settings, git: Git, trusted: str) -> tuple[Settings, Config]:
    """The settings with the configuration file of a trusted commit between environment and defaults (P5).

    Raises:
        ConfigError: anything in the file is wrong.
        GitError: it cannot be read.
    """
    config = read(git, trusted)
    return settings_module.load(settings.inherited_env, config.given), config


def effective(config: Config, settings: Settings) -> Pipeline:
    """The pipeline that counts: the file's or the default one, with the limits of the settings."""
    from orch_gates.engine.stages import DEFAULT, Caps

    chosen = config.declared.pipeline if config.declared else DEFAULT
    caps = Caps(settings.limits.max_developer_retries, settings.limits.defer_max_attempts)
    return replace(chosen, caps=caps)


def rules(config: Config, settings: Settings) -> WorkRules:
    """Which roles are dispatched here, and what bounds their work (JOB-1)."""
    from datetime import timedelta

    from orch_gates.engine.work import WorkRules

    jobs = settings.jobs
    return WorkRules(
        config.roles if jobs.dispatch_enabled else {},
        jobs.max_concurrency,
        jobs.max_attempts,
        timedelta(seconds=settings.sweep.grace),
        timedelta(seconds=jobs.evidence),
    )
