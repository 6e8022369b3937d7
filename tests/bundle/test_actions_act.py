"""The actions and the copy-paste workflows, run as written by a real runner (`act` in host mode, offline)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.bundle.acting import PINNED, Runner

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*-security.yml"))
NOBODY = "0" * 40
Commit = Callable[..., str]

STEPS = """
on: [push, pull_request]
jobs:
  security:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2
"""
CHECKED = (
    STEPS
    + f"""
      - uses: orch/orch-gates/actions/security@{PINNED}
        id: security
        with: {{sarif: security.sarif, report: 17-security-report.md}}
      - if: always()
        env:
          SEEN: ${{{{ toJSON(steps.security.outputs) }}}}
        run: printf '%s' "$SEEN" >"$OUT/outputs.json"; cp security.sarif 17-security-report.md "$OUT"
"""
)


@pytest.fixture
def runner(real: Callable[[str], Path], bundle: Path, tmp_path: Path, commit: Commit) -> Runner:
    """A project with one commit on main; `orch-gates` is on the runner's PATH."""
    here = Path(sys.executable).parent
    made = Runner(real("act"), bundle, tmp_path, f"{here}{os.pathsep}{os.environ['PATH']}")
    made.repo.mkdir()
    made.git("init", "-q", "-b", "main")
    commit(made.repo, app="print('hello')\n")
    made.git("update-ref", "refs/remotes/origin/main", "HEAD")
    return made


def push(ref: str, before: str, after: str) -> dict[str, Any]:
    repository = {"default_branch": "main", "full_name": "acme/app"}
    return {"ref": f"refs/heads/{ref}", "before": before, "after": after, "repository": repository}


def pull_request(head: str, base: str) -> dict[str, Any]:
    sides = {"head": {"sha": head, "ref": "feature"}, "base": {"sha": base, "ref": "main"}}
    return {"number": 1, "pull_request": {"number": 1, **sides}, "repository": {"default_branch": "main"}}


def leak(token: str) -> str:
    return f"# settings\n\ntoken = '{token}'\n"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_a_copied_workflow_passes_and_refuses(example: Path, runner: Runner, commit: Commit, token: str) -> None:
    """The workflows in the docs work, on a push and on a pull request; there is no forge here to post a status to."""
    text = example.read_text().replace("status: true", "status: false")
    where = ".gitea" if example.name.startswith("gitea") else ".github"
    before = runner.git("rev-parse", "HEAD")
    clean = commit(runner.repo, app="print('hello, world')\n")
    leaked = commit(runner.repo, settings=leak(token))
    for event, clean_payload, leaked_payload in (
        ("push", push("main", before, clean), push("main", clean, leaked)),
        ("pull_request", pull_request(clean, before), pull_request(leaked, before)),
    ):
        good = runner.run(event, clean_payload, text, where)
        assert good.passed, good.log
        assert "security: PASS" in good.log
        bad = runner.run(event, leaked_payload, text, where)
        assert not bad.passed, bad.log
        assert "::error file=settings,line=3," in bad.log
        assert token not in bad.log


def test_a_pass_can_be_read_by_later_steps(runner: Runner, commit: Commit) -> None:
    """Outputs name the outcome, the reason, the number of findings, the report and the SARIF file."""
    before = runner.git("rev-parse", "HEAD")
    run = runner.run("push", push("main", before, commit(runner.repo, app="x = 1\n")), CHECKED)
    assert run.passed, run.log
    outputs = run.outputs
    assert outputs.pop("reason").startswith("no secret in 1 commit")
    assert outputs == {
        "outcome": "PASS",
        "findings": "0",
        "report": "17-security-report.md",
        "sarif": "security.sarif",
    }
    assert json.loads((run.out / "security.sarif").read_text())["runs"][0]["results"] == []
    assert (run.out / "17-security-report.md").read_text().startswith("---\n")


def test_a_leak_fails_the_step_and_says_where(runner: Runner, commit: Commit, token: str) -> None:
    """The log points at file and line, the summary and SARIF tell the same, and the secret is nowhere."""
    before = runner.git("rev-parse", "HEAD")
    run = runner.run("push", push("main", before, commit(runner.repo, settings=leak(token))), CHECKED)
    assert not run.passed, run.log
    assert "::error file=settings,line=3," in run.log
    assert "Summary - # security: FAIL" in run.log
    assert run.outputs["outcome"] == "FAIL"
    assert run.outputs["findings"] == "1"
    assert run.outputs["reason"]
    (result,) = json.loads((run.out / "security.sarif").read_text())["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("settings", 3)
    output = run.log + "".join(path.read_text() for path in run.out.iterdir())
    assert token not in output


def test_a_broken_scanner_fails_the_step(runner: Runner, commit: Commit) -> None:
    """A tool that does not work is never a pass, whatever it was asked to judge (SEC-2)."""
    broken = runner.work / "gitleaks"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    runner.env |= {"ORCH_SECURITY_ENGINE": "gitleaks", "ORCH_GITLEAKS_BIN": str(broken)}
    before = runner.git("rev-parse", "HEAD")
    run = runner.run("push", push("main", before, commit(runner.repo, app="x = 1\n")), CHECKED)
    assert not run.passed, run.log
    assert run.outputs["outcome"] not in {"PASS", "SKIP"}
    assert "::error title=orch-gates security" in run.log


def test_a_pull_request_is_judged_by_its_head(runner: Runner, commit: Commit, token: str) -> None:
    """What the runner checked out does not matter: the event's head is judged, against its target."""
    before = runner.git("rev-parse", "HEAD")
    runner.git("checkout", "-q", "-b", "feature")
    head = commit(runner.repo, settings=leak(token))
    runner.git("checkout", "-q", "main")
    run = runner.run("pull_request", pull_request(head, before), CHECKED)
    assert not run.passed, run.log
    assert run.outputs["findings"] == "1"


def test_a_pull_request_is_not_blamed_for_its_target(runner: Runner, commit: Commit, token: str) -> None:
    """A leak that is already on the target branch is not this pull request's (SEC-1)."""
    before = commit(runner.repo, settings=leak(token))
    runner.git("update-ref", "refs/remotes/origin/main", before)
    head = commit(runner.repo, app="x = 1\n")
    run = runner.run("pull_request", pull_request(head, before), CHECKED)
    assert run.passed, run.log
    assert run.outputs["reason"].startswith("no secret in 1 commit")


def test_a_new_branch_is_judged_from_the_target(runner: Runner, commit: Commit, token: str) -> None:
    """A branch that did not exist before answers for its own commits, all of them."""
    runner.git("checkout", "-q", "-b", "feature")
    commit(runner.repo, settings=leak(token))
    tip = commit(runner.repo, settings="# clean again\n")
    run = runner.run("push", push("feature", NOBODY, tip), CHECKED)
    assert not run.passed, run.log
    assert run.outputs["findings"] == "1"


@pytest.mark.parametrize("before", [NOBODY, "5ca1ab1e" * 5], ids=["first push", "force push"])
def test_a_main_without_its_past_is_judged_whole(before: str, runner: Runner, commit: Commit, token: str) -> None:
    """Where the commit before the push is not known, everything is judged, back to the first commit."""
    runner.git("checkout", "-q", "--orphan", "rewritten")
    commit(runner.repo, settings=leak(token))
    tip = commit(runner.repo, settings="# clean again\n")
    runner.git("branch", "-f", "main", tip)
    runner.git("checkout", "-q", "main")
    runner.git("update-ref", "refs/remotes/origin/main", tip)
    run = runner.run("push", push("main", before, tip), CHECKED)
    assert not run.passed, run.log
    assert run.outputs["findings"] == "1"


def test_a_push_to_main_is_judged_from_what_main_was(
    runner: Runner, commit: Commit, new_token: Callable[[], str]
) -> None:
    """Every commit of the push counts, also those that a later one undid; what was there before does not."""
    old = commit(runner.repo, settings=leak(new_token()))
    added = commit(runner.repo, more=leak(new_token()))
    tip = commit(runner.repo, more="# clean again\n")
    runner.git("update-ref", "refs/remotes/origin/main", tip)
    run = runner.run("push", push("main", old, tip), CHECKED)
    assert not run.passed, run.log
    assert run.outputs["findings"] == "1"
    assert "::error file=more,line=3," in run.log
    assert f"in commit {added[:10]}" in run.log
    assert runner.run("push", push("main", added, tip), CHECKED).passed


def test_a_pushed_tag_answers_for_its_message(runner: Runner, token: str) -> None:
    """An annotated tag on a commit that main already has is not waved through (SEC-3)."""
    runner.git("tag", "-a", "v1", "-m", "release", "-m", f"token = '{token}'")
    payload = {**push("v1", NOBODY, runner.git("rev-parse", "v1")), "ref": "refs/tags/v1"}
    run = runner.run("push", payload, CHECKED)
    assert not run.passed, run.log
    assert run.outputs["findings"] == "1"
    assert token not in run.log


def test_a_switched_off_gate_says_so(runner: Runner, commit: Commit, token: str) -> None:
    """The kill switch is visible in the outcome: SKIP is not PASS (GATE-3)."""
    runner.env["ORCH_SECURITY_ENABLED"] = "false"
    before = runner.git("rev-parse", "HEAD")
    door = f"{STEPS}\n      - uses: orch/orch-gates@{PINNED}\n        id: gate\n"
    door += '      - run: printf %s "$SEEN" >"$OUT/outcome"\n'
    door += "        env: {SEEN: '${{ steps.gate.outputs.outcome }}'}\n"
    run = runner.run("push", push("main", before, commit(runner.repo, settings=leak(token))), door)
    assert run.passed, run.log
    assert (run.out / "outcome").read_text() == "SKIP"
    assert "not judged: switched off by ORCH_SECURITY_ENABLED" in run.log


def test_a_shallow_checkout_is_refused(runner: Runner, commit: Commit) -> None:
    """Without `fetch-depth: 0` nothing can be proven, and the message says what to set."""
    before = runner.git("rev-parse", "HEAD")
    tip = commit(runner.repo, app="x = 1\n")
    full = runner.repo.rename(runner.work / "full")
    subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{full}", runner.repo], check=True)
    run = runner.run("push", push("main", before, tip), CHECKED)
    assert not run.passed, run.log
    assert run.outputs["outcome"] not in {"PASS", "SKIP"}
    assert "shallow" in run.outputs["reason"]
    assert "fetch-depth" in run.log


@pytest.mark.parametrize(
    "given", ["strict: maybe", "engine: magic", "base: $(touch pwned)", "base: --help", "head: '`touch pwned`'"]
)
def test_an_input_is_a_value_and_nothing_else(given: str, runner: Runner, commit: Commit) -> None:
    """What an input holds is never run and never an option; one that makes no sense fails the step."""
    before = runner.git("rev-parse", "HEAD")
    workflow = f"{STEPS}\n      - uses: orch/orch-gates/actions/security@{PINNED}\n        with: {{{given}}}\n"
    workflow += "      - if: always()\n        run: test ! -e pwned && touch $OUT/safe\n"
    run = runner.run("push", push("main", before, commit(runner.repo, app="x = 1\n")), workflow)
    assert not run.passed, run.log
    assert "::error" in run.log or "orch-gates:" in run.log
    assert (run.out / "safe").exists()


def test_the_front_door_runs_the_gates(runner: Runner, commit: Commit, token: str) -> None:
    """The action at the root gives the same verdict, and refuses what it does not know."""
    before = runner.git("rev-parse", "HEAD")
    clean = commit(runner.repo, app="x = 1\n")
    leaked = commit(runner.repo, settings=leak(token))
    door = f"{STEPS}\n      - uses: orch/orch-gates@{PINNED}\n"
    good = runner.run("push", push("main", before, clean), door)
    assert good.passed, good.log
    assert "security: PASS" in good.log
    assert not runner.run("push", push("main", clean, leaked), door).passed
    unknown = runner.run("push", push("main", before, clean), f"{door}        with: {{run: deploy}}\n")
    assert not unknown.passed, unknown.log
    assert "it can do: gates, merge" in unknown.log
    assert "orch/orch-gates/actions/NAME" in unknown.log
    script = runner.bundle / "actions" / "front-door"
    assert subprocess.run([script], env={"ORCH_INPUT_RUN": "deploy"}, check=False, capture_output=True).returncode == 2


@pytest.mark.slow
def test_set_up_from_the_lock_once_per_job(runner: Runner, commit: Commit) -> None:
    """On a runner with only Python and git, the first use installs and the others find what it made.

    The job's own python stays what it was.
    """
    runner.path = os.pathsep.join([f"{sys.base_prefix}/bin", "/usr/bin", "/bin"])
    before = runner.git("rev-parse", "HEAD")
    workflow = f"""{STEPS}
      - run: command -v python3 >"$OUT/python.before"; command -v orch-gates && exit 1 || true
      - uses: orch/orch-gates/actions/setup@{PINNED}
      - uses: orch/orch-gates/actions/security@{PINNED}
      - run: command -v python3 >"$OUT/python.after"; command -v orch-gates >"$OUT/place"
      - run: PATH=${{PATH#*:}} && ! command -v orch-gates && "$BUNDLE/actions/setup/ensure" orch-gates --version
"""
    runner.env["BUNDLE"] = str(runner.bundle)
    run = runner.run("push", push("main", before, commit(runner.repo, app="x = 1\n")), workflow)
    assert run.passed, run.log
    assert run.log.count("orch-gates: installing version") == 1, run.log
    assert run.log.count("is on PATH and is used") == 1, run.log
    assert "security: PASS" in run.log
    assert "/orch-gates-" in (run.out / "place").read_text()
    assert (run.out / "python.before").read_text() == (run.out / "python.after").read_text()
    assert not list(runner.bundle.glob("build")) + list(runner.bundle.glob("*.egg-info"))


def test_a_program_of_another_commit_is_not_used(bundle: Path, tmp_path: Path) -> None:
    """An action that is pinned to a commit runs that commit, whatever has its name and version on PATH."""
    other = tmp_path / "bundle"
    shutil.copytree(bundle, other)
    on_path = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

    def ensure() -> subprocess.CompletedProcess[str]:
        asked = [other / "actions/setup/ensure"]
        return subprocess.run(asked, env=on_path, capture_output=True, text=True, check=False)

    assert "is on PATH and is used" in ensure().stdout
    with (other / "orch_gates" / "clock.py").open("a") as file:
        file.write("\n# one line more\n")
    done = ensure()
    assert done.returncode == 2, done.stdout
    assert "RUNNER_TEMP is not set" in done.stdout


@pytest.mark.parametrize(
    ("programs", "message"),
    [(["sed", "dirname"], "no Python 3.11 or newer"), (["sed", "dirname", "python3"], "apt-get install python3-venv")],
    ids=["no python", "no venv"],
)
def test_a_runner_that_lacks_something_is_told_what(
    programs: list[str], message: str, bundle: Path, tmp_path: Path, real: Callable[[str], Path]
) -> None:
    """Set-up that cannot be made ends the step with exit 2 and names the package to add."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in {*programs, "cat", "find", "sort", "git"} - {"python3"}:
        (tools / name).symlink_to(real(name))
    if "python3" in programs:
        # A Python that has neither ensurepip nor pip, as Debian's without python3-venv.
        (tools / "python3").write_text('#!/bin/sh\n[ "$1" = -c ]\n')
        (tools / "python3").chmod(0o755)
    done = subprocess.run(
        [bundle / "actions/setup/ensure"],
        env={"PATH": str(tools), "RUNNER_TEMP": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert "::error title=orch-gates setup::" in done.stdout
    assert message in done.stdout
