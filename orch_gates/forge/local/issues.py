"""`Issues` of a bare repository, and the labels and comments of its pull requests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from orch_gates.errors import ForgeRefused
from orch_gates.forge.local import kinds, records
from orch_gates.forge.local.documents import Issue, Pull
from orch_gates.forge.local.records import Ledger, RecordPage, Records
from orch_gates.forge.port import issues as port
from orch_gates.state.store import Change

Commented: TypeAlias = Pull | Issue


class LocalIssues:
    """Issues, a document for each; labels are the words that stand there."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def get(self, number: int) -> port.Issue:
        """One issue."""
        return _seen(_needed(self._records.ledger(), number))

    def list(self, *, label: str = "", closed: bool = False) -> tuple[port.Issue, ...]:
        """The open ones (or the closed ones), with a label if one is named, oldest first."""
        wanted = "closed" if closed else "open"
        pages = self._records.ledger().issues()
        return tuple(
            _seen(page)
            for page in pages
            if page.document.state == wanted and (not label or label in page.document.labels)
        )

    def create(self, title: str, body: str = "", labels: Sequence[str] = ()) -> port.Issue:
        """Open an issue."""
        created, wanted = self._records.at(), sorted(set(labels))
        page: RecordPage[Issue] | None = None

        def decide(ledger: Ledger) -> Change:
            nonlocal page
            values = {
                "number": ledger.free_number(),
                "title": title,
                "state": "open",
                "author": self._records.who,
                "created": created,
                "labels": wanted,
                "comments": [],
            }
            page = RecordPage(records.made(Issue, values), body)
            return _written("issue-open", "opened", page)

        self._records.change(decide)
        assert page is not None
        return _seen(page)

    def label(self, number: int, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> port.Issue:
        """Add labels and remove others."""

        def relabelled(document: Commented) -> Commented:
            return records.changed(document, labels=sorted({*document.labels, *add} - set(remove)))

        return _seen(self._change_any(number, "label", "labelled", relabelled))

    def same_label(self, one: str, other: str) -> bool:
        """Here, names that differ by case are two labels."""
        return one == other

    def labelled_by(self, number: int, label: str) -> str:  # noqa: ARG002 - the port names it
        """Nobody: who sets a label is not kept here."""
        _any(self._records.ledger(), number)
        return ""

    def comments(self, number: int) -> tuple[port.Comment, ...]:
        """The comments, oldest first."""
        comments = _any(self._records.ledger(), number).document.comments
        return tuple(port.Comment(place, one.by, one.text) for place, one in enumerate(comments, 1) if one.text)

    def comment(self, number: int, text: str) -> port.Comment:
        """Say something; its id is its place in the list, which a deleted one keeps."""
        port.require_text(text)
        comment = self._records.comment(text)

        def replied(document: Commented) -> Commented:
            return records.changed(document, comments=[*document.fields()["comments"], comment])

        page = self._change_any(number, "comment", "a comment", replied)
        return port.Comment(len(page.document.comments), self._records.who, text)

    def edit_comment(self, number: int, comment_id: int, text: str) -> port.Comment:
        """Replace the text of a comment; who wrote it and when stays."""
        port.require_text(text)

        def edited(document: Commented) -> Commented:
            comments = document.fields()["comments"]
            if not (0 < comment_id <= len(comments) and comments[comment_id - 1]["text"]):
                raise ForgeRefused(f"there is no comment {comment_id} on {number}; nothing was changed")
            comments[comment_id - 1] |= {"text": text}
            return records.changed(document, comments=comments)

        page = self._change_any(number, "comment-edit", f"comment {comment_id} edited", edited)
        return port.Comment(comment_id, page.document.comments[comment_id - 1].by, text)

    def delete_comment(self, number: int, comment_id: int) -> None:
        """Take the text of a comment away; the history of the state branch has it on."""

        def deleted(document: Commented) -> Commented:
            comments = document.fields()["comments"]
            if 0 < comment_id <= len(comments):
                comments[comment_id - 1] |= {"text": ""}
            return records.changed(document, comments=comments)

        self._change_any(number, "comment-delete", f"comment {comment_id} deleted", deleted)

    def close(self, number: int) -> port.Issue:
        """Close it; closed is closed."""
        return self._change(number, "issue-close", "closed", lambda issue: records.changed(issue, state="closed"))

    def _change(self, number: int, event: str, what: str, change: Callable[[Issue], Issue]) -> port.Issue:
        def decide(ledger: Ledger) -> Change | None:
            page = _needed(ledger, number)
            after = change(page.document)
            return None if after == page.document else _written(event, what, RecordPage(after, page.body))

        self._records.change(decide)
        return self.get(number)

    def _change_any(
        self, number: int, event: str, what: str, change: Callable[[Commented], Commented]
    ) -> RecordPage[Commented]:
        """Change an issue or a pull request, and say what became of it."""
        found: RecordPage[Commented] | None = None

        def decide(ledger: Ledger) -> Change | None:
            nonlocal found
            before = _any(ledger, number)
            found = RecordPage(change(before.document), before.body)
            return None if found == before else _written(event, what, found)

        self._records.change(decide)
        assert found is not None
        return found


def _any(ledger: Ledger, number: int) -> RecordPage[Commented]:
    return ledger.pull(number) or _needed(ledger, number)


def _needed(ledger: Ledger, number: int) -> RecordPage[Issue]:
    page = ledger.issue(number)
    if page is None:
        raise ForgeRefused(f"there is no issue {number}")
    return page


def _seen(page: RecordPage[Commented]) -> port.Issue:
    found = page.document
    return port.Issue(
        number=found.number,
        title=found.title,
        body=page.body,
        open=found.state == "open",
        labels=found.labels,
        author=found.author,
    )


def _written(event: str, what: str, page: RecordPage[Commented]) -> Change:
    found = page.document
    kind = kinds.PULL if isinstance(found, Pull) else kinds.ISSUE
    path = kind.at(number=found.number)
    return records.write(event, f"{found.KIND} {found.number}: {what}", path, found, page.body)
