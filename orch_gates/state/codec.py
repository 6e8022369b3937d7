"""Text of the state branch to documents and back; every file is untrusted input (OWN-3, ST-1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from orch_gates.documents import escape, frontmatter
from orch_gates.errors import ReportError, StateDocumentError, UpgradeNeeded
from orch_gates.model.document import Document
from orch_gates.model.ids import timestamp
from orch_gates.state.kinds import DocumentKind
from orch_gates.state.paths import Keys

_SCHEMA = re.compile(r"orch\.([a-z]+)/([1-9][0-9]{0,5})")
_MOST_LOGGED = 2000

D = TypeVar("D", bound=Document)


def decode(kind: DocumentKind[D], path: str, text: str) -> tuple[D, str]:
    """The document of a kind at a path of the branch, and the body below it.

    Raises:
        StateDocumentError: it is malformed, or not what belongs at this path; file, field and rule are named.
        UpgradeNeeded: a newer orch-gates wrote it.
    """
    keys = kind.match(path)
    if not isinstance(keys, Mapping):
        raise StateDocumentError(f"{path}: a document of kind {kind.name} does not belong here")
    return decode_at(kind, keys, path, text)


def decode_at(kind: DocumentKind[D], keys: Keys, path: str, text: str) -> tuple[D, str]:
    """As `decode`, where the keys in the path are known; the path may be in the archive.

    Raises:
        StateDocumentError, UpgradeNeeded: as `decode`.
    """
    try:
        values, body = frontmatter.decode(text)
    except ReportError as error:
        raise StateDocumentError(f"{path}: {error}") from error
    _check_schema(path, kind.model, values)
    document = validated(kind.model, values, path)
    for field, value in kind.expected(keys).items():
        if getattr(document, field) != value:
            raise StateDocumentError(f"{path}: {field}: {value!r} is expected, as the file's path says")
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


def newest(body: str, lines: int) -> str:
    """The end of a log: all of it is in the history of the branch, and a document has to stay small for ever."""
    return "".join(body.splitlines(keepends=True)[-lines:])


def _check_schema(path: str, wanted: type[Document], values: Mapping[str, Any]) -> None:
    found = _SCHEMA.fullmatch(str(values.get("schema", "")))
    if found is None or found[1] != wanted.KIND:
        raise StateDocumentError(f"{path}: schema: {wanted.schema_name()} is expected here")
    if int(found[2]) > wanted.VERSION:
        raise UpgradeNeeded(
            f"{path}: schema: {found[0]} was written by a newer orch-gates; "
            f"upgrade, this one knows {wanted.schema_name()}"
        )
