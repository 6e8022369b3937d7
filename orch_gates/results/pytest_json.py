"""The JSON of the plugin pytest-json-report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from orch_gates.results.model import CheckCollector, CheckStatus, count
from orch_gates.results.values import claim, mapping, rows, text

_STATUSES = {
    "passed": CheckStatus.PASSED,
    "xpassed": CheckStatus.PASSED,
    "failed": CheckStatus.FAILED,
    "error": CheckStatus.ERRORED,
    "skipped": CheckStatus.SKIPPED,
    "xfailed": CheckStatus.TODO,
}
_PHASES = ("setup", "call", "teardown")


def is_one(document: Mapping[str, Any]) -> bool:
    """Whether a document is in this format."""
    return "exitcode" in document and "summary" in document


def read(document: Mapping[str, Any], into: CheckCollector) -> None:
    """Read a document into a collector; a file that could not be collected is red.

    Raises:
        Unreadable: there are more checks than anybody could look at.
    """
    found: Counter[str] = Counter()
    for test in rows(document.get("tests"), "tests", into):
        outcome = text(test.get("outcome"))
        found[outcome] += 1
        into.add("", text(test.get("nodeid")), _STATUSES.get(outcome, CheckStatus.ERRORED), list(_failures(test)))
    for collector in rows(document.get("collectors"), "collectors", into):
        if collector.get("outcome") not in {"passed", "skipped"}:
            into.add(
                text(collector.get("nodeid")), "(collection)", CheckStatus.ERRORED, [text(collector.get("longrepr"))]
            )
    summary = mapping(document.get("summary"))
    claim(summary, "total", found.total(), "tests", into)
    for name in _STATUSES:
        claim(summary, name, found[name], f"{name} tests", into)
    into.exit_code = count(document.get("exitcode"))
    if into.exit_code is None:
        into.problem("exitcode must be a number")


def _failures(test: Mapping[str, Any]) -> Iterator[str]:
    for phase in _PHASES:
        part = mapping(test.get(phase))
        if part.get("outcome") == "failed":
            message = text(mapping(part.get("crash")).get("message"))
            yield "\n".join(one for one in (message, text(part.get("longrepr"))) if one)
