"""The one way in which a gate is evaluated: scope, gather, judge (GATE-1); on an edge and alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orch_gates.errors import ForgeRefused, ForgeUnavailable, OrchError, SettingsError, UsageError
from orch_gates.gates import registry
from orch_gates.gates.gate import Gate, Ports, Subject, Unknown, UnknownKind, out_of_scope
from orch_gates.model.verdict import Outcome, Verdict


def evaluate(
    name: str, subject: Subject, ports: Ports, gates: Sequence[Gate[Any]] = registry.GATES
) -> Verdict | Unknown:
    """The verdict of a gate, or why its facts could not be gathered; never raises (P3)."""
    gate = registry.find(name, gates)
    if gate is None:
        known = ", ".join(gate.name for gate in gates)
        return Verdict(name, Outcome.ERROR, f"unknown gate {name!r}; known are {known}")
    try:
        if (skipped := out_of_scope(name, ports.settings)) is not None:
            return skipped
        facts = _gather(gate, subject, ports)
        return facts if isinstance(facts, Unknown) else gate.judge(facts, gate.policy)
    except SettingsError as error:
        return Unknown(UnknownKind.UNUSABLE, str(error))
    except OrchError as error:
        return Verdict(name, gate.policy.unknown, f"could not be judged: {error}")
    except Exception as error:  # noqa: BLE001 - whatever a hostile document provokes is this gate's answer (P3)
        return Verdict(name, gate.policy.unknown, f"could not be judged: {type(error).__name__}: {error}")


def _gather(gate: Gate[Any], subject: Subject, ports: Ports) -> Any | Unknown:
    try:
        return gate.gather(subject, ports)
    except ForgeRefused as error:
        return Unknown(UnknownKind.REFUSED, str(error))
    except ForgeUnavailable as error:
        return Unknown(UnknownKind.UNANSWERED, str(error))
    except (SettingsError, UsageError) as error:
        return Unknown(UnknownKind.UNUSABLE, str(error))
