"""Issues, labels and comments on GitHub, where every pull request is an issue too (TRK-1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from orch_gates.errors import ForgeRefused, ForgeUnavailable, ForgeUnclear
from orch_gates.forge.fields import Row, document, number, optional_text, part, text, written
from orch_gates.forge.github.rows import author, has_label, is_pull, label_names
from orch_gates.forge.http import Api
from orch_gates.forge.port.issues import Comment, Issue, require_text

_LABEL_EVENTS = ("labeled", "unlabeled")


@dataclass(frozen=True, slots=True)
class GithubIssues:
    """`Issues` of one repository."""

    api: Api
    path: str

    def get(self, number: int) -> Issue:
        """One issue; a pull request of this number is none."""
        row = document(self.api.get(self._at(number)))
        if is_pull(row):
            raise ForgeRefused(f"{self.api.at(self._at(number))}: it is a pull request, not an issue")
        return issue(row)

    def list(self, *, label: str = "", closed: bool = False) -> tuple[Issue, ...]:
        """All pages, oldest first, without the pull requests among them."""
        query = {"state": "closed" if closed else "open", "sort": "created", "direction": "asc"}
        # A comma would make two labels of it.
        wanted = {"labels": label} if label and "," not in label else {}
        rows = self.api.rows(f"{self.path}/issues", **query, **wanted)
        found = {one.number: one for row in rows if not is_pull(row) and _has(label, one := issue(row))}
        return tuple(found.values())

    def create(self, title: str, body: str = "", labels: Sequence[str] = ()) -> Issue:
        """Open an issue; GitHub makes labels that are not there, and drops all of them where one may not write."""
        document = {"title": title, "body": body, "labels": list(labels)}
        made = written(issue, self.api.write("POST", f"{self.path}/issues", document))
        dropped = [name for name in labels if not _has(name, made)]
        if not dropped:
            return made
        try:
            return self.label(made.number, add=dropped)
        except ForgeUnavailable as error:
            raise ForgeUnclear(f"issue {made.number} was opened without its labels: {error}") from error

    def label(self, number: int, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> Issue:
        """Add labels and remove others; somebody else may have removed them meanwhile."""
        found = issue(self.api.get(self._at(number)))
        if new := [name for name in add if not _has(name, found)]:
            self.api.write("POST", f"{self._at(number)}/labels", {"labels": new})
        for name in remove:
            if _has(name, found):
                self._remove(number, name)
        try:
            return issue(self.api.get(self._at(number)))
        except ForgeUnavailable as error:
            raise ForgeUnclear(str(error)) from error

    def same_label(self, one: str, other: str) -> bool:
        """GitHub takes names that differ by case for the same label."""
        return has_label(one, (other,))

    def labelled_by(self, number: int, label: str) -> str:
        """By the issue's events, oldest first."""
        rows = self.api.rows(f"{self._at(number)}/events")
        changes = [row for row in rows if optional_text(row, "event") in _LABEL_EVENTS and _is_about(row, label)]
        if not changes or optional_text(changes[-1], "event") != "labeled" or changes[-1].get("actor") is None:
            return ""
        return text(part(changes[-1], "actor"), "login")

    def comments(self, number: int) -> tuple[Comment, ...]:
        """The comments, oldest first."""
        found = map(_comment, self.api.settled(f"{self._at(number)}/comments"))
        return tuple(sorted(found, key=lambda comment: comment.id))

    def comment(self, number: int, text: str) -> Comment:
        """Say something."""
        require_text(text)
        return written(_comment, self.api.write("POST", f"{self._at(number)}/comments", {"body": text}))

    def edit_comment(self, number: int, comment_id: int, text: str) -> Comment:
        """Replace the text of a comment; GitHub itself does not look what it is on."""
        require_text(text)
        path = f"{self.path}/issues/comments/{comment_id}"
        if optional_text(document(self.api.get(path)), "issue_url").rpartition("/")[2] != str(number):
            raise ForgeRefused(f"{self.api.at(path)} is on another issue than {number}; nothing was changed")
        return written(_comment, self.api.write("PATCH", path, {"body": text}))

    def delete_comment(self, number: int, comment_id: int) -> None:
        """Delete a comment; the forge itself does not look what it is on."""
        if not self._has_comment(number, comment_id):
            return
        try:
            self.api.write("DELETE", f"{self.path}/issues/comments/{comment_id}")
        except ForgeRefused:
            # Somebody else may have deleted it meanwhile.
            if self._has_comment(number, comment_id):
                raise

    def close(self, number: int) -> Issue:
        """Close it, if it is open; asked like this, GitHub would close a pull request too."""
        found = self.get(number)
        if not found.open:
            return found
        return written(issue, self.api.write("PATCH", self._at(number), {"state": "closed"}))

    def _has_comment(self, number: int, comment_id: int) -> bool:
        return any(one.id == comment_id for one in self.comments(number))

    def _remove(self, number: int, name: str) -> None:
        try:
            self.api.write("DELETE", f"{self._at(number)}/labels/{quote(name, safe='')}")
        except ForgeRefused:
            if _has(name, issue(self.api.get(self._at(number)))):
                raise

    def _at(self, number: int) -> str:
        return f"{self.path}/issues/{number}"


def issue(found: object) -> Issue:
    """A row of a list, or the document of one.

    Raises:
        ForgeUnavailable: something is missing in it.
    """
    row = document(found)
    state = text(row, "state")
    if state not in {"open", "closed"}:
        raise ForgeUnavailable(f"the forge calls an issue {state!r}, which is not known here")
    return Issue(
        number=number(row, "number"),
        title=text(row, "title"),
        body=optional_text(row, "body"),
        open=state == "open",
        labels=label_names(row),
        author=author(row),
        url=optional_text(row, "html_url"),
    )


def _is_about(row: Row, label: str) -> bool:
    return has_label(label, (text(part(row, "label"), "name"),))


def _comment(row: Row) -> Comment:
    return Comment(number(row, "id"), author(row), optional_text(row, "body"))


def _has(label: str, one: Issue) -> bool:
    """Whether an issue has a label; no label: any issue."""
    return not label or has_label(label, one.labels)
