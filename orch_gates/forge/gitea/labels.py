"""Labels of a Gitea or Forgejo repository and of its organisation, known by ids; their names differ by case."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from orch_gates.errors import ForgeRefused
from orch_gates.forge.fields import number, text, written
from orch_gates.forge.gitea.rows import label_names, repository_path
from orch_gates.forge.http import Api

# Of a new label; people change it in the browser.
_COLOUR = "#808080"
_NOT_AN_ORGANISATION = 405


class GiteaLabels:
    """The labels that may be on the issues and pull requests of one repository."""

    def __init__(self, api: Api, repository: str) -> None:
        """`repository` is `owner/name`."""
        self._api = api
        self._repository = repository_path(repository)
        self._path = f"{self._repository}/labels"
        self._organisation = f"/orgs/{quote(repository.partition('/')[0], safe='')}/labels"

    def names(self) -> tuple[str, ...]:
        """Those of the repository, oldest first."""
        return tuple(name for name, _ in self._all(self._path))

    def used(self, names: Sequence[str]) -> tuple[str, ...]:
        """One reading for all: the server's own filter wants every label of a name, and there may be several."""
        left = set(names)
        for row in self._api.rows(f"{self._repository}/issues", state="all"):
            left -= set(label_names(row))
            if not left:
                break
        return tuple(name for name in names if name not in left)

    def make(self, name: str, description: str) -> None:
        """Make one that is not there."""
        if name not in self.names():
            self._made(name, description)

    def remove(self, name: str) -> None:
        """Remove every one of this name."""
        for known, label in self._all(self._path):
            if known == name:
                self._api.write("DELETE", f"{self._path}/{label}")

    def needed(self, names: Sequence[str]) -> list[int]:
        """The ids of these names; labels that are not there are made.

        Raises:
            ForgeRefused, ForgeUnclear, ForgeUnavailable: as `Api.write`.
        """
        if not names:
            return []
        known = self._known(self._path)
        if not known.keys() >= set(names):
            known = dict(reversed(self._shared() or [])) | known
        for name in names:
            if name not in known:
                known[name] = self._made(name)
        return [known[name] for name in dict.fromkeys(names)]

    def named(self, name: str) -> tuple[int, ...] | None:
        """Every id of exactly this name: the repository may have several, and its organisation another one.

        None where the organisation may have one, and the token may not see it.

        Raises:
            ForgeUnavailable: they could not be read completely.
        """
        own, shared = self._all(self._path), self._shared()
        if shared is None:
            return None
        return tuple(found for label, found in [*own, *shared] if label == name)

    def _shared(self) -> list[tuple[str, int]] | None:
        """Those of the organisation, none where the owner is a person; None where they may not be seen."""
        try:
            return self._all(self._organisation)
        except ForgeRefused:
            # The same refusal for a person, for want of a scope, and for an organisation that hides itself.
            answer = self._api.ask("GET", f"{self._repository}/teams")
            return [] if answer.status == _NOT_AN_ORGANISATION and answer.of_a_forge else None

    def _made(self, name: str, description: str = "") -> int:
        """A new label; the server makes several where several ask at once, and the first counts."""
        wanted = {"name": name, "color": _COLOUR, "description": description}
        made = written(lambda label: number(label, "id"), self._api.write("POST", self._path, wanted))
        first = self._known(self._path).get(name, made)
        if first != made:
            self._api.write("DELETE", f"{self._path}/{made}")
        return first

    def _known(self, path: str) -> dict[str, int]:
        """Names and ids; of several with one name the first."""
        return dict(reversed(self._all(path)))

    def _all(self, path: str) -> list[tuple[str, int]]:
        """Names and ids, oldest first."""
        rows = sorted(self._api.settled(path), key=lambda row: number(row, "id"))
        return [(text(row, "name"), number(row, "id")) for row in rows]
