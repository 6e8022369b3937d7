"""CTRF: the JSON format that plugins of many runners write (ctrf.io)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from orch_gates.results.model import CheckCollector, CheckStatus
from orch_gates.results.values import claim, mapping, rows, text, texts

_STATUSES = {
    "passed": CheckStatus.PASSED,
    "failed": CheckStatus.FAILED,
    "skipped": CheckStatus.SKIPPED,
    "pending": CheckStatus.SKIPPED,
    # Nobody knows what it means.
    "other": CheckStatus.ERRORED,
}


def is_one(document: Mapping[str, Any]) -> bool:
    """Whether a document is in this format."""
    return document.get("reportFormat") == "CTRF" or "tests" in mapping(document.get("results"))


def read(document: Mapping[str, Any], into: CheckCollector) -> None:
    """Read a document into a collector.

    Raises:
        Unreadable: there are more checks than anybody could look at.
    """
    results = mapping(document.get("results"))
    if not isinstance(results.get("tests"), list):
        into.problem("there is no list results.tests")
    found: Counter[str] = Counter()
    for test in rows(results.get("tests"), "results.tests", into):
        stated = text(test.get("status"))
        found[stated] += 1
        suite, name = " > ".join(texts(test.get("suite"))), text(test.get("name"))
        status = _STATUSES.get(stated, CheckStatus.ERRORED)
        if stated == "other" and text(test.get("rawStatus")) == "todo":
            status = CheckStatus.TODO
        message = "\n".join(part for part in (text(test.get("message")), text(test.get("trace"))) if part)
        # Some plugins write the suite into the name as well.
        suite = "" if "::" in name or name.startswith(suite) else suite
        into.add(suite, name, status, [message], flaky=test.get("flaky") is True)
    summary = mapping(results.get("summary"))
    claim(summary, "tests", found.total(), "tests", into)
    for name in _STATUSES:
        claim(summary, name, found[name], f"{name} tests", into)
