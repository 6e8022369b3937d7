"""A JSON document of a runner, read within bounds, and its fields read without trust."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from orch_gates.documents import strict_json
from orch_gates.results.model import CheckCollector, ResultsUnreadable, count

MOST_BYTES = 32 * 1024 * 1024
# A document of nothing but brackets would take forty times its size.
_MOST_VALUES = 6_000_000
_MOST_CONTAINERS = 1_500_000


def document(data: bytes) -> Mapping[str, Any]:
    """The object that a document is.

    Raises:
        Unreadable: it is none, is not whole, or is nested too deep.
    """
    if data.count(b"[") + data.count(b"{") > _MOST_CONTAINERS or data.count(b",") > _MOST_VALUES:
        raise ResultsUnreadable("it has more values than a report may have")
    try:
        found = strict_json.loads(data.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise ResultsUnreadable(f"it is not JSON, or incomplete: {error.msg}", error.lineno) from error
    except RecursionError as error:
        raise ResultsUnreadable("it is nested too deep") from error
    except ValueError as error:
        raise ResultsUnreadable(f"it is not JSON: {str(error)[:200]}") from error
    if not isinstance(found, dict):
        raise ResultsUnreadable("it is not a JSON object")
    return found


def mapping(value: object) -> Mapping[str, Any]:
    """A value that should be an object; empty where it is none."""
    return value if isinstance(value, Mapping) else {}


def rows(value: object, what: str, into: CheckCollector) -> Iterator[Mapping[str, Any]]:
    """The objects of a list; whatever is there instead is a problem."""
    if not isinstance(value, list):
        if value is not None:
            into.problem(f"{what} must be a list")
        return
    for row in value:
        if isinstance(row, Mapping):
            yield row
        else:
            into.problem(f"{what} must hold objects only")


def text(value: object) -> str:
    """A text; empty where it is none. An undecodable half of a character stays, and is shown as its code."""
    return value if isinstance(value, str) else ""


def texts(value: object) -> list[str]:
    """The texts in a list, or the one text in its place."""
    if isinstance(value, list):
        return [one for one in value if isinstance(one, str)]
    return [value] if isinstance(value, str) else []


def claim(stated: Mapping[str, Any], name: str, shown: int, what: str, into: CheckCollector) -> None:
    """Hold a count against what is there: neither may say more or less than the other; a missing one says nothing."""
    if name not in stated:
        return
    claimed = count(stated[name])
    if claimed is None:
        into.problem(f"{name} must be a number")
    elif claimed != shown:
        into.problem(f"it claims {claimed} {what} ({name}), but shows {shown}")
