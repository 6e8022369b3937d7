"""How `orch-gates forge check` looks: columns, JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from orch_gates.documents.escape import visible
from orch_gates.forge.check import ForgeFacts
from orch_gates.forge.port.protection import Protection
from orch_gates.forge.port.server import Access
from orch_gates.report import machine
from orch_gates.report.columns import columns


@dataclass(frozen=True, slots=True)
class Checked:
    """What was seen, where, and how many requests it took."""

    url: str
    repository: str
    seen: ForgeFacts
    requests: int


def as_text(checked: Checked, width: int | None = None) -> str:
    """Two columns."""
    return columns([(name, visible(value)) for name, value in _rows(checked)], width)


def as_json(checked: Checked, problems: Sequence[str]) -> str:
    """Everything, for programs."""
    seen = checked.seen
    access = seen.access
    values = {
        "kind": seen.about.kind.value,
        "version": seen.about.version,
        "url": checked.url,
        "repository": checked.repository,
        "login": access.login,
        "scopes": None if access.scopes is None else list(access.scopes),
        "permissions": {"read": access.can_read, "write": access.can_write, "admin": access.is_admin},
        "archived": access.archived,
        "mirror": access.mirror,
        "empty": access.empty,
        "merge_commits": access.merge_commits,
        "deletes_branches": access.deletes_branches,
        "default_branch": access.default_branch,
        "protection": None if seen.protection is None else asdict(seen.protection),
        "protection_hidden": seen.protection_hidden or None,
        "clock_ahead_s": seen.clock_ahead,
        "requests": checked.requests,
        "problems": list(problems),
    }
    return machine.document("forge-check", values)


def _rows(checked: Checked) -> Iterator[tuple[str, str]]:
    seen = checked.seen
    access = seen.access
    yield "kind", seen.about.kind.value
    yield "version", seen.about.version or "unknown"
    yield "url", checked.url
    yield "repository", checked.repository
    yield "login", access.login or "unknown"
    yield "scopes", "unknown" if access.scopes is None else ", ".join(access.scopes) or "none"
    yield "may", _permissions(access)
    yield "archived", "yes" if access.archived else "no"
    yield "merge commits", _yes(access.merge_commits, "allowed", "not allowed")
    yield "branches", _yes(access.deletes_branches, "deleted after a merge", "kept after a merge")
    yield "default branch", access.default_branch or "none"
    yield "protection", f"unknown: {seen.protection_hidden}" if seen.protection_hidden else _rule(seen.protection)
    yield "clock", _clock(seen.clock_ahead)
    yield "requests", str(checked.requests)


def _yes(told: bool | None, yes: str, no: str) -> str:
    return "unknown" if told is None else yes if told else no


def _permissions(access: Access) -> str:
    words = {"read": access.can_read, "write": access.can_write, "administer": access.is_admin}
    known = [word for word, may in words.items() if may]
    hidden = [word for word, may in words.items() if may is None]
    return ", ".join(known or ["nothing"]) + (f"; unknown: {', '.join(hidden)}" if hidden else "")


def _rule(rule: Protection | None) -> str:
    if rule is None:
        return "none"
    parts = [
        "pushes allowed" if rule.pushes else "no pushes",
        f"statuses: {', '.join(rule.contexts)}" if rule.contexts else "no required statuses",
        f"approvals: {rule.approvals}",
        f"mergers: {', '.join(rule.mergers)}" if rule.mergers else "all who may write may merge",
        "applies to admins" if rule.admins else "does not apply to admins",
        *(["up-to-date branches only"] if rule.up_to_date else []),
    ]
    return f"{rule.branch}: {'; '.join(parts)}"


def _clock(ahead: float | None) -> str:
    if ahead is None:
        return "unknown"
    if abs(ahead) < 1:
        return "as here"
    return f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} this machine's"
