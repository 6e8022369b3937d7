"""The only reader of the environment, and where it meets the configuration file: environment over file over default.

Every setting is in `variables/table.py`; what runners, git and pre-commit say is read by name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from orch_gates.errors import SettingsError
from orch_gates.variables.resolve import FALSE, TRUE, Given, Resolved, Source, resolve
from orch_gates.variables.table import BY_VARIABLE, Value

# Inside a hook these make quarantined objects and the index of a partial commit visible (DESIGN §7).
GIT_LOCATION = (
    "GIT_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_QUARANTINE_PATH",
    "GIT_INDEX_FILE",
)

_NOTHING: Mapping[str, str] = MappingProxyType({})
_SAID: ContextVar[Mapping[str, str]] = ContextVar("said", default=_NOTHING)


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that one judgement may cost; over it is a refusal (SEC-9)."""

    content_bytes: int
    object_bytes: int
    objects: int
    refs: int
    seconds: float


@dataclass(frozen=True, slots=True)
class SecuritySettings:
    """Settings of the `security` gate (SPEC §4.2)."""

    enabled: bool
    repos: tuple[str, ...]
    engine: str
    pin: str
    budget: Budget
    dep_audit_enabled: bool
    dep_audit_fail_closed: bool
    dep_audit_timeout: float
    osv_url: str


@dataclass(frozen=True, slots=True)
class Tools:
    """Where external programs may be found, before PATH is asked."""

    gitleaks: str
    pip_audit: str
    cache_dir: Path | None


@dataclass(frozen=True, slots=True)
class CiContext:
    """What the runner told about this run; empty strings outside CI.

    `forge` is whose runner it is (gitea, forgejo, github), `run_url` the page of the run.
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


@dataclass(frozen=True, slots=True)
class StateSettings:
    """Where the state branch is and how it is written (SPEC §6); an empty `remote` is found from the clone."""

    branch: str
    remote: str
    timeout: float
    by: str
    author_name: str
    author_email: str
    guard_enabled: bool
    writers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ForgeSettings:
    """What is said about the forge that is asked; `token` is the value of the variable `token_env`."""

    kind: str
    url: str
    repository: str
    token: str = field(repr=False)
    token_env: str
    timeout: float


@dataclass(frozen=True, slots=True)
class HookContext:
    """What git, the server and pre-commit told about the push or commit being made."""

    quarantine: str
    pusher: str
    from_ref: str
    to_ref: str
    remote_name: str
    remote_url: str
    local_branch: str
    remote_branch: str


@dataclass(frozen=True, slots=True)
class Limits:
    """How often a task may be sent back (ENG-4) and put off (ENG-5) before a person is asked."""

    max_developer_retries: int
    defer_max_attempts: int


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one run.

    `target` is what ORCH_TARGET says; `usual_target` falls back to the configuration file, which counts
    less than a CI event. `given` is what the file says, by variable.
    """

    security: SecuritySettings
    tools: Tools
    ci: CiContext
    hook: HookContext
    limits: Limits
    target: str
    usual_target: str
    state: StateSettings
    forge: ForgeSettings
    allow_key: str
    allow_key_file: str
    inherited_env: Mapping[str, str]
    given: Mapping[str, Given] = field(default_factory=dict)

    def resolved(self, variable: str) -> Resolved:
        """The value of one setting and where it came from."""
        return resolve(BY_VARIABLE[variable], self.inherited_env, self.given)

    def flag(self, variable: str) -> bool:
        """The value of a setting that is true or false."""
        return bool(self.resolved(variable).value)

    def number(self, variable: str) -> int:
        """The value of a setting that is a whole number."""
        value = self.resolved(variable).value
        assert isinstance(value, int)
        return value

    def names(self, variable: str) -> tuple[str, ...]:
        """The value of a setting that is a list of names."""
        value = self.resolved(variable).value
        assert isinstance(value, tuple)
        return value

    def said_by(self, variable: str) -> str:
        """What a person has to change to change this setting."""
        found = self.resolved(variable)
        return f"{BY_VARIABLE[variable].key} in {found.place}" if found.source is Source.FILE else variable


@contextmanager
def said(values: Mapping[str, str]) -> Iterator[None]:
    """What was said on the command line counts as its variables, until this ends."""
    before = _SAID.set({**_SAID.get(), **values})
    try:
        yield
    finally:
        _SAID.reset(before)


def load(environ: Mapping[str, str] | None = None, given: Mapping[str, Given] | None = None) -> Settings:
    """Read every setting: the environment, over the values `given` by the configuration file, over the defaults.

    Raises:
        SettingsError: a value is not of its kind; the message names the variable.
    """
    env = _Reader({**os.environ, **_SAID.get()} if environ is None else environ, given or {})
    return Settings(
        security=_security(env),
        tools=Tools(
            gitleaks=env.text("ORCH_GITLEAKS_BIN"),
            pip_audit=env.text("ORCH_PIP_AUDIT_BIN"),
            cache_dir=_cache_dir(env),
        ),
        ci=_ci(env),
        hook=HookContext(
            quarantine=env.told("GIT_QUARANTINE_PATH"),
            pusher=env.told("GITEA_PUSHER_NAME"),
            from_ref=env.told("PRE_COMMIT_FROM_REF"),
            to_ref=env.told("PRE_COMMIT_TO_REF"),
            remote_name=env.told("PRE_COMMIT_REMOTE_NAME"),
            remote_url=env.told("PRE_COMMIT_REMOTE_URL"),
            local_branch=env.told("PRE_COMMIT_LOCAL_BRANCH"),
            remote_branch=env.told("PRE_COMMIT_REMOTE_BRANCH"),
        ),
        limits=Limits(
            max_developer_retries=env.number("ORCH_MAX_DEVELOPER_RETRIES"),
            defer_max_attempts=env.number("ORCH_MERGE_DEFER_MAX_ATTEMPTS"),
        ),
        target=env.told("ORCH_TARGET"),
        usual_target=env.text("ORCH_TARGET"),
        state=StateSettings(
            branch=env.text("ORCH_STATE_BRANCH"),
            remote=env.text("ORCH_STATE_REMOTE"),
            timeout=float(env.number("ORCH_STATE_TIMEOUT_S")),
            by=env.text("ORCH_STATE_BY") or env.told("GITHUB_ACTOR") or env.told("USER") or "orch-gates",
            author_name=env.text("ORCH_STATE_AUTHOR_NAME"),
            author_email=env.text("ORCH_STATE_AUTHOR_EMAIL"),
            guard_enabled=env.flag("ORCH_STATE_GUARD_ENABLED"),
            writers=env.names("ORCH_STATE_WRITERS")
            or (env.text("ORCH_STATE_AUTHOR_NAME"), env.text("ORCH_STATE_AUTHOR_EMAIL")),
        ),
        forge=_forge(env),
        allow_key=env.text("ORCH_ALLOW_KEY"),
        allow_key_file=env.text("ORCH_ALLOW_KEY_FILE"),
        inherited_env=dict(env.environ),
        given=dict(env.given),
    )


def _security(env: _Reader) -> SecuritySettings:
    return SecuritySettings(
        enabled=env.flag("ORCH_SECURITY_ENABLED"),
        repos=env.names("ORCH_SECURITY_REPOS"),
        engine=env.text("ORCH_SECURITY_ENGINE"),
        pin=env.text("ORCH_SECURITY_PIN"),
        budget=Budget(
            content_bytes=env.number("ORCH_SECURITY_MAX_BYTES"),
            object_bytes=env.number("ORCH_SECURITY_MAX_OBJECT_BYTES"),
            objects=env.number("ORCH_SECURITY_MAX_OBJECTS"),
            refs=env.number("ORCH_SECURITY_MAX_REFS"),
            seconds=float(env.number("ORCH_SECURITY_TIMEOUT_S")),
        ),
        dep_audit_enabled=env.flag("ORCH_SECURITY_DEP_AUDIT_ENABLED"),
        dep_audit_fail_closed=env.flag("ORCH_SECURITY_DEP_AUDIT_FAIL_CLOSED"),
        dep_audit_timeout=float(env.number("ORCH_SECURITY_DEP_AUDIT_TIMEOUT_S")),
        osv_url=env.text("ORCH_OSV_URL"),
    )


def _ci(env: _Reader) -> CiContext:
    server, repository, run = (env.told(name) for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"))
    return CiContext(
        # Some runners put their own name there.
        active=env.told("CI").lower() not in FALSE | {""},
        event_name=env.told("GITHUB_EVENT_NAME"),
        event_path=env.told("GITHUB_EVENT_PATH"),
        repository=repository or _gitea_repository(env),
        output_file=env.told("GITHUB_OUTPUT"),
        summary_file=env.told("GITHUB_STEP_SUMMARY"),
        forge=_runner(env),
        server_url=server,
        api_url=env.told("GITHUB_API_URL"),
        run_url=f"{server}/{repository}/actions/runs/{run}" if server and repository and run else "",
    )


def _runner(env: _Reader) -> str:
    """Whose runner this is; those of Gitea and Forgejo also say that they are GitHub's."""
    for name, forge in (("FORGEJO_ACTIONS", "forgejo"), ("GITEA_ACTIONS", "gitea"), ("GITHUB_ACTIONS", "github")):
        if env.told(name).lower() in TRUE:
            return forge
    return ""


def _forge(env: _Reader) -> ForgeSettings:
    token_env = env.text("ORCH_FORGE_TOKEN_ENV")
    return ForgeSettings(
        kind=env.text("ORCH_FORGE"),
        url=env.text("ORCH_FORGE_URL"),
        repository=env.text("ORCH_FORGE_REPOSITORY") or env.told("GITHUB_REPOSITORY"),
        token=env.told(token_env),
        token_env=token_env,
        timeout=float(env.number("ORCH_FORGE_TIMEOUT_S")),
    )


def _gitea_repository(env: _Reader) -> str:
    owner, name = env.told("GITEA_REPO_USER_NAME"), env.told("GITEA_REPO_NAME")
    return f"{owner}/{name}" if owner and name else ""


def _cache_dir(env: _Reader) -> Path | None:
    if named := env.text("ORCH_CACHE_DIR"):
        try:
            return Path(named).expanduser()
        except RuntimeError as error:
            raise SettingsError(f"ORCH_CACHE_DIR={named}: there is no such user") from error
    if base := env.told("XDG_CACHE_HOME"):
        return Path(base) / "orch-gates"
    if home := env.told("HOME"):
        return Path(home) / ".cache" / "orch-gates"
    return None


@dataclass(frozen=True, slots=True)
class _Reader:
    """Settings by their variable, each as the type that its kind in the table promises."""

    environ: Mapping[str, str]
    given: Mapping[str, Given]

    def told(self, name: str) -> str:
        """A variable of the runner, of git or of pre-commit, or one whose file value counts differently."""
        return self.environ.get(name, "").strip()

    def _value(self, variable: str) -> Value:
        return resolve(BY_VARIABLE[variable], self.environ, self.given).value

    def flag(self, variable: str) -> bool:
        value = self._value(variable)
        assert isinstance(value, bool)
        return value

    def number(self, variable: str) -> int:
        value = self._value(variable)
        assert isinstance(value, int)
        return value

    def names(self, variable: str) -> tuple[str, ...]:
        value = self._value(variable)
        assert isinstance(value, tuple)
        return value

    def text(self, variable: str) -> str:
        value = self._value(variable)
        assert isinstance(value, str)
        return value


def debugging() -> bool:
    """Whether ORCH_DEBUG asks for tracebacks; read on its own, as settings may be what failed."""
    return os.environ.get("ORCH_DEBUG", "") in TRUE
