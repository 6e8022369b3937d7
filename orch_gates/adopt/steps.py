"""What is set at the forge for a level, and what came of it: which labels, which rules for which branches (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from orch_gates.adopt.record import RecordedRule
from orch_gates.forge.port.protection import BranchRule, Demand, Who


class StepOutcome(StrEnum):
    """What came of one step."""

    DONE = "done"
    SO = "already so"
    WOULD = "would be done"
    LATER = "later"
    KEPT = "left alone"
    FAILED = "could not"


@dataclass(frozen=True, slots=True)
class SetupStep:
    """One thing at the forge; `by_hand` is how a person does it."""

    what: str
    outcome: StepOutcome
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
        if self.server and self.repository:
            return f"{self.server}/{self.repository}/{path}"
        return "the repository's settings on the forge"


def changes(left: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """What somebody changed in a rule since, by the forge's names; what a newer server says besides is no change."""
    return tuple(name.replace("_", " ") for name, value in left.items() if _plain(value) != _plain(now.get(name)))


def taken_back(now: BranchRule, made: RecordedRule) -> str:
    """What is taken out of a rule again, in words; empty for nothing."""
    contexts = [context for context in now.contexts if context in made.contexts]
    parts = [
        *([f"the required statuses {', '.join(contexts)}"] if contexts else []),
        *(["the requirement that branches are up to date"] if now.up_to_date and made.up_to_date else []),
    ]
    return " and ".join(parts)


def target_rule(branch: str, contexts: Iterable[str], made: RecordedRule | None, *, up_to_date: bool) -> Demand:
    """The rule for the target: nobody pushes or forces, merges need these statuses.

    What init `made` it ask for at another level, and nothing says any more, it asks for no more.
    """
    wanted = tuple(contexts)
    dropped = tuple(one for one in made.contexts if one not in wanted) if made is not None else ()
    held = True if up_to_date else False if made is not None and made.up_to_date else None
    return Demand(branch, wanted, dropped, up_to_date=held)


def state_rule(branch: str) -> Demand:
    """The rule for the state branch: nobody forces or deletes it; it is written by pushes."""
    return Demand(branch, pushes=True)


def put(demand: Demand, now: BranchRule | None, made: RecordedRule | None) -> RecordedRule:
    """What is known of a rule that is about to be put: what only init makes it ask for."""
    before = now.contexts if now is not None else ()
    ours = made.contexts if made is not None else ()
    contexts = tuple(one for one in demand.contexts if one in ours or one not in before)
    held = made is not None and made.up_to_date
    added = demand.up_to_date is True and (held or now is None or not now.up_to_date)
    return RecordedRule(demand.branch, contexts, added, {}, {})


def met(now: BranchRule | None, demand: Demand) -> bool:
    """Whether the rule in force asks for all that is demanded, of administrators too."""
    return now is not None and now.admins is True and met_by_most(now, demand)


def met_by_most(now: BranchRule | None, demand: Demand) -> bool:
    """Whether it does, whoever is held to it."""
    return (
        now is not None
        and not (now.forced or now.deleted)
        and (now.pushers is not Who.NOBODY if demand.pushes else now.pushers is Who.NOBODY)
        and set(demand.contexts) <= set(now.contexts)
        and not set(demand.dropped) & set(now.contexts)
        and demand.up_to_date in {None, now.up_to_date}
    )


def in_words(rule: Demand) -> str:
    """A rule as a person sets it on a page."""
    parts = [
        "pushes allowed" if rule.pushes else "nobody pushes",
        "no force pushes, no deletion",
        *([f"required statuses {', '.join(rule.contexts)}"] if rule.contexts else []),
        *(["branches must be up to date"] if rule.up_to_date else []),
        "applies to administrators too",
    ]
    return ", ".join(parts)


def worst(steps: Sequence[SetupStep]) -> bool:
    """Whether a step could not be done."""
    return any(step.outcome is StepOutcome.FAILED for step in steps)


def _plain(value: object) -> object:
    """A value as it is compared: to forges, no list and an empty one are the same, in any order."""
    if isinstance(value, list | tuple):
        return sorted(map(str, value))
    return [] if value is None else value
