"""`Issues` of a bare repository."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from orch_gates.errors import ForgeRefused
from orch_gates.forge.local import kinds, records
from orch_gates.forge.local.documents import Issue
from orch_gates.forge.local.records import Ledger, Page, Records
from orch_gates.forge.port import issues as port
from orch_gates.state.store import Change


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
        page: Page[Issue] | None = None

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
            page = Page(records.made(Issue, values), body)
            return _written("issue-open", "opened", page)

        self._records.change(decide)
        assert page is not None
        return _seen(page)

    def label(self, number: int, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> port.Issue:
        """Add labels and remove others."""

        def relabelled(issue: Issue) -> Issue:
            return records.changed(issue, labels=sorted({*issue.labels, *add} - set(remove)))

        return self._change(number, "label", "labelled", relabelled)

    def comment(self, number: int, text: str) -> None:
        """Say something on an issue or a pull request."""
        said = self._records.comment(text)

        def decide(ledger: Ledger) -> Change:
            if (pull := ledger.pull(number)) is not None:
                heard = records.changed(pull.document, comments=[*pull.document.fields()["comments"], said])
                path = kinds.PULL.at(number=number)
                return records.write("comment", f"pull {number}: a comment", path, heard, pull.body)
            page = _needed(ledger, number)
            replied = records.changed(page.document, comments=[*page.document.fields()["comments"], said])
            return _written("comment", "a comment", Page(replied, page.body))

        self._records.change(decide)

    def close(self, number: int) -> port.Issue:
        """Close it; closed is closed."""
        return self._change(number, "issue-close", "closed", lambda issue: records.changed(issue, state="closed"))

    def _change(self, number: int, event: str, what: str, change: Callable[[Issue], Issue]) -> port.Issue:
        def decide(ledger: Ledger) -> Change | None:
            page = _needed(ledger, number)
            after = change(page.document)
            return None if after == page.document else _written(event, what, Page(after, page.body))

        self._records.change(decide)
        return self.get(number)


def _needed(ledger: Ledger, number: int) -> Page[Issue]:
    page = ledger.issue(number)
    if page is None:
        raise ForgeRefused(f"there is no issue {number}")
    return page


def _seen(page: Page[Issue]) -> port.Issue:
    issue = page.document
    return port.Issue(
        number=issue.number,
        title=issue.title,
        body=page.body,
        open=issue.state == "open",
        labels=issue.labels,
        author=issue.author,
    )


def _written(event: str, what: str, page: Page[Issue]) -> Change:
    number = page.document.number
    return records.write(event, f"issue {number}: {what}", kinds.ISSUE.at(number=number), page.document, page.body)
