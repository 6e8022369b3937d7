"""The local forge's documents on the state branch: read as of one commit, changed in transactions (ST-2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from orch_gates.documents import escape, frontmatter
from orch_gates.errors import (
    ForgeRefused,
    ForgeUnavailable,
    ForgeUnclear,
    MissingState,
    ReportError,
    RewoundState,
    StateDenied,
    StateDocumentError,
    StateError,
    StateUnclear,
)
from orch_gates.forge.local import kinds
from orch_gates.forge.local.documents import Issue, Pull, Rule, Status
from orch_gates.model.document import Document
from orch_gates.model.ids import OID, timestamp
from orch_gates.state import codec
from orch_gates.state.kinds import DocumentKind
from orch_gates.state.paths import Key
from orch_gates.state.snapshot import Snapshot, TreeEntry
from orch_gates.state.store import Change, Store

D = TypeVar("D", bound=Document)
D_co = TypeVar("D_co", bound=Document, covariant=True)

# How this program writes that a pull request has ended: most have, and need not be read any further.
_ENDED = re.compile(r'^state: "(closed|merged)"$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class RecordPage(Generic[D_co]):
    """A document and the text below it."""

    document: D_co
    body: str


class Ledger:
    """The documents as they are at one commit of the state branch.

    Every method raises ForgeUnavailable where something cannot be read: a file that is set apart
    may be the very one that was asked for.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def pull(self, number: int) -> RecordPage[Pull] | None:
        """A pull request by its number."""
        return self._page(kinds.PULL, number=number) if _is_number(number) else None

    def open_pulls(self, branch: str, target: str, merged: frozenset[int]) -> tuple[RecordPage[Pull], ...]:
        """The open ones of these branches; what git says is merged is not open, whatever its document says."""
        wanted = (branch, target, "open")
        return tuple(
            page
            for page in self._pages(kinds.PULL, unless=_ENDED)
            if (page.document.branch, page.document.target, page.document.state) == wanted
            and page.document.number not in merged
        )

    def labelled_pulls(self, label: str) -> tuple[RecordPage[Pull], ...]:
        """Those with a label whose documents say that they are open; git may know that some of them are merged."""
        return tuple(
            page
            for page in self._pages(kinds.PULL, unless=_ENDED)
            if page.document.state == "open" and label in page.document.labels
        )

    def issue(self, number: int) -> RecordPage[Issue] | None:
        """An issue by its number."""
        return self._page(kinds.ISSUE, number=number) if _is_number(number) else None

    def issues(self) -> tuple[RecordPage[Issue], ...]:
        """All of them, oldest first."""
        return tuple(self._pages(kinds.ISSUE, unless=None))

    def statuses(self, commit: str) -> tuple[Status, ...]:
        """What was said about a commit, sorted by context."""
        page = self._page(kinds.STATUSES, commit=commit) if OID.fullmatch(commit) else None
        return () if page is None else page.document.statuses

    def rule(self, branch: str) -> Rule | None:
        """The rule for a branch."""
        page = self._page(kinds.RULE, branch=branch)
        return None if page is None else page.document

    def free_number(self, above: int = 0) -> int:
        """The number of the next pull request or issue; nothing is ever removed, so it was never used."""
        numbers = (number for listed in (self._listed(kinds.PULL), self._listed(kinds.ISSUE)) for number, _ in listed)
        return 1 + max((above, *numbers))

    def _pages(self, kind: DocumentKind[D], *, unless: re.Pattern[str] | None) -> Iterator[RecordPage[D]]:
        for _, entry in sorted(self._listed(kind), key=lambda pair: pair[0]):
            try:
                text = self._snapshot.read(entry)
                skipped = unless is not None and unless.search(frontmatter.split(text)[0]) is not None
                if not skipped:
                    yield RecordPage(*codec.decode(kind, entry.path, text))
            except ReportError as error:
                raise unreadable(StateDocumentError(f"{entry.path}: {error}")) from error
            except StateError as error:
                raise unreadable(error) from error

    def _listed(self, kind: DocumentKind[D]) -> list[tuple[int, TreeEntry]]:
        try:
            found = [(kind.path.match(entry.path), entry) for entry in self._snapshot.files(kind.path.folder)]
        except StateError as error:
            raise unreadable(error) from error
        return [(int(keys["number"]), entry) for keys, entry in found if isinstance(keys, Mapping)]

    def _page(self, kind: DocumentKind[D], **keys: Key) -> RecordPage[D] | None:
        path = kind.at(**keys)
        try:
            text = self._snapshot.text(path)
            return None if text is None else RecordPage(*codec.decode(kind, path, text))
        except StateError as error:
            raise unreadable(error) from error


Decide = Callable[[Ledger], Change | None]


class Records:
    """The state branch as the forge's memory; `who` is who asks, `now` tells the time."""

    def __init__(self, store: Store, who: str, now: Callable[[], datetime]) -> None:
        self._store = store
        self.who = who
        self.now = now

    def at(self) -> str:
        """This moment, as documents spell it."""
        return timestamp(self.now())

    def comment(self, text: str) -> dict[str, str]:
        """What somebody says, as documents hold it."""
        return {"by": self.who, "at": self.at(), "text": text}

    def ledger(self) -> Ledger:
        """The documents as they are now.

        Raises:
            ForgeRefused: there is no state branch, or none that may be read; the message says what to do.
            ForgeUnavailable: it could not be read.
        """
        try:
            return Ledger(self._store.load())
        except StateError as error:
            raise unreadable(error) from error

    def change(self, decide: Decide) -> None:
        """Decide on the documents as they are, and write what was decided; a lost race decides again (P6).

        Raises:
            ForgeRefused: as `ledger`, or the write was refused.
            ForgeUnclear: it may have been written.
            ForgeUnavailable: it was not written.
        """
        try:
            self._store.transact(lambda snapshot: decide(Ledger(snapshot)))
        except StateError as error:
            raise unreadable(error) from error


def unreadable(error: StateError) -> ForgeUnavailable:
    """What an error of the state branch means to those who ask a forge."""
    if isinstance(error, StateDenied | MissingState | RewoundState):
        return ForgeRefused(str(error))
    if isinstance(error, StateUnclear):
        return ForgeUnclear(str(error))
    if isinstance(error, StateDocumentError):
        return ForgeUnavailable(f"{error}; `orch-gates state lint` names every such file")
    return ForgeUnavailable(str(error))


def made(kind: type[D], values: Mapping[str, Any]) -> D:
    """A document with these values.

    Raises:
        ForgeRefused: they are not what it may hold; the message names the field.
    """
    try:
        return codec.validated(kind, {"schema": kind.schema_name(), **values})
    except StateDocumentError as error:
        raise ForgeRefused(str(error)) from error


def changed(document: D, **values: Any) -> D:
    """The same document with some values changed.

    Raises:
        ForgeRefused: as `made`.
    """
    return made(type(document), {**document.fields(), **values})


def write(event: str, subject: str, path: str, document: Document, body: str = "") -> Change:
    """The change that writes one document.

    Raises:
        ForgeRefused: it is bigger than a document may be.
    """
    try:
        text = codec.encode(document, escape.well_formed(body))
    except StateDocumentError as error:
        raise ForgeRefused(str(error)) from error
    return Change(event=event, task="-", subject=subject, writes={path: text})


def _is_number(number: int) -> bool:
    return 0 < number <= 999_999_999
