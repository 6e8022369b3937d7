"""Judging a push or a commit inside a git hook: the same scan and the same verdict as the gate."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from orch_gates import wiring
from orch_gates.gates import secret_scan, security
from orch_gates.gates.security import SecurityFacts
from orch_gates.gates.staged import staged
from orch_gates.git.cli import Git
from orch_gates.hooks.updates import RefUpdate
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.settings import Settings

ALL_REFS = ("--all",)


def pushed_to_server(settings: Settings, git: Git, updates: Sequence[RefUpdate], now: datetime) -> Verdict:
    """Judge everything that a push adds to a server's repository, before it is stored.

    Configuration comes from the default branch as it was before the push (P5).
    """
    trusted = wiring.default_branch_commit(git)
    return _pushed(settings, git, updates, ALL_REFS, settings.hook.quarantine, trusted, now)


def pushed_from_clone(
    settings: Settings, git: Git, updates: Sequence[RefUpdate], remote: str, now: datetime
) -> Verdict:
    """Judge what a clone is about to push: what it adds to what the remote is known to have."""
    known = _known_to_remote(git, updates, remote)
    return _pushed(settings, git, updates, known, "", _remote_default(git, remote), now)


def _pushed(
    settings: Settings,
    git: Git,
    updates: Sequence[RefUpdate],
    excluded: Sequence[str],
    quarantine: str,
    trusted: str,
    now: datetime,
) -> Verdict:
    tips = [update.new for update in updates if update.new is not None]
    if not tips:
        evidence = {"deletions": len(updates)}
        return Verdict(security.GATE, Outcome.PASS, "only deletions: nothing is added", evidence=evidence)
    names = [update.ref for update in updates if update.new is not None and update.old is None]

    def subject() -> secret_scan.Subject:
        git.refuse_shallow()
        budget = settings.security.budget
        return secret_scan.pushed(git, tips, excluded, budget, names=names, quarantine=quarantine)

    scanned = security.attempt(wiring.scan(settings, git, subject))
    facts = SecurityFacts(scanned, head=tips[0] if len(tips) == 1 else f"{len(tips)} refs")
    return _judged(settings, git, facts, trusted, now)


def about_to_commit(settings: Settings, git: Git, now: datetime) -> Verdict | None:
    """Judge the index; None where nothing is staged."""
    nothing = False

    def subject() -> secret_scan.Subject:
        nonlocal nothing
        found = staged(git)
        nothing = found is None
        return found or secret_scan.pushed(git, (), (), settings.security.budget)

    scanned = security.attempt(wiring.scan(settings, git, subject))
    if nothing:
        return None
    facts = SecurityFacts(scanned, head="staged")
    return _judged(settings, git, facts, _remote_default(git, "origin"), now)


def _judged(settings: Settings, git: Git, facts: SecurityFacts, trusted: str, now: datetime) -> Verdict:
    return security.judge(wiring.with_allow_list(settings, git, facts, trusted), now)


def _known_to_remote(git: Git, updates: Sequence[RefUpdate], remote: str) -> list[str]:
    """Commits that the remote has, as far as this clone knows; all is new to an unknown remote."""
    known = {update.old for update in updates if update.old is not None and git.has(update.old)}
    if remote:
        listed = git.read("for-each-ref", "--format=%(objectname)", f"refs/remotes/{remote}/")
        known |= set(listed.decode("ascii").split())
    return sorted(known)


def _remote_default(git: Git, remote: str) -> str:
    for ref in (f"refs/remotes/{remote}/HEAD", f"refs/remotes/{remote}/main", f"refs/remotes/{remote}/master"):
        if remote and git.has(f"{ref}^{{commit}}"):
            return git.resolve(ref)
    return ""
