"""The labels that a repository on GitHub offers; names that differ by case are one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from orch_gates.errors import ForgeRefused
from orch_gates.forge.fields import text
from orch_gates.forge.github.rows import has_label, label_names
from orch_gates.forge.http import Api

_COLOUR = "808080"


@dataclass(frozen=True, slots=True)
class GithubLabels:
    """`Labels` of one repository."""

    api: Api
    path: str

    def names(self) -> tuple[str, ...]:
        """All pages."""
        return tuple(text(row, "name") for row in self.api.rows(f"{self.path}/labels"))

    def used(self, names: Sequence[str]) -> tuple[str, ...]:
        """To GitHub every pull request is an issue too."""
        return tuple(name for name in names if self._is_used(name))

    def _is_used(self, name: str) -> bool:
        # A comma would make two labels of it.
        wanted = {} if "," in name else {"labels": name}
        rows = self.api.rows(f"{self.path}/issues", state="all", **wanted)
        return any(has_label(name, label_names(row)) for row in rows)

    def make(self, name: str, description: str) -> None:
        """Make one that is not there; somebody else may have made it meanwhile."""
        if has_label(name, self.names()):
            return
        wanted = {"name": name, "color": _COLOUR, "description": description}
        try:
            self.api.write("POST", f"{self.path}/labels", wanted)
        except ForgeRefused:
            if not has_label(name, self.names()):
                raise

    def remove(self, name: str) -> None:
        """Remove one that is there."""
        if has_label(name, self.names()):
            self.api.write("DELETE", f"{self.path}/labels/{quote(name, safe='')}")
