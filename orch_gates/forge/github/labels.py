"""The labels that a repository on GitHub offers; names that differ by case are one."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from orch_gates.errors import ForgeRefused
from orch_gates.forge.fields import text
from orch_gates.forge.github.rows import has_label
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
