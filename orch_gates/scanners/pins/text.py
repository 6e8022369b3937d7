"""Files from outside as values, and where those values stand (pure, OWN-3).

The parsers of the standard library do not say on which line a value stands, so lines are looked for in the text.
"""

from __future__ import annotations

import json
import posixpath
import re
import tomllib
from collections.abc import Iterator, Sequence
from typing import Any

from orch_gates.errors import PinsUnreadable

_LINE = re.compile(r"\(at line (\d+)")
# tomllib takes time that grows with the square of the parts of a dotted key.
_LONG_KEY = re.compile(r"(?<![\w\"'-])(?:(?:[A-Za-z0-9_-]++|\"[^\"\n]*+\"|'[^'\n]*+')[ \t]*+\.[ \t]*+){32}")
_ARCHIVES = (".whl", ".zip", ".tar", ".gz", ".bz2", ".xz", ".tgz", ".egg")
_NAME_LINE = re.compile(r"^[ \t]*name[ \t]*=[ \t]*[\"']([^\"'\n]*)[\"']", re.MULTILINE)


def decoded(data: bytes) -> str:
    """Text with plain line ends.

    Raises:
        PinsUnreadable: it is not UTF-8.
    """
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise PinsUnreadable("not UTF-8") from error


def toml(text: str) -> dict[str, Any]:
    """The values of a TOML document.

    Raises:
        PinsUnreadable: it is none, or is nested too deeply.
    """
    if _LONG_KEY.search(text):
        raise PinsUnreadable("a key of too many parts")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise PinsUnreadable("nested too deeply") from error
    except ValueError as error:
        found = _LINE.search(str(error))
        raise PinsUnreadable(f"not TOML (line {found[1]})" if found else "not TOML") from error


def json_object(text: str) -> dict[str, Any]:
    """The values of a JSON object.

    Raises:
        PinsUnreadable: it is none, repeats a key, or is nested too deeply.
    """
    try:
        value = json.loads(text, object_pairs_hook=_unrepeated)
    except RecursionError as error:
        raise PinsUnreadable("nested too deeply") from error
    except json.JSONDecodeError as error:
        raise PinsUnreadable(f"not JSON (line {error.lineno})") from error
    except ValueError as error:
        raise PinsUnreadable("not JSON") from error
    return table(value, "the document")


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise PinsUnreadable("a key that is repeated")
    return found


def table(value: object, place: str) -> dict[str, Any]:
    """A mapping, which this has to be; nothing is an empty one.

    Raises:
        PinsUnreadable: it is something else.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise PinsUnreadable(f"{place} must be a table")
    return value


def items(value: object, place: str) -> list[Any]:
    """A list, which this has to be; nothing is an empty one.

    Raises:
        PinsUnreadable: it is something else.
    """
    if value is None:
        return []
    if not isinstance(value, list):
        raise PinsUnreadable(f"{place} must be a list")
    return value


def texts(value: object, place: str) -> list[str]:
    """A list of texts, which this has to be; nothing is an empty one.

    Raises:
        PinsUnreadable: it is something else.
    """
    found = items(value, place)
    if not all(isinstance(item, str) for item in found):
        raise PinsUnreadable(f"{place} must hold texts only")
    return found


def inside(path: str, named: str) -> str:
    """Where a file of the repository means by a relative path; empty for what is outside or has no fixed place."""
    if not named or "://" in named or "$" in named or named.startswith("/"):
        return ""
    place = posixpath.normpath(posixpath.join(posixpath.dirname(path), named))
    return "" if place.split("/", 1)[0] == ".." else place


def folder_inside(path: str, named: str) -> bool:
    """Whether a file of the repository means a folder of the repository, as far as names tell."""
    return bool(inside(path, named)) and not named.lower().endswith(_ARCHIVES)


class Lines:
    """The first line of each value: a whole line, a quoted text, a key, or what follows a key."""

    def __init__(self, text: str) -> None:
        self._first: dict[str, int] = {}
        for number, line in enumerate(text.split("\n"), 1):
            key, _, value = line.partition("=")
            for piece in (line, key, value, *re.split("[\"']", line)):
                self._first.setdefault(piece.strip(), number)

    def of(self, value: str) -> int:
        """The line from 1, or 0 where it is not found."""
        # A marker with quotes of its own ends the piece that was kept.
        return self._first.get(re.split("[\"']", value)[0].rstrip("\\").strip(), 0)


def name_lines(text: str, names: Sequence[str]) -> Iterator[int]:
    """The line `name = "…"` of each table of a lock, whose order is `names`; 0 for those not found."""
    found = _NAME_LINE.finditer(text)
    line, at = 1, 0
    for name in names:
        match = next((match for match in found if match[1] == name), None)
        if match:
            line += text.count("\n", at, match.start(1))
            at = match.start(1)
        yield line if match else 0
