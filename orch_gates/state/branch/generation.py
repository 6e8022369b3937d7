"""The generation in `orch-state.md`: read and raised in the text, so that all else stays as it was (ST-4)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orch_gates.documents import frontmatter
from orch_gates.errors import NoStateDocument, ReportError, StateDocumentError, UpgradeNeeded
from orch_gates.state.layout import ROOT

if TYPE_CHECKING:
    from orch_gates.documents.yaml_read import Value

_SCHEMA = re.compile(r"orch\.state/([1-9][0-9]{0,8})")
_VERSION = 1
_FIELD = re.compile(r"^generation:[^\n]*$", re.MULTILINE)


def read(text: str | None) -> int:
    """The generation that `orch-state.md` holds.

    Raises:
        StateDocumentError: the file is missing or malformed.
        UpgradeNeeded: it is of a newer schema.
    """
    return _decode(text)[0]


def raised(text: str | None, to: int) -> str:
    """The same document with another generation.

    Raises:
        StateDocumentError: as `read`.
    """
    _, fields, body = _decode(text)
    assert text is not None
    wanted = {**fields, "generation": to}
    raw, _ = frontmatter.split(text)
    edited = frontmatter.join(_FIELD.sub(f"generation: {to}", raw, count=1), body)
    # A spelling that the pattern does not know is written anew, without its comments.
    return edited if _same(edited, wanted) else frontmatter.encode(wanted, body)


def _same(text: str, wanted: dict[str, Value]) -> bool:
    try:
        return frontmatter.decode(text)[0] == wanted
    except ReportError:
        return False


def _decode(text: str | None) -> tuple[int, dict[str, Value], str]:
    if text is None:
        raise NoStateDocument(f"{ROOT}: missing; put it back by hand: `orch-gates help state`")
    try:
        fields, body = frontmatter.decode(text)
    except ReportError as error:
        raise StateDocumentError(f"{ROOT}: {error}") from error
    schema = fields.get("schema")
    named = _SCHEMA.fullmatch(schema) if isinstance(schema, str) else None
    if named is None:
        raise StateDocumentError(f"{ROOT}: `schema` has to be orch.state/{_VERSION}")
    if int(named[1]) > _VERSION:
        raise UpgradeNeeded(f"{ROOT}: {schema} was written by a newer orch-gates; upgrade this one")
    generation = fields.get("generation")
    if isinstance(generation, bool) or not isinstance(generation, int) or generation < 1:
        raise StateDocumentError(f"{ROOT}: `generation` has to be a whole number above zero")
    return generation, fields, body
