"""The JSON reporter of Playwright."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from orch_gates.results.model import CheckCollector, CheckStatus, ResultsUnreadable
from orch_gates.results.values import claim, mapping, rows, text

_DEEPEST = 64
_STATUSES = {
    "expected": CheckStatus.PASSED,
    "flaky": CheckStatus.PASSED,
    "unexpected": CheckStatus.FAILED,
    "skipped": CheckStatus.SKIPPED,
}


def is_one(document: Mapping[str, Any]) -> bool:
    """Whether a document is in this format."""
    return "suites" in document and "stats" in document


def read(document: Mapping[str, Any], into: CheckCollector) -> None:
    """Read a document into a collector; an error outside of all tests is red.

    Raises:
        Unreadable: suites are nested too deep, or there are more checks than anybody could look at.
    """
    found: Counter[str] = Counter()
    for path, spec in _specs(document.get("suites"), (), into):
        for test in rows(spec.get("tests"), "tests", into):
            stated = text(test.get("status"))
            found[stated] += 1
            project = text(test.get("projectName"))
            name = " > ".join([*path[1:], text(spec.get("title"))]) + (f" [{project}]" if project else "")
            status = _STATUSES.get(stated, CheckStatus.ERRORED)
            into.add(path[0] if path else "", name, status, _failures(test, into), flaky=stated == "flaky")
    for error in rows(document.get("errors"), "errors", into):
        into.add("", "(run)", CheckStatus.ERRORED, [_message(error)])
    stats = mapping(document.get("stats"))
    for name in _STATUSES:
        claim(stats, name, found[name], f"{name} tests", into)


def _specs(
    suites: object, path: tuple[str, ...], into: CheckCollector
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    if len(path) > _DEEPEST:
        raise ResultsUnreadable(f"suites are nested deeper than {_DEEPEST}")
    for suite in rows(suites, "suites", into):
        here = (*path, text(suite.get("title")))
        for spec in rows(suite.get("specs"), "specs", into):
            yield here, spec
        yield from _specs(suite.get("suites"), here, into)


def _failures(test: Mapping[str, Any], into: CheckCollector) -> list[str]:
    return [_message(result["error"]) for result in rows(test.get("results"), "results", into) if result.get("error")]


def _message(error: object) -> str:
    found = mapping(error)
    return text(found.get("message")) or text(found.get("value"))
