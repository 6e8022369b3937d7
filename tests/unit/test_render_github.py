"""What a CI runner is told: one line per finding, outputs that cannot break out, nothing outside CI."""

from __future__ import annotations

import dataclasses
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orch_gates.errors import ReportError
from orch_gates.model.finding import Finding
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.report.github import annotation_lines, append_summary, write_outputs
from orch_gates.report.markdown import body
from orch_gates.settings import CiContext

LEAK = Finding("9f86d081884c", "aws-access-token", "config/app.env", 3, "a" * 40, "AWS key", "Revoke the key first.")
FAIL = Verdict("security", Outcome.FAIL, "1 secret found", (LEAK,), (), {"commits": 1}, "Mend it.")
names = st.one_of(st.text(st.characters(), max_size=30), st.text("%:,=\r\n\x1b\u202e|`::##[a0AD25", max_size=30))
findings = st.builds(Finding, names, names, names, st.integers(0, 10**6), names, names, names, names)
verdicts = st.builds(
    Verdict,
    names,
    st.sampled_from(Outcome),
    names,
    st.lists(findings, max_size=4).map(tuple),
    st.lists(names, max_size=3).map(tuple),
    st.dictionaries(names, names, max_size=3),
    names,
)


def ci(folder: Path, *, active: bool = True) -> CiContext:
    return CiContext(
        active=active,
        event_name="push",
        event_path="",
        repository="o/r",
        output_file=str(folder / "output"),
        summary_file=str(folder / "summary"),
    )


def obeyed(line: str) -> tuple[str, dict[str, str], str]:
    """A workflow command as the runner reads it: level, properties, message."""
    match = re.fullmatch(r"::([a-z]+) (.*?)::(.*)", line)
    assert match, line
    level, properties, message = match.groups()
    named = dict(part.split("=", 1) for part in properties.split(","))
    for code, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        named = {name: value.replace(code, character) for name, value in named.items()}
        message = message if character in ":," else message.replace(code, character)
    return level, named, message


def outputs(text: str) -> dict[str, str]:
    """A GITHUB_OUTPUT file as the runner reads it."""
    found: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        if not line:
            continue
        name, separator, delimiter = line.partition("<<")
        if not separator:
            name, _, found[name] = line.partition("=")
            continue
        value: list[str] = []
        for following in lines:
            if following == delimiter:
                break
            value.append(following)
        found[name] = "\n".join(value)
    return found


def test_a_finding_is_an_error_at_its_place() -> None:
    """File and line make it appear in the diff; the message says how to mend it."""
    assert annotation_lines(FAIL) == (
        "::error file=config/app.env,line=3,title=aws-access-token"
        "::AWS key in commit aaaaaaaaaa (finding 9f86d081884c)%0ARevoke the key first.\n"
    )


def test_data_and_properties_are_encoded() -> None:
    """Percent signs, line ends, colons and commas keep their meaning and give nothing away."""
    odd = dataclasses.replace(LEAK, path="a%0A,b:c\r\nd::e.env", fix="100%\r\n::warning::x, y: z")
    (line,) = annotation_lines(dataclasses.replace(FAIL, findings=(odd,))).splitlines()
    assert "file=a%250A%2Cb%3Ac%0D%0Ad%3A%3Ae.env,line=3,title=" in line
    level, named, message = obeyed(line)
    assert (level, named["file"], named["line"]) == ("error", "a%0A,b:c\r\nd::e.env", "3")
    assert message.endswith("100%\r\n" + r":\x3awarning::x, y: z")


@given(verdict=verdicts)
def test_one_finding_is_one_line(verdict: Verdict) -> None:
    """No name can add an annotation, a property, a command or a control character."""
    text = annotation_lines(verdict)
    lines = text.split("\n")[:-1]
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ud800-\udfff]", text)
    assert "##[" not in text
    alone = 1 if not verdict.findings and verdict.outcome.exit_code else 0
    assert len(lines) == len(verdict.findings) + len(verdict.notices) + alone
    for line, finding in zip(lines, verdict.findings, strict=False):
        level, named, _ = obeyed(line)
        assert level == "error"
        assert set(named) == {"title"} | ({"file"} if finding.path else set()) | (
            {"line"} if finding.path and finding.line else set()
        )


def test_findings_beyond_the_limit_are_counted() -> None:
    """A runner shows few annotations; the last line says how many there are besides."""
    lines = annotation_lines(dataclasses.replace(FAIL, findings=(LEAK,) * 60), limit=50).splitlines()
    assert len(lines) == 51
    assert lines[-1].endswith("::+10 more")


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (Outcome.PASS, ""),
        (Outcome.SKIP, ""),
        (Outcome.FAIL, "::error title=orch-gates security FAIL::why%0Anext\n"),
        (Outcome.ERROR, "::error title=orch-gates security ERROR::why%0Anext\n"),
        (Outcome.HOLD, "::error title=orch-gates security HOLD::why%0Anext\n"),
        (Outcome.DEFER, "::warning title=orch-gates security DEFER::why%0Anext\n"),
    ],
)
def test_a_verdict_without_findings_is_one_line(outcome: Outcome, message: str) -> None:
    """A refusal is never silent in the log (P3, P8)."""
    assert annotation_lines(Verdict("security", outcome, "why", next_step="next")) == message


def test_notices_are_warnings() -> None:
    """A degraded feed is seen without being blamed."""
    assert annotation_lines(Verdict("security", Outcome.PASS, "ok", notices=("feed down",))) == (
        "::warning title=orch-gates security::feed down\n"
    )


def test_outputs_are_set(tmp_path: Path) -> None:
    """The five outputs of every gate's action (GATE-4)."""
    write_outputs(FAIL, ci(tmp_path), report="out/17-security-report.md")
    assert outputs((tmp_path / "output").read_text()) == {
        "outcome": "FAIL",
        "reason": "1 secret found",
        "findings": "1",
        "report": "out/17-security-report.md",
        "exit-code": "1",
    }


@settings(deadline=None)
@given(reason=names, report=names)
@example(reason="\udcff", report="caf\udce9/report.md")
@example(reason="x\nEOF\noutcome=PASS", report="a\nghadelimiter\noutcome<<X\nPASS\nX")
def test_values_never_become_outputs(reason: str, report: str) -> None:
    """A value of several lines stays one value: nothing in it can end it."""
    with tempfile.TemporaryDirectory() as folder:
        write_outputs(dataclasses.replace(FAIL, reason=reason), ci(Path(folder)), report=report)
        read = outputs((Path(folder) / "output").read_bytes().decode())
    assert list(read) == ["outcome", "reason", "findings", "report", "exit-code"]
    assert (read["outcome"], read["findings"], read["exit-code"]) == ("FAIL", "1", "1")
    assert "\n" not in read["reason"]


def test_the_delimiter_cannot_be_known_beforehand(tmp_path: Path) -> None:
    """Every value has its own random delimiter: replaying one that was seen ends nothing."""
    write_outputs(FAIL, ci(tmp_path), report="")
    write_outputs(FAIL, ci(tmp_path), report="")
    delimiters = re.findall(r"<<(.+)", (tmp_path / "output").read_text())
    assert len(set(delimiters)) == len(delimiters) == 10
    assert all(len(delimiter) >= 32 for delimiter in delimiters)


def test_files_of_the_runner_are_added_to(tmp_path: Path) -> None:
    """What an earlier step wrote stays, also where it forgot to end its line."""
    (tmp_path / "output").write_text("mine=1")
    (tmp_path / "summary").write_text("earlier")
    write_outputs(FAIL, ci(tmp_path), report="")
    append_summary(FAIL, ci(tmp_path))
    assert outputs((tmp_path / "output").read_text())["mine"] == "1"
    assert outputs((tmp_path / "output").read_text())["outcome"] == "FAIL"
    assert (tmp_path / "summary").read_text().startswith("earlier\n# security: FAIL\n")


def test_nothing_is_written_outside_ci(tmp_path: Path) -> None:
    """A person's shell may have such variables too; nor is a file made where none was named."""
    for context in (ci(tmp_path, active=False), dataclasses.replace(ci(tmp_path), output_file="", summary_file="")):
        write_outputs(FAIL, context, report="")
        append_summary(FAIL, context)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """The action must not seem to have set its outputs (P3)."""
    with pytest.raises(ReportError):
        write_outputs(FAIL, ci(tmp_path / "absent"), report="")
    with pytest.raises(ReportError):
        append_summary(FAIL, ci(tmp_path / "absent"))


def test_the_summary_is_for_people() -> None:
    """Verdict, why, what next, a table of findings with place and mending, evidence (P8)."""
    leaks = (LEAK, dataclasses.replace(LEAK, path="", line=0, commit="", carrier="commit message"))
    mend = "Revoke the key first. Finding `9f86d081884c`."
    evidence = {"ok": True, "n": None}
    verdict = dataclasses.replace(FAIL, findings=leaks, notices=("feed *down*",), evidence=evidence)
    assert body(verdict) == (
        "# security: FAIL\n\n"
        "**FAIL**: 1 secret found\n\n"
        "Next: Mend it.\n\n"
        "## Findings\n\n"
        "| rule | place | commit | how to fix |\n|---|---|---|---|\n"
        f"| `aws-access-token` AWS key | `config/app.env:3` | `{'a' * 40}` | {mend} |\n"
        f"| `aws-access-token` AWS key | (commit message) |  | {mend} |\n\n"
        "## Notices\n\n- feed \\*down\\*\n\n"
        "## Evidence\n\n| what | value |\n|---|---|\n| `ok` | `yes` |\n| `n` | `none` |\n"
    )


@given(verdict=verdicts)
def test_the_summary_keeps_its_shape(verdict: Verdict) -> None:
    """Every row has its cells, nothing starts a new block, no control character leaves."""
    text = body(verdict)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ud800-\udfff]", text)
    rows = [line for line in text.split("\n") if line.startswith("|")]
    cells = [len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) - 1 for row in rows]
    expected = ([4] * (2 + len(verdict.findings)) if verdict.findings else []) + (
        [2] * (2 + len(verdict.evidence)) if verdict.evidence else []
    )
    assert cells == expected
    known = re.compile(r"\Z|\||# |## (Findings|Notices|Evidence)\Z|\*\*[A-Z]+\*\*: |Next: |- ")
    assert all(known.match(line) for line in text.split("\n"))


def test_the_summary_is_bounded() -> None:
    """A runner refuses summaries over 1 MiB: thousands of findings are counted instead."""
    huge = dataclasses.replace(LEAK, path="|" * 5000, fix="*" * 5000, description="<" * 5000)
    text = body(dataclasses.replace(FAIL, findings=(huge,) * 5000), limit=30)
    assert "+4970 more" in text
    assert len(text) < 1_000_000
