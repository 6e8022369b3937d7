"""What is set at the forge for a level, and what came of it: which labels, which rules for which branches (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from orch_gates.adopt.record import Rule
from orch_gates.forge.port.protection import Protection


class Came(StrEnum):
    """What came of one step."""

    DONE = "done"
    SO = "already so"
    WOULD = "would be done"
    LATER = "later"
    KEPT = "left alone"
    FAILED = "could not"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing at the forge; `by_hand` is how a person does it."""

    what: str
    came: Came
    why: str = ""
    by_hand: str = ""


@dataclass(frozen=True, slots=True)
class Pages:
    """Where a person does it: the pages of a repository; without a server there are none."""

    server: str
    repository: str

    @property
    def labels(self) -> str:
        """The list of labels."""
        return self._page("labels")

    @property
    def branches(self) -> str:
        """The rules for branches."""
        return self._page("settings/branches")

    def secrets(self, *, github: bool) -> str:
        """The secrets of workflows."""
        return self._page("settings/secrets/actions" if github else "settings/actions/secrets")

    def _page(self, path: str) -> str:
        return f"{self.server}/{self.repository}/{path}" if self.server and self.repository else "its settings there"


def as_found(now: Protection | None, made: Rule | None) -> Protection | None:
    """A rule without what init added to it at another level, which nothing may say any more."""
    if now is None or made is None:
        return now
    found = made.before or Protection(now.branch)
    ours = set(made.after.contexts) - set(found.contexts)
    kept = tuple(context for context in now.contexts if context not in ours)
    added = made.after.up_to_date and not found.up_to_date
    return replace(now, contexts=kept, up_to_date=now.up_to_date and not added)


def changes(left: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """What somebody changed in a rule since, by the forge's names; what a newer server says besides is no change."""
    return tuple(name.replace("_", " ") for name, value in left.items() if _plain(value) != _plain(now.get(name)))


def taken_back(now: Protection, left: Protection) -> str:
    """What is taken out of a rule, in words; empty for nothing."""
    contexts = [context for context in now.contexts if context not in left.contexts]
    parts = [
        *([f"the required statuses {', '.join(contexts)}"] if contexts else []),
        *(["the demand for branches up to date"] if now.up_to_date and not left.up_to_date else []),
    ]
    return " and ".join(parts)


def target_rule(branch: str, before: Protection | None, contexts: Iterable[str], *, up_to_date: bool) -> Protection:
    """The rule for the target: nobody pushes or forces, merges need these statuses; nothing is loosened."""
    known = before or Protection(branch)
    return Protection(
        branch,
        contexts=tuple(dict.fromkeys((*known.contexts, *contexts))),
        approvals=known.approvals,
        mergers=known.mergers,
        pushes=False,
        admins=True,
        up_to_date=up_to_date or known.up_to_date,
    )


def state_rule(branch: str, before: Protection | None) -> Protection:
    """The rule for the state branch: nobody forces or deletes it; it is written by pushes."""
    known = before or Protection(branch)
    return Protection(branch, mergers=known.mergers, pushes=True)


def same(one: Protection | None, other: Protection) -> bool:
    """Whether a rule is as wanted; the order of statuses and people makes no difference."""
    return one is not None and _sorted(one) == _sorted(other)


def in_words(rule: Protection) -> str:
    """A rule as a person sets it on a page."""
    parts = [
        "pushes allowed" if rule.pushes else "nobody pushes",
        "nobody forces or deletes it",
        *([f"required statuses {', '.join(rule.contexts)}"] if rule.contexts else []),
        *(["branches up to date"] if rule.up_to_date else []),
        "administrators held to it",
    ]
    return ", ".join(parts)


def worst(steps: Sequence[Step]) -> bool:
    """Whether a step could not be done."""
    return any(step.came is Came.FAILED for step in steps)


def _plain(value: object) -> object:
    """A value as it is compared: to forges, no list and an empty one are the same, in any order."""
    if isinstance(value, list | tuple):
        return sorted(map(str, value))
    return [] if value is None else value


def _sorted(rule: Protection) -> tuple[object, ...]:
    return (
        rule.branch,
        sorted(rule.contexts),
        rule.approvals,
        sorted(rule.mergers),
        rule.pushes,
        rule.admins,
        rule.up_to_date,
    )
