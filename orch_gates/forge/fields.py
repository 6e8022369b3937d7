"""Fields of a forge's documents: one that is missing, or of another kind, is no answer (P2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from orch_gates.errors import ForgeUnavailable, ForgeUnclear

Row: TypeAlias = dict[str, Any]
T = TypeVar("T")


def document(found: object) -> Row:
    """An answer that has to be a document.

    Raises:
        ForgeUnavailable: it is something else.
    """
    if not isinstance(found, dict):
        raise ForgeUnavailable("the forge's answer is not a JSON object")
    return found


def written(read: Callable[[Row], T], found: object) -> T:
    """The answer to a write, read from its document.

    Raises:
        ForgeUnclear: it cannot be read, while the thing may have been done.
    """
    try:
        return read(document(found))
    except ForgeUnavailable as error:
        raise ForgeUnclear(str(error)) from error


def part(row: Row, name: str) -> Row:
    """A document inside.

    Raises:
        ForgeUnavailable: there is none.
    """
    value = row.get(name)
    if not isinstance(value, dict):
        raise _missing(name)
    return value


def text(row: Row, name: str) -> str:
    """A text.

    Raises:
        ForgeUnavailable: there is none.
    """
    value = row.get(name)
    if not isinstance(value, str):
        raise _missing(name)
    return value


def optional_text(row: Row, name: str) -> str:
    """A text that may be left out, or null: then it is empty.

    Raises:
        ForgeUnavailable: it is something else.
    """
    return "" if row.get(name) is None else text(row, name)


def number(row: Row, name: str) -> int:
    """A whole number.

    Raises:
        ForgeUnavailable: there is none.
    """
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _missing(name)
    return value


def started(answer: object, *names: str) -> int:
    """The id of a run that was started, under one of these names; 0 where the answer has none."""
    values = [answer.get(name) for name in names] if isinstance(answer, dict) else []
    return next((value for value in values if isinstance(value, int) and not isinstance(value, bool) and value > 0), 0)


def flag(row: Row, name: str) -> bool:
    """Yes or no.

    Raises:
        ForgeUnavailable: there is neither.
    """
    value = row.get(name)
    if not isinstance(value, bool):
        raise _missing(name)
    return value


def parts(row: Row, name: str) -> tuple[Row, ...]:
    """Documents inside.

    Raises:
        ForgeUnavailable: there is no list of them.
    """
    value = row.get(name)
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise _missing(name)
    return tuple(value)


def texts(row: Row, name: str) -> tuple[str, ...]:
    """Texts inside.

    Raises:
        ForgeUnavailable: there is no list of them.
    """
    value = row.get(name)
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise _missing(name)
    return tuple(value)


def _missing(name: str) -> ForgeUnavailable:
    return ForgeUnavailable(f"the forge's answer has no {name}")
