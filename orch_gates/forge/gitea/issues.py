"""Issues, and comments on them and on pull requests, of Gitea and Forgejo, where a pull request is an issue too."""

from __future__ import annotations

from collections.abc import Sequence

from orch_gates.errors import ForgeRefused, ForgeUnavailable, ForgeUnclear
from orch_gates.forge import fields
from orch_gates.forge.fields import Row, document, number, optional_text, part, text, written
from orch_gates.forge.gitea.labels import GiteaLabels
from orch_gates.forge.gitea.rows import label_ids, label_names, login, repository_path
from orch_gates.forge.http import Api
from orch_gates.forge.port.issues import Comment, Issue, require_text


class GiteaIssues:
    """`Issues` of one repository."""

    def __init__(self, api: Api, repository: str) -> None:
        """`repository` is `owner/name`."""
        self._api = api
        self._path = f"{repository_path(repository)}/issues"
        self._labels = GiteaLabels(api, repository)

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
        wanted = {"title": title, "body": body, "labels": self._labels.needed(labels)}
        return written(_issue, self._api.write("POST", self._path, wanted))

    def label(self, number: int, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> Issue:
        """Add and remove labels; what is so already is left alone."""
        there = label_ids(self._any(number))
        missing = [name for name in add if name not in dict(there)]
        if ids := self._labels.needed(missing):
            self._api.write("POST", f"{self._path}/{number}/labels", {"labels": ids})
        for name, label in there:
            if name in remove:
                self._remove(number, label)
        try:
            return _issue(self._any(number))
        except ForgeUnavailable as error:
            raise ForgeUnclear(str(error)) from error

    def same_label(self, one: str, other: str) -> bool:
        """Here, names that differ by case are two labels."""
        return one == other

    def labelled_by(self, number: int, label: str) -> str:
        """By the issue's timeline; as the total of it, the server tells how many rows the page has."""
        try:
            rows = list(self._api.untotalled(f"{self._path}/{number}/timeline"))
        except ForgeUnavailable as error:
            if missing := self._missing(number):
                raise missing from error
            raise
        changes = [row for row in rows if optional_text(row, "type") == "label" and _is_about(row, label)]
        # Oldest first; the text is `1` where the label was added, and empty where it was taken off.
        return login(changes[-1]) if changes and optional_text(changes[-1], "body") == "1" else ""

    def comments(self, number: int) -> tuple[Comment, ...]:
        """The comments, oldest first; the server gives all of it at once."""
        try:
            found = [_comment(row) for row in self._api.settled(f"{self._path}/{number}/comments")]
        except ForgeUnavailable as error:
            if missing := self._missing(number):
                raise missing from error
            raise
        return tuple(sorted(found, key=lambda comment: comment.id))

    def comment(self, number: int, text: str) -> Comment:
        """Say something."""
        require_text(text)
        try:
            return written(_comment, self._api.write("POST", f"{self._path}/{number}/comments", {"body": text}))
        except ForgeUnclear as error:
            if missing := self._missing(number):
                raise missing from error
            raise

    def edit_comment(self, number: int, comment_id: int, text: str) -> Comment:
        """Replace the text of a comment; the server itself does not look what it is on."""
        require_text(text)
        path = f"{self._path}/comments/{comment_id}"
        try:
            # The server answers nothing for what is no comment, as a review or the news of a label.
            row = document(self._api.read(path).document or {})
        except ValueError as error:
            raise ForgeUnavailable(f"{self._api.at(path)} did not answer with JSON") from error
        place = optional_text(row, "pull_request_url") or optional_text(row, "issue_url")
        if place.rpartition("/")[2] != str(number):
            raise ForgeRefused(f"{self._api.at(path)} is not a comment on {number}; nothing was changed")
        author = login(row)

        def edited(answer: Row) -> Comment:
            # The server leaves out whose it is.
            return Comment(comment_id, author, fields.text(answer, "body"))

        return written(edited, self._api.write("PATCH", path, {"body": text}))

    def delete_comment(self, number: int, comment_id: int) -> None:
        """Delete a comment; the forge itself does not look what it is on."""
        if not self._has_comment(number, comment_id):
            return
        try:
            self._api.write("DELETE", f"{self._path}/comments/{comment_id}")
        except ForgeRefused:
            # Somebody else may have deleted it meanwhile.
            if self._has_comment(number, comment_id):
                raise

    def close(self, number: int) -> Issue:
        """Close it."""
        self._row(number)
        return written(_issue, self._api.write("PATCH", f"{self._path}/{number}", {"state": "closed"}))

    def _has_comment(self, number: int, comment_id: int) -> bool:
        return any(one.id == comment_id for one in self.comments(number))

    def _remove(self, number: int, label: int) -> None:
        """Somebody else may have removed it meanwhile."""
        try:
            self._api.write("DELETE", f"{self._path}/{number}/labels/{label}")
        except ForgeRefused:
            if any(found == label for _, found in label_ids(self._any(number))):
                raise

    def _row(self, number: int) -> Row:
        row = self._any(number)
        if row.get("pull_request") is not None:
            raise ForgeRefused(f"{self._api.at(self._path)}/{number} is a pull request, not an issue")
        return row

    def _missing(self, number: int) -> ForgeRefused | None:
        """The refusal to show an issue; of the comments of one that is not there, the server fails without a word."""
        try:
            self._any(number)
        except ForgeRefused as error:
            return error
        except ForgeUnavailable:
            return None
        return None

    def _any(self, number: int) -> Row:
        """An issue or a pull request, as an issue."""
        return document(self._api.get(f"{self._path}/{number}"))


def _issue(row: Row) -> Issue:
    state = text(row, "state")
    if state not in {"open", "closed"}:
        raise ForgeUnavailable(f"the forge reports the unknown issue state {state!r}")
    return Issue(
        number=number(row, "number"),
        title=text(row, "title"),
        body=text(row, "body"),
        open=state == "open",
        labels=label_names(row),
        author=login(row),
        url=text(row, "html_url"),
    )


def _is_about(row: Row, label: str) -> bool:
    return row.get("label") is not None and text(part(row, "label"), "name") == label


def _comment(row: Row) -> Comment:
    return Comment(number(row, "id"), login(row), text(row, "body"))
