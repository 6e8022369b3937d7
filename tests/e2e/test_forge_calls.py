"""How many calls a gate makes to a real Gitea, and what is posted there: the bounds in the reference are these."""

from __future__ import annotations

import json
import os
import re
import secrets
from pathlib import Path
from typing import Any

import pytest

from tests.blocks import Shell, shown
from tests.builders import PROGRAM, github_token, run
from tests.e2e.gitea import ROOT, Gitea
from tests.e2e.repository import Repository
from tests.e2e.waiting_task import BRANCH, READ, WaitingTask, calls

_PAGE = 50


@pytest.fixture(scope="module")
def shared(gitea: Gitea, tmp_path_factory: pytest.TempPathFactory) -> WaitingTask:
    """For tests that leave the task where it is: making it takes longer than most of them."""
    return WaitingTask.make(gitea, Repository(gitea, gitea.alice, tmp_path_factory.mktemp("calls")))


@pytest.fixture
def task(gitea: Gitea, repository: Repository) -> WaitingTask:
    repository.add(gitea.bob)
    return WaitingTask.make(gitea, repository)


@pytest.fixture
def commit(shared: WaitingTask) -> str:
    """A new commit that nobody has said anything about, at the head of the clone."""
    made = shared.work.commit("another", {"code.py": f"# {secrets.token_hex(4)}\n"})
    shared.work.git("push", "--quiet", "origin", "HEAD:refs/heads/other", "--force")
    return made


def asked(task: WaitingTask, *args: str, **env: str) -> list[tuple[str, str, int]]:
    return calls(task.run(*args, "--timings", env={"ORCH_FORGE": "gitea", **env}))


def test_which_forge_it_is_costs_one_call(shared: WaitingTask) -> None:
    """And none where it is said."""
    found = calls(shared.run("advance", "T-1", "--dry-run", "--timings"))
    assert [(method, path) for method, path, _ in found[:1]] == [("GET", "/api/v1/version")]
    assert len(found) == 1 + len(asked(shared, "advance", "T-1", "--dry-run"))


def test_calls_of_ci_green(task: WaitingTask) -> None:
    page = ("GET", f"{api_path(task)}/commits/{task.head}/statuses", 200)
    for count in (0, 1, _PAGE, _PAGE + 1):
        total = int(task.repository.api().get(f"/commits/{task.head}/statuses").headers["X-Total-Count"])
        for number in range(total, count):
            task.post(f"job {number}")
        assert asked(task, "advance", "T-1", "--dry-run") == [page] * max(1, -(-count // _PAGE))
    # The second time there is nothing to record: the state is looked at again, and the forge is not asked again.
    task.post("job 0", "failure")
    for _ in range(2):
        assert asked(task, "advance", "T-1") == [page, page]


def test_calls_of_review_approved(gitea: Gitea, task: WaitingTask) -> None:
    task.post("build")
    task.done("advance", "T-1")
    pulls = ("GET", f"{api_path(task)}/pulls", 200)
    assert asked(task, "advance", "T-1", "--dry-run") == [pulls]
    pull = task.repository.pull(BRANCH)
    reviews = ("GET", f"{api_path(task)}/pulls/{pull.number}/reviews", 200)
    assert asked(task, "advance", "T-1", "--dry-run") == [pulls, reviews]
    for _ in range(_PAGE + 1):
        task.repository.api(gitea.bob).post(f"/pulls/{pull.number}/reviews", {"event": "COMMENT", "body": "?"}).ok()
    # Of several pages it is read until it is the same twice, as reviews also go.
    assert asked(task, "advance", "T-1", "--dry-run") == [pulls, *[reviews] * 4]


def test_calls_of_a_step_that_posts(gitea: Gitea, task: WaitingTask) -> None:
    """Beside the gate's: what is there before, what is there when it is posted, and the post; then one look."""
    page = ("GET", f"{api_path(task)}/commits/{task.head}/statuses", 200)
    posting = {"ORCH_STATUSES_ENABLED": "true", "ORCH_FORGE_TOKEN": gitea.token(gitea.alice, ["write:repository"])}
    task.post("build")
    post = ("POST", f"{api_path(task)}/statuses/{task.head}", 201)
    assert asked(task, "advance", "T-1", **posting) == [page, page, page, post]
    assert asked(task, "effects", "run", **posting) == [page]


def test_calls_of_a_status(gitea: Gitea, shared: WaitingTask, commit: str, tmp_path: Path) -> None:
    """GATE-4: one call, and the verdict is on exactly the commit that was judged."""
    token = gitea.token(gitea.alice, ["write:repository"])
    env = {
        "ORCH_FORGE_TOKEN": token,
        "GITHUB_SERVER_URL": gitea.url,
        "GITHUB_REPOSITORY": f"alice/{shared.repository.name}",
        "GITHUB_RUN_ID": "7",
    }
    long = "because " * 40
    for word, state, description in (
        ("PASSED", "success", "report.md states PASS"),
        ("FAILED", "failure", "a test fails"),
        ("DEFER", "pending", "the tester is away"),
        ("ERROR", "failure", long),
    ):
        report(tmp_path / "report.md", commit, word, "" if word == "PASSED" else description)
        args = ("gate", "tests-passed", str(tmp_path / "report.md"), "--head", commit, "--status")
        assert asked(shared, *args, **env) == [("POST", f"{api_path(shared)}/statuses/{commit}", 201)]
        (found,) = [row for row in statuses(shared, commit) if row["context"] == "orch/tests-passed"]
        assert found["status"] == state
        assert len(found["description"]) <= 140
        assert found["description"][:20] == description[:20]
        assert found["target_url"] == f"{gitea.url}/alice/{shared.repository.name}/actions/runs/7"
    assert statuses(shared, shared.repository.tip()) == []


def test_calls_of_a_check(shared: WaitingTask) -> None:
    document = json.loads(shared.done("forge", "check", "--forge", "gitea", "--json").stdout)
    assert document["requests"] <= 10
    assert len(asked(shared, "forge", "check")) == document["requests"]


def test_what_a_check_says(gitea: Gitea, shared: WaitingTask) -> None:
    """Who we are, with what, and what it may do; what the token may not see is not told."""
    document = json.loads(shared.done("forge", "check", "--json").stdout)
    assert (document["kind"], document["version"]) == ("gitea", "1.26.4")
    assert document["repository"] == f"alice/{shared.repository.name}"
    assert document["scopes"] == READ
    assert document["permissions"] == {"read": True, "write": False, "admin": False}
    assert document["default_branch"] == "main"
    assert document["problems"] == []
    assert abs(document["clock_ahead_s"]) < 60
    shared.repository.protect("main", required_approvals=2)
    env = {"ORCH_FORGE_TOKEN": gitea.token(gitea.alice, ["write:repository", "read:user"])}
    document = json.loads(shared.done("forge", "check", "--json", env=env).stdout)
    assert document["login"] == "alice"
    assert document["permissions"] == {"read": True, "write": True, "admin": True}
    assert document["protection"]["approvals"] == 2
    text = shared.done("forge", "check", env=env).stdout.decode()
    assert "login           alice\n" in text
    assert "approvals: 2" in text


def test_a_status_that_could_not_be_posted(shared: WaitingTask, commit: str, tmp_path: Path) -> None:
    """The verdict stands, but a PASS that nobody can see is not recorded: 2. The token may only read here."""
    for word, code in (("PASSED", 2), ("FAILED", 1), ("DEFER", 75), ("HOLD", 2)):
        report(tmp_path / "report.md", commit, word)
        done = shared.run("gate", "tests-passed", str(tmp_path / "report.md"), "--head", commit, "--status")
        assert done.returncode == code
        assert b"tests-passed: " in done.stdout
        assert b"the status orch/tests-passed was not posted: " in done.stderr
        assert b"write:repository" in done.stderr
    assert statuses(shared, commit) == []


def test_no_forge_to_post_to(shared: WaitingTask, commit: str, tmp_path: Path) -> None:
    report(tmp_path / "report.md", commit, "PASSED")
    args = ("gate", "tests-passed", str(tmp_path / "report.md"), "--head", commit)
    assert "no forge is known here" in shared.refused(*args, "--status", env={"ORCH_FORGE_URL": ""})
    shared.done(*args, env={"ORCH_FORGE_URL": ""})


def test_a_skip_leaves_no_trace(gitea: Gitea, shared: WaitingTask, commit: str, tmp_path: Path) -> None:
    """GATE-3: out of scope means no side effects."""
    report(tmp_path / "report.md", commit, "PASSED")
    env = {"ORCH_TESTS_PASSED_ENABLED": "false", "ORCH_FORGE_TOKEN": gitea.token(gitea.alice, ["write:repository"])}
    args = ("gate", "tests-passed", str(tmp_path / "report.md"), "--head", commit, "--status")
    assert asked(shared, *args, **env) == []
    shared.done(*args, env=env)
    assert statuses(shared, commit) == []


@pytest.mark.parametrize("leaks", [False, True])
def test_the_security_gate_posts_its_verdict(gitea: Gitea, shared: WaitingTask, commit: str, leaks: bool) -> None:
    """SEC-5: and no secret with it."""
    secret = github_token()
    if leaks:
        commit = shared.work.commit("leak", {"settings.py": f"token = '{secret}'\n"})
        shared.work.git("push", "--quiet", "origin", "HEAD:refs/heads/other")
    env = {"ORCH_FORGE_TOKEN": gitea.token(gitea.alice, ["write:repository"])}
    done = shared.run("gate", "security", "--base", "HEAD~1", "--status", env=env)
    assert done.returncode == int(leaks), done.stderr
    (found,) = statuses(shared, commit)
    assert (found["context"], found["status"]) == ("orch/security", "failure" if leaks else "success")
    base = shared.work.git("rev-parse", "HEAD~1")
    words = "1 secret found" if leaks else "no secret in 1 commit"
    assert found["description"].startswith(f"since {base[:10]}: {words}")
    assert secret not in json.dumps(found)


def test_the_options_count_for_every_command(gitea: Gitea, shared: WaitingTask) -> None:
    """More than the environment, and a token only by the name of its variable."""
    name = f"TOKEN_{secrets.token_hex(4)}".upper()
    env = {"ORCH_FORGE_URL": "http://forge.invalid", "ORCH_FORGE_TOKEN": "", name: gitea.token(gitea.alice, READ)}
    options = ("--forge", "gitea", "--url", gitea.url, "--token-env", name)
    shared.done("forge", "check", *options, env=env)
    assert b"0 statuses" in shared.run("advance", "T-1", "--dry-run", *options, env=env).stdout
    assert b"unset it to use a forge" in shared.run("forge", "check", "--forge", "none", env=env).stderr


def test_a_job_asks_its_own_forge(gitea: Gitea, shared: WaitingTask) -> None:
    """Where it has a token for it, and only there."""
    job = {
        "ORCH_FORGE_URL": "",
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITEA_ACTIONS": "true",
        "GITHUB_SERVER_URL": gitea.url,
        "GITHUB_API_URL": f"{gitea.url}/api/v1",
        "GITHUB_REPOSITORY": f"alice/{shared.repository.name}",
    }
    assert b"0 statuses" in shared.run("advance", "T-1", "--dry-run", env=job).stdout
    assert len(calls(shared.run("advance", "T-1", "--dry-run", "--timings", env=job))) == 1
    for without in ({"ORCH_FORGE_TOKEN": ""}, {"ORCH_FORGE": "none"}):
        done = shared.run("advance", "T-1", "--dry-run", "--timings", env={**job, **without})
        assert calls(done) == []
        assert b"10-ci-report.md" in done.stdout


@pytest.mark.parametrize(("status", "code", "posted"), [("true", 0, 1), ("false", 0, 0), ("", 0, 0), ("maybe", 2, 0)])
def test_the_action_posts_where_it_is_told_to(
    gitea: Gitea, shared: WaitingTask, commit: str, status: str, code: int, posted: int
) -> None:
    """Its token is given in the environment, and nowhere else (OWN-1)."""
    token = gitea.token(gitea.alice, ["write:repository"])
    env = {
        **shared.env,
        "ORCH_FORGE_TOKEN": "",
        "ORCH_INPUT_BASE": "HEAD~1",
        "ORCH_INPUT_STATUS": status,
        "ORCH_INPUT_TOKEN": token,
        "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}",
    }
    done = run(ROOT / "actions" / "security" / "run", cwd=shared.work.path, env=env)
    assert done.returncode == code, done.stderr
    assert token.encode() not in done.stdout + done.stderr
    assert [row["context"] for row in statuses(shared, commit)] == ["orch/security"] * posted


def report(path: Path, head: str, word: str, reason: str = "") -> None:
    field = "tests_status" if word in {"PASSED", "FAILED"} else "verdict"
    lines = ["schema: orch.report/1", "gate: tests-passed", f"{field}: {word}", f"head: {head}"]
    path.write_text("\n".join(["---", *lines, *([f"reason: {reason}"] if reason else []), "---", ""]))


def statuses(task: WaitingTask, commit: str) -> list[dict[str, Any]]:
    """The latest of every context."""
    found: list[dict[str, Any]] = task.repository.api().get(f"/commits/{commit}/status").ok()["statuses"] or []
    return found


def api_path(task: WaitingTask) -> str:
    return f"/repos/alice/{task.repository.name}"


def test_the_commands_of_the_page_that_connects_a_forge(gitea: Gitea, shared: WaitingTask, tmp_path: Path) -> None:
    """As written, with this server for the one that is named there; `forge check` says what the page shows (DOC-1)."""
    page = "docs/how-to/connect-a-forge.md"
    token = shared.env["ORCH_FORGE_TOKEN"]
    shell = Shell(tmp_path, {**shared.env, "GITEA_TOKEN": token})
    shell.here = shared.path
    output = shell.series(page, "connect", 3, {"https://git.example.org": gitea.url})
    for line in shown(page)[0].splitlines():
        assert output.count(f"\n{line[:16]}") + output.startswith(line[:16]) == 3, line
    timed = shell.series(page, "timings", 1)
    assert re.search(r"^forge: 2 requests, \d\.\d\d s$", timed, re.M), timed
    for line in shown(page)[1].splitlines()[1:]:
        assert line.partition("commits/")[0].partition(" 200")[0].replace("/repos/acme/app", api_path(shared)) in timed
    assert token not in output + timed
