"""Results of real runners, and hostile ones, read into one model (STG-1)."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orch_gates.results.model import CheckStatus, Format, Results
from orch_gates.results.read import read

SAMPLES = Path(__file__).parents[1] / "results"
# File: format, then how many passed, failed, errored, were skipped, are todo, and how many problems there are.
EXPECTED = {
    "ctest.xml": ("junit", 1, 2, 1, 2, 0, 0),
    "gotest.json": ("gotest", 2, 3, 1, 1, 0, 0),
    "gotest-green.json": ("gotest", 3, 0, 0, 1, 0, 0),
    "gotestsum.xml": ("junit", 2, 5, 0, 1, 0, 2),
    "jest-ctrf.json": ("ctrf", 1, 2, 0, 1, 1, 0),
    "jest-suite-errors.xml": ("junit", 2, 5, 3, 1, 0, 3),
    "jest.json": ("jest", 1, 2, 3, 1, 1, 0),
    "jest.xml": ("junit", 2, 2, 0, 1, 0, 0),
    "node-control.tap": ("tap", 2, 1, 0, 0, 0, 0),
    "node-control.xml": ("junit", 0, 0, 0, 0, 0, 1),
    "node-green.tap": ("tap", 2, 0, 0, 1, 1, 0),
    "node-green.xml": ("junit", 2, 0, 0, 1, 1, 0),
    "node-junit.xml": ("junit", 1, 0, 0, 0, 0, 1),
    "node.tap": ("tap", 3, 2, 0, 1, 1, 0),
    "playwright-load-error.xml": ("junit", 0, 0, 0, 0, 0, 0),
    "playwright.json": ("playwright", 3, 2, 0, 2, 0, 0),
    "playwright.xml": ("junit", 3, 1, 1, 2, 0, 0),
    "pytest-ctrf.json": ("ctrf", 5, 4, 0, 2, 0, 0),
    "pytest-green.xml": ("junit", 3, 0, 0, 2, 0, 0),
    "pytest-json-report.json": ("pytest", 5, 2, 2, 1, 1, 0),
    "pytest-none.xml": ("junit", 0, 0, 0, 0, 0, 0),
    "pytest-refused.xml": ("junit", 1, 1, 0, 0, 0, 0),
    "pytest-xdist.xml": ("junit", 5, 3, 2, 2, 0, 0),
    "pytest-xunit1.xml": ("junit", 5, 3, 2, 2, 0, 0),
    "pytest.tap": ("tap", 5, 4, 0, 1, 1, 0),
    "pytest.xml": ("junit", 0, 0, 1, 0, 0, 0),
    "vitest.json": ("jest", 1, 1, 1, 1, 0, 0),
    "vitest.tap": ("tap", 1, 2, 0, 1, 0, 0),
    "vitest.xml": ("junit", 1, 2, 0, 1, 0, 0),
}


def of(path: Path, text: str | bytes, wanted: Format | None = None) -> Results:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(path, "results", wanted)


def problems(found: Results) -> str:
    return "; ".join(problem.what for problem in found.problems)


def test_every_sample_is_expected() -> None:
    """A file that is added is judged too."""
    assert {path.name for path in SAMPLES.iterdir() if path.is_file()} - {"README.md"} == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_what_real_runners_write(name: str) -> None:
    """Each format is told by its content, each check found with its end."""
    found = read(SAMPLES / name, name)
    counts = Counter(check.status for check in found.checks)
    order = (CheckStatus.PASSED, CheckStatus.FAILED, CheckStatus.ERRORED, CheckStatus.SKIPPED, CheckStatus.TODO)
    assert (found.format, *(counts[status] for status in order), len(found.problems)) == EXPECTED[name]
    assert found.digest.startswith("sha256:")
    assert all(check.failures for check in found.checks if check.status.is_red)


def test_nodes_broken_xml_names_its_maker() -> None:
    """Who reads the refusal learns which runner writes such, and what to use in its place."""
    (problem,) = read(SAMPLES / "node-junit.xml", "x").problems
    assert problem.line == 6
    assert "not XML at line 6" in problem.what
    assert "--test-reporter=tap" in problem.what


def test_a_program_that_is_missing_is_no_skip() -> None:
    """ctest calls it skipped."""
    found = {check.id: check for check in read(SAMPLES / "ctest.xml", "x").checks}
    assert found["(empty)::missing"].status is CheckStatus.ERRORED
    assert found["(empty)::skip"].status is CheckStatus.SKIPPED


def test_a_test_that_failed_twice_keeps_both_failures() -> None:
    """pytest lists a test whose teardown breaks two times."""
    both = [check for check in read(SAMPLES / "pytest-xunit1.xml", "x").checks if check.id == "test_s::test_both"]
    assert [check.status for check in both] == [CheckStatus.FAILED, CheckStatus.ERRORED]


def test_a_failure_without_words_is_one_more(tmp_path: Path) -> None:
    """No signature explains it, whatever the one beside it says."""
    case = '<testcase name="a"><failure message="refused"/><error/></testcase>'
    (check,) = of(tmp_path / "x.xml", f'<testsuite tests="1">{case}</testsuite>').checks
    assert check.failures == ("refused", "")


def test_subtests_are_named_by_their_parents() -> None:
    """A parent is no check of its own where its subtests say why it is red."""
    ids = [check.id for check in read(SAMPLES / "node.tap", "x").checks]
    assert "suite > deep > x" in ids
    assert "suite" not in ids


JUNIT = '<testsuite name="s" tests="{tests}" failures="{failures}">{cases}</testsuite>'
OK, RED = '<testcase name="a"/>', '<testcase name="b"><failure message="boom"/></testcase>'

IN_OUTPUT = '<testsuite><testcase name="a"><system-out><failure/></system-out></testcase></testsuite>'
# As Go before 1.20 writes it, which does not say that a package begins.
GO_TEST = '{"Action":"run","Package":"p","Test":"T"}\n{"Action":"pass","Package":"p","Test":"T"}\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        (" \n", "empty"),
        (JUNIT.format(tests=3, failures=0, cases=OK), "states 3 tests, but contains 1"),
        (JUNIT.format(tests=1, failures=1, cases=OK), "claims 1 failures and errors, but shows 0"),
        (JUNIT.format(tests=1, failures=0, cases=RED), "claims 0 failures and errors, but shows 1"),
        (JUNIT.format(tests="many", failures=0, cases=OK), "tests of <testsuite> 's' must be a number"),
        (JUNIT.format(tests=1, failures=0, cases=OK)[:-5], "incomplete"),
        ("<html><testcase name='a'/></html>", "begins with <html>"),
        ("<!DOCTYPE x><testsuite/>", "document type"),
        ('<!DOCTYPE x [<!ENTITY a "aa">]><testsuite><testcase name="&a;"/></testsuite>', "document type"),
        ("<testsuite>" * 70, "nested deeper"),
        ("<testsuite><a><testcase name='x'/></a></testsuite>", "<testcase> is inside <a>"),
        ("\x00\x01garbage", "format is not known"),
        ("{}", "an unknown test runner"),
        ("[]", "format is not known"),
        ('{"a": [1,', "incomplete"),
        ('{"a":' * 200_000, "nested too deep"),
        ('{"a":[' + "[]," * 1_600_000, "more values"),
        ("1..2\nok 1\n", "2 tests were planned, but 1 are there"),
        ("1..1\nok 1\nok 2\n", "1 tests were planned, but 2 are there"),
        ("TAP version 13\nok 1\n", "there is no plan"),
        ("1..2\nok 1\nok 1\n", "appears twice"),
        ("1..2\nok 1\nok 7\n", "outside of the plan"),
        ("1..1\nok 1\n1..1\n", "a second plan"),
        ("1..1\nok 1\nBail out! no database\n", "bailed out: no database"),
        ("1..1\nok 1\n\0not ok 2\n", "a failure is hidden"),
        ("1..1\nok 1\n\x1b[31mnot ok 2\x1b[0m\n", "a failure is hidden"),
        ("1..1\nok 1\n\u200bnot ok 2\n", "a failure is hidden"),
        ("1..1\nok 1\n\ufeff\bnot ok 2\n", "a failure is hidden"),
        ("1..1\nok 1 - a\rnot ok 2 - b\n", "a failure is hidden"),
        ("1..1\nok 1\n# a comment\x0bnot ok 2\n", "a failure is hidden"),
        ("1..1\nok 1\n not ok 2\n", "a failure is hidden"),
        ("1..1\nok 1\n      not ok 2\n", "a failure is hidden"),
        ("1..1\nok 1\nNOT OK 2\n", "a failure is hidden"),
        ("1..1\nok 1\n\0Bail out! no database\n", "a failure is hidden"),
        ("1..1\nok 1\n---\nnot ok 2\n...\n", "a failure is hidden"),
        ("1..1\n    ok 1\n    1..1\n", "no test point after them"),
        ("1..1\n    ok 1\nok 1\n", "there is no plan"),
        ("1..1\nok 1\n  ---\n  a: b\n", "incomplete"),
        ('{"Action":"start","Package":"p"}\n{"Action":"run","Package":"p","Test":"T"}\n', "did not end"),
        ('{"Action":"start","Package":"p"}\nnoise\n', "not a JSON event"),
        (GO_TEST, "package of p did not end"),
        (f'{GO_TEST}{{"Action":"pass","Package":"p"}}\n{{"Action":"start","Package":"q"}}\n', "package of q"),
        (
            f'{GO_TEST}{{"Action":"pass","Package":"p"}}\n{{"Action":"Fail","Package":"q"}}\n',
            "action 'Fail' is not known",
        ),
        (json.dumps({"reportFormat": "CTRF", "results": {"tests": [{"status": "passed"}]}}), "a check has no name"),
        (json.dumps({"exitcode": 0, "summary": {}, "tests": [{"outcome": "passed"}]}), "a check has no name"),
        ("<testsuite><testcase/></testsuite>", "a check has no name"),
        ("<testsuite><system-out><testcase name='a'/></system-out></testsuite>", "<testcase> is inside"),
        (IN_OUTPUT, "<failure> is inside <system-out>"),
        (json.dumps({"reportFormat": "CTRF", "results": {"summary": {"tests": 2}, "tests": []}}), "claims 2 tests"),
        (json.dumps({"exitcode": 0, "summary": {"failed": 1}, "tests": []}), "claims 1 failed tests"),
        (json.dumps({"testResults": [], "numTotalTests": 0, "success": False}), "a failed run"),
        (json.dumps({"testResults": [], "numTotalTests": 0, "success": True, "wasInterrupted": True}), "interrupted"),
        (json.dumps({"suites": [], "stats": {"unexpected": 1}}), "claims 1 unexpected"),
        (json.dumps({"suites": "x", "stats": {}}), "must be a list"),
        ('{"testResults": [], "success": false, "success": true}', "names a field twice"),
        ('{"Action":"start","Package":"p","Package":"q"}\n', "not a JSON event"),
    ],
)
def test_what_contradicts_itself_is_a_problem(tmp_path: Path, text: str, message: str) -> None:
    """Truncated, hostile and lying files are said to be so, with the place where there is one."""
    assert message in problems(of(tmp_path / "results", text))


def test_checks_before_a_break_still_count(tmp_path: Path) -> None:
    """What failed is shown also where the rest of the file is gone."""
    found = of(tmp_path / "results", f"<testsuite>{RED}<testcase na")
    assert [check.status for check in found.checks] == [CheckStatus.FAILED]
    assert found.problems


def test_what_is_no_regular_file_is_not_read(tmp_path: Path) -> None:
    """A pipe is not waited for, a link not followed."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(SAMPLES / "pytest-green.xml")
    for name in ("pipe", "link", "absent", "."):
        found = read(tmp_path / name, name)
        assert found.problems
        assert not found.checks


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    """1 GB takes neither time nor memory."""
    for name, begin in (("a.xml", b"<testsuite>"), ("b.json", b'{"exitcode":'), ("c.tap", b"1..1\n")):
        path = tmp_path / name
        path.write_bytes(begin)
        os.truncate(path, 1 << 30)
        found = read(path, name)
        assert found.problems, name


def test_one_endless_value_is_refused(tmp_path: Path) -> None:
    """An attribute is held whole by the parser, so it is bounded."""
    found = of(tmp_path / "x.xml", b'<testsuite name="' + b"a" * 3_000_000 + b'"/>')
    assert "longer than" in problems(found)


def test_long_texts_are_kept_in_part(tmp_path: Path) -> None:
    """A failure's words are bounded, and a name too."""
    text = f'<testsuite><testcase name="{"n" * 5000}"><failure>{"x" * 50_000}</failure></testcase></testsuite>'
    (check,) = of(tmp_path / "x.xml", text).checks
    assert len(check.id) <= 1000
    assert len(check.failures[0]) <= 4000


def test_what_sounds_red_is_red(tmp_path: Path) -> None:
    """An element or state that nobody knows, and that says that something failed, is not a pass."""
    cases = (
        '<testcase name="a"><systemFailure/></testcase><testcase name="b" status="failed"/>'
        '<testcase name="c"><rerunFailure message="m"/></testcase><error message="suite"/>'
        '<testcase name="d"><flakyFailure message="m"/></testcase>'
    )
    found = {check.id: check for check in of(tmp_path / "x.xml", f"<testsuite>{cases}</testsuite>").checks}
    assert {name for name, check in found.items() if check.status.is_red} == {"a", "b", "c", "(error of the suite)"}
    assert found["d"].flaky


@pytest.mark.parametrize(
    ("case", "status"),
    [
        # gtest: run, of a filter, disabled, skipped by itself.
        ('status="run" result="completed"/>', CheckStatus.PASSED),
        ('status="notrun" result="suppressed"/>', CheckStatus.SKIPPED),
        ('status="run" result="skipped"/>', CheckStatus.SKIPPED),
        ('status="run" result="interrupted"/>', CheckStatus.ERRORED),
        # ctest, behave, Ginkgo, robot.
        ('status="run"/>', CheckStatus.PASSED),
        ('status="fail"/>', CheckStatus.FAILED),
        ('status="disabled"/>', CheckStatus.SKIPPED),
        ('status="untested"/>', CheckStatus.SKIPPED),
        ('status="undefined"/>', CheckStatus.ERRORED),
        ('status="pending"/>', CheckStatus.SKIPPED),
        ('status="panicked"/>', CheckStatus.ERRORED),
        ('status="timedout"/>', CheckStatus.FAILED),
        ('status="PASS"/>', CheckStatus.PASSED),
        ('result="errored"/>', CheckStatus.FAILED),
        ('outcome="Failed"/>', CheckStatus.FAILED),
        ('status="passed\u200b"/>', CheckStatus.ERRORED),
        # surefire and nextest: red first, and green when it was run again; or never green.
        ('><flakyFailure message="m"><stackTrace>x</stackTrace></flakyFailure></testcase>', CheckStatus.PASSED),
        ("><flakyError/></testcase>", CheckStatus.PASSED),
        ("><failure/><rerunFailure/></testcase>", CheckStatus.FAILED),
        ("><rerunError/></testcase>", CheckStatus.ERRORED),
        # PHPUnit before 10; and what no runner writes.
        ("><warning>No tests found</warning></testcase>", CheckStatus.ERRORED),
        ("><crashed/></testcase>", CheckStatus.ERRORED),
        ("><Failure/></testcase>", CheckStatus.ERRORED),
        ("><skipped/><odd/></testcase>", CheckStatus.ERRORED),
        # What says nothing about how it ended.
        ("><properties><property name='failure' value='error'/></properties></testcase>", CheckStatus.PASSED),
        ("><system-out>error</system-out><system-err>failed</system-err></testcase>", CheckStatus.PASSED),
    ],
)
def test_how_a_case_ended_is_known_or_red(tmp_path: Path, case: str, status: CheckStatus) -> None:
    """An element or a state of JUnit XML that no known runner writes of a pass is a failure (STG-1)."""
    found = of(tmp_path / "x.xml", f'<testsuite><testcase name="a" {case}</testsuite>')
    assert [check.status for check in found.checks] == [status]
    assert not found.problems


def test_what_stands_in_a_suite_is_known_or_red(tmp_path: Path) -> None:
    """A case by another name would hide its failure."""
    hidden = '<testCase name="b"><failure/></testCase>'
    found = of(tmp_path / "x.xml", f"<testsuite><properties/><skipped/>{OK}{hidden}<system-out/></testsuite>")
    assert [(check.id, check.status.is_red) for check in found.checks] == [
        ("a", False),
        ("(testCase of the suite)", True),
    ]


def test_a_failure_in_two_spellings_of_the_blank(tmp_path: Path) -> None:
    """Other readers of TAP take it for a failure, and so do we."""
    for point in ("not  ok 1", "not\tok 1"):
        assert [check.status for check in of(tmp_path / "x", f"1..1\n{point}\n").checks] == [CheckStatus.FAILED]


def test_what_only_speaks_of_a_failure_is_none(tmp_path: Path) -> None:
    """In a name, a comment, or deeper in a block than its keys."""
    text = "1..1\nok 1 - is not ok\n# not ok is what it says\n  ---\n  said: |\n    not ok 1\n  ...\nnot okay\n"
    found = of(tmp_path / "x", text)
    assert (found.problems, [check.status for check in found.checks]) == ((), [CheckStatus.PASSED])


def test_unknown_states_are_red(tmp_path: Path) -> None:
    """In every JSON format."""
    documents = (
        {"reportFormat": "CTRF", "results": {"tests": [{"name": "a", "status": "other"}]}},
        {
            "testResults": [{"status": "passed", "assertionResults": [{"title": "a", "status": "odd"}]}],
            "numTotalTests": 1,
        },
        {"exitcode": 0, "summary": {}, "tests": [{"nodeid": "a", "outcome": "odd"}]},
        {"suites": [{"specs": [{"title": "a", "tests": [{"status": "odd"}]}]}], "stats": {}},
    )
    for document in documents:
        (check,) = of(tmp_path / "x.json", json.dumps(document)).checks
        assert check.status.is_red


def test_a_parent_with_words_of_its_own_is_a_check(tmp_path: Path) -> None:
    """Its subtests do not explain it then; a parent that says nothing is red because of them."""
    head = "1..1\n    1..1\n    not ok 1 - in\nnot ok 1 - out\n"
    alone = of(tmp_path / "a", head)
    told = of(tmp_path / "b", f"{head}  ---\n  error: 'after all hook broke'\n  ...\n")
    by_node = of(tmp_path / "c", f"{head}  ---\n  failureType: 'subtestsFailed'\n  ...\n")
    assert [check.id for check in alone.checks] == ["out > in"]
    assert [check.id for check in told.checks] == ["out > in", "out"]
    assert [check.id for check in by_node.checks] == ["out > in"]
    silent = of(tmp_path / "d", "1..1\n    1..1\n    ok 1 - in\nnot ok 1 - out\n")
    assert [(check.id, check.status) for check in silent.checks][-1] == ("out", CheckStatus.FAILED)


def test_a_format_that_is_named_has_to_be_the_files() -> None:
    """`--format` is no way to read a file as something that it is not."""
    assert read(SAMPLES / "vitest.json", "x", Format.CTRF).problems
    assert read(SAMPLES / "vitest.json", "x", Format.JUNIT).problems
    assert not read(SAMPLES / "vitest.json", "x", Format.JEST).problems


@settings(max_examples=60, deadline=None)
@given(sample=st.sampled_from(sorted(EXPECTED)), data=st.data())
def test_damaged_files_never_raise(tmp_path_factory: pytest.TempPathFactory, sample: str, data: st.DataObject) -> None:
    """Cut, with bytes in between, or with a byte turned: an answer comes, always."""
    raw = bytearray((SAMPLES / sample).read_bytes())
    at = data.draw(st.integers(0, len(raw) - 1))
    match data.draw(st.integers(0, 2)):
        case 0:
            raw = raw[:at]
        case 1:
            raw[at] = data.draw(st.integers(0, 255))
        case _:
            raw[at:at] = data.draw(st.binary(max_size=20))
    found = of(tmp_path_factory.getbasetemp() / "damaged", bytes(raw))
    assert "could not be read" not in problems(found)


@pytest.mark.parametrize("name", ["pytest-green.xml", "node-green.tap", "gotest-green.json"])
def test_a_file_that_is_cut_is_never_whole(tmp_path: Path, name: str) -> None:
    """Wherever a green file ends too early before its last line, it is a problem."""
    raw = (SAMPLES / name).read_bytes()
    last = raw.rstrip().rfind(b"\n1..") if name.endswith(".tap") else len(raw.rstrip()) - 1
    for at in range(0, last, max(1, last // 40)):
        assert of(tmp_path / "x", raw[:at]).problems, raw[:at][-80:]
