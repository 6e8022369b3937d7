"""The only reader of the environment; every variable is described in `.env.example`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orch_gates.errors import SettingsError

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}

# Inside a hook these make quarantined objects and the index of a partial commit visible (DESIGN §7).
GIT_LOCATION = (
    "GIT_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_QUARANTINE_PATH",
    "GIT_INDEX_FILE",
)


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
    budget: Budget
    dep_audit_enabled: bool
    dep_audit_fail_closed: bool
    dep_audit_timeout: float
    osv_url: str


@dataclass(frozen=True, slots=True)
class Tools:
    """Where external programs may be found, before PATH is asked."""

    gitleaks: str
    kingfisher: str
    pip_audit: str
    cache_dir: Path | None


@dataclass(frozen=True, slots=True)
class CiContext:
    """What the runner told about this run; empty strings outside CI."""

    active: bool
    event_name: str
    event_path: str
    repository: str
    output_file: str
    summary_file: str


@dataclass(frozen=True, slots=True)
class HookContext:
    """What git and pre-commit told about the push or commit being made."""

    quarantine: str
    from_ref: str
    to_ref: str
    remote_name: str
    local_branch: str
    remote_branch: str


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one run, read once at start."""

    security: SecuritySettings
    tools: Tools
    ci: CiContext
    hook: HookContext
    target: str
    allow_key: str
    allow_key_file: str
    inherited_env: Mapping[str, str]


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read every setting.

    Raises:
        SettingsError: a value is not of its kind; the message names the variable.
    """
    env = _Reader(os.environ if environ is None else environ)
    return Settings(
        security=SecuritySettings(
            enabled=env.flag("ORCH_SECURITY_ENABLED", default=True),
            repos=env.csv("ORCH_SECURITY_REPOS"),
            engine=env.choice("ORCH_SECURITY_ENGINE", ("auto", "gitleaks", "kingfisher")),
            budget=Budget(
                content_bytes=env.count("ORCH_SECURITY_MAX_BYTES", 32_000_000),
                object_bytes=env.count("ORCH_SECURITY_MAX_OBJECT_BYTES", 50_000_000),
                objects=env.count("ORCH_SECURITY_MAX_OBJECTS", 500_000),
                refs=env.count("ORCH_SECURITY_MAX_REFS", 20_000),
                seconds=float(env.count("ORCH_SECURITY_TIMEOUT_S", 120)),
            ),
            dep_audit_enabled=env.flag("ORCH_SECURITY_DEP_AUDIT_ENABLED", default=True),
            dep_audit_fail_closed=env.flag("ORCH_SECURITY_DEP_AUDIT_FAIL_CLOSED", default=False),
            dep_audit_timeout=float(env.count("ORCH_SECURITY_DEP_AUDIT_TIMEOUT_S", 120)),
            osv_url=env.text("ORCH_OSV_URL"),
        ),
        tools=Tools(
            gitleaks=env.text("ORCH_GITLEAKS_BIN"),
            kingfisher=env.text("ORCH_KINGFISHER_BIN"),
            pip_audit=env.text("ORCH_PIP_AUDIT_BIN"),
            cache_dir=_cache_dir(env),
        ),
        ci=CiContext(
            # Some runners put their own name there.
            active=env.text("CI").lower() not in _FALSE | {""},
            event_name=env.text("GITHUB_EVENT_NAME"),
            event_path=env.text("GITHUB_EVENT_PATH"),
            repository=env.text("GITHUB_REPOSITORY") or _gitea_repository(env),
            output_file=env.text("GITHUB_OUTPUT"),
            summary_file=env.text("GITHUB_STEP_SUMMARY"),
        ),
        hook=HookContext(
            quarantine=env.text("GIT_QUARANTINE_PATH"),
            from_ref=env.text("PRE_COMMIT_FROM_REF"),
            to_ref=env.text("PRE_COMMIT_TO_REF"),
            remote_name=env.text("PRE_COMMIT_REMOTE_NAME"),
            local_branch=env.text("PRE_COMMIT_LOCAL_BRANCH"),
            remote_branch=env.text("PRE_COMMIT_REMOTE_BRANCH"),
        ),
        target=env.text("ORCH_TARGET"),
        allow_key=env.text("ORCH_ALLOW_KEY"),
        allow_key_file=env.text("ORCH_ALLOW_KEY_FILE"),
        inherited_env=dict(env.environ),
    )


def _gitea_repository(env: _Reader) -> str:
    owner, name = env.text("GITEA_REPO_USER_NAME"), env.text("GITEA_REPO_NAME")
    return f"{owner}/{name}" if owner and name else ""


def _cache_dir(env: _Reader) -> Path | None:
    if named := env.text("ORCH_CACHE_DIR"):
        return Path(named).expanduser()
    if base := env.text("XDG_CACHE_HOME"):
        return Path(base) / "orch-gates"
    if home := env.text("HOME"):
        return Path(home) / ".cache" / "orch-gates"
    return None


@dataclass(frozen=True, slots=True)
class _Reader:
    environ: Mapping[str, str]

    def text(self, name: str) -> str:
        return self.environ.get(name, "").strip()

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.text(name).lower()
        if not value:
            return default
        if value in _TRUE:
            return True
        if value in _FALSE:
            return False
        raise SettingsError(f"{name}={value!r} is neither true nor false")

    def count(self, name: str, default: int) -> int:
        value = self.text(name)
        if not value:
            return default
        if not value.isascii() or not value.isdigit() or int(value) == 0:
            raise SettingsError(f"{name}={value!r} is not a whole number above zero")
        return int(value)

    def csv(self, name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in self.text(name).split(",") if part.strip())

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        value = self.text(name).lower() or allowed[0]
        if value not in allowed:
            raise SettingsError(f"{name}={value!r} is not one of: {', '.join(allowed)}")
        return value


def debugging() -> bool:
    """Whether ORCH_DEBUG asks for tracebacks; read on its own, as settings may be what failed."""
    return os.environ.get("ORCH_DEBUG", "") in _TRUE
