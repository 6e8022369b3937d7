"""`jest --json` and vitest's reporter `json`, which is much the same."""

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
    "disabled": CheckStatus.SKIPPED,
    "todo": CheckStatus.TODO,
}


def is_one(document: Mapping[str, Any]) -> bool:
    """Whether a document is in this format."""
    return "testResults" in document and "numTotalTests" in document


def read(document: Mapping[str, Any], into: CheckCollector) -> None:
    """Read a document into a collector; a file of tests that did not load is red.

    Raises:
        Unreadable: there are more checks than anybody could look at.
    """
    found: Counter[CheckStatus] = Counter()
    broken = 0
    for file in rows(document.get("testResults"), "testResults", into):
        name, red = _short(text(file.get("name"))), False
        for test in rows(file.get("assertionResults"), "assertionResults", into):
            status = _STATUSES.get(text(test.get("status")), CheckStatus.ERRORED)
            found[status] += 1
            red = red or status.is_red
            title = " > ".join([*texts(test.get("ancestorTitles")), text(test.get("title"))])
            into.add(name, title, status, texts(test.get("failureMessages")))
        if file.get("status") != "passed" and not red:
            if text(file.get("status")) in {"skipped", "pending", "todo", "disabled", "focused"}:
                continue
            broken += 1
            into.add(name, "(file)", CheckStatus.ERRORED, [text(file.get("message"))])
    red_tests = found[CheckStatus.FAILED] + found[CheckStatus.ERRORED]
    claim(document, "numTotalTests", found.total(), "tests", into)
    claim(document, "numFailedTests", red_tests, "failed tests", into)
    claim(document, "numPassedTests", found[CheckStatus.PASSED], "passed tests", into)
    if "numRuntimeErrorTestSuites" in document:
        claim(document, "numRuntimeErrorTestSuites", broken, "files that did not load", into)
    if document.get("success") is not True and not (red_tests or broken):
        into.problem("it reports a failed run, but no failed test")
    if document.get("wasInterrupted") is True:
        into.problem("the run was interrupted")
    if mapping(document.get("snapshot")).get("failure") is True and not (red_tests or broken):
        into.problem("it reports failed snapshots, but no failed test")


def _short(path: str) -> str:
    """A file's own name: where the sources lie differs from one machine to the next."""
    return path.rpartition("/")[2]
