"""Placeholder until the dependency audit lands."""

from __future__ import annotations

from dataclasses import dataclass, field

from orch_gates.model.finding import Finding


@dataclass(frozen=True, slots=True)
class DependencyResult:
    findings: tuple[Finding, ...] = ()
    notices: tuple[str, ...] = ()
    degraded: tuple[str, ...] = ()
    evidence: dict[str, str] = field(default_factory=dict)
