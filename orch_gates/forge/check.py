"""Who we are on a forge, and what would keep us from working there (UX-1, ST-7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from orch_gates import clock
from orch_gates.errors import ForgeUnavailable
from orch_gates.forge.port.forge import Forge
from orch_gates.forge.port.protection import Protection
from orch_gates.forge.port.server import About, Access

# Leases compare with the forge's clock, and other machines' clocks are compared with it.
MOST_SKEW_S = 60


@dataclass(frozen=True, slots=True)
class ForgeFacts:
    """What a forge says; `protection_hidden` is why the rule of the default branch could not be seen.

    `clock_ahead` are the seconds by which the forge's clock is ahead of this machine's, None where
    it tells no time.
    """

    about: About
    access: Access
    protection: Protection | None
    protection_hidden: str
    clock_ahead: float | None


def look(forge: Forge) -> ForgeFacts:
    """Ask the forge.

    Raises:
        ForgeRefused: the token is wrong, or may not see the repository.
        ForgeUnavailable: the forge did not answer.
    """
    before = clock.utc_now()
    about = forge.server.about()
    after = clock.utc_now()
    access = forge.server.access()
    hidden, rule = "", None
    try:
        rule = forge.protections.get(access.default_branch) if access.default_branch else None
    except ForgeUnavailable as error:
        hidden = str(error)
    return ForgeFacts(about, access, rule, hidden, None if about.date is None else ahead(about.date, before, after))


def ahead(date: datetime, before: datetime, after: datetime) -> float:
    """By how many seconds a clock is ahead that was read between two moments; 0 where it may be right (pure)."""
    # The header has whole seconds.
    early, late = (date - after).total_seconds(), (date - before).total_seconds() + 1
    return early if early > 0 else min(late, 0.0)


def problems(seen: ForgeFacts) -> tuple[str, ...]:
    """What keeps us from working there, each with what to do about it (pure)."""
    found = []
    if not seen.access.can_read:
        found.append("the token may not read the repository; give its user access")
    if seen.access.archived:
        found.append("the repository is archived, so nothing can be written there; unarchive it")
    if seen.access.mirror:
        found.append("the repository is a mirror, so nothing can be merged there; use the one that it mirrors")
    if seen.access.empty:
        found.append("the repository is empty; push its default branch")
    if seen.access.merge_commits is False:
        found.append(
            "merge commits are not allowed, and nothing else keeps the validated commit in the target; "
            "allow them in the settings of the repository"
        )
    if seen.access.deletes_branches:
        found.append(
            "the forge deletes branches after a merge, but later gates need them; switch that off in the repository "
            "settings"
        )
    if seen.clock_ahead is not None and abs(seen.clock_ahead) > MOST_SKEW_S:
        first, second = ("the forge's", "this machine's") if seen.clock_ahead > 0 else ("this machine's", "the forge's")
        found.append(
            f"{first} clock is {abs(seen.clock_ahead):.0f} s ahead of {second}; "
            "correct the wrong one, as leases use the forge's clock"
        )
    return tuple(found)
