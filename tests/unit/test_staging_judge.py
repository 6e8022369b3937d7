"""The staging verdict as a pure function: what fails, what is waived, and that nothing red makes it better (STG-1)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orch_gates.gates.staging import judge as judging
from orch_gates.gates.staging import ran
from orch_gates.gates.staging.infra import InfraList, Waiver
from orch_gates.gates.staging.judge import Before, StagingFacts, StagingRules, judge
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.results.model import Check, CheckStatus, Format, ResultProblem, Results

TODAY = date(2026, 11, 27)
REFUSED = "connect ECONNREFUSED 10.0.0.1:5432"
ENTRY = Waiver("db-down", "db::*", "ECONNREFUSED 10.0.0.1", "ops", "the sandbox has no database", TODAY, 2)
GREEN = Check("app::ok", CheckStatus.PASSED)
INFRA = Check("db::read", CheckStatus.FAILED, (REFUSED,))
REAL = Check("app::login", CheckStatus.FAILED, ("assert 1 == 2",))


def facts(*checks: Check, exit_code: int = 0, **changes: object) -> StagingFacts:
    made = StagingFacts((Results("r.xml", Format.JUNIT, checks, digest="sha256:0"),), exit_code, allowed=ALLOWED)
    return replace(made, **changes)  # type: ignore[arg-type]


ALLOWED = InfraList((ENTRY,))


def verdict(given: StagingFacts) -> Verdict:
    return judge(given, TODAY).verdict


def failed(given: StagingFacts, said: str) -> bool:
    found = verdict(given)
    told = " ".join([found.reason, *(one.description + one.fix for one in found.findings)])
    assert found.outcome is Outcome.FAIL, found
    assert said in told, told
    return True


def test_green_is_success_with_its_counts() -> None:
    """What proves it is in the evidence (P1)."""
    found = verdict(facts(GREEN, Check("app::later", CheckStatus.SKIPPED)))
    assert (found.outcome, found.reason) == (Outcome.PASS, "1 of 2 checks passed")
    assert found.evidence["checks"] == 2
    assert found.evidence["passed"] == 1
    assert not found.findings


def test_a_real_failure_fails() -> None:
    """Whatever else is green or waived, and whatever the exit code is."""
    for code in (0, 1, 2, 255):
        assert failed(facts(GREEN, INFRA, REAL, exit_code=code), "1 of 3 checks failed")


def test_only_the_sandboxs_failures_are_waived() -> None:
    """SUCCESS, and the list of what was waived says who, why, until when, and how often it was used."""
    found = verdict(facts(GREEN, INFRA, exit_code=1))
    assert found.outcome is Outcome.PASS
    assert found.reason == "1 of 2 checks passed, 1 failure of the sandbox waived"
    assert "waived: db::read: db-down of ops until 2026-11-27: the sandbox has no database" in found.notices
    assert found.evidence["waived"] == 1
    assert found.evidence["infra_used.db-down@2026-11-27"] == 1


def test_strict_waives_nothing() -> None:
    """The same run is FAILED, and the finding says why."""
    assert failed(
        facts(GREEN, INFRA, exit_code=1, rules=StagingRules(tolerant=False)),
        "this run waives no failures of the sandbox",
    )


@pytest.mark.parametrize(
    "check",
    [
        replace(INFRA, id="app::db::read"),
        replace(INFRA, failures=("assert 1 == 2",)),
        replace(INFRA, failures=(REFUSED, "assert 1 == 2")),
        replace(INFRA, failures=("",)),
        replace(INFRA, failures=(REFUSED.lower(),)),
    ],
)
def test_what_no_entry_is_about_is_real(check: Check) -> None:
    """Check and signature have to fit, and of a check that failed twice both failures."""
    assert failed(facts(GREEN, check, exit_code=1), "1 of 2 checks failed")


def test_a_check_that_ran_twice_counts_as_its_worse_run() -> None:
    """A pass beside a failure is none, in one file or in two."""
    once = Results("a", Format.TAP, (Check("x", CheckStatus.PASSED),))
    twice = Results("b", Format.TAP, (replace(REAL, id="x"), Check("y", CheckStatus.PASSED)))
    for order in ((once, twice), (twice, once)):
        assert failed(replace(facts(exit_code=1), results=order), "1 of 2 checks failed")
    hidden = facts(GREEN, INFRA, replace(INFRA, failures=("assert 0",)), exit_code=1)
    assert failed(hidden, "1 of 2 checks failed")


def test_the_last_day_of_an_entry_is_the_last() -> None:
    """On it a failure is waived, a day later no more, and the finding names the entry."""
    run = facts(GREEN, INFRA, exit_code=1)
    assert judge(run, TODAY).verdict.outcome is Outcome.PASS
    late = judge(run, TODAY + timedelta(days=1)).verdict
    assert late.outcome is Outcome.FAIL
    assert "waived it until 2026-11-27; it no longer does" in late.findings[0].fix


@pytest.mark.parametrize(
    ("before", "checks", "passes"), [(0, 1, True), (0, 2, True), (0, 3, False), (1, 1, True), (2, 1, False)]
)
def test_a_budget_counts_this_run_and_those_before(before: int, checks: int, passes: bool) -> None:
    """Over its budget an entry waives nothing at all."""
    red = [replace(INFRA, id=f"db::{number}") for number in range(checks)]
    found = verdict(facts(GREEN, *red, exit_code=1, before=Before(used={ENTRY.tally: before})))
    assert (found.outcome is Outcome.PASS) is passes
    assert found.evidence["infra_used.db-down@2026-11-27"] == before + checks
    if not passes:
        assert found.evidence["real"] == checks
        assert "waives 2 in all" in found.findings[0].fix


def test_a_check_that_failed_twice_uses_an_entry_twice() -> None:
    """Runners give many cases one name: each failure counts, and not each name."""
    often = replace(INFRA, failures=INFRA.failures * 3)
    found = verdict(facts(GREEN, often, exit_code=1))
    assert (found.outcome, found.evidence["infra_used.db-down@2026-11-27"]) == (Outcome.FAIL, 3)


def test_uses_are_carried_on_until_an_entry_ends() -> None:
    """A green run in between does not begin the count anew; a renewed entry does."""
    gone = f"old@{TODAY - timedelta(days=1)}"
    found = verdict(facts(GREEN, before=Before(used={ENTRY.tally: 2, gone: 9})))
    assert found.evidence["infra_used.db-down@2026-11-27"] == 2
    assert f"infra_used.{gone}" not in found.evidence
    renewed = InfraList((replace(ENTRY, expires=TODAY + timedelta(days=9)),))
    run = facts(GREEN, INFRA, exit_code=1, before=Before(used={ENTRY.tally: 2}), allowed=renewed)
    assert verdict(run).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("checks", "code", "message"),
    [
        ((), 0, "there are no checks"),
        ((Check("a", CheckStatus.SKIPPED), Check("b", CheckStatus.TODO)), 0, "nothing passed: no check was run"),
        ((INFRA,), 1, "nothing passed: every check that ran was waived"),
        ((GREEN,), 1, "ended with 1, and no check failed"),
        ((GREEN,), 5, "ended with 5, and no check failed"),
        ((GREEN, INFRA), 0, "ended with 0 although 1 check failed"),
        ((GREEN, INFRA), 2, "which the waived failures do not explain"),
        ((GREEN, INFRA), 137, "which the waived failures do not explain"),
    ],
)
def test_what_proves_nothing_fails(checks: tuple[Check, ...], code: int, message: str) -> None:
    """No checks, all waived, and an exit code that the failures do not explain."""
    assert failed(facts(*checks, exit_code=code), message)


def test_the_list_says_which_exit_codes_failures_explain() -> None:
    """ctest ends with 8 where tests failed."""
    allowed = InfraList((ENTRY,), (8,))
    assert verdict(facts(GREEN, INFRA, exit_code=8, allowed=allowed)).outcome is Outcome.PASS
    assert failed(facts(GREEN, INFRA, exit_code=1, allowed=allowed), "that would be 8")


def test_problems_of_a_file_fail_and_are_placed() -> None:
    """Where in which file."""
    bad = Results("r.xml", Format.JUNIT, (GREEN,), (ResultProblem("it is not XML", 7),))
    found = verdict(replace(facts(), results=(bad,)))
    assert (found.outcome, found.findings[0].path, found.findings[0].line) == (Outcome.FAIL, "r.xml", 7)
    assert failed(replace(facts(), results=()), "no file of results was found")
    assert failed(facts(GREEN, broken=("the command did not finish within 1 s",)), "did not finish")
    assert failed(replace(facts(), results=(Results("j", Format.PYTEST, (GREEN,), exit_code=2),)), "exit code 2, but 0")


def test_required_checks_have_to_run() -> None:
    """Absent and skipped are red; a pattern is fit by one that ran, and nothing but `*` is special in it."""
    many = [GREEN, Check("app::p[a]", CheckStatus.PASSED), Check("app::off", CheckStatus.SKIPPED)]
    for wanted in (("app::ok",), ("app::*",), ("app::p[a]",), ("*ok", "app::p[*]")):
        assert verdict(facts(*many, rules=StagingRules(required=wanted))).outcome is Outcome.PASS
    assert failed(facts(*many, rules=StagingRules(required=("app::off",))), "it is required, but was skipped")
    assert failed(facts(*many, rules=StagingRules(required=("app::p?a?",))), "it is required, but absent")
    assert failed(facts(*many, rules=StagingRules(required=("db::*",))), "it is required, but absent")


def test_as_many_have_to_pass_as_are_asked_for() -> None:
    """The boundary."""
    two = [GREEN, Check("b", CheckStatus.PASSED)]
    assert verdict(facts(*two, rules=StagingRules(least=2))).outcome is Outcome.PASS
    assert failed(facts(*two, rules=StagingRules(least=3)), "2 checks passed; at least 3 must")


def test_what_ran_before_and_is_gone_is_said_and_fails_where_asked() -> None:
    """Skipped now is gone as well; what failed now ran."""
    last = judge(facts(GREEN, Check("b", CheckStatus.PASSED), Check("c", CheckStatus.PASSED)), TODAY).ran
    now = [GREEN, Check("b", CheckStatus.SKIPPED)]
    noted = verdict(facts(*now, before=Before(last)))
    assert noted.outcome is Outcome.PASS
    assert [note for note in noted.notices if "ran before" in note] == [
        "ran before, but not now: b",
        "ran before, but not now: c",
    ]
    strict = verdict(facts(*now, before=Before(last), rules=StagingRules(missing_fails=True)))
    assert (strict.outcome, [one.path for one in strict.findings]) == (Outcome.FAIL, ["b", "c"])


def test_a_failed_run_does_not_shorten_what_is_looked_for() -> None:
    """What it did not come to is still missed by the run after it; a green run begins a new list."""
    full = judge(facts(GREEN, Check("b", CheckStatus.PASSED)), TODAY).ran
    broken = judge(facts(GREEN, exit_code=1, before=Before(full)), TODAY).ran
    assert set(broken.counts) == {"app::ok", "b"}
    assert set(judge(facts(GREEN, before=Before(full)), TODAY).ran.counts) == {"app::ok"}


def test_what_ran_survives_its_report() -> None:
    """Names that look like the report's own lines, and too many of them, do not confuse it."""
    odd = ["## Checks that ran", "a\n## Checks that ran\n\n    b", "    x", "\x1b[2J", "é"]
    kept = ran.of(odd)
    assert ran.parse(f"# body\n{ran.text(kept)}") == kept
    many = [f"suite{number % 7}::{'n' * 90}{number}" for number in range(3000)]
    suites = ran.of(many)
    assert suites.kind is ran.ReportSection.SUITES
    assert ran.parse(f"# body\n{ran.text(suites)}").counts == suites.counts
    assert ran.missing(suites, many) == ()
    assert ran.missing(suites, [one for one in many if not one.startswith("suite3")]) == ("429 of suite3",)
    assert ran.of(f"{'s' * 90}{number}::x" for number in range(3000)).counts == {}
    assert ran.of("n" * 90 + str(number) for number in range(3000)).counts == {"(no suite)": 3000}


def test_a_doubt_about_the_list_is_shown_and_waives_nothing() -> None:
    """A list that cannot be read allows nothing."""
    run = facts(GREEN, INFRA, exit_code=1, allowed=InfraList(), doubts=("the list is malformed",))
    found = verdict(run)
    assert found.outcome is Outcome.FAIL
    assert "the list is malformed" in found.notices


def test_flaky_checks_are_told() -> None:
    """They pass, with a note."""
    found = verdict(facts(replace(GREEN, flaky=True)))
    assert found.outcome is Outcome.PASS
    assert "1 check passed only when run again: app::ok" in found.notices


IDS = ("app::ok", "db::read", "db::write", "app::login", "x")
TEXTS = ("assert 1 == 2", REFUSED, "")
CHECKS = st.builds(
    lambda name, status, text: Check(name, status, (text,) if status.is_red else ()),
    st.sampled_from(IDS),
    st.sampled_from(CheckStatus),
    st.sampled_from(TEXTS),
)
RULES = st.builds(
    StagingRules,
    tolerant=st.booleans(),
    required=st.sets(st.sampled_from((*IDS, "db::*")), max_size=2).map(tuple),
    least=st.integers(1, 3),
    missing_fails=st.booleans(),
)
RUNS = st.builds(
    lambda checks, code, rules, used, there: facts(
        *checks,
        exit_code=code,
        rules=rules,
        before=Before(ran.of(there), {ENTRY.tally: used}),
    ),
    st.lists(CHECKS, max_size=6),
    st.sampled_from((0, 1, 2)),
    RULES,
    st.integers(0, 3),
    st.sets(st.sampled_from(IDS)),
)


@settings(max_examples=100, deadline=None)
@given(RUNS, st.sampled_from(IDS), st.sampled_from((CheckStatus.FAILED, CheckStatus.ERRORED)), st.sampled_from(TEXTS))
def test_nothing_that_fails_makes_a_run_better(run: StagingFacts, name: str, status: CheckStatus, text: str) -> None:
    """A check that passed and now fails as well, as it may be waived, never turns FAILED into SUCCESS.

    Only two things are mended by a check that ran: that it was absent, and that nothing explained a red exit code.
    """
    before = verdict(run)
    first = run.results[0]
    worse = replace(run, results=(replace(first, checks=(*first.checks, Check(name, status, (text,)))),))
    absent = name not in {check.id for check in first.checks if check.status.was_run}
    unexplained = run.exit_code != 0 and not any(check.status.is_red for check in first.checks)
    if before.outcome is Outcome.FAIL and not (absent or unexplained):
        assert verdict(worse).outcome is Outcome.FAIL
    if text != REFUSED or not name.startswith("db::"):
        assert verdict(worse).outcome is Outcome.FAIL


@settings(max_examples=60, deadline=None)
@given(RUNS)
def test_success_is_explained(run: StagingFacts) -> None:
    """Whoever reads SUCCESS may rely on: something passed, no real failure, and an exit code that says the same."""
    found = verdict(run)
    checks = judging.merged(run.results).values()
    red = [check for check in checks if check.status.is_red]
    if found.outcome is Outcome.PASS:
        assert sum(check.status is CheckStatus.PASSED for check in checks) >= run.rules.least
        assert (run.exit_code == 1) if red else (run.exit_code == 0)
        assert all(check.id.startswith("db::") and set(check.failures) == {REFUSED} for check in red)
        assert not red or run.rules.tolerant
        assert not found.findings
    else:
        assert found.findings


@settings(max_examples=60, deadline=None)
@given(RUNS)
def test_strict_is_never_milder(run: StagingFacts) -> None:
    """What strict lets pass, tolerant does too."""
    strict = replace(run, rules=replace(run.rules, tolerant=False))
    tolerant = replace(run, rules=replace(run.rules, tolerant=True))
    if verdict(strict).outcome is Outcome.PASS:
        assert verdict(tolerant).outcome is Outcome.PASS
