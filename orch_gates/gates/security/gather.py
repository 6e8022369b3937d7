"""The facts of the `security` gate beside the scan: the lists of exceptions, and the audit of dependencies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from orch_gates.errors import OrchError
from orch_gates.gates.range import Range
from orch_gates.gates.security import allowlist, allowlist_file, baseline, baseline_file
from orch_gates.gates.security.allowlist import AllowedFinding, AllowList
from orch_gates.gates.security.baseline import Baseline
from orch_gates.gates.security.judge import SecurityFacts
from orch_gates.gates.security.scan import Unproven
from orch_gates.git.cli import Git
from orch_gates.scanners import locate
from orch_gates.settings import Settings

if TYPE_CHECKING:
    from orch_gates.gates.security.dependencies import DependencyResult

T = TypeVar("T")


def with_exceptions(settings: Settings, git: Git, facts: SecurityFacts, trusted: str) -> SecurityFacts:
    """The facts with the lists of exceptions, read only when there is something to except; each doubt is told."""
    if isinstance(facts.secrets, Unproven) or not facts.secrets.findings:
        return facts
    doubts = list(facts.doubts)

    def read(reading: Callable[[], T], otherwise: T) -> T:
        try:
            return reading()
        except OrchError as error:
            doubts.append(str(error))
            return otherwise

    no_entries: tuple[AllowedFinding, ...] = ()
    no_baseline: Baseline | None = None
    entries = read(lambda: allowlist_file.read(git, trusted), no_entries)
    known = read(lambda: baseline_file.read(git, trusted), no_baseline)
    key = read(lambda: allowlist_file.read_key(settings, git), b"") if entries or known or facts.baselines else b""
    baselines = facts.baselines if known is None else (*facts.baselines, known)
    if known is None:
        doubts += _elsewhere(git, baseline.PATH, facts, trusted)
    doubts += _elsewhere(git, allowlist.PATH, facts, trusted)
    return replace(facts, allowed=AllowList(entries, key), baselines=baselines, doubts=tuple(doubts))


def _elsewhere(git: Git, path: str, facts: SecurityFacts, trusted: str) -> list[str]:
    """What to say of a list of exceptions that is in what is judged, and not where it counts (SEC-4)."""
    try:
        there = git.blob(facts.head, path) if facts.head and git.has(facts.head) else None
        before = facts.base if facts.base.strip("0") else trusted
        if there is None or (before and git.blob(before, path) == there):
            return []
    except OrchError:
        return []
    unknown = "; this clone does not know that branch: `git remote set-head origin --auto` asks the server"
    return [f"{path} of {facts.head[:10]} takes effect once it is on the target branch{'' if trusted else unknown}"]


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
