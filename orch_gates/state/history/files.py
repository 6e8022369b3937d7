"""One file of the state branch, by itself: what it is, or what is wrong with it (ST-6, OWN-3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orch_gates.documents import escape
from orch_gates.errors import ReportError, StateDocumentError
from orch_gates.model.document import Document
from orch_gates.state import codec
from orch_gates.state.kinds import DocumentKind, Kinds, UnknownPath
from orch_gates.state.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class StateProblem:
    """What breaks which rule: a path (empty for the commit itself), a field (empty for the file itself), a rule."""

    path: str
    field: str
    rule: str

    @property
    def line(self) -> str:
        """The same in one line for people."""
        return escape.visible(": ".join(part for part in (self.path or "commit", self.field, self.rule) if part))


@dataclass(frozen=True, slots=True)
class DecodedFile:
    """A file's document and body; no document where it has none, or where there is a problem with its form."""

    document: Document | None = None
    body: str = ""
    problem: StateProblem | None = None


def read(kinds: Kinds, path: str, data: bytes) -> DecodedFile:
    """Decode a file by what its path says; total, for any path and any bytes."""
    location = kinds.locate(path)
    if isinstance(location, UnknownPath):
        return _malformed(path, location.why)
    try:
        text = data.decode()
        if isinstance(location.kind, DocumentKind):
            return DecodedFile(*codec.decode_at(location.kind, location.keys, path, text))
        return DecodedFile(body=text)
    except UnicodeDecodeError as error:
        return _malformed(path, f"byte {error.start + 1} is not UTF-8")
    except (ReportError, StateDocumentError) as error:
        return _malformed(path, str(error).removeprefix(f"{path}: "))


def _malformed(path: str, rule: str) -> DecodedFile:
    return DecodedFile(problem=StateProblem(path, "", rule))


def alone(kinds: Kinds, path: str, data: bytes) -> tuple[StateProblem, ...]:
    """Everything that is wrong with a file, whatever it was before."""
    found = read(kinds, path, data)
    if found.problem is not None:
        return (found.problem,)
    if found.document is None:
        return ()
    kind = kinds.by_name[found.document.KIND]
    return tuple(StateProblem(path, broken.field, broken.rule) for broken in kind.alone(found.document))


def each(kinds: Kinds, snapshot: Snapshot) -> Iterator[tuple[StateProblem, ...]]:
    """Everything that is wrong with each file of the branch, by itself.

    Raises:
        StateUnreachable: a file could not be had.
    """
    for entry in snapshot.files():
        try:
            yield alone(kinds, entry.path, snapshot.read(entry).encode())
        except StateDocumentError as error:
            yield (StateProblem(entry.path, "", str(error).removeprefix(f"{entry.path}: ")),)
