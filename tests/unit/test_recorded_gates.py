"""Gates that read a recorded report: only a whole one about this commit that is green is a PASS (SPEC §4.2)."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from orch_gates.documents import frontmatter
from orch_gates.gates import recorded, registry
from orch_gates.gates.recorded import MAIN_RED, RecordedFacts, ReportContract
from orch_gates.model.finding import MAX_FINDINGS, Finding
from orch_gates.model.verdict import Outcome, Verdict
from tests.reports import HEAD, OLDER, RECORDED, RED, TESTS, passed, report

# The sealed report of `security` is read by its own rules.
BY_HAND = {name: record for name, record in RECORDED.items() if not record.sealed}
every_gate = pytest.mark.parametrize("gate", list(BY_HAND.values()), ids=list(BY_HAND))


def judged(text: str | None, gate: ReportContract = TESTS, head: str = HEAD) -> Verdict:
    declared = registry.find(gate.name)
    assert declared is not None
    return recorded.judge(RecordedFacts(gate, text, head), declared.policy)


def unknown(gate: ReportContract) -> Outcome:
    declared = registry.find(gate.name)
    assert declared is not None
    return declared.policy.unknown


SAYABLE = [outcome for outcome in Outcome if outcome is not Outcome.SKIP]


# --- what a report says --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gate", "word", "outcome"),
    [(gate, word, outcome) for gate in BY_HAND.values() for word, outcome in gate.outcomes.items()],
    ids=lambda value: getattr(value, "name", value),
)
def test_the_gates_own_word_is_understood(gate: ReportContract, word: str, outcome: Outcome) -> None:
    """Alone, and together with the verdict that it stands for; the command line reads it likewise."""
    assert judged(report(gate, **{gate.field: word}), gate).outcome is outcome
    assert judged(report(gate, **{gate.field: word, "verdict": outcome.value}), gate).outcome is outcome
    assert gate.means(word) is outcome


@every_gate
def test_a_plain_verdict_is_understood_by_every_gate(gate: ReportContract) -> None:
    """Every word of the verdict's closed set means itself, except that no report skips a gate (GATE-3)."""
    assert gate.means("SKIP") is None
    for outcome in SAYABLE:
        assert judged(report(gate, verdict=outcome.value), gate).outcome is outcome
        assert gate.means(outcome.value) is outcome
        assert outcome.value in gate.known_words


def test_what_the_report_says_is_the_verdict() -> None:
    """Findings, notices, evidence, reason and next step reach whoever has to mend it, verbatim (ENG-4)."""
    text = report(
        tests_status="FAILED",
        reason="1 of 30 tests failed",
        next_step="Mend it.",
        findings=[RED],
        notices=["slow today"],
        evidence={"tests": 30, "retried": False, "suite": None, "runner": "ci-1"},
    )
    assert judged(f"{text}# Tests\n\nverdict: PASS\n") == Verdict(
        gate="tests-passed",
        outcome=Outcome.FAIL,
        reason="1 of 30 tests failed",
        findings=(Finding("test_greets", "pytest", "tests/test_app.py", 3, HEAD, "greets nobody", "Greet.", "test"),),
        notices=("slow today",),
        evidence={
            "report": "12-test-report.md",
            "head": HEAD,
            "tests": 30,
            "retried": False,
            "suite": None,
            "runner": "ci-1",
        },
        next_step="Mend it.",
    )


def test_a_report_without_a_reason_is_named_instead() -> None:
    """Every verdict has a reason (P8)."""
    assert judged(passed()).reason == "12-test-report.md states PASS"


def test_a_report_cannot_lend_its_verdict_to_another_commit() -> None:
    """What proves the verdict is the file and the commit that were checked, whatever the evidence calls itself."""
    evidence = judged(passed(evidence={"head": OLDER, "report": "other.md", "tests": 3})).evidence
    assert evidence == {"report": "12-test-report.md", "head": HEAD, "tests": 3}


def test_fields_of_a_newer_version_change_nothing() -> None:
    """What is not known here is passed over (ST-1)."""
    assert judged(passed(duration="3 s", by="ci", nested={"a": [1]})).outcome is Outcome.PASS


@pytest.mark.parametrize("head", [HEAD, "c" * 64])
def test_both_lengths_of_a_commit_id_are_known(head: str) -> None:
    """SHA-1 and SHA-256 repositories alike."""
    assert judged(passed(head=head), head=head).outcome is Outcome.PASS


# --- main is red ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stated", "main_red", "outcome"),
    [
        ({"tests_status": "FAILED"}, True, Outcome.DEFER),
        ({"verdict": "FAIL"}, True, Outcome.DEFER),
        ({"verdict": "FAIL", "findings": [RED]}, True, Outcome.DEFER),
        ({"verdict": "FAIL"}, False, Outcome.FAIL),
        ({"verdict": "FAIL"}, None, Outcome.FAIL),
        ({"verdict": "FAIL"}, 1, Outcome.FAIL),
        ({"verdict": "FAIL"}, "true", Outcome.FAIL),
        ({"verdict": "PASS"}, True, Outcome.PASS),
        ({"verdict": "HOLD"}, True, Outcome.HOLD),
        ({"verdict": "ERROR"}, True, Outcome.ERROR),
    ],
)
def test_a_task_is_not_charged_for_a_red_main(stated: Mapping[str, object], main_red: object, outcome: Outcome) -> None:
    """A failure that the target branch has on its own puts the task off (ENG-7); nothing else changes by it."""
    assert judged(report(**stated, evidence={MAIN_RED: main_red})).outcome is outcome


# --- nothing recorded for this commit ------------------------------------------------------------


@every_gate
def test_no_report_and_no_branch_prove_nothing(gate: ReportContract) -> None:
    """Absent is what not knowing means for the gate, and nobody's fault (SPEC §4.3)."""
    nowhere = [judged(text, gate, head="") for text in (None, passed(gate), passed(gate, head=""))]
    for verdict in (judged(None, gate), *nowhere):
        assert (verdict.gate, verdict.outcome, verdict.absent) == (gate.name, unknown(gate), True)
        assert verdict.reason
        assert verdict.next_step


@every_gate
@pytest.mark.parametrize("head", [OLDER, "", HEAD[:-1] + "b", HEAD + HEAD[:24]])
def test_a_report_about_another_commit_is_stale(gate: ReportContract, head: str) -> None:
    """Whatever it says, good or bad, it says nothing about this commit."""
    for verdict in SAYABLE:
        answer = judged(report(gate, head=head, verdict=verdict.value), gate)
        assert (answer.outcome, answer.absent, answer.findings) == (unknown(gate), True, ())
        assert (head[:10] or "no commit") in answer.reason
        assert HEAD[:10] in answer.reason


@every_gate
def test_a_report_of_a_newer_version_is_not_guessed_at(gate: ReportContract) -> None:
    """It may say anything: the answer is to upgrade, and the task is not charged (ST-1, P2)."""
    verdict = judged(passed(gate, schema="orch.report/2"), gate)
    assert verdict.outcome is Outcome.ERROR
    assert "upgrade" in verdict.reason


# --- a report that proves nothing ----------------------------------------------------------------


@every_gate
@pytest.mark.parametrize(
    "text",
    [
        "",
        "PASS",
        "verdict: PASS\n",
        "\0",
        "---\n---\n",
        "---\nverdict: PASS\n",
        "---\nverdict: [PASS\n---\n",
        "---\nverdict: &x PASS\nagain: *x\n---\n",
        "---\nverdict: !!str PASS\n---\n",
        "---\n- PASS\n---\n",
        "---\na: " + "[" * 100 + "]" * 100 + "\n---\n",
        "---\na: " + "x" * frontmatter.MAX_FRONTMATTER + "\n---\n",
        "x" * (frontmatter.MAX_DOCUMENT + 1),
    ],
    ids=lambda text: repr(text[:20]),
)
def test_a_file_that_is_no_report_proves_nothing(gate: ReportContract, text: str) -> None:
    """One short line says why, whatever the file holds (P8, OWN-3)."""
    verdict = judged(text, gate)
    assert (verdict.gate, verdict.outcome, verdict.absent) == (gate.name, unknown(gate), False)
    assert verdict.reason.startswith(f"{gate.file} is not valid: ")
    assert verdict.reason.isprintable()
    assert len(verdict.reason) < 400
    assert verdict.next_step


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (passed() + "x" * frontmatter.MAX_DOCUMENT, "the document is longer"),
        (passed().replace("verdict", "verdict: FAIL\nverdict"), "is repeated"),
        (passed().replace("\n", "\r\n"), "must be exactly ---"),
        (passed(TESTS, "schema"), "schema: orch.report/1 is expected"),
        (passed(TESTS, "schema", schema_="orch.report/1"), "schema: orch.report/1 is expected"),
        (passed(schema="orch.task/1"), "schema"),
        (passed(TESTS, "gate"), "gate"),
        (passed(gate="ci-green"), "it is a report of another gate, ci-green"),
        (passed(gate="Tests-Passed"), "gate"),
        (passed(TESTS, "head"), "head"),
        (passed(head=HEAD[:10]), "head"),
        (passed(head=HEAD.upper()), "head"),
        (passed(head="HEAD"), "head"),
        (passed(head=HEAD + "\n"), "head"),
        (passed(head=None), "head"),
        (report(), "tests_status and verdict are both missing"),
        (report(verdict=None, tests_status=None), "tests_status and verdict are both missing"),
        (report(verdict="pass"), "verdict"),
        (report(verdict="PASSED"), "verdict"),
        (report(verdict=""), "verdict"),
        (report(verdict=True), "verdict"),
        (report(verdict=0), "verdict"),
        (report(verdict=["PASS"]), "verdict"),
        (report(tests_status="passed"), "tests_status: 'passed' is none of: PASSED, FAILED"),
        (report(tests_status="PASSED "), "tests_status"),
        (report(tests_status="SUCCESS"), "tests_status"),
        (report(tests_status="PASS"), "tests_status"),
        (report(tests_status=True), "tests_status: True is none of"),
        (report(tests_status=["PASSED"]), "tests_status"),
        (report(tests_status={"PASSED": True}), "tests_status"),
        (passed(tests_status="MAYBE"), "tests_status: 'MAYBE' is none of"),
        (passed(tests_status=""), "tests_status"),
        (report(ci_status="SUCCESS"), "tests_status and verdict are both missing"),
        (passed(tests_status="FAILED"), "tests_status FAILED and verdict PASS contradict each other"),
        (report(tests_status="PASSED", verdict="FAIL"), "contradict each other"),
        (report(tests_status="PASSED", verdict="SKIP"), "contradict each other"),
        (report(tests_status="FAILED", verdict="DEFER"), "contradict each other"),
        (passed(findings=[RED]), "a report with PASS must list no findings"),
        (report(tests_status="PASSED", findings=[RED]), "a report with PASS must list no findings"),
        (report(verdict="SKIP"), "a report cannot skip a gate; only a setting can"),
        (passed(findings={}), "findings"),
        (passed(findings=None), "findings"),
        (report(verdict="FAIL", findings=[RED] * (MAX_FINDINGS + 1)), "findings"),
        (report(verdict="FAIL", findings=[RED | {"line": "3"}]), "findings.0.line"),
        (report(verdict="FAIL", findings=[RED | {"line": -1}]), "findings.0.line"),
        (passed(notices="none"), "notices"),
        (passed(notices=[1]), "notices.0"),
        (passed(evidence=[]), "evidence"),
        (passed(evidence={"tests": [30]}), "evidence.tests"),
        (passed(reason="a\nb"), "reason"),
        (passed(reason="x" * 5000), "reason"),
        (passed(next_step=1), "next_step"),
        (passed(created="yesterday"), "created"),
        (passed(created="2026-11-20T10:30:05+01:00"), "created"),
    ],
)
def test_a_report_that_states_nonsense_proves_nothing(text: str, why: str) -> None:
    """A wrong type, an unknown word, another gate or a contradiction is never a PASS, and is named."""
    verdict = judged(text)
    assert (verdict.outcome, verdict.absent) == (Outcome.FAIL, False)
    assert why in verdict.reason


@every_gate
def test_a_green_report_of_another_gate_proves_nothing(gate: ReportContract) -> None:
    """Copied below another name, or with another gate's word."""
    for other in BY_HAND.values():
        if other is not gate:
            assert judged(passed(other), gate).outcome is unknown(gate)
        for word in other.outcomes.keys() - gate.outcomes.keys():
            assert judged(passed(gate, **{gate.field: word}), gate).outcome is unknown(gate)


def test_the_word_of_a_hostile_report_is_shown_not_obeyed() -> None:
    """No line of the log becomes a command, however the word is spelled (SEC-5, OWN-3)."""
    verdict = judged(report(tests_status="\n::error::owned\x1b[2J\u202e" + "x" * 9000))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.reason.isprintable()
    assert len(verdict.reason) < 400


@every_gate
def test_what_was_made_of_the_commit_before_has_to_be_made_anew(gate: ReportContract) -> None:
    """ENG-12: a report about the commit that ours caught up counts, unless it is about what was built or run of it."""
    declared = registry.find(gate.name)
    assert declared is not None
    green = next(word for word, outcome in gate.outcomes.items() if outcome is Outcome.PASS)
    for text in (report(gate, **{gate.field: green}, head=OLDER), None):
        found = recorded.judge(RecordedFacts(gate, text, HEAD, (OLDER,)), declared.policy)
        counts = text is not None and not gate.exact
        assert found.outcome is (Outcome.PASS if counts else declared.policy.unknown)
        assert found.anew == (HEAD if gate.exact else "")
        assert found.absent is not counts
    red = report(gate, **{gate.field: next(word for word in gate.outcomes if word != green)})
    assert recorded.judge(RecordedFacts(gate, red, HEAD, (OLDER,)), declared.policy).anew == ""
