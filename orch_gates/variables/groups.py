"""Every setting of orch-gates: one field declares its variable, key in `.orch-gates.yaml`, default, rules and meaning.

Loading, the configuration file, its JSON Schema and the reference are all made from these groups.
"""

from __future__ import annotations

from dataclasses import dataclass

from orch_gates.variables import spellings
from orch_gates.variables.setting import setting

# No wait may be longer: system calls count the milliseconds in 32 bits.
_MOST_SECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that one judgement may cost; over it is a refusal (SEC-9)."""

    content_bytes: int = setting(
        "ORCH_SECURITY_MAX_BYTES", 2_000_000_000, "Most bytes of new objects in one check.", key="security.max_bytes"
    )
    object_bytes: int = setting(
        "ORCH_SECURITY_MAX_OBJECT_BYTES", 50_000_000, "Most bytes of one object.", key="security.max_object_bytes"
    )
    objects: int = setting(
        "ORCH_SECURITY_MAX_OBJECTS", 500_000, "Most new objects in one check.", key="security.max_objects"
    )
    refs: int = setting("ORCH_SECURITY_MAX_REFS", 20_000, "Most refs in one push.", key="security.max_refs")
    seconds: float = setting(
        "ORCH_SECURITY_TIMEOUT_S", 120, "Most seconds of one check.", key="security.timeout_s", most=_MOST_SECONDS
    )


@dataclass(frozen=True, slots=True)
class SecuritySettings:
    """Settings of the `security` gate (SPEC §4.2)."""

    budget: Budget
    engine: str = setting(
        "ORCH_SECURITY_ENGINE",
        "kingfisher",
        "The secret scanner: kingfisher, which comes with orch-gates, or a gitleaks of yours with its own rules.",
        key="security.engine",
        choices=("kingfisher", "gitleaks"),
    )
    dep_audit_enabled: bool = setting(
        "ORCH_SECURITY_DEP_AUDIT_ENABLED",
        True,
        "Audit changed files that pin Python packages.",
        key="security.dep_audit_enabled",
    )
    dep_audit_fail_closed: bool = setting(
        "ORCH_SECURITY_DEP_AUDIT_FAIL_CLOSED",
        False,
        "An audit that could not be made is a FAIL instead of a warning.",
        key="security.dep_audit_fail_closed",
    )
    dep_audit_timeout: float = setting(
        "ORCH_SECURITY_DEP_AUDIT_TIMEOUT_S",
        120,
        "Most seconds of the audit.",
        key="security.dep_audit_timeout_s",
        most=_MOST_SECONDS,
    )
    pin: str = setting(
        "ORCH_SECURITY_PIN", "", "The engine and rules that a hook was proven with; with others it refuses (SEC-10)."
    )
    osv_url: str = setting("ORCH_OSV_URL", "", "Another server of the OSV API for the audit.")


@dataclass(frozen=True, slots=True)
class CiGreenSettings:
    """Settings of the gate `ci-green`."""

    contexts: tuple[str, ...] = setting(
        "ORCH_CI_GREEN_CONTEXTS",
        (),
        "Statuses that must be success, as names or patterns; none means all there are.",
        key="ci_green.contexts",
    )
    least: int = setting(
        "ORCH_CI_GREEN_LEAST", 1, "Fewer statuses are too short a run to prove anything.", key="ci_green.least"
    )


@dataclass(frozen=True, slots=True)
class ReviewSettings:
    """Settings of the gate `review-approved`."""

    approvals: int = setting(
        "ORCH_REVIEW_APPROVALS", 1, "Approvals of the branch's head by others.", key="review_approved.approvals"
    )


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """The branch that tasks are merged into."""

    branch: str = setting(
        "ORCH_TARGET",
        "",
        "The target branch; without it the CI event's, else the clone's default.",
        key="target",
        spelling=spellings.TARGET,
    )


@dataclass(frozen=True, slots=True)
class Limits:
    """How often a task may be sent back (ENG-4) and put off (ENG-5) before a person is asked."""

    max_developer_retries: int = setting(
        "ORCH_MAX_DEVELOPER_RETRIES",
        3,
        "How often a task is sent back before a person is asked (ENG-4).",
        key="limits.max_developer_retries",
        least=0,
    )
    defer_max_attempts: int = setting(
        "ORCH_MERGE_DEFER_MAX_ATTEMPTS",
        10,
        "How often a task is put off in one stage before a person is asked (ENG-5).",
        key="limits.defer_max_attempts",
        least=0,
    )


@dataclass(frozen=True, slots=True)
class StateSettings:
    """Where the state branch is and how it is written (SPEC §6).

    An empty `remote` is found from the clone, an empty `by` too. Without named `writers` the author is the only one.
    """

    branch: str = setting(
        "ORCH_STATE_BRANCH",
        "orch-state",
        "The branch that holds the state (ST-1).",
        key="state.branch",
        spelling=spellings.STATE_BRANCH,
    )
    remote: str = setting("ORCH_STATE_REMOTE", "", "Url or path of the repository that holds the state branch.")
    timeout: float = setting(
        "ORCH_STATE_TIMEOUT_S", 120, "Most seconds of one change of the state branch (ST-2).", most=_MOST_SECONDS
    )
    by: str = setting("ORCH_STATE_BY", "", "Who is written down as having changed the state.", spelling=spellings.LINE)
    author_name: str = setting(
        "ORCH_STATE_AUTHOR_NAME",
        "orch-gates",
        "Name of the author of state commits.",
        spelling=spellings.AUTHOR_NAME,
    )
    author_email: str = setting(
        "ORCH_STATE_AUTHOR_EMAIL",
        "orch-gates@localhost",
        "E-mail of the author of state commits.",
        spelling=spellings.AUTHOR_EMAIL,
    )
    guard_enabled: bool = setting(
        "ORCH_STATE_GUARD_ENABLED", True, "The server's hook judges pushes to the state branch (OWN-3)."
    )
    writers: tuple[str, ...] = setting(
        "ORCH_STATE_WRITERS",
        (),
        "Who may push to the state branch: names as the server knows them, or committer addresses.",
        key="state.writers",
        additive=True,
    )


@dataclass(frozen=True, slots=True)
class ForgeSettings:
    """The forge that is asked; `token` is the value of the variable `token_env`."""

    kind: str = setting(
        "ORCH_FORGE",
        "auto",
        "Which kind of forge gates ask; auto finds it out.",
        choices=("auto", "gitea", "forgejo", "github", "local", "none"),
    )
    url: str = setting("ORCH_FORGE_URL", "", "The forge that gates ask, or the path of a bare repository.")
    repository: str = setting("ORCH_FORGE_REPOSITORY", "", "The repository there, as owner/name.")
    token: str = setting("ORCH_FORGE_TOKEN", "", "Token for it.", secret=True)
    token_env: str = setting("ORCH_FORGE_TOKEN_ENV", "ORCH_FORGE_TOKEN", "The variable that holds the token.")
    timeout: float = setting("ORCH_FORGE_TIMEOUT_S", 30, "Most seconds of one request to it.", most=_MOST_SECONDS)


@dataclass(frozen=True, slots=True)
class StatusesSettings:
    """Whether `advance` posts the verdicts that it judged as commit statuses (GATE-4)."""

    enabled: bool = setting(
        "ORCH_STATUSES_ENABLED",
        False,
        "`advance` posts each verdict on the judged commit, as the status orch/<gate>.",
        key="statuses.enabled",
    )


@dataclass(frozen=True, slots=True)
class AllowKey:
    """The key of the list of allowed findings, or the file that holds it."""

    text: str = setting("ORCH_ALLOW_KEY", "", "Key of the hashes in the list of allowed findings.", secret=True)
    file: str = setting("ORCH_ALLOW_KEY_FILE", "", "A file with that key.")


@dataclass(frozen=True, slots=True)
class Programs:
    """Where external programs may be found, before PATH is asked; what belongs to this machine."""

    gitleaks: str = setting("ORCH_GITLEAKS_BIN", "", "Path of gitleaks.")
    pip_audit: str = setting("ORCH_PIP_AUDIT_BIN", "", "Path of pip-audit.")
    cache_dir: str = setting("ORCH_CACHE_DIR", "", "Where built tools and compiled rules are kept.")
    debug: bool = setting("ORCH_DEBUG", False, "Print a traceback when orch-gates itself has a bug.")
