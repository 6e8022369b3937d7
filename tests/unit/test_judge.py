"""The decision of the `security` gate: PASS only for a scan that is proven and clean (SEC-2, SEC-9)."""

from __future__ import annotations

import secrets
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.errors import BudgetExceeded, GitError, OrchError, ProcessError, ScannerError
from orch_gates.gates.policy import CONFIGURATION, DEPENDENCIES, SECRETS, policy_table
from orch_gates.gates.registry import GATES
from orch_gates.gates.security import judge as security
from orch_gates.gates.security import scan
from orch_gates.gates.security.allowlist import AllowList, entry_for
from orch_gates.gates.security.findings import SecretFinding
from orch_gates.gates.security.judge import SecurityFacts
from orch_gates.gates.security.scan import SecretFacts, Unproven
from orch_gates.model.finding import Finding
from orch_gates.model.verdict import Outcome
from orch_gates.settings import load

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PAIRS = (
    ("commits_read", "commits_expected"),
    ("objects_read", "objects_expected"),
    ("bytes_scanned", "bytes_given"),
    ("canaries_found", "canaries"),
)
FINDING = SecretFinding(
    Finding("an id", "a-rule", "a/file", 3, "c" * 40, "a token", "take it out"), secrets.token_bytes(16)
)


def scanned(**changes: Any) -> SecretFacts:
    facts = SecretFacts(
        engine="matcher 1.0",
        rules="sha256:1",
        commits_expected=7,
        commits_read=7,
        objects_expected=7,
        objects_read=7,
        same_objects=True,
        bytes_read=99,
        bytes_given=7,
        bytes_scanned=7,
        bytes_repeated=0,
        canaries=7,
        canaries_found=7,
        findings=(),
    )
    return replace(facts, **changes)


def test_a_proven_clean_scan_passes() -> None:
    """All numbers agree, a canary was found, nothing else was: PASS, with the numbers as evidence."""
    verdict = security.judge(SecurityFacts(scanned(), base="b", head="h", target="main"), NOW)
    assert verdict.outcome is Outcome.PASS
    evidence = verdict.evidence
    assert (evidence["base"], evidence["head"], evidence["target"]) == ("b", "h", "main")
    assert evidence["bytes_expected"] == evidence["bytes_scanned"] == 7


@pytest.mark.parametrize("name", [name for pair in PAIRS for name in pair])
@pytest.mark.parametrize("value", [0, 6, 8])
def test_any_number_that_does_not_agree_is_a_fail(name: str, value: int) -> None:
    """One commit, object, byte or canary too few or too many: not proven, so not passed."""
    facts = scanned(**{name: value})
    assert security.proof_gaps(facts)
    verdict = security.judge(SecurityFacts(facts), NOW)
    assert verdict.outcome is Outcome.FAIL
    assert "not proven" in verdict.reason


COUNTS = st.integers(0, 3)


@given(numbers=st.fixed_dictionaries({name: COUNTS for pair in PAIRS for name in pair}), leak=st.booleans())
def test_pass_means_proven_and_clean(numbers: dict[str, int], leak: bool) -> None:
    """Over all combinations: PASS if and only if every pair agrees, a canary was there, nothing stands."""
    facts = scanned(**numbers, findings=(FINDING,) if leak else ())
    proven = all(numbers[got] == numbers[wanted] for got, wanted in PAIRS) and numbers["canaries"] > 0
    verdict = security.judge(SecurityFacts(facts), NOW)
    assert (verdict.outcome is Outcome.PASS) == (proven and not leak)
    assert verdict.outcome in {Outcome.PASS, Outcome.FAIL}
    assert (security.proof_gaps(facts) == ()) == proven


def test_a_finding_is_a_fail_with_the_next_step() -> None:
    """The refusal carries the finding and says to revoke first."""
    verdict = security.judge(SecurityFacts(scanned(findings=(FINDING,))), NOW)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.findings == (FINDING.finding,)
    assert "Revoke" in verdict.next_step


def test_an_allowed_finding_passes_and_is_named() -> None:
    """An exception in use is never silent."""
    key = secrets.token_bytes(32)
    entry = entry_for(key, FINDING, owner="Ann", reason="a fixture", expires=NOW.date())
    facts = SecurityFacts(scanned(findings=(FINDING,)), allowed=AllowList((entry,), key))
    verdict = security.judge(facts, NOW)
    assert verdict.outcome is Outcome.PASS
    assert any("Ann" in notice for notice in verdict.notices)


def test_an_exception_does_not_prove_a_scan() -> None:
    """Allowed findings help nothing when numbers are missing."""
    facts = SecurityFacts(scanned(canaries_found=6), doubts=("a doubt",))
    assert security.judge(facts, NOW).outcome is Outcome.FAIL


@pytest.mark.parametrize("too_much", [True, False])
def test_a_scan_that_did_not_take_place_is_a_fail(too_much: bool) -> None:
    """Not knowing is FAIL; a budget says so in other words than a failure (SEC-9)."""
    verdict = security.judge(SecurityFacts(Unproven("the cause", too_much=too_much)), NOW)
    assert verdict.outcome is Outcome.FAIL
    assert "the cause" in verdict.reason
    assert ("too much" in verdict.reason) is too_much


@pytest.mark.parametrize("error", [OrchError, GitError, ProcessError, ScannerError, BudgetExceeded])
def test_every_failure_of_a_scan_becomes_a_fact(error: type[OrchError]) -> None:
    """No error of ours leaves a gate without a verdict."""

    def fail() -> SecretFacts:
        raise error("the cause")

    assert scan.attempt(fail) == Unproven("the cause", too_much=error is BudgetExceeded)


def test_a_doubt_is_shown() -> None:
    """A list of exceptions that cannot be read is said also where nothing is found."""
    assert "unreadable" in security.judge(SecurityFacts(scanned(), doubts=("unreadable",)), NOW).notices


def test_skipping_says_so() -> None:
    """A gate that is switched off claims no scan."""
    verdict = security.out_of_scope(load({"ORCH_SECURITY_ENABLED": "false"}))
    assert verdict is not None
    assert (verdict.outcome, verdict.evidence) == (Outcome.SKIP, {"scanned": False})
    assert verdict.reason == "switched off by ORCH_SECURITY_ENABLED"


def test_the_policy_for_not_knowing() -> None:
    """SPEC §4.3 for this gate: secrets FAIL whatever is set, the dependency audit warns and passes."""
    assert {SECRETS, DEPENDENCIES, CONFIGURATION} <= set(policy_table(GATES))
    assert SECRETS.unknown is Outcome.FAIL
    assert DEPENDENCIES.unknown is Outcome.PASS
    assert CONFIGURATION.unknown is Outcome.ERROR
    assert "warn" in DEPENDENCIES.meaning


def test_no_evidence_is_a_secret() -> None:
    """What goes into the verdict as evidence is numbers, ids and names (SEC-5)."""
    verdict = security.judge(SecurityFacts(scanned(findings=(FINDING,))), NOW)
    assert all(isinstance(value, str | int | bool | None) for value in verdict.evidence.values())
    assert {field.name for field in fields(FINDING.finding)}.isdisjoint({"secret", "match", "text"})
