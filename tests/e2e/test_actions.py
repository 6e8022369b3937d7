"""The server's own scheduler runs workflows with the actions of the bundle: the verdict is a status on the commit."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import github_token
from tests.e2e.actions import CHECKOUT, TAG, UNSET, Project
from tests.e2e.gitea import ROOT, Gitea
from tests.e2e.repository import eventually

Make = Callable[..., Project]
EXAMPLE = (ROOT / "docs" / "examples" / "gitea-security.yml").read_text("utf-8")
JOB = "secrets and dependencies"
CONTEXT = f"security / {JOB}"
POSTED_AS = "orch/security/main"

GATES = f"""
name: gates
on: push
jobs:
  gate:
    runs-on: ubuntu-latest
    outputs:
      outcome: ${{{{ steps.gate.outputs.outcome }}}}
      findings: ${{{{ steps.gate.outputs.findings }}}}
      odd: "a 'quoted' ${{{{ '$' }}}}{{{{ no expression }}}}"
    steps:
      - uses: {CHECKOUT}
        with: {{fetch-depth: 0}}
      - uses: orch/orch-gates/actions/setup@{TAG}
      - uses: orch/orch-gates@{TAG}
        id: gate
      # The runner empties the summary after each step, and hands it to nobody.
      - if: always()
        run: orch-gates gate security >gate.log || sed '1!d;s/^/SUMMARY=/' "$GITHUB_STEP_SUMMARY"
  after:
    runs-on: ubuntu-latest
    needs: gate
    if: always()
    steps:
      - run: echo "SEEN=$RESULT $OUTCOME $FINDINGS"; echo "ODD=$ODD"
        env:
          RESULT: ${{{{ needs.gate.result }}}}
          OUTCOME: ${{{{ needs.gate.outputs.outcome }}}}
          FINDINGS: ${{{{ needs.gate.outputs.findings }}}}
          ODD: ${{{{ needs.gate.outputs.odd }}}}
  only-if-good:
    runs-on: ubuntu-latest
    needs: gate
    steps:
      - run: echo went on
"""

POSTING_JOB = f"""\
    runs-on: ubuntu-latest
    permissions: {{contents: write}}
    steps:
      - uses: {CHECKOUT}
        with: {{fetch-depth: 0}}
      - uses: orch/orch-gates/actions/security@{UNSET}
        with:
          status: true
          token: ${{{{ github.token }}}}
"""

POSTED = f"""
name: posted
on: pull_request
jobs:
  may: &job
{POSTING_JOB}  may-not:
    <<: *job
    if: github.event.action == 'opened'
    permissions: {{contents: read, statuses: write}}
"""

FORKED = f"""
on: pull_request
jobs:
  gate:
{POSTING_JOB}"""

SECRETS = f"""
on: push
jobs:
  use:
    runs-on: ubuntu-latest
    steps:
      - uses: {CHECKOUT}
      - run: |
          printf 'MINE=%s\\n' "$MINE"
          printf 'LINES=%s\\n' "$LINES"
          made=$(printf %s "$MINE" | sha256sum | cut -c1-40)
          printf '::add-mask::%s\\n' "$made"
          printf '::warning::made of it: %s\\n' "$made"
          python3 shown.py
        env:
          MINE: ${{{{ secrets.MINE }}}}
          LINES: ${{{{ secrets.LINES }}}}
          TOKEN: ${{{{ github.token }}}}
"""

# Command lines of all processes, this one's parents among them.
SHOWN = """
import os
from pathlib import Path

lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline")]
assert any(b"shown.py" in line for line in lines)
for name in ("MINE", "LINES", "TOKEN"):
    assert os.environ[name]
    assert not any(os.environ[name].encode() in line for line in lines), name
print("SHOWN=no")
"""

WAITING = """
on: push
concurrency:
  group: ${{ github.ref }}
  cancel-in-progress: true
jobs:
  wait:
    runs-on: ubuntu-latest
    steps:
      - run: |
          (until [ -e "$PLACE-end" ]; do sleep 0.1; done; touch "$PLACE-$GITHUB_SHA-ended") &
          echo "$$ $PWD" >"$PLACE"
          mv "$PLACE" "$PLACE-$GITHUB_SHA"
          wait
        env: {PLACE: "${{ vars.PLACE }}"}
"""


def leak() -> dict[str, str]:
    return {"settings": f"# settings\n\ntoken = '{github_token()}'\n"}


def test_a_copied_workflow_judges_pushes(project: Make) -> None:
    """A leaked key is a red status on exactly its commit, and is not shown in the log."""
    app = project(EXAMPLE)
    clean = app.push({"app.py": "x = 1\n"})
    good = app.run("push", clean)
    assert good.ended() == "success", good.log(JOB)
    assert app.statuses(clean) == {f"{CONTEXT} (push)": "success", POSTED_AS: "success"}
    settings = leak()
    leaked = app.push(settings)
    bad = app.run("push", leaked)
    assert bad.ended() == "failure"
    assert app.statuses(leaked) == {f"{CONTEXT} (push)": "failure", POSTED_AS: "failure"}
    assert app.statuses(clean) == {f"{CONTEXT} (push)": "success", POSTED_AS: "success"}
    assert "::error file=settings,line=3," in bad.log(JOB)
    assert settings["settings"].split("'")[1] not in bad.log(JOB)


def test_a_copied_workflow_judges_pull_requests(project: Make) -> None:
    """The head is judged, and has the status; the base has none."""
    app = project(EXAMPLE)
    head = app.pull(leak())
    assert app.run("pull_request", head).ended() == "failure"
    assert app.run("push", head).ended() == "failure"
    red = {f"{CONTEXT} (pull_request)": "failure", f"{CONTEXT} (push)": "failure", POSTED_AS: "failure"}
    assert app.statuses(head) == red
    assert app.statuses(app.repository.tip()) == {}


def test_later_jobs_read_the_outcome(project: Make) -> None:
    """The front door, taken by its tag: outputs reach the jobs that need it; the summary is in the runner's file."""
    app = project(GATES)
    leaked = app.push(leak())
    run = app.run("push", leaked)
    assert run.ended() == "failure"
    assert "is on PATH and is used" in run.log("gate")
    assert run.conclusions() == {"gate": "failure", "after": "success", "only-if-good": "skipped"}
    assert run.printed("after") == {"SEEN": "failure FAIL 1", "ODD": "a 'quoted' ${{ no expression }}"}
    assert app.statuses(leaked)["gates / only-if-good (push)"] == "skipped"
    assert run.printed("gate")["SUMMARY"] == "# security: FAIL"


def test_a_verdict_is_posted_with_the_token_of_the_run(project: Make) -> None:
    """As `orch/security/main` on the pull request's head (GATE-4); a verdict that cannot be posted fails the step."""
    app = project(POSTED)
    clean = app.pull({"app.py": "x = 1\n"})
    first = app.run("pull_request", clean)
    assert first.ended() == "failure"
    assert first.conclusions() == {"may": "success", "may-not": "failure"}
    assert "the status orch/security/main was not posted" in first.log("may-not")
    leaked = app.push(leak(), "feature")
    second = app.run("pull_request", leaked)
    assert second.ended() == "failure"
    assert second.conclusions() == {"may": "failure", "may-not": "skipped"}
    posted = [app.statuses(head)["orch/security/main"] for head in (clean, leaked)]
    assert posted == ["success", "failure"]


def test_the_job_of_a_fork_judges_and_posts_nothing(gitea: Gitea, project: Make) -> None:
    """Its pull request is judged by what it adds to the target; that its token may not post is a warning (GATE-5)."""
    app = project(FORKED)
    repository, name = app.repository, f"fork-{app.repository.name}"
    gitea.bob.api.post(f"{repository.path}/forks", {"name": name}).ok()
    eventually(lambda: gitea.bob.api.get(f"/repos/bob/{name}/branches/main").status == 200, "the fork is made")
    work = repository.clone(gitea.bob)
    app.push(leak())  # main has a leak by now that is not the fork's
    clean = work.commit("From the fork", {"app.py": "x = 1\n"})
    work.git("push", "--quiet", f"{gitea.url}/bob/{name}.git", "HEAD:refs/heads/topic")
    gitea.bob.api.post(f"{repository.path}/pulls", {"head": "bob:topic", "base": "main", "title": "t"}).ok()
    first = app.run("pull_request", clean)
    first.approve()
    assert first.ended() == "success"
    output = first.log("gate")
    assert "orch/security/main was not posted: a pull request from a fork gives its job no permission" in output
    assert "write:repository" not in output
    leaked = work.commit("leak", leak())
    work.git("push", "--quiet", f"{gitea.url}/bob/{name}.git", "HEAD:refs/heads/topic")
    second = app.run("pull_request", leaked)
    second.approve()
    assert second.ended() == "failure"
    assert "1 secret found" in second.log("gate")
    assert not [context for head in (clean, leaked) for context in app.statuses(head) if context.startswith("orch/")]


def test_secrets_reach_steps_and_nobody_else(project: Make) -> None:
    """In no command line of a process, and masked in the log."""
    app = project(SECRETS, {"shown.py": SHOWN})
    mine, lines = secrets.token_hex(20), [secrets.token_hex(20) for _ in range(2)]
    app.secret("MINE", mine)
    app.secret("LINES", "\n".join(lines))
    run = app.run("push", app.push({"a": "1\n"}))
    assert run.ended() == "success", run.log("use")
    log = run.log("use")
    assert "MINE=***" in log
    assert "SHOWN=no" in log
    made = hashlib.sha256(mine.encode()).hexdigest()[:40]
    assert "made of it: ***" in log
    assert not [secret for secret in (mine, made, *lines) if secret in log]


@pytest.mark.parametrize("how", ["button", "push"])
def test_a_cancelled_run_is_ended(how: str, project: Make, tmp_path: Path) -> None:
    """Its commit is red, not pending for ever. The step's shell ends; what that started goes on, and keeps the job."""
    app = project(WAITING)
    place = tmp_path / "process"
    app.variable("PLACE", str(place))

    def started(sha: str) -> tuple[Path, Path]:
        file = Path(f"{place}-{sha}")
        eventually(file.exists, "the step runs")
        shell, folder = file.read_text().split()
        return Path("/proc", shell), Path(folder)

    first = app.push({"a": "1\n"})
    run = app.run("push", first)
    shell, folder = started(first)
    assert set(app.unsettled(first).values()) == {"pending"}
    try:
        if how == "button":
            assert app.repository.api().post(f"/actions/runs/{run.id}/cancel").status == 404
            run.cancel()
        else:
            second = app.push({"a": "2\n"})
            started(second)
            app.run("push", second).cancel()
        assert run.ended() == "cancelled"
        assert set(app.statuses(first).values()) == {"failure"}
        eventually(lambda: not shell.exists(), "the shell is gone")
        assert folder.exists()
    finally:
        Path(f"{place}-end").touch()
    eventually(Path(f"{place}-{first}-ended").exists, "its process goes on to its end")
    eventually(lambda: not folder.exists(), "the job is over for the runner")


def test_an_action_that_is_not_there_is_no_pass(project: Make) -> None:
    """A wrong pin is a red status, whatever the job would have judged."""
    app = project(EXAMPLE.replace(UNSET, "1" * 40))
    head = app.push({"app.py": "x = 1\n"})
    run = app.run("push", head)
    assert run.ended() == "failure"
    assert "1" * 40 in run.log(JOB)
    assert app.statuses(head) == {f"{CONTEXT} (push)": "failure"}
