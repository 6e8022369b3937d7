"""The only reader of the environment, and where it meets the configuration file: environment over file over default.

Every setting is declared in `variables/groups.py`; what runners, git and pre-commit set is read by name.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from orch_gates.errors import SettingsError
from orch_gates.variables.automation import HandedOver, JobSettings, SweepSettings
from orch_gates.variables.groups import (
    AllowKey,
    Budget,
    CiGreenSettings,
    ForgeSettings,
    HelpSettings,
    LeaseSettings,
    Limits,
    MergeSettings,
    Programs,
    QueueSettings,
    ReviewSettings,
    SecuritySettings,
    StagingSettings,
    StateSettings,
    StatusesSettings,
    TargetSettings,
)
from orch_gates.variables.resolve import FALSE, TRUE, FileValue, Resolved, ValueOrigin, resolve
from orch_gates.variables.scope import RepositoryScope, scope_settings
from orch_gates.variables.services import NotifySettings, RegistrySettings, TrackerSettings
from orch_gates.variables.setting import Setting, declared

# Inside a hook these make quarantined objects and the index of a partial commit visible.
GIT_LOCATION = (
    "GIT_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_QUARANTINE_PATH",
    "GIT_INDEX_FILE",
)

_LONGEST_NUMBER = 19
_NOTHING: Mapping[str, str] = MappingProxyType({})
_Group = TypeVar("_Group")


@dataclass(frozen=True, slots=True)
class Tools:
    """Where external programs may be found, before PATH is asked."""

    gitleaks: str
    pip_audit: str
    cache_dir: Path | None


@dataclass(frozen=True, slots=True)
class CiContext:
    """What the runner told about this run; empty strings outside CI.

    `forge` is whose runner it is (gitea, forgejo, github), `run_url` the page of the run; `ref` and `sha` are what
    the job runs for, which some forges fill with something else now and then. `run` is the run as the API counts,
    `attempt` which try of it; 0 where that is not told.
    """

    active: bool
    event_name: str
    event_path: str
    repository: str
    output_file: str
    summary_file: str
    forge: str = ""
    server_url: str = ""
    api_url: str = ""
    run_url: str = ""
    ref: str = ""
    sha: str = ""
    run: int = 0
    attempt: int = 0
    job: str = ""


@dataclass(frozen=True, slots=True)
class HookContext:
    """What git, the server and pre-commit told about the push or commit being made.

    `pre_commit`: pre-commit runs this, which leaves standard input empty.
    `web_editor`: Gitea made the commit for somebody who edits in the browser, or through its API.
    """

    quarantine: str
    pusher: str
    from_ref: str
    to_ref: str
    remote_name: str
    remote_url: str
    local_branch: str
    remote_branch: str
    web_editor: bool
    pre_commit: bool


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one run.

    `target` is what ORCH_TARGET names; `usual_target` falls back to the configuration file, which counts
    less than a CI event. `given` is what the file sets, by variable.
    """

    security: SecuritySettings
    ci_green: CiGreenSettings
    review_approved: ReviewSettings
    staging: StagingSettings
    tools: Tools
    ci: CiContext
    hook: HookContext
    limits: Limits
    merge: MergeSettings
    lease: LeaseSettings
    queue: QueueSettings
    jobs: JobSettings
    sweep: SweepSettings
    tracker: TrackerSettings
    notify: NotifySettings
    handed_over: HandedOver
    target: str
    usual_target: str
    state: StateSettings
    forge: ForgeSettings
    registry: RegistrySettings
    statuses: StatusesSettings
    allow_key: str = field(repr=False)
    allow_key_file: str
    help_url: str
    inherited_env: Mapping[str, str] = field(repr=False)
    given: Mapping[str, FileValue] = field(default_factory=dict)

    def scope(self, gate: str) -> RepositoryScope:
        """Where a gate applies.

        Raises:
            SettingsError: the value of its switch is neither true nor false.
        """
        enabled, repos = scope_settings(gate)
        names = self.resolved(repos).value
        assert isinstance(names, tuple)
        return RepositoryScope(
            bool(self.resolved(enabled).value), names, self._changed_by(enabled), self._changed_by(repos)
        )

    def resolved(self, setting: Setting) -> Resolved:
        """The value of one setting and where it came from."""
        return resolve(setting, self.inherited_env, self.given)

    def _changed_by(self, setting: Setting) -> str:
        """What a person has to change to change a setting."""
        found = self.resolved(setting)
        return f"{setting.key} in {found.place}" if found.source is ValueOrigin.FILE else setting.variable


def load(
    environ: Mapping[str, str] | None = None,
    given: Mapping[str, FileValue] | None = None,
    *,
    overrides: Mapping[str, str] = _NOTHING,
) -> Settings:
    """Read every setting: `overrides` of the command line, the environment, the configuration file, the defaults.

    Raises:
        SettingsError: a value is not of its kind; the message names the variable.
    """
    env = _Reader({**(os.environ if environ is None else environ), **overrides}, given or {})
    target, programs, key = env.group(TargetSettings), env.group(Programs), env.group(AllowKey)
    return Settings(
        security=env.group(SecuritySettings, budget=env.group(Budget)),
        ci_green=env.group(CiGreenSettings),
        review_approved=env.group(ReviewSettings),
        staging=env.group(StagingSettings),
        tools=Tools(
            gitleaks=programs.gitleaks,
            pip_audit=programs.pip_audit,
            cache_dir=_cache_dir(env, programs.cache_dir),
        ),
        ci=_ci(env),
        hook=HookContext(
            quarantine=env.variable("GIT_QUARANTINE_PATH"),
            pusher=env.variable("GITEA_PUSHER_NAME"),
            from_ref=env.variable("PRE_COMMIT_FROM_REF"),
            to_ref=env.variable("PRE_COMMIT_TO_REF"),
            remote_name=env.variable("PRE_COMMIT_REMOTE_NAME"),
            remote_url=env.variable("PRE_COMMIT_REMOTE_URL"),
            local_branch=env.variable("PRE_COMMIT_LOCAL_BRANCH"),
            remote_branch=env.variable("PRE_COMMIT_REMOTE_BRANCH"),
            pre_commit=env.variable("PRE_COMMIT") == "1",
            # Gitea's merges and updates of branches are pushed so too, and say what triggered them.
            web_editor=env.variable("SSH_ORIGINAL_COMMAND") == "gitea-internal"
            and not env.variable("GITEA_PUSH_TRIGGER"),
        ),
        limits=env.group(Limits),
        merge=env.group(MergeSettings),
        lease=env.group(LeaseSettings),
        queue=env.group(QueueSettings),
        jobs=env.group(JobSettings),
        sweep=env.group(SweepSettings),
        tracker=env.group(TrackerSettings),
        notify=env.group(NotifySettings),
        handed_over=env.group(HandedOver),
        target=target.branch if env.variable("ORCH_TARGET") else "",
        usual_target=target.branch,
        state=_state(env),
        forge=_forge(env),
        registry=env.group(RegistrySettings, docker_config=_docker_config(env)),
        statuses=env.group(StatusesSettings),
        allow_key=key.text,
        allow_key_file=key.file,
        help_url=env.group(HelpSettings).url,
        inherited_env=dict(env.environ),
        given=dict(env.given),
    )


def _state(env: _Reader) -> StateSettings:
    found = env.group(StateSettings)
    author = (found.author_name, found.author_email)
    return replace(
        found,
        by=found.by or env.variable("GITHUB_ACTOR"),
        # Those that the server names take the author's place; those of a repository are added.
        writers=found.writers if env.variable("ORCH_STATE_WRITERS") else (*author, *found.writers),
    )


def _ci(env: _Reader) -> CiContext:
    server, repository, run = (
        env.variable(name) for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    )
    return CiContext(
        # Some runners put their own name there.
        active=env.variable("CI").lower() not in FALSE | {""},
        event_name=env.variable("GITHUB_EVENT_NAME"),
        event_path=env.variable("GITHUB_EVENT_PATH"),
        repository=repository or _gitea_repository(env),
        output_file=env.variable("GITHUB_OUTPUT"),
        summary_file=env.variable("GITHUB_STEP_SUMMARY"),
        forge=_runner(env),
        server_url=server,
        api_url=env.variable("GITHUB_API_URL"),
        run_url=f"{server}/{repository}/actions/runs/{run}" if server and repository and run else "",
        ref=env.variable("GITHUB_REF"),
        sha=env.variable("GITHUB_SHA"),
        run=_number(run),
        attempt=_number(env.variable("GITHUB_RUN_ATTEMPT")),
        job=env.variable("GITHUB_JOB"),
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < _LONGEST_NUMBER else 0


def _runner(env: _Reader) -> str:
    """Whose runner this is; those of Gitea and Forgejo also say that they are GitHub's."""
    for name, forge in (("FORGEJO_ACTIONS", "forgejo"), ("GITEA_ACTIONS", "gitea"), ("GITHUB_ACTIONS", "github")):
        if env.variable(name).lower() in TRUE:
            return forge
    return ""


def _forge(env: _Reader) -> ForgeSettings:
    found = env.group(ForgeSettings)
    return replace(
        found,
        repository=found.repository or env.variable("GITHUB_REPOSITORY"),
        token=env.variable(found.token_env),
    )


def _docker_config(env: _Reader) -> str:
    """The file that docker keeps its logins in, whether or not it is there."""
    if folder := env.variable("DOCKER_CONFIG"):
        return str(Path(folder) / "config.json")
    home = env.variable("HOME")
    return str(Path(home) / ".docker" / "config.json") if home else ""


def _gitea_repository(env: _Reader) -> str:
    owner, name = env.variable("GITEA_REPO_USER_NAME"), env.variable("GITEA_REPO_NAME")
    return f"{owner}/{name}" if owner and name else ""


def _cache_dir(env: _Reader, named: str) -> Path | None:
    if named:
        try:
            return Path(named).expanduser().absolute()
        except RuntimeError as error:
            raise SettingsError(f"ORCH_CACHE_DIR={named}: there is no such user") from error
    if base := env.variable("XDG_CACHE_HOME"):
        return Path(base).absolute() / "orch-gates"
    if home := env.variable("HOME"):
        return Path(home).absolute() / ".cache" / "orch-gates"
    return None


@dataclass(frozen=True, slots=True)
class _Reader:
    """Fills groups of settings from the environment and from what the configuration file sets."""

    environ: Mapping[str, str]
    given: Mapping[str, FileValue]

    def variable(self, name: str) -> str:
        """A variable of the runner, of git or of pre-commit, or one whose file value counts differently."""
        return self.environ.get(name, "").strip()

    def group(self, group: type[_Group], **others: Any) -> _Group:
        """A group with the value of each setting that it declares; `others` are the fields that are none."""
        # A field's default is the setting's own; a hook reads all of them several times, and few are set.
        found = {
            name: resolve(setting, self.environ, self.given).value
            for name, setting in declared(group)
            if setting.variable in self.environ or setting.variable in self.given
        }
        return group(**found, **others)


def colourless() -> bool:
    """Whether the person or the terminal wants no colours (https://no-color.org)."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


def variables() -> dict[str, str]:
    """The environment as it is, for whoever only looks at it; settings may be what is wrong with it."""
    return dict(os.environ)


def debugging() -> bool:
    """Whether ORCH_DEBUG asks for tracebacks; read on its own, as settings may be what failed."""
    return os.environ.get("ORCH_DEBUG", "") in TRUE
