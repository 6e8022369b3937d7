"""All settings that the groups declare and the scopes of the gates, in the order in which people are shown them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from orch_gates.variables import groups
from orch_gates.variables.scope import GATES, scope_settings
from orch_gates.variables.setting import Setting, declared

_OF_GATES: Mapping[str, tuple[type[Any], ...]] = {
    "security": (groups.Budget, groups.SecuritySettings),
    "ci-green": (groups.CiGreenSettings,),
    "review-approved": (groups.ReviewSettings,),
}
_OTHERS = (
    groups.TargetSettings,
    groups.Limits,
    groups.StateSettings,
    groups.ForgeSettings,
    groups.AllowKey,
    groups.Programs,
)


def _all() -> Iterator[Setting]:
    for gate in GATES:
        yield from scope_settings(gate)
        for group in _OF_GATES.get(gate, ()):
            yield from (found for _, found in declared(group))
    for group in _OTHERS:
        yield from (found for _, found in declared(group))


# What a repository may set comes before what belongs to the machine.
SETTINGS: tuple[Setting, ...] = tuple(sorted(_all(), key=lambda found: found.key is None))
BY_VARIABLE: Mapping[str, Setting] = {found.variable: found for found in SETTINGS}
BY_KEY: Mapping[str, Setting] = {found.key: found for found in SETTINGS if found.key is not None}
