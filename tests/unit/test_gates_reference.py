"""What the reference says about gates is what the gates do."""

from __future__ import annotations

import re

import pytest

from orch_gates.config.table import BY_VARIABLE
from orch_gates.gates import recorded, registry
from orch_gates.gates.recorded import RecordedFacts
from orch_gates.model.verdict import Outcome
from scripts import gates_reference
from tests.reports import RECORDED

TEXT = gates_reference.PAGE.read_text("utf-8")
EXAMPLES = re.findall(r"^```markdown\n(---\n.*?)^```$", TEXT, re.S | re.M)
REPORTED = re.findall(r"^orch-gates task report \S+ ([a-z]+(?:-[a-z]+)*) ([A-Z]+)\b", TEXT, re.M)


def test_the_reference_is_generated_from_the_code() -> None:
    """`python -m scripts.gates_reference` renews it."""
    assert gates_reference.page(TEXT) == TEXT


@pytest.mark.parametrize("text", EXAMPLES, ids=lambda text: text.split("gate: ")[1].split("\n")[0])
def test_an_example_report_is_one_that_its_gate_judges(text: str) -> None:
    """Whoever copies it gets the verdict that it says, about the commit that it names."""
    named = re.search(r"^gate: (.+)$", text, re.M)
    assert named is not None
    record = RECORDED[named[1]]
    report, outcome = recorded.read(record, text)
    gate = registry.find(record.name)
    assert gate is not None
    verdict = recorded.judge(RecordedFacts(record, text, report.head), gate.policy)
    assert outcome is verdict.outcome
    assert not verdict.absent
    assert "is not valid" not in verdict.reason


def test_there_are_examples_of_red_and_green() -> None:
    """A misspelt fence would take an example out of the tests."""
    read = [recorded.read(RECORDED[text.split("gate: ")[1].split("\n")[0]], text) for text in EXAMPLES]
    assert {outcome for _, outcome in read} == {Outcome.PASS, Outcome.FAIL}
    assert any(report.findings and report.evidence for report, _ in read)


def test_the_words_in_the_commands_are_words_of_the_gates() -> None:
    assert len(REPORTED) == 3
    assert all(RECORDED[gate].means(word) is not None for gate, word in REPORTED)


def test_every_setting_that_is_named_exists() -> None:
    assert set(re.findall(r"\bORCH_[A-Z_]+\b", TEXT)) <= set(BY_VARIABLE)


def test_the_caps_are_those_of_the_defaults() -> None:
    """Numbers in prose are not generated."""
    told = dict(re.findall(r"`limits\.([a-z_]+)`[^(]*\((\d+)\)", TEXT))
    defaults = {setting.key: setting.default for setting in BY_VARIABLE.values()}
    assert told == {key: str(defaults[f"limits.{key}"]) for key in ("max_developer_retries", "defer_max_attempts")}
