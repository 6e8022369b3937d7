"""Every setting of orch-gates as data: its variable, its key in `.orch-gates.yaml`, its kind, default and meaning.

Loading, the configuration file, its JSON Schema and the reference are all made from this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

Value: TypeAlias = bool | int | str | tuple[str, ...]


class Kind(StrEnum):
    """What values a setting takes."""

    FLAG = "true or false"
    NUMBER = "whole number"
    NAMES = "list of names"
    CHOICE = "one word"
    TEXT = "text"


# Beyond this nothing is counted, and a float of it would overflow.
UNBOUNDED = 10**18 - 1
# No wait may be longer: system calls count the milliseconds in 32 bits.
_MOST_SECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    `key` is its dotted place in `.orch-gates.yaml`; None where only the environment may say it: what
    belongs to a machine, and secrets. Numbers are at least `least`, and at most `most`.
    """

    variable: str
    kind: Kind
    default: Value
    help: str
    key: str | None = None
    choices: tuple[str, ...] = ()
    least: int = 1
    most: int = UNBOUNDED
    secret: bool = False


_SECURITY = (
    Setting(
        "ORCH_SECURITY_ENABLED", Kind.FLAG, True, "Kill switch: without it every verdict is SKIP.", "security.enabled"
    ),
    Setting(
        "ORCH_SECURITY_REPOS",
        Kind.NAMES,
        (),
        "Repositories to judge, as owner/name; none means the one it is installed in.",
        "security.repos",
    ),
    Setting(
        "ORCH_SECURITY_ENGINE",
        Kind.CHOICE,
        "kingfisher",
        "The secret scanner: kingfisher, which comes with orch-gates, or a gitleaks of yours with its own rules.",
        "security.engine",
        choices=("kingfisher", "gitleaks"),
    ),
    Setting(
        "ORCH_SECURITY_MAX_BYTES",
        Kind.NUMBER,
        2_000_000_000,
        "Most bytes of new objects in one check.",
        "security.max_bytes",
    ),
    Setting(
        "ORCH_SECURITY_MAX_OBJECT_BYTES",
        Kind.NUMBER,
        50_000_000,
        "Most bytes of one object.",
        "security.max_object_bytes",
    ),
    Setting(
        "ORCH_SECURITY_MAX_OBJECTS", Kind.NUMBER, 500_000, "Most new objects in one check.", "security.max_objects"
    ),
    Setting("ORCH_SECURITY_MAX_REFS", Kind.NUMBER, 20_000, "Most refs in one push.", "security.max_refs"),
    Setting(
        "ORCH_SECURITY_TIMEOUT_S",
        Kind.NUMBER,
        120,
        "Most seconds of one check.",
        "security.timeout_s",
        most=_MOST_SECONDS,
    ),
    Setting(
        "ORCH_SECURITY_DEP_AUDIT_ENABLED",
        Kind.FLAG,
        True,
        "Audit changed files that pin Python packages.",
        "security.dep_audit_enabled",
    ),
    Setting(
        "ORCH_SECURITY_DEP_AUDIT_FAIL_CLOSED",
        Kind.FLAG,
        False,
        "An audit that could not be made is a FAIL instead of a warning.",
        "security.dep_audit_fail_closed",
    ),
    Setting(
        "ORCH_SECURITY_DEP_AUDIT_TIMEOUT_S",
        Kind.NUMBER,
        120,
        "Most seconds of the audit.",
        "security.dep_audit_timeout_s",
        most=_MOST_SECONDS,
    ),
)


def _scope(gate: str) -> tuple[Setting, Setting]:
    """The kill switch and the scope that every gate has (GATE-3)."""
    variable, key = f"ORCH_{gate.upper().replace('-', '_')}", gate.replace("-", "_")
    return (
        Setting(f"{variable}_ENABLED", Kind.FLAG, True, f"Kill switch of gate {gate}: SKIP.", f"{key}.enabled"),
        Setting(
            f"{variable}_REPOS",
            Kind.NAMES,
            (),
            f"Repositories that gate {gate} judges; none means all.",
            f"{key}.repos",
        ),
    )


_READING = (
    *_scope("ci-green"),
    Setting(
        "ORCH_CI_GREEN_CONTEXTS",
        Kind.NAMES,
        (),
        "Statuses that must be success, as names or patterns; none means all there are.",
        "ci_green.contexts",
    ),
    Setting(
        "ORCH_CI_GREEN_LEAST", Kind.NUMBER, 1, "Fewer statuses are too short a run to prove anything.", "ci_green.least"
    ),
    *_scope("review-approved"),
    Setting(
        "ORCH_REVIEW_APPROVALS",
        Kind.NUMBER,
        1,
        "Approvals of the branch's head by others.",
        "review_approved.approvals",
    ),
    *_scope("tests-passed"),
    *_scope("staging-status"),
    *_scope("merge"),
    *_scope("image-freshness"),
    *_scope("deploy-status"),
)
_PIPELINE = (
    Setting(
        "ORCH_TARGET",
        Kind.TEXT,
        "",
        "The target branch; without it the CI event's, else the clone's default.",
        "target",
    ),
    Setting(
        "ORCH_MAX_DEVELOPER_RETRIES",
        Kind.NUMBER,
        3,
        "How often a task is sent back before a person is asked (ENG-4).",
        "limits.max_developer_retries",
        least=0,
    ),
    Setting(
        "ORCH_MERGE_DEFER_MAX_ATTEMPTS",
        Kind.NUMBER,
        10,
        "How often a task is put off in one stage before a person is asked (ENG-5).",
        "limits.defer_max_attempts",
        least=0,
    ),
    Setting("ORCH_STATE_BRANCH", Kind.TEXT, "orch-state", "The branch that holds the state (ST-1).", "state.branch"),
)
_MACHINE = (
    Setting("ORCH_STATE_REMOTE", Kind.TEXT, "", "Url or path of the repository that holds the state branch."),
    Setting(
        "ORCH_STATE_TIMEOUT_S",
        Kind.NUMBER,
        120,
        "Most seconds of one change of the state branch (ST-2).",
        most=_MOST_SECONDS,
    ),
    Setting("ORCH_STATE_BY", Kind.TEXT, "", "Who is written down as having changed the state."),
    Setting("ORCH_STATE_AUTHOR_NAME", Kind.TEXT, "orch-gates", "Name of the author of state commits."),
    Setting("ORCH_STATE_AUTHOR_EMAIL", Kind.TEXT, "orch-gates@localhost", "E-mail of the author of state commits."),
    Setting(
        "ORCH_STATE_GUARD_ENABLED", Kind.FLAG, True, "The server's hook judges pushes to the state branch (OWN-3)."
    ),
    Setting(
        "ORCH_STATE_WRITERS",
        Kind.NAMES,
        (),
        "Who may push to the state branch: names as the server knows them, or committer addresses.",
    ),
    Setting(
        "ORCH_FORGE",
        Kind.CHOICE,
        "auto",
        "Which kind of forge gates ask; auto finds it out.",
        choices=("auto", "gitea", "forgejo", "github", "local", "none"),
    ),
    Setting("ORCH_FORGE_URL", Kind.TEXT, "", "The forge that gates ask, or the path of a bare repository."),
    Setting("ORCH_FORGE_REPOSITORY", Kind.TEXT, "", "The repository there, as owner/name."),
    Setting("ORCH_FORGE_TOKEN", Kind.TEXT, "", "Token for it.", secret=True),
    Setting("ORCH_FORGE_TOKEN_ENV", Kind.TEXT, "ORCH_FORGE_TOKEN", "The variable that holds the token."),
    Setting("ORCH_FORGE_TIMEOUT_S", Kind.NUMBER, 30, "Most seconds of one request to it.", most=_MOST_SECONDS),
    Setting("ORCH_OSV_URL", Kind.TEXT, "", "Another server of the OSV API for the audit."),
    Setting("ORCH_ALLOW_KEY", Kind.TEXT, "", "Key of the hashes in the list of allowed findings.", secret=True),
    Setting("ORCH_ALLOW_KEY_FILE", Kind.TEXT, "", "A file with that key."),
    Setting("ORCH_GITLEAKS_BIN", Kind.TEXT, "", "Path of gitleaks."),
    Setting(
        "ORCH_SECURITY_PIN",
        Kind.TEXT,
        "",
        "The engine and rules that a hook was proven with; with others it refuses (SEC-10).",
    ),
    Setting("ORCH_PIP_AUDIT_BIN", Kind.TEXT, "", "Path of pip-audit."),
    Setting("ORCH_CACHE_DIR", Kind.TEXT, "", "Where built tools and compiled rules are kept."),
    Setting("ORCH_DEBUG", Kind.FLAG, False, "Print a traceback when orch-gates itself has a bug."),
)

SETTINGS: tuple[Setting, ...] = (*_SECURITY, *_READING, *_PIPELINE, *_MACHINE)
BY_VARIABLE: Mapping[str, Setting] = {setting.variable: setting for setting in SETTINGS}
BY_KEY: Mapping[str, Setting] = {setting.key: setting for setting in SETTINGS if setting.key is not None}
