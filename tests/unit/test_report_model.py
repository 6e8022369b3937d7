"""The model of a report: what it may hold, and that nothing in it is converted or lost (ST-1)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from orch_gates.model.feedback import ReportedFinding, of_verdict
from orch_gates.model.finding import MAX_FINDINGS, MAX_TEXT, Finding
from orch_gates.model.report import Report
from orch_gates.model.verdict import Outcome, Verdict
from tests.reports import HEAD, RED

LEAST: dict[str, object] = {"schema": "orch.report/1", "gate": "tests-passed", "head": HEAD}
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
commands = st.lists(names, max_size=3).map(tuple)
findings = st.builds(Finding, names, names, names, st.integers(0, 10**6), names, names, names, names, commands)


def test_the_least_that_a_report_says() -> None:
    """Which gate, which commit; everything else has a value that states nothing."""
    assert Report.model_validate(LEAST).fields() == LEAST | {
        "verdict": None,
        "reason": "",
        "next_step": "",
        "created": None,
        "findings": [],
        "notices": [],
        "evidence": {},
    }


def test_the_word_of_a_gate_is_a_field_of_its_own_name() -> None:
    """It is read as it stands, of whatever type; a report without it has none."""
    report = Report.model_validate(LEAST | {"tests_status": "PASSED", "merge_status": True, "ci_status": None})
    words = [report.word(name) for name in ("tests_status", "merge_status", "ci_status", "image_status")]
    assert words == ["PASSED", True, None, None]


@pytest.mark.parametrize("name", ["fields", "word", "KIND", "schema_name", "model_extra", "model_fields", "__dict__"])
def test_an_unknown_field_may_have_any_name(name: str) -> None:
    """It is kept as data and replaces nothing of the model (OWN-3)."""
    report = Report.model_validate(LEAST | {name: "x"})
    assert report.fields()[name] == "x"
    assert report.word(name) == "x"
    assert report.schema_name() == "orch.report/1"


@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_verdict_is_one_of_the_closed_set(outcome: Outcome) -> None:
    """Spelled as the vocabulary spells it (SPEC §2)."""
    assert Report.model_validate(LEAST | {"verdict": outcome.value}).verdict is outcome


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("schema", "orch.report/2"),
        ("schema", "orch.task/1"),
        ("schema", None),
        ("schema", 1),
        ("gate", ""),
        ("gate", "Tests"),
        ("gate", "tests passed"),
        ("gate", "tests-passed\n"),
        ("gate", "../tests"),
        ("gate", "t" * 41),
        ("gate", None),
        ("verdict", "pass"),
        ("verdict", ""),
        ("verdict", True),
        ("verdict", 0),
        ("head", "HEAD"),
        ("head", HEAD[:39]),
        ("head", HEAD + "a"),
        ("head", HEAD.upper()),
        ("head", f"{HEAD}\n"),
        ("head", 1234567),
        ("head", None),
        ("reason", "two\nlines"),
        ("reason", "two\rlines"),
        ("reason", "x" * 4097),
        ("reason", None),
        ("next_step", ["Mend it."]),
        ("created", "2026-11-20"),
        ("created", "2026-11-20T10:30:05"),
        ("created", "2026-11-20T10:30:05+00:00"),
        ("created", "2026-02-30T10:30:05Z"),
        ("created", "\uff12026-11-20T10:30:05Z"),
        ("created", 1763634605),
        ("findings", None),
        ("findings", {}),
        ("findings", "none"),
        ("findings", [RED] * (MAX_FINDINGS + 1)),
        ("findings", [RED | {"line": "3"}]),
        ("findings", [RED | {"line": True}]),
        ("findings", [RED | {"line": -1}]),
        ("findings", [RED | {"rule": None}]),
        ("findings", [RED | {"path": "x" * (MAX_TEXT + 1)}]),
        ("findings", [{name: value for name, value in RED.items() if name != "fix"}]),
        ("findings", [RED | {"secret": "x"}]),
        ("findings", ["red"]),
        ("notices", "none"),
        ("notices", [1]),
        ("notices", ["x" * 4097]),
        ("evidence", []),
        ("evidence", {"tests": 1.5}),
        ("evidence", {"tests": [1]}),
        ("evidence", {"tests": {"passed": 1}}),
        ("evidence", {"log": "x" * 4097}),
        ("evidence", {1: "x"}),
    ],
)
def test_what_a_field_may_not_hold(field: str, value: object) -> None:
    """Nothing is converted to make it fit, and the field is named."""
    with pytest.raises(ValidationError) as refusal:
        Report.model_validate(LEAST | {field: value})
    assert {str(error["loc"][0]) for error in refusal.value.errors()} == {field}


@pytest.mark.parametrize("field", ["gate", "head"])
def test_what_a_report_must_name(field: str) -> None:
    """Without its gate or its commit it is about nothing."""
    with pytest.raises(ValidationError, match="Field required"):
        Report.model_validate({name: value for name, value in LEAST.items() if name != field})


def test_evidence_keeps_its_types() -> None:
    """True is not 1, and `"1"` is not either."""
    evidence = {"a": True, "b": 1, "c": "1", "d": None, "e": "", "f": False, "g": 0, "h": "true"}
    assert repr(Report.model_validate(LEAST | {"evidence": evidence}).evidence) == repr(evidence)


def test_a_report_does_not_change() -> None:
    """What was judged is what is written down."""
    with pytest.raises(ValidationError, match="frozen"):
        Report.model_validate(LEAST).reason = "better"


@settings(max_examples=60)
@given(found=st.lists(findings, max_size=3), extra=st.dictionaries(names.map("x_".__add__), names, max_size=3))
def test_findings_and_unknown_fields_survive_a_rewrite(found: list[Finding], extra: dict[str, str]) -> None:
    """Verbatim, in their order, the known fields first (ST-1, ENG-4)."""
    output = of_verdict(Verdict("tests-passed", Outcome.FAIL, "red", tuple(found)))
    listed = [finding.model_dump() for finding in output.findings]
    report = Report.model_validate(LEAST | extra | {"findings": listed})
    assert [finding.as_finding() for finding in report.findings] == found
    assert Report.model_validate(report.fields()) == report
    assert list(report.fields())[-len(extra) :] == list(extra) if extra else True
    assert all(report.fields()[name] == value for name, value in extra.items())


def test_a_finding_is_spelled_with_all_its_fields() -> None:
    """What documents hold of a finding and what gates know of it are the same."""
    assert ReportedFinding.model_validate(RED).as_finding() == Finding(**RED)  # type: ignore[arg-type]
    assert set(ReportedFinding.model_fields) == set(Finding.__slots__)
