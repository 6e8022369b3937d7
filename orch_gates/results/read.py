"""Reading one file of results: which format it is in is told by what is in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from orch_gates.results import ctrf, gotest, jest, junit, playwright, pytest_json, tap, values
from orch_gates.results.model import CheckCollector, Format, ResultProblem, Results, ResultsUnreadable
from orch_gates.results.source import ResultFile

_LOOKED_AT = 65_536
_LINES: Mapping[Format, Callable[[Iterable[str], CheckCollector], None]] = {
    Format.TAP: tap.read,
    Format.GOTEST: gotest.read,
}
_DOCUMENTS: Mapping[
    Format, tuple[Callable[[Mapping[str, Any]], bool], Callable[[Mapping[str, Any], CheckCollector], None]]
]
_DOCUMENTS = {
    Format.CTRF: (ctrf.is_one, ctrf.read),
    Format.JEST: (jest.is_one, jest.read),
    Format.PYTEST: (pytest_json.is_one, pytest_json.read),
    Format.PLAYWRIGHT: (playwright.is_one, playwright.read),
}
_KNOWN = "JUnit XML, TAP, CTRF, jest --json, vitest json, pytest-json-report, playwright json, go test -json"


def read(path: Path, name: str, wanted: Format | None = None) -> Results:
    """What a file says; `wanted` is the format that it has to be in. Never raises: what is wrong is in the answer."""
    into = CheckCollector()
    try:
        source = ResultFile(path)
    except ResultsUnreadable as error:
        return Results(name, wanted, problems=(error.problem,))
    found = wanted
    try:
        begin = source.begin(_LOOKED_AT)
        if not begin.strip():
            raise ResultsUnreadable("it is empty")
        found = wanted or _told_by(begin)
        found = _into(source, found, into)
    except ResultsUnreadable as error:
        into.problems.append(error.problem)
    except Exception as error:  # noqa: BLE001 - whatever a hostile file provokes proves nothing (P3)
        into.problems.append(ResultProblem(f"it could not be read: {type(error).__name__}: {error}"))
    finally:
        source.close()
    return Results(name, found, tuple(into.checks), tuple(into.problems), source.digest, into.exit_code)


def _into(source: ResultFile, found: Format | None, into: CheckCollector) -> Format:
    """Read a file in a format, or in the one that its document turns out to be in."""
    if found is Format.JUNIT:
        junit.read(source.chunks(), into)
        return found
    if found is not None and found in _LINES:
        _LINES[found](source.lines(), into)
        return found
    document = values.document(source.whole(values.MOST_BYTES))
    if found is None:
        found = next((one for one, (is_one, _) in _DOCUMENTS.items() if is_one(document)), None)
    if found is None:
        raise ResultsUnreadable(f"it is JSON, but of an unknown test runner; known are {_KNOWN}")
    is_one, reading = _DOCUMENTS[found]
    if not is_one(document):
        raise ResultsUnreadable(f"it is not a {found} document")
    reading(document, into)
    return found


def _told_by(begin: bytes) -> Format | None:
    """The format by the first bytes; None for a JSON document, whose keys tell.

    Raises:
        Unreadable: it is in none that is known.
    """
    if begin[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return Format.JUNIT
    text = begin.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"<"):
        return Format.JUNIT
    first = text.partition(b"\n")[0].decode("utf-8", "replace").strip()
    if text.startswith(b"{"):
        return Format.GOTEST if _is_event(first) else None
    if text.startswith(b"#") or tap.is_first_line(first):
        return Format.TAP
    raise ResultsUnreadable(f"its format is not known: its first line is {first[:100]!r}; known are {_KNOWN}")


def _is_event(line: str) -> bool:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(event, dict) and isinstance(event.get("Action"), str)
