"""The facts of the `security` gate beside the scan: the list of exceptions, and the audit of dependencies."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from orch_gates.errors import OrchError
from orch_gates.gates.range import Range
from orch_gates.gates.security import allowlist_file
from orch_gates.gates.security.judge import SecurityFacts
from orch_gates.gates.security.scan import Unproven
from orch_gates.git.cli import Git
from orch_gates.scanners import locate
from orch_gates.settings import Settings

if TYPE_CHECKING:
    from orch_gates.gates.security.dependencies import DependencyResult


def with_allow_list(settings: Settings, git: Git, facts: SecurityFacts, trusted: str) -> SecurityFacts:
    """The facts with the list of exceptions, read only when there is something to except."""
    if isinstance(facts.secrets, Unproven) or not facts.secrets.findings:
        return facts
    try:
        return replace(facts, allowed=allowlist_file.read(settings, git, trusted))
    except OrchError as error:
        return replace(facts, doubts=(*facts.doubts, str(error)))


def audit(settings: Settings, git: Git, found: Range, *, strict: bool) -> DependencyResult | None:
    """Audit the files of pins that a range changed (SEC-7); None where that is switched off."""
    if not settings.security.dep_audit_enabled:
        return None
    # The audit and its readers of YAML and TOML cost every hook that does not need them.
    from orch_gates.gates.security import dependencies
    from orch_gates.gates.security.changed_pins import changed_pins
    from orch_gates.scanners.pip_audit import PipAudit

    fail_closed = strict or settings.security.dep_audit_fail_closed
    auditor = PipAudit(
        program=locate.find_pip_audit(settings.tools, settings.inherited_env),
        env=settings.inherited_env,
        osv_url=settings.security.osv_url,
        timeout=settings.security.dep_audit_timeout,
    )
    try:
        changed = changed_pins(git, found.base, found.head)
    except OrchError as error:
        return dependencies.doubt(str(error), fail_closed=fail_closed)
    return dependencies.judge(dependencies.gather(changed, auditor), fail_closed=fail_closed, commit=found.head)
