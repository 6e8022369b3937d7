"""`17-security-report.md`: only an intact report of a proven scan is anything but FAIL (SEC-8)."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from orch_gates.documents import frontmatter, yaml_write
from orch_gates.errors import ReportError
from orch_gates.model.finding import MAX_FINDINGS, MAX_TEXT, Finding
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.report import files, security
from orch_gates.report.security_model import MAX_NOTICES, SecurityReport

HEAD, BASE = "a" * 40, "b" * 40
NOW = datetime(2026, 11, 20, 10, 30, 5, tzinfo=UTC)
PASS = Verdict(
    gate="security",
    outcome=Outcome.PASS,
    reason="no secret in 3 commits",
    notices=("requests 2.0: PYSEC-1 is on main already",),
    evidence={"commits_scanned": 3, "bytes_scanned": 1200, "canary_found": True, "engine": "gitleaks", "config": None},
    next_step="merge",
)
LEAK = Finding("9f86d081884c", "aws-access-token", "config/app.env", 3, HEAD, "AWS key", "Revoke the key first.")
FAIL = Verdict("security", Outcome.FAIL, "1 secret found", findings=(LEAK,), evidence={"commits_scanned": 3})


def write(path: Path, verdict: Verdict, head: str = HEAD, base: str = BASE, now: datetime = NOW) -> SecurityReport:
    return security.write(path, verdict, head=head, base=base, target="main", now=now)


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / security.FILE_NAME


@pytest.fixture(name="passed", scope="module")
def _passed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("report") / security.FILE_NAME
    write(path, PASS)
    return path.read_bytes()


def judged(content: bytes) -> Verdict:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / security.FILE_NAME
        path.write_bytes(content)
        return security.verdict_of(path)


def resealed(content: bytes, old: str, new: str) -> bytes:
    """The report with `old` replaced in its frontmatter, by someone who also renews the digest."""
    raw, body = frontmatter.split(content.decode())
    stated = raw[: raw.rindex("digest: ")]
    assert old in stated
    return frontmatter.join(security.seal(stated.replace(old, new)), body).encode()


def test_what_was_written_is_the_verdict(path: Path) -> None:
    """Every field of a verdict survives the file, and the report names what it is about."""
    report = write(path, PASS)
    assert (report.head, report.base, report.target, report.created) == (HEAD, BASE, "main", "2026-11-20T10:30:05Z")
    assert security.verdict_of(path) == PASS
    assert security.verdict_of(path, head=HEAD) == PASS
    assert list(path.parent.iterdir()) == [path]


names = st.text(max_size=30)
findings = st.builds(Finding, names, names, names, st.integers(0, 10**6), names, names, names, names)


@settings(deadline=None, max_examples=100)
@given(
    outcome=st.sampled_from([Outcome.FAIL, Outcome.HOLD, Outcome.DEFER, Outcome.ERROR]),
    found=st.lists(findings, max_size=3),
    notices=st.lists(names, max_size=3),
    evidence=st.dictionaries(
        names, st.one_of(names, st.booleans(), st.none(), st.integers(-(2**60), 2**60)), max_size=3
    ),
    reason=st.text(min_size=1, max_size=40),
)
def test_any_verdict_survives_the_file(
    outcome: Outcome,
    found: list[Finding],
    notices: list[str],
    evidence: dict[str, str | int | bool | None],
    reason: str,
) -> None:
    """Whatever the names and messages hold, what is read back equals what was judged."""
    verdict = Verdict("security", outcome, reason, tuple(found), tuple(notices), evidence)
    with tempfile.TemporaryDirectory() as folder:
        assert write(Path(folder) / "report.md", verdict).as_verdict() == verdict


def test_a_path_that_is_not_text_is_spelled_out(path: Path) -> None:
    """A file name that is not UTF-8 is reported, not a reason to have no report."""
    odd = dataclasses.replace(FAIL, findings=(dataclasses.replace(LEAK, path="caf\udce9.env"),))
    assert write(path, odd).findings[0].path == r"caf\xe9.env"


def test_the_digest_is_over_the_frontmatter_before_it(passed: bytes) -> None:
    """Anybody can check it with standard tools: it is the last line, over what stands before."""
    raw, _ = frontmatter.split(passed.decode())
    stated, _, last = raw.rpartition("digest: ")
    assert raw == security.seal(stated)
    assert last.startswith('"sha256:')


@settings(deadline=None, max_examples=600)
@given(data=st.data())
def test_any_edit_of_the_frontmatter_is_a_fail(passed: bytes, data: st.DataObject) -> None:
    """Bytes replaced, inserted, deleted, swapped or cut off in the frontmatter: never anything but FAIL."""
    end = passed.index(b"\n---\n", 3) + len(b"\n---\n")
    start = data.draw(st.integers(0, end - 1))
    stop = data.draw(st.integers(start, min(end, start + 80)))
    new = data.draw(
        st.one_of(
            st.binary(max_size=4),
            st.sampled_from([b"\n", b" ", b"#", b"---\n", b"\n---\n", b'verdict: "PASS"\n', b"0", b"a", b"\r\n", b'"']),
            st.just(passed[start:stop][::-1]),
            st.just(passed[start:stop].upper()),
        )
    )
    edited = passed[:start] + new + passed[stop:]
    assume(not edited.startswith(passed[:end]))
    assert judged(edited).outcome is Outcome.FAIL


@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_a_truncated_frontmatter_is_a_fail(passed: bytes, data: st.DataObject) -> None:
    """A file cut off anywhere before the end of its frontmatter is FAIL; a cut body changes nothing."""
    end = passed.index(b"\n---\n", 3) + len(b"\n---\n")
    cut = data.draw(st.integers(0, len(passed)))
    expected = Outcome.PASS if cut >= end else Outcome.FAIL
    assert judged(passed[:cut]).outcome is expected


@settings(deadline=None, max_examples=100)
@given(body=st.text())
@example(body='---\nverdict: "FAIL"\n---\n')
def test_the_body_is_for_people_only(passed: bytes, body: str) -> None:
    """Nothing in the body changes the verdict."""
    raw, _ = frontmatter.split(passed.decode())
    assert judged(frontmatter.join(raw, body).encode("utf-8", "replace")) == PASS


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"---\n---\n", b"PASS", b"verdict: PASS\n", b"---\nverdict: PASS\n---\n", b"\0" * 100]
)
def test_a_file_that_is_no_report_is_a_fail(content: bytes) -> None:
    """The reason says in one line that the report proves nothing, and the next step is named (P8)."""
    verdict = judged(content)
    assert (verdict.outcome, verdict.gate) == (Outcome.FAIL, "security")
    assert verdict.reason.startswith("the security report is not valid: ")
    assert "\n" not in verdict.reason
    assert verdict.next_step


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('verdict: "PASS"', 'verdict: "pass"'),
        ('verdict: "PASS"', 'verdict: "OK"'),
        ('verdict: "PASS"', "verdict: true"),
        ('verdict: "PASS"', "verdict: 0"),
        ('verdict: "PASS"', "verdict: null"),
        ('verdict: "PASS"', 'verdict: ["PASS"]'),
        ('verdict: "PASS"\n', ""),
        ('verdict: "PASS"\n', 'verdict: "PASS"\nverdict: "PASS"\n'),
        ('gate: "security"', 'gate: "merge"'),
        ('schema: "orch.report/1"', 'schema: "orch.report/2"'),
        ('schema: "orch.report/1"', 'kind: "orch.report/1"'),
        ('reason: "no secret in 3 commits"', 'reason: ""'),
        ("findings_total: 0", "findings_total: 1"),
        ("findings_total: 0", "findings_total: -1"),
        ("findings_total: 0", 'findings_total: "0"'),
        ("findings_total: 0", "findings_total: false"),
        ("findings: []", "findings: {}"),
        ("findings: []", "findings: null"),
        (f'head: "{HEAD}"', 'head: ""'),
        (f'base: "{BASE}"', 'base: ""'),
        (f'head: "{HEAD}"', 'head: "HEAD"'),
        (f'head: "{HEAD}"', f'head: "{HEAD}\\n"'),
        ("2026-11-20", "2026-02-30"),
        ("10:30:05Z", "10:30:05+02:00"),
        ("commits_scanned: 3", "commits_scanned: [3]"),
        ('target: "main"', 'target: "main"\nextra: 1'),
        ('target: "main"', "target: main\nevidence: {}"),
    ],
)
def test_a_sealed_report_that_states_nonsense_is_a_fail(passed: bytes, old: str, new: str) -> None:
    """Types, words and contradictions are checked even where the digest fits."""
    assert judged(resealed(passed, 'target: "main"', 'target: "dev"')).outcome is Outcome.PASS
    assert judged(resealed(passed, old, new)).outcome is Outcome.FAIL


def test_pass_with_findings_in_the_file_is_a_fail(path: Path) -> None:
    """A PASS that lists findings contradicts itself, sealed or not; so does a SKIP (P1)."""
    write(path, FAIL)
    for word in ("PASS", "SKIP"):
        edited = resealed(path.read_bytes(), 'verdict: "FAIL"', f'verdict: "{word}"')
        verdict = judged(edited)
        assert verdict.outcome is Outcome.FAIL
        assert f"{word} with findings" in verdict.reason
    unlisted = resealed(path.read_bytes(), "findings_total: 1", "findings_total: 0")
    assert "less than the findings listed" in judged(unlisted).reason


@pytest.mark.parametrize(
    "verdict",
    [
        dataclasses.replace(PASS, evidence={}),
        dataclasses.replace(PASS, evidence={"engine": None, "config": ""}),
        dataclasses.replace(PASS, findings=(LEAK,)),
        dataclasses.replace(PASS, reason=""),
        dataclasses.replace(PASS, gate="merge"),
    ],
    ids=["no evidence", "empty evidence", "findings", "no reason", "other gate"],
)
def test_an_unproven_pass_cannot_be_written(path: Path, verdict: Verdict) -> None:
    """The writer refuses it, and the report of an earlier judgement is gone (P1, SEC-8)."""
    write(path, PASS)
    with pytest.raises(ReportError):
        write(path, verdict)
    assert security.verdict_of(path).outcome is Outcome.FAIL
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize(("head", "base"), [("", BASE), (HEAD, ""), ("main", BASE), (HEAD[:10], BASE)])
def test_pass_needs_both_ends_resolved(path: Path, head: str, base: str) -> None:
    """A PASS names full object ids of what was scanned (SEC-2)."""
    with pytest.raises(ReportError):
        write(path, PASS, head=head, base=base)


def test_a_fail_needs_no_resolved_ends(path: Path) -> None:
    """Where nothing could be resolved, the report still says FAIL and why."""
    write(path, Verdict("security", Outcome.FAIL, "HEAD does not resolve"), head="", base="")
    assert security.verdict_of(path).reason == "HEAD does not resolve"


def test_time_is_utc(path: Path) -> None:
    """Another time zone is converted; a time without one is refused."""
    assert write(path, PASS, now=NOW.astimezone(timezone(timedelta(hours=5)))).created == "2026-11-20T10:30:05Z"
    with pytest.raises(ReportError, match="time zone"):
        write(path, PASS, now=NOW.replace(tzinfo=None))


def test_a_report_about_another_commit_is_stale(path: Path) -> None:
    """A reader that knows which commit it asks about is not answered by an older report."""
    write(path, PASS)
    verdict = security.verdict_of(path, head="c" * 40)
    assert verdict.outcome is Outcome.FAIL
    assert "aaaaaaaaaa" in verdict.reason


def test_what_is_no_regular_file_is_a_fail(tmp_path: Path) -> None:
    """Absent, folder, link, pipe, device, unusable name: FAIL at once, without following or waiting."""
    real = tmp_path / "real.md"
    write(real, PASS)
    link, pipe = tmp_path / "link.md", tmp_path / "pipe.md"
    link.symlink_to(real)
    os.mkfifo(pipe)
    for path in (tmp_path / "absent.md", tmp_path, link, pipe, Path("/dev/zero"), Path("nul\0l"), Path("x" * 5000)):
        assert security.verdict_of(path).outcome is Outcome.FAIL
        with pytest.raises(ReportError):
            security.read(path)


def test_the_question_never_raises() -> None:
    """Even a mistake of the caller is a FAIL with its cause, not a traceback (P3)."""
    verdict = security.verdict_of(object())  # type: ignore[arg-type]
    assert verdict.outcome is Outcome.FAIL
    assert "TypeError" in verdict.reason


def test_an_oversize_file_is_a_fail(passed: bytes) -> None:
    """A report that grew beyond the limit is not read to the end."""
    verdict = judged(passed + b"x" * frontmatter.MAX_DOCUMENT)
    assert verdict.outcome is Outcome.FAIL
    assert "longer than" in verdict.reason


def test_an_enormous_file_costs_no_memory(path: Path) -> None:
    """Only as much is read as a report may hold, here of a sparse file of 1 TiB."""
    path.touch()
    os.truncate(path, 1 << 40)
    assert "longer than" in security.verdict_of(path).reason


def test_a_file_is_replaced_as_a_whole(path: Path) -> None:
    """Whoever has the old file open keeps reading all of it: the new one is another file (P7)."""
    path.write_text("old")
    with path.open() as reader:
        files.replace(path, "new")
        assert reader.read() == "old"
    assert path.read_text() == "new"


def test_a_link_is_neither_followed_nor_replaced(tmp_path: Path) -> None:
    """A link in the report's place cannot make the gate write elsewhere, nor is it taken for a report (OWN-3)."""
    victim, path = tmp_path / "victim", tmp_path / security.FILE_NAME
    victim.write_text("untouched")
    path.symlink_to(victim)
    with pytest.raises(ReportError, match="is a link"):
        write(path, PASS)
    assert victim.read_text() == "untouched"
    assert security.verdict_of(path).outcome is Outcome.FAIL


def test_a_report_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """No place for the file, or a folder in its place: ReportError, nothing half written."""
    (tmp_path / "file").write_text("")
    (tmp_path / "folder" / "x").mkdir(parents=True)
    for path in (tmp_path / "file" / "report.md", tmp_path / "folder", Path("/proc/none/report.md")):
        with pytest.raises(ReportError):
            write(path, PASS)


def test_thousands_of_findings_are_counted(path: Path) -> None:
    """The report stays readable: the first findings in full, all of them in the count."""
    many = tuple(dataclasses.replace(LEAK, line=n) for n in range(1, 5001))
    report = write(path, dataclasses.replace(FAIL, findings=many))
    assert (report.findings_total, len(report.findings)) == (5000, MAX_FINDINGS)
    assert "+4900 more" in path.read_text()
    assert report.as_verdict().notices == ("4800 more findings are counted but not listed in the report",)


def test_notices_left_out_are_counted(path: Path) -> None:
    """A degraded feed among hundreds of notices is at least known to be missing."""
    notices = write(path, dataclasses.replace(PASS, notices=("n",) * (MAX_NOTICES + 5))).notices
    assert notices == (*("n",) * MAX_NOTICES, "+5 more notices")


def test_findings_of_any_length_fit(path: Path) -> None:
    """Hostile names of thousands of characters leave a report that can be read back."""
    huge = dataclasses.replace(LEAK, path="\u202e" * 10_000, description="x" * 100_000)
    report = write(path, dataclasses.replace(FAIL, findings=(huge,) * 300))
    assert report.findings_total == 300
    assert 0 < len(report.findings) < MAX_FINDINGS
    assert len(report.findings[0].path) == MAX_TEXT


def test_too_much_evidence_is_an_error(path: Path) -> None:
    """What cannot be stored whole is not stored in part: evidence is never dropped silently."""
    with pytest.raises(ReportError, match="frontmatter is longer"):
        write(path, dataclasses.replace(PASS, evidence={f"k{n}": "x" * 1000 for n in range(500)}))


def test_no_report_is_ever_half_there(path: Path) -> None:
    """Damage by any other program, here a rewrite of the same values in another spelling, is FAIL."""
    write(path, PASS)
    mapping, body = frontmatter.decode(path.read_text())
    again = frontmatter.join(yaml_write.dump(mapping), body)
    assert judged(again.encode()) == PASS  # the writer is deterministic
    assert judged(again.replace('target: "main"', "target: main").encode()).outcome is Outcome.FAIL
    assert judged(again.replace("\n", "\r\n").encode()).outcome is Outcome.FAIL
