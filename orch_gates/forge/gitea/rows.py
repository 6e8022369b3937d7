"""Fields of the server's documents: what is not there, or of another kind, is no answer (P2)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from orch_gates.errors import ForgeUnavailable


def repository_path(repository: str) -> str:
    """The API's path of `owner/name`."""
    owner, _, name = repository.partition("/")
    return f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}"


def document(found: object) -> dict[str, Any]:
    """An answer that has to be a document.

    Raises:
        ForgeUnavailable: it is something else.
    """
    if not isinstance(found, dict):
        raise ForgeUnavailable("the forge's answer is no document")
    return found


def part(row: dict[str, Any], name: str) -> dict[str, Any]:
    """A document inside another.

    Raises:
        ForgeUnavailable: it is missing.
    """
    value = row.get(name)
    if not isinstance(value, dict):
        raise _missing(name)
    return value


def text(row: dict[str, Any], name: str) -> str:
    """A text.

    Raises:
        ForgeUnavailable: it is missing.
    """
    value = row.get(name)
    if not isinstance(value, str):
        raise _missing(name)
    return value


def number(row: dict[str, Any], name: str) -> int:
    """A whole number.

    Raises:
        ForgeUnavailable: it is missing.
    """
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _missing(name)
    return value


def flag(row: dict[str, Any], name: str) -> bool:
    """Yes or no.

    Raises:
        ForgeUnavailable: it is missing.
    """
    value = row.get(name)
    if not isinstance(value, bool):
        raise _missing(name)
    return value


def texts(row: dict[str, Any], name: str) -> tuple[str, ...]:
    """A list of texts; the server writes an empty one as null.

    Raises:
        ForgeUnavailable: it is missing.
    """
    value = row.get(name, ...)
    value = [] if value is None else value
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _missing(name)
    return tuple(value)


def login(row: dict[str, Any]) -> str:
    """The login of the user that a row is by.

    Raises:
        ForgeUnavailable: it is missing.
    """
    return text(part(row, "user"), "login")


def _missing(name: str) -> ForgeUnavailable:
    return ForgeUnavailable(f"the forge's answer has no {name}")
