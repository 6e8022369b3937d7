"""Every gate has one entry, a question always an answer, and no doubt is ever a PASS (ENG-2, GATE-1 to GATE-3, P2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orch_gates.document_kinds import KINDS
from orch_gates.documents import frontmatter
from orch_gates.engine.stages import DEFAULT
from orch_gates.errors import BudgetExceeded, ForgeUnavailable, ReportError, StateDocumentError
from orch_gates.forge.port.checks import CommitStatus, ReviewState, StatusState
from orch_gates.gates import registry
from orch_gates.gates.evaluate import evaluate
from orch_gates.gates.gate import Ports, Subject, Unknown
from orch_gates.gates.recorded import MAIN_RED, ReportContract, reason_in
from orch_gates.model.ids import task_id
from orch_gates.model.report import Report
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.report import security
from orch_gates.settings import load
from orch_gates.state import layout
from orch_gates.state.kinds import REPORT, Location
from tests.fakes.forge import MemoryForge
from tests.reports import HEAD, OLDER, RECORDED, RED, passed, report

GREEN = {Outcome.PASS, Outcome.SKIP}
FORGE_GATES = ("ci-green", "review-approved")
SECURITY = RECORDED["security"]
UNSEALED = [gate for gate in RECORDED.values() if gate is not SECURITY]
every_gate = pytest.mark.parametrize("gate", list(RECORDED.values()), ids=list(RECORDED))


def judged(
    name: str,
    reading: Callable[[str], str | None] | str | None,
    *,
    head: str = HEAD,
    forge: MemoryForge | None = None,
    env: Mapping[str, str] | None = None,
) -> Verdict:
    """One gate's verdict on the branch `task/T-1` at `head`, with this report or this way to read one."""
    read = reading if callable(reading) else lambda _: reading
    answer = evaluate(name, Subject(head, "task/T-1", "main"), Ports(load(env or {}), read, lambda: forge))
    return answer.as_verdict(name) if isinstance(answer, Unknown) else answer


def unknown(gate: ReportContract) -> Outcome:
    declared = registry.find(gate.name)
    assert declared is not None
    return declared.policy.unknown


def approving_forge() -> MemoryForge:
    forge = MemoryForge()
    forge.statuses.post(HEAD, CommitStatus("build", StatusState.SUCCESS))
    forge.reviews.open("task/T-1", "main")
    forge.reviews.say("task/T-1", "main", "ada", ReviewState.APPROVED, HEAD)
    return forge


@pytest.fixture(name="sealed", scope="module")
def _sealed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A security report that passes, as the gate writes it."""
    path = tmp_path_factory.mktemp("report") / security.FILE_NAME
    verdict = Verdict("security", Outcome.PASS, "no secret in 1 commit", evidence={"commits_scanned": 1})
    security.write(path, verdict, head=HEAD, base=OLDER, target="main", now=datetime(2026, 11, 20, tzinfo=UTC))
    return path.read_text()


# --- the table -----------------------------------------------------------------------------------


def test_the_registry() -> None:
    """A changed file, field, word or answer to doubt is seen here, and then wanted (ENG-2, SPEC §4.3)."""
    assert [(g.name, g.file, g.field, dict(g.outcomes), unknown(g)) for g in RECORDED.values()] == [
        ("ci-green", "10-ci-report.md", "ci_status", {"SUCCESS": "PASS", "FAILED": "FAIL"}, "FAIL"),
        (
            "review-approved",
            "11-review-report.md",
            "review_status",
            {"APPROVED": "PASS", "CHANGES_REQUESTED": "FAIL"},
            "FAIL",
        ),
        ("tests-passed", "12-test-report.md", "tests_status", {"PASSED": "PASS", "FAILED": "FAIL"}, "FAIL"),
        ("staging-status", "15-staging-report.md", "staging_status", {"SUCCESS": "PASS", "FAILED": "FAIL"}, "FAIL"),
        ("security", "17-security-report.md", "security_status", {"PASSED": "PASS", "FAILED": "FAIL"}, "FAIL"),
        ("image-freshness", "19-image-report.md", "image_status", {"FRESH": "PASS", "STALE": "FAIL"}, "FAIL"),
        (
            "deploy-status",
            "20-deploy-report.md",
            "deploy_status",
            {"DEPLOYED": "PASS", "FAILED": "FAIL", "REFUSED": "HOLD"},
            "FAIL",
        ),
    ]


def test_the_default_pipeline_has_no_other_gates() -> None:
    """Every gate of an edge is in the registry, and every gate of the registry on an edge (ENG-1)."""
    assert sorted(gate.name for stage in DEFAULT.stages for gate in stage.gates) == sorted(registry.NAMES)


@every_gate
def test_a_report_has_a_place_and_its_word_a_field_of_its_own(gate: ReportContract) -> None:
    """The file is one that belongs to a task; the word is not hidden by a field that every report has (ST-1)."""
    path = layout.report_path(task_id("T-1"), gate.file)
    location = KINDS.locate(path)
    assert isinstance(location, Location)
    assert (location.kind, location.task) == (REPORT, "T-1")
    assert gate.field not in Report.model_fields
    assert {gate.name, gate.file, gate.field}.isdisjoint(
        text for other in RECORDED.values() if other is not gate for text in (other.name, other.file)
    )


def test_an_unknown_gate_is_an_error() -> None:
    """A misspelled gate stops an edge; it does not vanish from it (P2)."""
    verdict = judged("tests-pass", passed())
    assert (verdict.gate, verdict.outcome) == ("tests-pass", Outcome.ERROR)
    assert "tests-passed" in verdict.reason


# --- where the facts come from -------------------------------------------------------------------


@every_gate
def test_a_gate_reads_its_own_report(gate: ReportContract, sealed: str) -> None:
    """Without a forge, the report of this gate and nothing else is the fact."""
    reports = {other.file: passed(other) for other in RECORDED.values()} | {SECURITY.file: sealed}
    assert judged(gate.name, reports.get).outcome is Outcome.PASS
    del reports[gate.file]
    verdict = judged(gate.name, reports.get)
    assert (verdict.outcome, verdict.absent) == (unknown(gate), True)


@pytest.mark.parametrize("name", FORGE_GATES)
def test_where_a_forge_is_known_it_is_asked_instead(name: str) -> None:
    """A recorded PASS does not count against it, nor a recorded FAIL."""
    gate = RECORDED[name]
    assert judged(name, passed(gate), forge=MemoryForge()).outcome is Outcome.FAIL
    assert judged(name, report(gate, verdict="FAIL"), forge=approving_forge()).outcome is Outcome.PASS
    assert judged(name, passed(gate), forge=approving_forge(), head=OLDER).outcome is Outcome.FAIL


@pytest.mark.parametrize("name", FORGE_GATES)
def test_a_branch_that_does_not_exist_is_not_approved(name: str) -> None:
    """Also not by a forge that has something to say about no commit at all (P2)."""
    forge = approving_forge()
    forge.statuses.post("", CommitStatus("build", StatusState.SUCCESS))
    forge.reviews.say("task/T-1", "main", "bob", ReviewState.APPROVED, "")
    for text in (None, passed(RECORDED[name]), passed(RECORDED[name], head="")):
        verdict = judged(name, text, forge=forge, head="")
        assert (verdict.outcome, verdict.absent) == (Outcome.FAIL, True)


@pytest.mark.parametrize(
    ("name", "variable", "value"),
    [
        ("ci-green", "ORCH_CI_GREEN_CONTEXTS", "build,test"),
        ("ci-green", "ORCH_CI_GREEN_LEAST", "2"),
        ("review-approved", "ORCH_REVIEW_APPROVALS", "2"),
    ],
)
def test_how_much_is_enough_is_a_setting(name: str, variable: str, value: str) -> None:
    """More is asked of the forge where the settings ask for more."""
    assert judged(name, None, forge=approving_forge()).outcome is Outcome.PASS
    assert judged(name, None, forge=approving_forge(), env={variable: value}).outcome is Outcome.FAIL


def test_other_gates_do_not_ask_the_forge(sealed: str) -> None:
    """It may be down; their reports are read all the same."""
    forge = MemoryForge()
    forge.down()
    reports = {other.file: passed(other) for other in RECORDED.values()} | {SECURITY.file: sealed}
    for name in RECORDED.keys() - set(FORGE_GATES):
        assert judged(name, reports.get, forge=forge).outcome is Outcome.PASS


# --- the sealed report ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("commits_scanned: 1", "commits_scanned: 2"),
        ('target: "main"', 'target: "dev"'),
        ('verdict: "PASS"', 'verdict: "SKIP"'),
        ('digest: "', 'security_status: "PASSED"\ndigest: "'),
        ("digest: ", "digest: # "),
        ('digest: "sha256:', 'digest: "sha256:0'),
    ],
)
def test_a_sealed_report_that_was_changed_is_a_fail(sealed: str, old: str, new: str) -> None:
    """One edit, and it proves nothing (SEC-8); the text below it is for people."""
    assert judged("security", sealed).outcome is Outcome.PASS
    assert judged("security", f"{sealed}\nverdict: FAIL\n").outcome is Outcome.PASS
    assert old in sealed
    assert judged("security", sealed.replace(old, new)).outcome is Outcome.FAIL


def test_a_security_report_written_by_hand_is_a_fail() -> None:
    """The other gates take a person's word; this one only its own (SEC-8)."""
    for text in (passed(SECURITY), report(SECURITY, security_status="PASSED"), passed(SECURITY, base=OLDER)):
        assert judged("security", text).outcome is Outcome.FAIL
        with pytest.raises(ReportError):
            reason_in(SECURITY, text)


def test_a_security_report_about_another_commit_is_a_fail(sealed: str) -> None:
    """Stale, or about a branch that is gone."""
    assert judged("security", sealed, head=OLDER).outcome is Outcome.FAIL
    assert judged("security", sealed, head="").outcome is Outcome.FAIL
    assert judged("security", sealed, head=HEAD[:10]).outcome is Outcome.FAIL


def test_a_reason_is_read_from_reports_that_prove_something(sealed: str) -> None:
    """What is recorded about a task says why, in the report's words."""
    tests = RECORDED["tests-passed"]
    assert reason_in(SECURITY, sealed) == "no secret in 1 commit"
    assert reason_in(tests, passed(tests, reason="30 tests")) == "30 tests"
    assert reason_in(tests, passed(tests)) == "12-test-report.md states PASS"
    with pytest.raises(ReportError):
        reason_in(tests, report(tests))


# --- scope ---------------------------------------------------------------------------------------


def unread(name: str) -> str | None:
    pytest.fail(f"{name} was read by a gate that judges nothing here")


@every_gate
def test_a_gate_out_of_scope_is_skipped_without_a_look(gate: ReportContract) -> None:
    """Switched off, or for other repositories: SKIP, and the verdict says by which variable (GATE-3)."""
    variable = f"ORCH_{gate.name.upper().replace('-', '_')}"
    forge = MemoryForge()
    forge.down()
    for env in (
        {f"{variable}_ENABLED": "false"},
        {f"{variable}_REPOS": "acme/web, acme/api", "GITHUB_REPOSITORY": "acme/app"},
    ):
        verdict = judged(gate.name, unread, forge=forge, env=env)
        assert (verdict.gate, verdict.outcome) == (gate.name, Outcome.SKIP)
        assert next(iter(env)) in verdict.reason


@every_gate
@pytest.mark.parametrize("repository", ["acme/app", "Acme/App", ""])
def test_a_gate_in_scope_judges(gate: ReportContract, repository: str) -> None:
    """Named in any case; a repository that cannot be named does not switch a gate off (P2)."""
    repos = f"ORCH_{gate.name.upper().replace('-', '_')}_REPOS"
    verdict = judged(gate.name, None, env={repos: "acme/web,acme/app", "GITHUB_REPOSITORY": repository})
    assert (verdict.outcome, verdict.absent) == (unknown(gate), True)


# --- doubt ---------------------------------------------------------------------------------------


class Nameless(Exception):
    """A failure without a word about itself."""


FAILURES = [
    StateDocumentError("not UTF-8"),
    BudgetExceeded("too much"),
    OSError(5, "Input/output error"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    RecursionError("maximum recursion depth exceeded"),
    MemoryError(),
    AssertionError(),
    KeyError("verdict"),
    Nameless(),
]


@every_gate
@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_whatever_goes_wrong_is_this_gates_answer(gate: ReportContract, failure: Exception) -> None:
    """A report that cannot be read, or a bug, is what not knowing means; it never stops the others (P3)."""

    def failing(_: str) -> str | None:
        raise failure

    forge = MemoryForge()
    forge.breaks(failure)
    for verdict in (judged(gate.name, failing), judged(gate.name, failing, forge=forge)):
        assert (verdict.gate, verdict.outcome, verdict.findings) == (gate.name, unknown(gate), ())
        assert verdict.outcome not in GREEN
        assert str(failure) in verdict.reason
        assert verdict.reason


@pytest.mark.parametrize("name", FORGE_GATES)
def test_a_forge_that_does_not_answer_is_an_error_until_it_does(name: str) -> None:
    """ERROR is put off and tried again; an empty answer would be a FAIL that blames somebody (P2, ENG-5)."""
    forge = approving_forge()
    forge.down("timeout after 10 s")
    verdict = judged(name, passed(RECORDED[name]), forge=forge)
    assert (verdict.outcome, verdict.absent) == (Outcome.ERROR, False)
    assert "timeout after 10 s" in verdict.reason
    forge.up()
    assert judged(name, None, forge=forge).outcome is Outcome.PASS


def test_a_report_where_the_forge_failed_is_an_error_for_any_gate() -> None:
    """Whoever reads reports from a forge may find it gone."""

    def failing(_: str) -> str | None:
        raise ForgeUnavailable("503")

    assert {judged(name, failing).outcome for name in RECORDED} == {Outcome.ERROR}


@every_gate
@pytest.mark.parametrize("value", ["maybe", "2"])
def test_a_switch_that_is_neither_is_not_off(gate: ReportContract, value: str) -> None:
    """A mistyped setting neither skips nor blames: nothing is decided, and it is named."""
    variable = f"ORCH_{gate.name.upper().replace('-', '_')}_ENABLED"
    verdict = judged(gate.name, passed(gate), env={variable: value})
    assert verdict.outcome is Outcome.ERROR
    assert variable in verdict.reason


# --- any text at all -----------------------------------------------------------------------------


def may_pass(gate: ReportContract, text: str, head: str) -> bool:
    """Whether a text says PASS about this commit for this gate, read here without the code that judges."""
    try:
        stated, _ = frontmatter.decode(text)
    except ReportError:
        return False
    word, verdict = stated.get(gate.field), stated.get("verdict")
    own = [name for name, outcome in gate.outcomes.items() if outcome is Outcome.PASS]
    return (
        (stated.get("schema"), stated.get("gate"), stated.get("head")) == ("orch.report/1", gate.name, head)
        and (verdict == "PASS" if word is None else word in own and verdict in (None, "PASS"))
        and not stated.get("findings")
    )


@settings(max_examples=150)
@given(gate=st.sampled_from([*RECORDED.values()]), text=st.text(max_size=60))
@example(gate=SECURITY, text="---\nverdict: PASS\n---\n")
def test_no_text_makes_a_judge_raise_or_pass(gate: ReportContract, text: str) -> None:
    """What somebody typed, alone or as frontmatter, is a refusal."""
    for content in (text, f"---\n{text}\n---\n", f"---\nverdict: PASS\n{text}\n---\n"):
        verdict = judged(gate.name, content)
        assert (verdict.gate, verdict.outcome) == (gate.name, unknown(gate))


bad = st.sampled_from([None, "", " ", "PASS", "pass", True, 0, 1, [], ["PASS"], {}, {"PASS": True}, HEAD, OLDER])


@st.composite
def stated_reports(draw: st.DrawFn, gate: ReportContract) -> dict[str, object]:
    """Reports of which some fields are right, some wrong and some missing."""
    right: dict[str, object] = {
        "schema": "orch.report/1",
        "gate": gate.name,
        "head": HEAD,
        "verdict": draw(st.sampled_from(["PASS", "PASS", "FAIL", "SKIP"])),
        gate.field: draw(st.sampled_from([*gate.outcomes, None, None])),
        "findings": draw(st.sampled_from([[], [], [RED]])),
        "evidence": {MAIN_RED: draw(st.booleans())},
        "created": "2026-11-20T10:30:05Z",
    }
    for name in draw(st.lists(st.sampled_from([*right]), max_size=2)):
        right[name] = draw(st.one_of(bad, st.text(max_size=5)))
    for name in draw(st.lists(st.sampled_from([*right]), max_size=1)):
        del right[name]
    return right


@settings(max_examples=150)
@given(data=st.data(), gate=st.sampled_from(UNSEALED))
def test_a_pass_is_stated_in_full(data: st.DataObject, gate: ReportContract) -> None:
    """PASS only from a whole report of this gate about this commit that says so; never from anything near it."""
    text = frontmatter.encode(data.draw(stated_reports(gate)), "")
    for head in (HEAD, OLDER):
        outcome = judged(gate.name, text, head=head).outcome
        assert outcome is not Outcome.PASS or may_pass(gate, text, head)
        assert outcome is not Outcome.SKIP
        assert outcome in {Outcome.FAIL, Outcome.ERROR} or f'head: "{head}"' in text


@settings(max_examples=150)
@given(data=st.data(), gate=st.sampled_from(UNSEALED))
def test_a_damaged_report_passes_only_if_it_still_says_so(data: st.DataObject, gate: ReportContract) -> None:
    """Cut, doubled or overwritten anywhere: what is left is read, never what was meant."""
    whole = report(gate, **{gate.field: next(iter(gate.outcomes))}, reason="all is well")
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 30)))
    new = data.draw(st.sampled_from(["", "\n", "---\n", '"', "#", "verdict: FAIL\n", whole[start:end] * 2, "b"]))
    text = whole[:start] + new + whole[end:]
    verdict = judged(gate.name, text)
    assert verdict.outcome in {Outcome.PASS, unknown(gate), *gate.outcomes.values()}
    assert verdict.outcome is not Outcome.PASS or may_pass(gate, text, HEAD)


def test_bytes_are_no_text() -> None:
    """A reader that hands over the wrong thing gets a refusal, not a traceback."""
    verdict = judged("tests-passed", lambda _: passed().encode())  # type: ignore[arg-type,return-value]
    assert verdict.outcome is Outcome.FAIL
