"""One file of the state branch, by itself: what it is, or what is wrong with it (ST-6, OWN-3)."""

from __future__ import annotations

from dataclasses import dataclass

from orch_gates.documents import escape, frontmatter
from orch_gates.engine import legality
from orch_gates.errors import ReportError, StateDocumentError
from orch_gates.model.document import Document
from orch_gates.model.forge import Pull
from orch_gates.model.root import Root
from orch_gates.model.task import Task
from orch_gates.state import codec, layout


@dataclass(frozen=True, slots=True)
class Problem:
    """What breaks which rule: a path (empty for the commit itself), a field (empty for the file itself), a rule."""

    path: str
    field: str
    rule: str

    @property
    def line(self) -> str:
        """The same in one line for people."""
        return escape.visible(": ".join(part for part in (self.path or "commit", self.field, self.rule) if part))


@dataclass(frozen=True, slots=True)
class Read:
    """A file's document and body; no document where it has none, or where there is a problem with its form."""

    document: Document | None = None
    body: str = ""
    problem: Problem | None = None


def read(path: str, data: bytes) -> Read:
    """Decode a file by what its path says; total, for any path and any bytes."""
    try:
        text = data.decode()
        match layout.classify(path):
            case layout.Unknown(why=why):
                return _malformed(path, why)
            case layout.ReadmeFile():
                return Read(body=text)
            case layout.SweepFile():
                return Read(body=frontmatter.decode(text)[1])
            case _:
                return Read(*codec.decode(path, text))
    except UnicodeDecodeError as error:
        return _malformed(path, f"byte {error.start + 1} is not UTF-8")
    except (ReportError, StateDocumentError) as error:
        return _malformed(path, str(error).removeprefix(f"{path}: "))


def _malformed(path: str, rule: str) -> Read:
    return Read(problem=Problem(path, "", rule))


def alone(path: str, data: bytes) -> tuple[Problem, ...]:
    """Everything that is wrong with a file, whatever it was before."""
    found = read(path, data)
    if found.problem is not None:
        return (found.problem,)
    return tuple(Problem(path, broken.field, broken.rule) for broken in _broken(found.document))


def _broken(document: Document | None) -> tuple[legality.Violation, ...]:
    match document:
        case Task():
            return legality.task_alone(document)
        case Root():
            return legality.root_alone(document)
        case Pull():
            return legality.pull_alone(document)
        case _:
            return ()
