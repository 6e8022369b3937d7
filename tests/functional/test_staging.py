"""`orch-gates gate staging`: results and an exit code in, a verdict and its report out, alone and on an edge."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from orch_gates.documents import frontmatter
from tests import job_rig
from tests.builders import Done, Repo, answered, github_token, orch, run
from tests.job_rig import CONFIG, JobRig

REPORT = "15-staging-report.md"
LIST = """\
---
schema: orch.staging-infra/1
entries:
  - id: refused
    check: "test_broken::*"
    signature: "ConnectionRefusedError: *Connection refused"
    owner: ops
    reason: the sandbox has no database
    expires: 2099-12-31
    uses: 2
---
"""
SAMPLES = Path(__file__).parents[1] / "results"
REFUSED, GREEN = SAMPLES / "pytest-refused.xml", SAMPLES / "pytest-green.xml"


@pytest.fixture
def work(tmp_path: Path) -> Repo:
    """A repository on a branch of its own, whose `main` allows the sandbox's failure."""
    run("git", "init", "--quiet", "-b", "main", tmp_path / "work", cwd=tmp_path)
    made = Repo(tmp_path / "work")
    made.commit("main", {".orch-gates/staging-infra.md": LIST})
    made.git("switch", "--quiet", "--create", "topic")
    made.commit("work", {"code.py": "x = 1\n"})
    return made


def gate(work: Repo, *args: str | Path, **env: str) -> Done:
    return orch("gate", "staging", *args, cwd=work.path, env=env)


def written(work: Repo) -> dict[str, Any]:
    """The frontmatter of the report in its usual place."""
    return parsed(work.path / ".git" / "orch-gates" / REPORT)[0]


def parsed(path: Path) -> tuple[dict[str, Any], str]:
    return frontmatter.decode(path.read_text())


def outcome(done: Done) -> str:
    return str(answered(done)["outcome"])


def test_a_verdict_and_its_report(work: Repo) -> None:
    """SUCCESS with what was waived, recorded about the commit; the gate on an edge reads it the same way."""
    done = gate(work, REFUSED, "--exit-code", "1", "--report", REPORT)
    assert done.returncode == 0, done.stderr
    assert b"waived: test_broken::test_db: refused of ops until 2099-12-31" in done.stdout
    stated, body = parsed(work.path / REPORT)
    assert (stated["schema"], stated["gate"], stated["staging_status"]) == (
        "orch.report/1",
        "staging-status",
        "SUCCESS",
    )
    assert stated["head"] == work.git("rev-parse", "HEAD")
    assert {"checks": 2, "passed": 1, "waived": 1, "real": 0, "exit_code": 1}.items() <= stated["evidence"].items()
    assert any("waived: test_broken::test_db" in note for note in stated["notices"])
    assert "    test_broken::test_ok\n" in body
    assert orch("gate", "staging-status", REPORT, cwd=work.path).returncode == 0
    strict = gate(work, REFUSED, "--exit-code", "1", "--strict", "--report", REPORT)
    assert strict.returncode == 1
    assert orch("gate", "staging-status", REPORT, cwd=work.path).returncode == 1
    assert gate(work, REFUSED, "--exit-code", "1", ORCH_STAGING_INFRA_TOLERANCE_ENABLED="false").returncode == 1


def test_only_the_target_branch_allows(work: Repo) -> None:
    """A list in the tree that is judged waives nothing (P5), a broken one on the target neither."""
    work.git("switch", "--quiet", "main")
    work.commit("no list", {".orch-gates/staging-infra.md": "nothing\n"})
    work.git("switch", "--quiet", "topic")
    assert (work.path / ".orch-gates" / "staging-infra.md").read_text() == LIST
    done = gate(work, REFUSED, "--exit-code", "1")
    assert done.returncode == 1
    assert b"staging-infra.md: line 1" in done.stdout


def test_configuration_of_the_target_counts(work: Repo) -> None:
    """`required` and `missing` are read there, and a file that cannot be used is exit code 2 without any report."""
    work.git("switch", "--quiet", "main")
    work.commit("rules", {".orch-gates.yaml": 'staging_status:\n  required: ["test_green::*", "db::*"]\n'})
    work.git("switch", "--quiet", "topic")
    done = gate(work, GREEN, "--exit-code", "0")
    assert done.returncode == 1
    assert b"db::*: it is required, but absent" in done.stdout
    work.git("switch", "--quiet", "main")
    work.commit("rules", {".orch-gates.yaml": "staging_status: 7\n"})
    work.git("switch", "--quiet", "topic")
    undecided = gate(work, GREEN, "--exit-code", "0")
    assert undecided.returncode == 2
    assert not (work.path / ".git" / "orch-gates" / REPORT).exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("x.xml",), "give --exit-code"),
        (("x.xml", "--exit-code", "0", "--", "true"), "leave --exit-code out"),
        (("x.xml", "--"), "no command follows `--`"),
        (("x.xml", "--exit-code", "0", "--timeout", "3"), "--timeout needs a COMMAND"),
        (("x.xml", "--exit-code", "0", "--task", "T", "--previous", "x"), "not both"),
        (("--exit-code", "0"), "Missing argument"),
        (("x.xml", "--exit-code", "-1"), "not in the range"),
        (("x.xml", "--exit-code", "256"), "not in the range"),
    ],
)
def test_wrong_usage_is_said(work: Repo, args: tuple[str, ...], message: str) -> None:
    """Exit code 2, and no verdict."""
    done = gate(work, *args)
    assert done.returncode == 2
    assert message in done.stderr.decode()


def test_files_that_prove_nothing(work: Repo) -> None:
    """Absent, a pattern that nothing fits, a pipe, a link, one of several that is broken."""
    (work.path / "broken.xml").write_bytes(GREEN.read_bytes()[:-20])
    (work.path / "link.xml").symlink_to(GREEN)
    os.mkfifo(work.path / "pipe.xml")
    for name in ("absent.xml", "no/*.xml", "broken.xml", "link.xml", "pipe.xml"):
        done = gate(work, GREEN, name, "--exit-code", "0", "--json")
        assert (done.returncode, outcome(done)) == (1, "FAIL"), name
        (finding,) = answered(done)["findings"]
        assert finding["path"] == name
    shutil.copy(GREEN, work.path / "a.xml")
    shutil.copy(SAMPLES / "node-green.tap", work.path / "b.xml")
    found = answered(gate(work, "[ab].xml", "--exit-code", "0", "--json"))
    assert (found["outcome"], found["evidence"]["files"], found["evidence"]["formats"]) == ("PASS", 2, "junit, tap")


def test_a_command_is_run_and_shown(work: Repo) -> None:
    """Its words are passed on, its exit code and only files that it wrote anew count."""
    copy = f"cp '{GREEN}' r.xml"
    done = gate(work, "r.xml", "--", "sh", "-c", f"echo checking; echo trouble >&2; {copy}")
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith(b"checking\n")
    assert b"trouble" in done.stderr
    as_json = gate(work, "r.xml", "--json", "--", "sh", "-c", f"echo checking; {copy}")
    assert outcome(as_json) == "PASS"
    assert b"checking" in as_json.stderr
    for script, output in (
        ("true", "the command did not write it again"),
        (f"cp -p '{GREEN}' r.xml; touch -d '2020-01-01' r.xml", "older than the run"),
        (f"{copy}; exit 3", "ended with 3, and no check failed"),
        (f"{copy}; kill -9 $$", "ended with 137"),
        ("rm r.xml", "No such file"),
        (f"{copy}; git commit --quiet --allow-empty -m more", "moved HEAD"),
    ):
        shutil.copy(GREEN, work.path / "r.xml")
        bad = gate(work, "r.xml", "--", "sh", "-c", script)
        assert bad.returncode == 1, script
        assert output in " ".join(bad.stdout.decode().split()), script
    missing = gate(work, "r.xml", "--", "./no-such-program")
    assert missing.returncode == 1
    assert b"cannot start ./no-such-program" in missing.stdout


def test_a_command_has_so_much_time(work: Repo) -> None:
    """Then it and all that it started is ended, and the run is FAILED, whatever it wrote."""
    begin = time.monotonic()
    script = f"cp '{GREEN}' r.xml; trap 'exit 0' TERM; sleep 60 & wait"
    done = gate(work, "r.xml", "--timeout", "0.5", "--", "sh", "-c", script)
    assert done.returncode == 1
    assert b"did not finish within 0.5 s" in done.stdout
    assert time.monotonic() - begin < 30


def test_a_command_gets_no_token(work: Repo) -> None:
    """It runs code of the branch that is judged (OWN-1)."""
    token = github_token()
    done = gate(work, "r.xml", "--", "sh", "-c", f"env >env; cp '{GREEN}' r.xml", ORCH_FORGE_TOKEN=token)
    assert done.returncode == 0
    assert token not in (work.path / "env").read_text()


def test_what_was_there_the_last_time(work: Repo) -> None:
    """The report of before may be the one that is written anew; uses of an entry are counted on from it."""
    args = ("--exit-code", "1", "--report", REPORT, "--previous", REPORT)
    first = gate(work, REFUSED, *args)
    assert first.returncode == 0
    assert b"there is no 15-staging-report.md yet" in first.stdout
    second = gate(work, REFUSED, *args)
    assert b"refused@2099-12-31: used 2 of 2 times" in second.stdout
    spent = gate(work, REFUSED, *args)
    assert spent.returncode == 1
    assert b"waives 2 in all, but 3 failures need it" in b" ".join(spent.stdout.split())
    green = ("--exit-code", "0", "--report", REPORT, "--previous", REPORT)
    gone = gate(work, GREEN, *green)
    assert gone.returncode == 0
    assert b"ran before, but not now: test_broken::test_db" in gone.stdout
    assert gate(work, REFUSED, *args, ORCH_STAGING_MISSING="fail").returncode == 1
    (work.path / REPORT).write_text("# nothing\n")
    assert gate(work, GREEN, *green).returncode == 1


def test_secrets_in_results_are_not_kept(work: Repo) -> None:
    """Neither on the terminal nor in the report nor in JSON, also where a name holds one (SEC-5)."""
    token = github_token()
    case = f'<testcase name="with {token}"><failure message="m">\nheader {token}\n</failure></testcase>'
    (work.path / "r.xml").write_text(f"<testsuite>{case}</testsuite>")
    for options in ((), ("--json",), ("--verbose",)):
        done = gate(work, "r.xml", "--exit-code", "1", *options)
        assert done.returncode == 1
        assert token.encode() not in done.stdout + done.stderr
    assert token not in (work.path / ".git" / "orch-gates" / REPORT).read_text()


def test_names_do_not_steer_a_terminal_or_a_runner(work: Repo, tmp_path: Path) -> None:
    """Control characters and commands to a runner are shown as codes, everywhere (OWN-3)."""
    summary, values = tmp_path / "summary", tmp_path / "values"
    env = {"CI": "true", "GITHUB_STEP_SUMMARY": str(summary), "GITHUB_OUTPUT": str(values)}
    (work.path / "r.tap").write_bytes(b"1..2\nok 1\nnot ok 2 - \x1b[2Jbad \xe2\x80\xae ::error::pwned\n")
    done = gate(work, "r.tap", "--exit-code", "1", **env)
    assert done.returncode == 1
    shown = done.stdout + done.stderr + summary.read_bytes() + values.read_bytes()
    seen = shown + (work.path / ".git" / "orch-gates" / REPORT).read_bytes()
    assert b"\x1b" not in seen
    assert "\u202e".encode() not in seen
    assert b" ::error::pwned" not in shown
    told = values.read_text()
    for name, value in (("outcome", "FAIL"), ("real", "1"), ("waived", "0"), ("checks", "2")):
        assert f"{name}<<" in told
        assert f"\n{value}\n" in told


def test_out_of_scope_runs_and_writes_nothing(work: Repo) -> None:
    """The kill switch (GATE-3)."""
    done = gate(work, "r.xml", "--", "touch", "ran", ORCH_STAGING_STATUS_ENABLED="false")
    assert done.returncode == 0
    assert not (work.path / "ran").exists()
    assert not (work.path / ".git" / "orch-gates" / REPORT).exists()


def test_a_killed_run_leaves_no_older_verdict(work: Repo) -> None:
    """A report of before is not believed when the gate did not come to its end."""
    assert gate(work, GREEN, "--exit-code", "0", "--report", REPORT).returncode == 0
    gate(work, "r.xml", "--report", REPORT, "--", "sh", "-c", "kill -9 $PPID")
    assert not (work.path / REPORT).exists()


def test_reports_of_other_things_are_left_alone(work: Repo) -> None:
    """A report's place that is no regular file is refused before anything is run (GATE-6)."""
    os.mkfifo(work.path / "pipe")
    done = gate(work, "r.xml", "--report", "pipe", "--", "touch", "ran")
    assert done.returncode == 2
    assert not (work.path / "ran").exists()


def test_a_clone_without_its_target_is_failed(work: Repo) -> None:
    """Which failures are allowed cannot be told there, and not knowing is FAILED (SPEC 4.3)."""
    done = gate(work, GREEN, "--exit-code", "0", ORCH_TARGET="release")
    assert done.returncode == 1
    assert b"could not be judged" in done.stdout
    assert written(work)["staging_status"] == "FAILED"


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> JobRig:
    """A task whose first edge is the staging verdict's."""
    folder = tmp_path_factory.mktemp("staging")
    config = CONFIG.replace("gates: [tests-passed]", "gates: [staging-status]")
    return job_rig.copy(job_rig.template(folder, config=config), folder / "project")


def test_the_edge_reads_what_the_gate_wrote(rig: JobRig) -> None:
    """FAILED sends the task back with the failing check as feedback, SUCCESS moves it on (STG-2, L2)."""
    rig.new("T-9")
    rig.work.git("switch", "--quiet", "task/T-9")
    rig.ok("gate", "staging", str(REFUSED), "--exit-code", "1", "--report", REPORT, code=1)
    rig.ok("task", "report", "T-9", "--file", REPORT)
    output = rig.ok("advance", "T-9", code=1)
    assert "staging-status" in output
    feedback = rig.task("T-9")["feedback"]
    assert [finding["path"] for finding in feedback["findings"]] == ["test_broken::test_db"]
    rig.push("T-9")
    rig.work.git("switch", "--quiet", "task/T-9")
    done = rig.ok("gate", "staging", str(GREEN), "--exit-code", "0", "--report", REPORT, "--task", "T-9")
    assert "ran before, but not now: test_broken::test_db" in done
    rig.ok("task", "report", "T-9", "--file", REPORT)
    rig.ok("advance", "T-9")
    assert rig.task("T-9")["stage"] == "review"
    rig.ok("gate", "staging", str(GREEN), "--exit-code", "0", "--task", "T-404", code=1)


def test_many_checks_are_quick(work: Repo) -> None:
    """20,000 of them, all told (the bench has the goal)."""
    cases = "".join(f'<testcase classname="m{number // 50}" name="t{number}"/>' for number in range(20_000))
    (work.path / "r.xml").write_text(f'<testsuite tests="20000">{cases}</testsuite>')
    begin = time.monotonic()
    found = json.loads(gate(work, "r.xml", "--exit-code", "0", "--json").stdout)
    assert found["evidence"]["passed"] == 20_000
    assert any("recorded by suites" in note for note in found["notices"])
    assert time.monotonic() - begin < 20
    assert sys.getsizeof((work.path / ".git" / "orch-gates" / REPORT).read_text()) < 100_000
