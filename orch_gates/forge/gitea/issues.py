"""Issues and labels of Gitea and Forgejo; the server knows labels by their ids."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from orch_gates.errors import ForgeRefused, ForgeUnavailable, ForgeUnclear
from orch_gates.forge.fields import Row, document, number, text, written
from orch_gates.forge.gitea.rows import login, repository_path
from orch_gates.forge.http import Api
from orch_gates.forge.port.issues import Issue

# Of a new label; people change it in the browser.
_COLOUR = "#808080"


class GiteaIssues:
    """`Issues` of one repository."""

    def __init__(self, api: Api, repository: str) -> None:
        """`repository` is `owner/name`."""
        self._api = api
        self._repository = repository_path(repository)
        self._path = f"{self._repository}/issues"
        self._owner = quote(repository.partition("/")[0], safe="")

    def get(self, number: int) -> Issue:
        """One issue; to the server a pull request is one too, but not here."""
        return _issue(self._row(number))

    def list(self, *, label: str = "", closed: bool = False) -> tuple[Issue, ...]:
        """The open or closed ones, oldest first."""
        # Newest first: one that is opened meanwhile shifts rows to later pages, and none is missed.
        rows = self._api.rows(self._path, type="issues", state="closed" if closed else "open")
        found = {issue.number: issue for issue in map(_issue, rows)}
        # The server's own filter knows the repository's labels only, and gives everything for another.
        return tuple(found[key] for key in sorted(found) if not label or label in found[key].labels)

    def create(self, title: str, body: str = "", labels: Sequence[str] = ()) -> Issue:
        """Open an issue."""
        wanted = {"title": title, "body": body, "labels": self._ids(labels)}
        return written(_issue, self._api.write("POST", self._path, wanted))

    def label(self, number: int, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> Issue:
        """Add and remove labels; what is so already is left alone."""
        row = self._row(number)
        there = _labels(row)
        path = f"{self._path}/{number}/labels"
        if ids := self._ids([name for name in add if name not in there]):
            self._api.write("POST", path, {"labels": ids})
        for name in remove:
            if name in there:
                self._remove(number, name, there[name])
        try:
            return self.get(number)
        except ForgeUnavailable as error:
            raise ForgeUnclear(str(error)) from error

    def comment(self, number: int, text: str) -> None:
        """Say something."""
        self._api.write("POST", f"{self._path}/{number}/comments", {"body": text})

    def close(self, number: int) -> Issue:
        """Close it."""
        self._row(number)
        return written(_issue, self._api.write("PATCH", f"{self._path}/{number}", {"state": "closed"}))

    def _remove(self, number: int, name: str, label: int) -> None:
        """Somebody else may have removed it meanwhile."""
        try:
            self._api.write("DELETE", f"{self._path}/{number}/labels/{label}")
        except ForgeRefused:
            if name in _labels(self._row(number)):
                raise

    def _row(self, number: int) -> Row:
        path = f"{self._path}/{number}"
        row = document(self._api.get(path))
        if row.get("pull_request") is not None:
            raise ForgeRefused(f"{self._api.at(path)} is a pull request, and no issue")
        return row

    def _ids(self, names: Sequence[str]) -> Sequence[int]:
        """The labels of these names; those that are not there are made."""
        if not names:
            return []
        path = f"{self._repository}/labels"
        known = self._known(path)
        if not known.keys() >= set(names):
            known = self._shared() | known
        for name in names:
            if name not in known:
                known[name] = self._made(path, name)
        return [known[name] for name in dict.fromkeys(names)]

    def _made(self, path: str, name: str) -> int:
        """A new label; the server makes several where several ask at once, and the first counts."""
        wanted = {"name": name, "color": _COLOUR}
        made = written(lambda label: number(label, "id"), self._api.write("POST", path, wanted))
        first = self._known(path).get(name, made)
        if first != made:
            self._api.write("DELETE", f"{path}/{made}")
        return first

    def _shared(self) -> dict[str, int]:
        """The labels of the organisation; none where the owner is a person, or the token may not see them."""
        try:
            return self._known(f"/orgs/{self._owner}/labels")
        except ForgeRefused:
            return {}

    def _known(self, path: str) -> dict[str, int]:
        """Names and ids; of several with one name the first."""
        rows = sorted(self._api.rows(path), key=lambda row: number(row, "id"), reverse=True)
        return {text(row, "name"): number(row, "id") for row in rows}


def _issue(row: Row) -> Issue:
    said = text(row, "state")
    if said not in {"open", "closed"}:
        raise ForgeUnavailable(f"the forge calls an issue {said!r}, which is not known here")
    return Issue(
        number=number(row, "number"),
        title=text(row, "title"),
        body=text(row, "body"),
        open=said == "open",
        labels=tuple(_labels(row)),
        author=login(row),
        url=text(row, "html_url"),
    )


def _labels(row: Row) -> dict[str, int]:
    """Names and ids of the labels of an issue; the server writes none as null."""
    found = row.get("labels") or []
    if not isinstance(found, list) or not all(isinstance(label, dict) for label in found):
        raise ForgeUnavailable("the forge's answer has no labels")
    return {text(label, "name"): number(label, "id") for label in found}
