"""Every setting of orch-gates: one field declares its variable, key in `.orch-gates.yaml`, default, rules and meaning.

Loading, the configuration file, its JSON Schema and the reference are all made from these groups.
"""

from __future__ import annotations

from dataclasses import dataclass

from orch_gates.variables import spellings
from orch_gates.variables.setting import MOST_SECONDS, setting


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
        "ORCH_SECURITY_TIMEOUT_S", 120, "Most seconds of one check.", key="security.timeout_s", most=MOST_SECONDS
    )


@dataclass(frozen=True, slots=True)
class SecuritySettings:
    """Settings of the `security` gate."""

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
        "Make an audit that could not run a FAIL instead of a warning.",
        key="security.dep_audit_fail_closed",
    )
    dep_audit_timeout: float = setting(
        "ORCH_SECURITY_DEP_AUDIT_TIMEOUT_S",
        120,
        "Most seconds of the audit.",
        key="security.dep_audit_timeout_s",
        most=MOST_SECONDS,
    )
    pin: str = setting(
        "ORCH_SECURITY_PIN",
        "",
        "The engine and rules that a hook was tested with; with others it refuses every push (SEC-10).",
    )
    osv_url: str = setting("ORCH_OSV_URL", "", "Another server of the OSV API for the audit.")


@dataclass(frozen=True, slots=True)
class CiGreenSettings:
    """Settings of the gate `ci-green`."""

    contexts: tuple[str, ...] = setting(
        "ORCH_CI_GREEN_CONTEXTS",
        (),
        "Statuses that must be success, as names or patterns; without any, all that are there.",
        key="ci_green.contexts",
    )
    least: int = setting(
        "ORCH_CI_GREEN_LEAST", 1, "The least number of statuses that a green commit has.", key="ci_green.least"
    )


@dataclass(frozen=True, slots=True)
class ReviewSettings:
    """Settings of the gate `review-approved`."""

    approvals: int = setting(
        "ORCH_REVIEW_APPROVALS",
        1,
        "How many others have to approve the branch's head.",
        key="review_approved.approvals",
    )


@dataclass(frozen=True, slots=True)
class StagingSettings:
    """What the gate `staging-status` asks of a run of checks (STG-1)."""

    infra_tolerance_enabled: bool = setting(
        "ORCH_STAGING_INFRA_TOLERANCE_ENABLED",
        True,
        "Waive the failures that the sandbox's list names; with false, they fail like any other.",
        key="staging_status.infra_tolerance_enabled",
    )
    required: tuple[str, ...] = setting(
        "ORCH_STAGING_REQUIRED",
        (),
        "Checks that have to be run, as names or patterns with `*`.",
        key="staging_status.required",
        additive=True,
    )
    least: int = setting(
        "ORCH_STAGING_LEAST", 1, "The least number of checks that have to pass.", key="staging_status.least"
    )
    missing: str = setting(
        "ORCH_STAGING_MISSING",
        "note",
        "What to do about a check that ran the last time, and does not now.",
        key="staging_status.missing",
        choices=("note", "fail"),
    )
    timeout: float = setting(
        "ORCH_STAGING_TIMEOUT_S",
        3600,
        "Most seconds of the command that runs the checks.",
        key="staging_status.timeout_s",
        most=MOST_SECONDS,
    )


@dataclass(frozen=True, slots=True)
class MergeSettings:
    """How a branch is caught up with its target, tested again, fenced and merged."""

    catch_up: str = setting(
        "ORCH_MERGE_CATCH_UP",
        "rebase",
        "How a branch that is behind is caught up with its target.",
        key="merge.catch_up",
        choices=("rebase", "merge"),
    )
    test: str = setting(
        "ORCH_MERGE_TEST",
        "",
        "The command that tests the caught-up tree; without one the forge's statuses on it count.",
        key="merge.test",
    )
    test_timeout: float = setting(
        "ORCH_MERGE_TEST_TIMEOUT_S",
        900,
        "Most seconds of one run of the test command.",
        key="merge.test_timeout_s",
        most=MOST_SECONDS,
    )
    test_retries: int = setting(
        "ORCH_MERGE_TEST_RETRIES", 0, "How often a failed test command runs again.", key="merge.test_retries", least=0
    )
    test_env: tuple[str, ...] = setting(
        "ORCH_MERGE_TEST_ENV",
        (),
        "Variables that the test command gets besides PATH and LANG; never one that holds a token.",
        key="merge.test_env",
    )
    cache_days: int = setting(
        "ORCH_MERGE_CACHE_DAYS",
        7,
        "How many days a green run of the test command counts for the same tree; 0 if tests depend on more.",
        key="merge.cache_days",
        least=0,
    )
    fence: str = setting(
        "ORCH_MERGE_FENCE",
        "none",
        "What keeps unvalidated merges out of the target: the server's hook, a required status, or nothing.",
        key="merge.fence",
        choices=("none", "hook", "status"),
    )
    retry_enabled: bool = setting(
        "ORCH_MERGE_RETRY_ENABLED",
        True,
        "Try a merge again that failed for a reason that passes.",
        key="merge.retry_enabled",
    )
    retry_attempts: int = setting(
        "ORCH_MERGE_RETRY_ATTEMPTS", 3, "How often a merge is tried in all.", key="merge.retry_attempts"
    )
    retry_base: int = setting(
        "ORCH_MERGE_RETRY_BASE_S",
        2,
        "Seconds before the second try, doubled for each later one.",
        key="merge.retry_base_s",
        most=MOST_SECONDS,
    )
    retry_max: int = setting("ORCH_MERGE_RETRY_MAX_S", 5, "Most seconds between two tries.", most=MOST_SECONDS)
    grace: int = setting(
        "ORCH_MERGE_GRACE_S",
        30,
        "Seconds to wait for a merge whose result is unknown, before it is given up.",
        key="merge.grace_s",
        most=MOST_SECONDS,
    )
    regression_guard: bool = setting(
        "ORCH_REGRESSION_GUARD_ENABLED",
        True,
        "After a merge, check that the markers are still in the target (MRG-10).",
        key="merge.regression_guard_enabled",
    )


@dataclass(frozen=True, slots=True)
class LeaseSettings:
    """How long an attempt may hold the right to merge (MRG-4)."""

    phase: int = setting(
        "ORCH_LEASE_PHASE_S",
        300,
        "Most seconds of one phase of an attempt, the test command's own time apart.",
        key="lease.phase_s",
        most=MOST_SECONDS,
    )
    max_hold: int = setting(
        "ORCH_LEASE_MAX_HOLD_S",
        14_400,
        "Most seconds that an attempt may hold the lease, also while it waits for CI or a deploy.",
        key="lease.max_hold_s",
        most=MOST_SECONDS,
    )
    reclaim_enabled: bool = setting(
        "ORCH_LEASE_RECLAIM_ENABLED", True, "A lease past its deadline is taken from its holder (REAP-4)."
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
    """Where the state branch is and how it is written.

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
        "ORCH_STATE_TIMEOUT_S", 120, "Most seconds of one change of the state branch (ST-2).", most=MOST_SECONDS
    )
    by: str = setting(
        "ORCH_STATE_BY", "", "The name that is recorded for a change of the state.", spelling=spellings.LINE
    )
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
        "The kind of the forge; auto detects it.",
        choices=("auto", "gitea", "forgejo", "github", "local", "none"),
    )
    url: str = setting("ORCH_FORGE_URL", "", "The URL of the forge, or the path of a bare repository.")
    repository: str = setting("ORCH_FORGE_REPOSITORY", "", "The repository there, as owner/name.")
    token: str = setting("ORCH_FORGE_TOKEN", "", "The token for the forge.", secret=True)
    token_env: str = setting("ORCH_FORGE_TOKEN_ENV", "ORCH_FORGE_TOKEN", "The variable that holds the token.")
    timeout: float = setting("ORCH_FORGE_TIMEOUT_S", 30, "Most seconds of one request to the forge.", most=MOST_SECONDS)


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """The merge queue for pull requests (MRG-13)."""

    label: str = setting(
        "ORCH_QUEUE_LABEL",
        "merge",
        "The label on a pull request that asks for its merge; taking it away takes it out of the queue.",
        key="queue.label",
        spelling=spellings.LINE,
    )
    on_approval: bool = setting(
        "ORCH_QUEUE_ON_APPROVAL",
        False,
        "Enough approving reviews ask for the merge, as the label does.",
        key="queue.on_approval",
    )
    comment: bool = setting(
        "ORCH_QUEUE_COMMENT",
        True,
        "One comment on each pull request in the queue says where it stands; it is edited, not repeated.",
        key="queue.comment",
    )


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
class HelpSettings:
    """Where people find help who were refused; an installation's own word, never a repository's."""

    url: str = setting(
        "ORCH_HELP_URL",
        "",
        "The page that refusals point to, in place of `orch-gates help`.",
        spelling=spellings.URL,
    )


@dataclass(frozen=True, slots=True)
class Programs:
    """Where external programs may be found, before PATH is asked; what belongs to this machine."""

    gitleaks: str = setting("ORCH_GITLEAKS_BIN", "", "Path of gitleaks.")
    pip_audit: str = setting("ORCH_PIP_AUDIT_BIN", "", "Path of pip-audit.")
    cache_dir: str = setting("ORCH_CACHE_DIR", "", "Where built tools and compiled rules are kept.")
    debug: bool = setting("ORCH_DEBUG", False, "Print a traceback when orch-gates itself has a bug.")
