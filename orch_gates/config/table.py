"""All settings: those of each gate, and those of the rest, in the order in which people are shown them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from orch_gates.gates.gate import Gate
from orch_gates.gates.registry import GATES
from orch_gates.variables import automation, groups, services
from orch_gates.variables.scope import scope_settings
from orch_gates.variables.setting import Setting, declared

_OTHERS = (
    groups.TargetSettings,
    groups.Limits,
    groups.StateSettings,
    groups.ForgeSettings,
    services.RegistrySettings,
    groups.QueueSettings,
    automation.JobSettings,
    automation.SweepSettings,
    services.TrackerSettings,
    services.NotifySettings,
    automation.HandedOver,
    groups.StatusesSettings,
    groups.AllowKey,
    groups.HelpSettings,
    groups.Programs,
)


def settings_of(gates: Sequence[Gate[Any]]) -> tuple[Setting, ...]:
    """The settings of these gates and of the rest; what a repository may set comes before what belongs to a machine."""
    return tuple(sorted(_all(gates), key=lambda found: found.key is None))


def _all(gates: Sequence[Gate[Any]]) -> Iterator[Setting]:
    for gate in gates:
        yield from scope_settings(gate.name)
        for group in gate.settings:
            yield from (found for _, found in declared(group))
    for group in _OTHERS:
        yield from (found for _, found in declared(group))


SETTINGS = settings_of(GATES)
BY_VARIABLE: Mapping[str, Setting] = {found.variable: found for found in SETTINGS}
BY_KEY: Mapping[str, Setting] = {found.key: found for found in SETTINGS if found.key is not None}
