"""Text of the state branch to documents and back; every file is untrusted input (OWN-3, ST-1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from orch_gates.documents import escape, frontmatter
from orch_gates.errors import ReportError, StateDocumentError, UpgradeNeeded
from orch_gates.model.document import Document
from orch_gates.model.forge import Issue, Pull, Rule, Statuses
from orch_gates.model.ids import timestamp
from orch_gates.model.job import Job
from orch_gates.model.lease import Lease
from orch_gates.model.report import Report
from orch_gates.model.root import Root
from orch_gates.model.task import Task
from orch_gates.state import layout

_KINDS_AT: Mapping[type[layout.Place], type[Document]] = {
    layout.RootFile: Root,
    layout.TaskFile: Task,
    layout.JobFile: Job,
    layout.LeaseFile: Lease,
    layout.ReportFile: Report,
    layout.PullFile: Pull,
    layout.IssueFile: Issue,
    layout.StatusesFile: Statuses,
    layout.ProtectionFile: Rule,
}
KINDS: dict[str, type[Document]] = {kind.KIND: kind for kind in _KINDS_AT.values()}

Migration = Callable[[dict[str, Any]], dict[str, Any]]
# (kind, version) to a function that gives the next version. No older version was ever released.
MIGRATIONS: Mapping[tuple[str, int], Migration] = {}

_SCHEMA = re.compile(r"orch\.([a-z]+)/([1-9][0-9]{0,5})")
_MOST_LOGGED = 2000

D = TypeVar("D", bound=Document)


def decode(
    path: str, text: str, *, migrations: Mapping[tuple[str, int], Migration] = MIGRATIONS
) -> tuple[Document, str]:
    """The document at a path of the branch, and the body below it.

    Raises:
        StateDocumentError: it is malformed, or not what belongs at this path; file, field and rule are named.
        UpgradeNeeded: a newer orch-gates wrote it.
    """
    wanted = _kind_at(path)
    try:
        values, body = frontmatter.decode(text)
    except ReportError as error:
        raise StateDocumentError(f"{path}: {error}") from error
    document = validated(wanted, _migrated(path, wanted, values, migrations), path)
    _agrees(path, document)
    return document, body


def encode(document: Document, body: str) -> str:
    """The file that `decode` reads back as the same document and body.

    Raises:
        StateDocumentError: it holds more than a document may.
    """
    try:
        return frontmatter.encode(document.fields(), body)
    except ReportError as error:
        raise StateDocumentError(f"{document.schema_name()}: {error}") from error


def validated(kind: type[D], values: Mapping[str, Any], path: str = "") -> D:
    """Values as a document.

    Raises:
        StateDocumentError: a field is missing or not of its kind; the message names it.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "frontmatter"
        raise StateDocumentError(escape.visible(f"{path or kind.KIND}: {field}: {first['msg']}")) from error


def append_line(body: str, now: datetime, text: str) -> str:
    """The body with one more line of its log; foreign text stays text, whatever it holds (OWN-3)."""
    line = escape.markdown(escape.clip(escape.well_formed(text), _MOST_LOGGED))
    start = body if not body or body.endswith("\n") else f"{body}\n"
    return f"{start}- {timestamp(now)} {line}\n"


def _kind_at(path: str) -> type[Document]:
    place = layout.classify(path)
    inner = place.inner if isinstance(place, layout.Archived) else place
    if isinstance(inner, layout.Unknown):
        raise StateDocumentError(f"{path}: {inner.why}")
    if (kind := _KINDS_AT.get(type(inner))) is None:
        raise StateDocumentError(f"{path}: holds no document of a known kind")
    return kind


def _migrated(
    path: str, wanted: type[Document], values: dict[str, Any], migrations: Mapping[tuple[str, int], Migration]
) -> dict[str, Any]:
    found = _SCHEMA.fullmatch(str(values.get("schema", "")))
    if found is None or found[1] != wanted.KIND:
        raise StateDocumentError(f"{path}: schema: {wanted.schema_name()} is expected here")
    version = int(found[2])
    if version > wanted.VERSION:
        raise UpgradeNeeded(
            f"{path}: schema: {found[0]} was written by a newer orch-gates; "
            f"upgrade, this one knows {wanted.schema_name()}"
        )
    for step in range(version, wanted.VERSION):
        migration = migrations.get((wanted.KIND, step))
        if migration is None:
            raise StateDocumentError(f"{path}: schema: nothing leads from {found[0]} to {wanted.schema_name()}")
        values = migration(values) | {"schema": f"orch.{wanted.KIND}/{step + 1}"}
    return values


def _agrees(path: str, document: Document) -> None:
    place = layout.classify(path)
    inner = place.inner if isinstance(place, layout.Archived) else place
    told: dict[str, str | int] = {}
    match inner, document:
        case layout.TaskFile(task=task), Task():
            told = {"id": task}
        case layout.JobFile(task=task, attempt=attempt), Job():
            told = {"task": task, "attempt": attempt}
        case layout.LeaseFile(target=target), Lease():
            told = {"target": target}
        case layout.PullFile(number=number), Pull():
            told = {"number": number}
        case layout.IssueFile(number=number), Issue():
            told = {"number": number}
        case layout.StatusesFile(commit=commit), Statuses():
            told = {"commit": commit}
        case layout.ProtectionFile(branch=branch), Rule():
            told = {"branch": branch}
        case _:
            return
    for field, value in told.items():
        if getattr(document, field) != value:
            raise StateDocumentError(f"{path}: {field}: {value!r} is expected, as the file's path says")
