"""`ci-green`: green is every status that counts, on this commit, and nothing less (ENG-1)."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orch_gates.errors import ForgeUnavailable
from orch_gates.forge.port.checks import CommitStatus, StatusState
from orch_gates.gates import ci_green
from orch_gates.gates.ci_green import StatusFacts
from orch_gates.gates.gate import Ports, Subject
from orch_gates.gates.policy import CI_GREEN
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.settings import load
from tests.fakes.forge import MemoryForge

HEAD, OLDER = "a" * 40, "b" * 40
GREEN, RED, RUNNING = StatusState.SUCCESS, StatusState.FAILURE, StatusState.PENDING


def judged(*statuses: tuple[str, StatusState], required: tuple[str, ...] = (), least: int = 1) -> Verdict:
    found = tuple(CommitStatus(context, state) for context, state in statuses)
    return ci_green.judge(StatusFacts("acme/app", HEAD, found, required, least), CI_GREEN)


def asked(forge: MemoryForge) -> Verdict:
    """The verdict on what a forge answers."""
    ports = Ports(load({}), lambda name: pytest.fail(f"{name} was read"), lambda: forge)
    return ci_green.judge(ci_green.gather(Subject(HEAD), ports), CI_GREEN)


def test_all_of_them_are_success() -> None:
    """A PASS says how many statuses of which commit prove it (P1)."""
    verdict = judged(("build", GREEN), ("test (3.11)", GREEN), ("orch/ci-green", RED))
    assert (verdict.gate, verdict.outcome, verdict.absent) == ("ci-green", Outcome.PASS, False)
    assert verdict.evidence == {
        "forge": "acme/app",
        "head": HEAD,
        "statuses": 2,
        "contexts": "build, test (3.11)",
    }


@pytest.mark.parametrize("state", [RED, StatusState.SKIPPED, StatusState.UNKNOWN])
def test_one_that_ended_otherwise_is_red(state: StatusState) -> None:
    """Skipped is not green, and neither is a word that nobody here knows."""
    verdict = judged(("build", GREEN), ("test", state), ("lint", RUNNING))
    assert (verdict.outcome, verdict.absent) == (Outcome.FAIL, False)
    assert [(finding.id, finding.commit) for finding in verdict.findings] == [("test", HEAD)]
    assert f"test ({state})" in verdict.reason
    assert verdict.next_step


@pytest.mark.parametrize(
    ("statuses", "required", "least", "why"),
    [
        ([], (), 1, "0 statuses"),
        ([], (), 0, "at least 1"),
        ([], (), -3, "at least 1"),
        ([("orch/security", GREEN)], (), 1, "0 statuses"),
        ([("build", GREEN)], (), 2, "at least 2"),
        ([("build", GREEN), ("test", RUNNING)], (), 1, "test (pending)"),
        ([("build", GREEN)], ("build", "test"), 1, "missing on aaaaaaaaaa: test"),
        ([("build", GREEN)], ("test",), 1, "missing"),
        ([("build", GREEN)], ("test/*",), 1, "missing"),
        ([("Build", GREEN)], ("build",), 1, "missing"),
        ([("build", GREEN), ("lint", GREEN)], ("build",), 2, "1 statuses"),
    ],
)
def test_what_is_not_there_yet_is_nobodys_fault(
    statuses: list[tuple[str, StatusState]], required: tuple[str, ...], least: int, why: str
) -> None:
    """None, too few, pending or missing: refused, but nothing was judged red."""
    verdict = judged(*statuses, required=required, least=least)
    assert (verdict.outcome, verdict.absent, verdict.findings) == (Outcome.FAIL, True, ())
    assert why in verdict.reason
    assert "Wait for CI" in verdict.next_step


def test_red_outweighs_what_is_missing_or_pending() -> None:
    """Waiting for the rest would not make it green."""
    verdict = judged(("build", RED), ("lint", RUNNING), required=("build", "lint", "test"), least=9)
    assert (verdict.outcome, verdict.absent) == (Outcome.FAIL, False)


@pytest.mark.parametrize(
    ("required", "outcome"),
    [
        (("build/*",), Outcome.PASS),
        (("build/linux", "build/mac"), Outcome.PASS),
        (("b?ild/*",), Outcome.PASS),
        (("*",), Outcome.FAIL),
        (("orch/*",), Outcome.FAIL),
        (("build/*", "nightly"), Outcome.FAIL),
    ],
)
def test_only_required_statuses_count_where_some_are_required(required: tuple[str, ...], outcome: Outcome) -> None:
    """By name or by pattern; our own statuses count where they are asked for."""
    statuses = [("build/linux", GREEN), ("build/mac", GREEN), ("nightly", RED), ("orch/security", RED)]
    assert judged(*statuses, required=required).outcome is outcome


def test_a_name_with_the_signs_of_a_pattern_is_still_a_name() -> None:
    """`build [linux]` requires the status of that name."""
    assert judged(("build [linux]", GREEN), required=("build [linux]",)).outcome is Outcome.PASS
    assert judged(("build [linux]", RED), required=("build [linux]",)).absent is False


def test_only_the_latest_word_on_this_commit_counts() -> None:
    """An earlier run, and the run of another commit, prove nothing."""
    forge = MemoryForge()
    forge.statuses.post(OLDER, CommitStatus("build", GREEN))
    assert asked(forge).absent
    forge.statuses.post(HEAD, CommitStatus("build", RED))
    forge.statuses.post(HEAD, CommitStatus("build", GREEN))
    assert asked(forge).outcome is Outcome.PASS
    forge.statuses.post(HEAD, CommitStatus("build", RUNNING))
    assert asked(forge).outcome is Outcome.FAIL


def test_a_forge_that_does_not_answer_is_not_an_empty_answer() -> None:
    """Facts are never made up from a failure (P2)."""
    forge = MemoryForge()
    forge.down("timeout")
    with pytest.raises(ForgeUnavailable):
        asked(forge)


@pytest.mark.parametrize("required", [(), ("*",), ("build", "orch/*")])
def test_its_own_status_never_counts(required: tuple[str, ...]) -> None:
    """A red verdict that was posted on the commit does not keep itself red, whatever pattern requires it."""
    assert judged(("build", GREEN), ("orch/ci-green", RED), required=required).outcome is Outcome.PASS


def test_a_hundred_red_statuses_fit_into_one_line() -> None:
    """Five are named, all are findings."""
    verdict = judged(*((f"job {number}", RED) for number in range(100)))
    assert len(verdict.findings) == 100
    assert verdict.reason.startswith("100 of 100 statuses are not success: job 0 (failure), ")
    assert verdict.reason.endswith("…")
    assert len(verdict.reason) < 200


NAMES = ["build", "test", "orch/security", "a [b]"]
states = st.sampled_from([*[GREEN] * 6, *StatusState])
reported = st.dictionaries(st.sampled_from(NAMES), states)
wanted = st.lists(st.sampled_from([*NAMES, "*", "b*", "none"]), max_size=2).map(tuple)


@settings(max_examples=150)
@given(reported=reported, required=wanted, least=st.integers(-1, 3))
def test_green_is_proven(reported: dict[str, StatusState], required: tuple[str, ...], least: int) -> None:
    """PASS exactly where something is green, enough of it, nothing that counts is not, and nothing is missing."""
    verdict = judged(*reported.items(), required=required, least=least)
    counted = {name for name in reported if any(name == one or fnmatchcase(name, one) for one in required)}
    if not required:
        counted = {name for name in reported if not name.startswith("orch/")}
    green = all(reported[name] is GREEN for name in counted)
    there = all(any(name == one or fnmatchcase(name, one) for name in reported) for one in required)
    assert (verdict.outcome is Outcome.PASS) == (bool(counted) and len(counted) >= least and green and there)
    assert verdict.outcome in {Outcome.PASS, Outcome.FAIL}
