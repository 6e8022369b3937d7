"""The workflow that judges checks on staging, run as written by a real runner (STG-1)."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.bundle.acting import ROOT, Runner

EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*-staging.yml"))
SAMPLES = ROOT / "tests" / "results"
EXAMPLE = (ROOT / "docs" / "examples" / "github-staging.yml").read_text("utf-8")
KEPT = """
      - if: always()
        env:
          SEEN: ${{ toJSON(steps.staging.outputs) }}
        run: printf '%s' "$SEEN" >"$OUT/outputs.json"; ls >"$OUT/files"; cp 15-staging-report.md "$OUT" || true
"""
CHECKED = (
    EXAMPLE.replace("        with:\n          files:", "        id: staging\n        with:\n          files:") + KEPT
)
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
Commit = Callable[..., str]


@pytest.fixture
def runner(real: Callable[[str], Path], bundle: Path, tmp_path: Path, commit: Commit) -> Runner:
    """A project whose `main` waives a refused connection; `orch-gates` is on the runner's PATH."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    made = Runner(real("act"), bundle, tmp_path, path, {"ORCH_FORGE": "none"}, "staging")
    (made.repo / ".orch-gates").mkdir(parents=True)
    made.git("init", "-q", "-b", "main")
    commit(made.repo, **{".orch-gates/staging-infra.md": LIST})
    made.git("update-ref", "refs/remotes/origin/main", "HEAD")
    made.git("switch", "--quiet", "--create", "topic")
    commit(made.repo, app="x = 1\n")
    return made


def checks(runner: Runner, sample: str, code: int) -> dict[str, Any]:
    """What `./staging-checks` does; the answer is the event of a push to the topic."""
    shutil.copy(SAMPLES / sample, runner.work / "sample")
    script = runner.repo / "staging-checks"
    script.write_text(f'#!/bin/sh\necho checking\nenv >"$OUT/env"\ncp "{runner.work}/sample" "$2"\nexit {code}\n')
    script.chmod(0o755)
    head = runner.git("rev-parse", "HEAD")
    repository = {"default_branch": "main", "full_name": "acme/app"}
    return {"ref": "refs/heads/topic", "before": "0" * 40, "after": head, "repository": repository}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_a_copied_workflow_passes_and_refuses(example: Path, runner: Runner) -> None:
    """As it stands in the docs, for a green run and for one with a real failure."""
    where = ".gitea" if example.name.startswith("gitea") else ".github"
    green = runner.run("push", checks(runner, "pytest-green.xml", 0), example.read_text(), where)
    assert green.passed, green.log
    assert "checking" in green.log
    red = runner.run("push", checks(runner, "pytest-xunit1.xml", 1), example.read_text(), where)
    assert not red.passed
    assert "4 of 11 checks failed" in red.log


def test_later_steps_read_what_became_of_it(runner: Runner) -> None:
    """Outcome, counts and the report's path; with strict the waived failure is red."""
    event = checks(runner, "pytest-refused.xml", 1)
    waived = runner.run("push", event, CHECKED)
    assert waived.passed, waived.log
    expected = {"outcome": "PASS", "checks": "2", "real": "0", "waived": "1", "report": "15-staging-report.md"}
    assert expected.items() <= waived.outputs.items()
    assert "staging_status: " in (waived.out / "15-staging-report.md").read_text()
    assert "ORCH_INPUT_" not in (waived.out / "env").read_text()
    strict = CHECKED.replace("          files:", "          strict: true\n          files:")
    refused = runner.run("push", event, strict)
    assert not refused.passed
    assert (refused.outputs["outcome"], refused.outputs["real"]) == ("FAIL", "1")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("files: results.xml", "files: ''", "the input files is empty"),
        ("command: ./staging-checks --junit results.xml", "command: ''", "give exit_code"),
        ("report: 15-", "exit_code: 0\n          report: 15-", "not both"),
        ("report: 15-", "strict: maybe\n          report: 15-", "the input strict is neither true nor false"),
        ("files: results.xml", "files: $(touch pwned)", "No such file"),
        ("command: ./staging-checks --junit results.xml", "exit_code: $(touch pwned)", "is not a valid integer"),
    ],
)
def test_what_cannot_work_is_refused_in_one_sentence(old: str, new: str, message: str, runner: Runner) -> None:
    """No input becomes a script (OWN-1)."""
    run = runner.run("push", checks(runner, "pytest-green.xml", 0), CHECKED.replace(old, new))
    assert not run.passed, run.log
    assert message in run.log
    assert "pwned" not in (run.out / "files").read_text().split()
