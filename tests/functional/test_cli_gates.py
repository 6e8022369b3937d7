"""`orch-gates gate NAME` for gates that read a report: one job of CI, no state branch (GATE-1, GATE-2, GATE-4)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builders import Done, Repo, orch, run
from tests.reports import RECORDED, report

ALONE = sorted(set(RECORDED) - {"security"})


@pytest.fixture
def work(tmp_path: Path) -> Repo:
    run("git", "init", "--quiet", "-b", "main", tmp_path / "work", cwd=tmp_path)
    made = Repo(tmp_path / "work")
    made.commit("work", {"code.py": "x = 1\n"})
    return made


def gate(work: Repo, name: str, *args: str | Path, **env: str) -> Done:
    return orch("gate", name, *args, cwd=work.path, env=env)


def write(work: Repo, name: str, **stated: object) -> Path:
    path = work.path / RECORDED[name].file
    path.write_text(report(RECORDED[name], head=work.git("rev-parse", "HEAD"), **{"reason": "as seen", **stated}))
    return path


@pytest.mark.parametrize("name", ALONE)
def test_a_report_about_this_commit_decides(name: str, work: Repo) -> None:
    """The gate's own word counts, in the usual file or in the one that is named."""
    for word, outcome in RECORDED[name].outcomes.items():
        path = write(work, name, **{RECORDED[name].field: word})
        assert gate(work, name).returncode == outcome.exit_code
        told = json.loads(gate(work, name, path, "--json").stdout)
        assert (told["gate"], told["outcome"], told["reason"]) == (name, outcome.value, "as seen")


def test_what_proves_nothing_fails(work: Repo) -> None:
    """Absent, malformed, about another commit, or no file at all: 1, never 0 (P2)."""
    absent = gate(work, "tests-passed")
    assert (absent.returncode, b"there is no 12-test-report.md" in absent.stdout) == (1, True)
    elsewhere = gate(work, "tests-passed", "build/report.md")
    assert (elsewhere.returncode, b"there is no report.md" in elsewhere.stdout) == (1, True)
    path = write(work, "tests-passed", tests_status="PASSED")
    assert gate(work, "tests-passed").returncode == 0
    work.commit("more", {"code.py": "x = 2\n"})
    stale = gate(work, "tests-passed")
    assert (stale.returncode, b"is about" in stale.stdout) == (1, True)
    assert gate(work, "tests-passed", "--head", "HEAD~1").returncode == 0
    path.write_bytes(b"---\n\xff\n")
    assert gate(work, "tests-passed").returncode == 1
    assert gate(work, "tests-passed", work.path).returncode == 1


def test_a_commit_that_is_not_here_cannot_be_judged(work: Repo) -> None:
    done = gate(work, "tests-passed", "--head", "no-such-branch")
    assert done.returncode == 2
    assert b"names no commit" in done.stderr


def test_ci_is_told_where_it_looks(work: Repo, tmp_path: Path) -> None:
    """GATE-4: the step summary and the outputs say the same as the terminal."""
    write(work, "staging-status", staging_status="FAILED", reason="port 80 is closed")
    files = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary"), "GITHUB_OUTPUT": str(tmp_path / "output")}
    done = gate(work, "staging-status", CI="true", **files)
    assert done.returncode == 1
    assert "port 80 is closed" in (tmp_path / "summary").read_text()
    assert "\nFAIL\n" in (tmp_path / "output").read_text()


def test_a_gate_that_is_switched_off_says_so(work: Repo) -> None:
    """GATE-3: SKIP, exit 0, in words."""
    done = gate(work, "deploy-status", ORCH_DEPLOY_STATUS_ENABLED="false")
    assert done.returncode == 0
    assert b"SKIP" in done.stdout
    assert b"switched off by ORCH_DEPLOY_STATUS_ENABLED" in done.stdout
