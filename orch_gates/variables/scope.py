"""Where a gate applies (GATE-3): the two settings that every gate has, and what follows from them (pure)."""

from __future__ import annotations

from dataclasses import dataclass

from orch_gates.variables.setting import Setting, ValueKind


@dataclass(frozen=True, slots=True)
class RepositoryScope:
    """Whether a gate is on, and for which repositories; none means all.

    `enabled_by` and `repos_by` are what a person has to change to change that.
    """

    enabled: bool
    repos: tuple[str, ...]
    enabled_by: str
    repos_by: str

    def excludes(self, repository: str) -> str:
        """Why the gate does not apply to a repository; empty where it does.

        A repository that cannot be named is in scope: not knowing must not switch a gate off (P2).
        """
        if not self.enabled:
            return f"switched off by {self.enabled_by}"
        if self.repos and repository and repository.lower() not in {name.lower() for name in self.repos}:
            return f"{repository} is not in {self.repos_by}"
        return ""


def scope_settings(gate: str) -> tuple[Setting, Setting]:
    """The kill switch and the repositories of a gate."""
    variable, key = f"ORCH_{gate.upper().replace('-', '_')}", gate.replace("-", "_")
    return (
        Setting(f"{variable}_ENABLED", ValueKind.FLAG, True, f"Kill switch of gate {gate}: SKIP.", f"{key}.enabled"),
        Setting(
            f"{variable}_REPOS",
            ValueKind.NAMES,
            (),
            f"Repositories that gate {gate} judges; none means all.",
            f"{key}.repos",
        ),
    )
