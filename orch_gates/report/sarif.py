"""Findings as SARIF 2.1.0, for code scanning views (GATE-4); never a secret or a snippet (SEC-5)."""

from __future__ import annotations

from urllib.parse import quote

from orch_gates import __version__
from orch_gates.documents.escape import visible
from orch_gates.model.finding import Finding
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.report.machine import Json, dumps

SCHEMA_URI = "https://json.schemastore.org/sarif-2.1.0.json"
FINGERPRINT = "orchFinding/v1"
MAX_RESULTS = 5000


def sarif(verdict: Verdict) -> str:
    """One run with at most `MAX_RESULTS` results.

    A run that found nothing because it could not look must not read as clean: then, and when
    results were left out, the run says so in an error notification.
    """
    rules: dict[str, Finding] = {}
    for finding in verdict.findings:
        rules.setdefault(finding.rule, finding)
    places = {rule: index for index, rule in enumerate(rules)}
    run: dict[str, Json] = {
        "tool": {"driver": _driver(rules)},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(verdict)],
        "results": [_result(finding, places[finding.rule]) for finding in verdict.findings[:MAX_RESULTS]],
    }
    return dumps({"$schema": SCHEMA_URI, "version": "2.1.0", "runs": [run]})


def relative_uri(path: str) -> str | None:
    """A path of a tree as a relative URI; None where it is not one and must not be resolved."""
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts):
        return None
    try:
        return quote(path.encode("utf-8", "surrogateescape"), safe="/-._~")
    except UnicodeEncodeError:
        return None


def _driver(rules: dict[str, Finding]) -> Json:
    return {
        "name": "orch-gates",
        "version": __version__,
        "rules": [
            {
                "id": rule,
                "shortDescription": {"text": visible(finding.description) or visible(rule)},
                "help": {"text": visible(finding.advice) or "Remove it."},
                "defaultConfiguration": {"level": "error"},
            }
            for rule, finding in rules.items()
        ],
    }


def _result(finding: Finding, rule_index: int) -> Json:
    place = f"{finding.path}:{finding.line}" if finding.line > 0 else finding.path
    message = f"{finding.description or finding.rule} in {place} ({finding.carrier}). {finding.advice}"
    result: dict[str, Json] = {
        "ruleId": finding.rule,
        "ruleIndex": rule_index,
        "level": "error",
        "message": {"text": visible(message).strip()},
        "partialFingerprints": {FINGERPRINT: finding.id},
        "properties": {"commit": finding.commit, "carrier": finding.carrier},
    }
    uri = relative_uri(finding.path)
    if uri is not None:
        physical: dict[str, Json] = {"artifactLocation": {"uri": uri, "uriBaseId": "%SRCROOT%"}}
        if finding.line > 0:
            physical["region"] = {"startLine": finding.line}
        result["locations"] = [{"physicalLocation": physical}]
    return result


def _invocation(verdict: Verdict) -> Json:
    looked = verdict.outcome is Outcome.PASS or bool(verdict.findings)
    notifications = [_notification("note", notice) for notice in verdict.notices[:MAX_RESULTS]]
    if not looked:
        level = "warning" if verdict.outcome is Outcome.SKIP else "error"
        notifications.append(_notification(level, f"{verdict.outcome}: {verdict.reason}"))
    if len(verdict.findings) > MAX_RESULTS:
        left_out = len(verdict.findings) - MAX_RESULTS
        notifications.append(_notification("error", f"{left_out} more findings were left out"))
    return {"executionSuccessful": looked, "toolExecutionNotifications": notifications}


def _notification(level: str, text: str) -> Json:
    return {"level": level, "message": {"text": visible(text)}}
