"""JSON and SARIF: stable, valid, and without anything that could act or leak."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any
from urllib.parse import unquote, unquote_to_bytes, urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orch_gates.model.finding import Finding
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.report.machine import as_json
from orch_gates.report.sarif import FINGERPRINT, MAX_RESULTS, relative_uri, sarif

AMEND = "git commit --amend --no-edit"
LEAK = Finding(
    "9f86d081884c", "aws-access-token", "config/app.env", 3, "a" * 40, "AWS key", "Revoke it.", commands=(AMEND,)
)
FAIL = Verdict("security", Outcome.FAIL, "1 secret found", (LEAK,), ("note",), {"commits": 1, "deps": None}, "Mend it.")
names = st.one_of(
    st.text(st.characters(), max_size=30), st.sampled_from(["##[add-mask]x", "a/../b", "//h/x", "c:\\x", ""])
)
commands = st.lists(names, max_size=3).map(tuple)
findings = st.builds(Finding, names, names, names, st.integers(0, 10**6), names, names, names, names, commands)
verdicts = st.builds(
    Verdict,
    names,
    st.sampled_from(Outcome),
    names,
    st.lists(findings, max_size=4).map(tuple),
    st.lists(names, max_size=3).map(tuple),
    st.dictionaries(names, st.one_of(names, st.integers(), st.booleans(), st.none()), max_size=3),
    names,
)


def check_sarif(log: Any) -> None:
    """The rules of SARIF 2.1.0 (and of its consumers) for the parts that are written here."""
    assert set(log) == {"$schema", "version", "runs"}
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert set(run) <= {"tool", "invocations", "results", "columnKind"}
    driver = run["tool"]["driver"]
    assert driver["name"]
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", driver["version"])
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(ids) == len(set(ids))
    for rule in driver["rules"]:
        assert rule["shortDescription"]["text"] is not None
        assert rule["help"]["text"]
        assert rule["defaultConfiguration"]["level"] in ("none", "note", "warning", "error")
    for result in run["results"]:
        assert result["message"]["text"]
        assert result["level"] == "error"
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert all(isinstance(value, str) for value in result["partialFingerprints"].values())
        for location in result.get("locations", []):
            physical = location["physicalLocation"]
            uri = physical["artifactLocation"]["uri"]
            assert re.fullmatch(r"(?:[A-Za-z0-9/._~-]|%[0-9A-F]{2})+", uri)
            assert not urlsplit(uri).scheme
            assert urljoin("file:///tree/", uri).startswith("file:///tree/")
            assert ".." not in uri.split("/")
            if "region" in physical:
                assert physical["region"]["startLine"] >= 1
    for invocation in run["invocations"]:
        assert isinstance(invocation["executionSuccessful"], bool)
        for told in invocation["toolExecutionNotifications"]:
            assert told["level"] in ("none", "note", "warning", "error")
            assert "text" in told["message"]


def test_json_has_stable_keys() -> None:
    """Programs may rely on these names (GATE-4)."""
    assert list(json.loads(as_json(FAIL)).items()) == [
        ("schema", "orch.verdict/1"),
        ("gate", "security"),
        ("outcome", "FAIL"),
        ("exit_code", 1),
        ("reason", "1 secret found"),
        ("next_step", "Mend it."),
        (
            "findings",
            [
                {
                    "id": "9f86d081884c",
                    "rule": "aws-access-token",
                    "path": "config/app.env",
                    "line": 3,
                    "commit": "a" * 40,
                    "description": "AWS key",
                    "fix": "Revoke it.",
                    "carrier": "file",
                    "commands": [AMEND],
                }
            ],
        ),
        ("notices", ["note"]),
        ("evidence", {"commits": 1, "deps": None}),
    ]


@given(verdict=verdicts)
@example(verdict=dataclasses.replace(FAIL, reason="\x7f##[add-mask]x\udcff"))
def test_machine_output_is_ascii_and_commands_no_runner(verdict: Verdict) -> None:
    """Printed in a CI log, nothing in it is obeyed; any JSON reader accepts it."""
    for text in (as_json(verdict), sarif(verdict)):
        assert re.fullmatch(r"[\x20-\x7e\n]*", text)
        assert "##[" not in text
        assert not re.search(r"^\s*::", text, re.MULTILINE)
        json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8")


@given(verdict=verdicts)
@example(verdict=FAIL)
def test_sarif_is_valid(verdict: Verdict) -> None:
    """Structure, indexes, URIs and regions are right for whatever a push contains."""
    log = json.loads(sarif(verdict))
    check_sarif(log)
    assert len(log["runs"][0]["results"]) == len(verdict.findings)


def test_a_finding_in_sarif() -> None:
    """Where, which rule, and an id that stays the same over runs."""
    (result,) = json.loads(sarif(FAIL))["runs"][0]["results"]
    assert result["partialFingerprints"] == {FINGERPRINT: "9f86d081884c"}
    (location,) = result["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "config/app.env", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 3},
    }
    assert f"Revoke it. `{AMEND}`" in result["message"]["text"]


def test_a_place_without_lines_has_no_region() -> None:
    """Line 0 means that the place has no lines."""
    log = json.loads(sarif(dataclasses.replace(FAIL, findings=(dataclasses.replace(LEAK, line=0),))))
    assert "region" not in log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]


def test_findings_of_one_rule_share_it() -> None:
    """Each rule is described once."""
    other = dataclasses.replace(LEAK, rule="other")
    run = json.loads(sarif(dataclasses.replace(FAIL, findings=(LEAK, other, LEAK))))["runs"][0]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["aws-access-token", "other"]
    assert [result["ruleIndex"] for result in run["results"]] == [0, 1, 0]


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("a b/ü%.txt", "a%20b/%C3%BC%25.txt"),
        ("c:d?e#f", "c%3Ad%3Fe%23f"),
        ("caf\udce9", "caf%E9"),
        ("a\nb\\c", "a%0Ab%5Cc"),
        ("\ud800", None),
        ("", None),
        ("/etc/passwd", None),
        ("//host/x", None),
        ("a/../../x", None),
        ("./x", None),
        ("a//b", None),
    ],
)
def test_uris_are_relative_and_encoded(path: str, uri: str | None) -> None:
    """A path that would leave the tree gets no location at all (OWN-3)."""
    assert relative_uri(path) == uri


@given(path=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_uris_decode_to_the_path(path: str) -> None:
    """The exact bytes of the name come back."""
    uri = relative_uri(path)
    assert uri is None or (unquote(uri) == path and unquote_to_bytes(uri) == path.encode())


@pytest.mark.parametrize(
    ("outcome", "level"),
    [(Outcome.FAIL, "error"), (Outcome.ERROR, "error"), (Outcome.HOLD, "error"), (Outcome.SKIP, "warning")],
)
def test_a_run_that_could_not_look_is_not_clean(outcome: Outcome, level: str) -> None:
    """Zero results of an unproven scan are marked as unsuccessful (P1, P2)."""
    (told,) = json.loads(sarif(Verdict("security", outcome, "no scanner")))["runs"][0]["invocations"]
    assert told["executionSuccessful"] is False
    assert told["toolExecutionNotifications"] == [{"level": level, "message": {"text": f"{outcome}: no scanner"}}]


def test_a_proven_run_is_successful() -> None:
    """A pass, and a refusal with findings, did look."""
    for verdict in (FAIL, Verdict("security", Outcome.PASS, "clean", evidence={"commits": 1})):
        assert json.loads(sarif(verdict))["runs"][0]["invocations"][0]["executionSuccessful"] is True


def test_sarif_is_bounded() -> None:
    """Beyond the limit, the number of findings left out is an error notification."""
    run = json.loads(sarif(dataclasses.replace(FAIL, notices=(), findings=(LEAK,) * (MAX_RESULTS + 2))))["runs"][0]
    assert len(run["results"]) == MAX_RESULTS
    (told,) = run["invocations"][0]["toolExecutionNotifications"]
    assert told == {"level": "error", "message": {"text": "2 more findings were left out"}}
