"""`orch-gates forge check`, the options of every command, and posted verdicts, without a server to log in to."""

from __future__ import annotations

import json
import os
import pty
import re
import secrets
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from orch_gates.errors import ForgeUnavailable, OrchError, SettingsError
from orch_gates.forge import probe
from orch_gates.forge.http import ForgeCall
from orch_gates.forge.port.server import ForgeKind
from tests.builders import PROGRAM, Done, Repo, bare, clone, github_token, orch
from tests.fakes.fault_proxy import FaultProxy

NOWHERE = "http://127.0.0.1:9"
JSON = {"Content-Type": "application/json"}
Say = Callable[..., Done]


@pytest.fixture
def work(tmp_path: Path) -> Repo:
    """A clone of a bare repository with a state branch, and one commit."""
    made = clone(bare(tmp_path / "app.git"), tmp_path / "work")
    made.commit("first", {"README.md": "# A project\n"})
    made.git("push", "--quiet", "origin", "HEAD:main", "HEAD:refs/heads/task/T-1")
    assert orch("state", "init", cwd=made.path, env=env(tmp_path)).returncode == 0
    return made


@pytest.fixture
def say(work: Repo, tmp_path: Path) -> Say:
    """Run a command in the clone; no traceback comes of it."""

    def run(*args: str | Path, **more: str) -> Done:
        done = orch(*args, cwd=work.path, env={**env(tmp_path), **more})
        assert b"Traceback" not in done.stderr
        return done

    return run


def env(folder: Path) -> dict[str, str]:
    return {"ORCH_CACHE_DIR": str(folder / "cache"), "ORCH_STATE_BY": "ann"}


def test_a_bare_repository_is_a_forge(work: Repo, say: Say) -> None:
    """The one that the clone is from, or the one at a path."""
    for args in (("--forge", "local"), ("--url", "../app.git"), ("--url", f"file://{work.path.parent}/app.git")):
        done = say("forge", "check", "--json", *args)
        assert done.returncode == 0, done.stderr
        document = json.loads(done.stdout)
        assert (document["kind"], document["login"], document["default_branch"]) == ("local", "ann", "main")
        assert (document["requests"], document["problems"]) == (0, [])
    assert b"kind            local\n" in say("forge", "check", ORCH_FORGE="local").stdout


def test_a_narrow_terminal_shows_all_of_it(work: Repo, tmp_path: Path) -> None:
    """A url that is cut short cannot be copied."""
    parent, child = pty.openpty()
    told = os.environ | env(tmp_path) | {"TERM": "xterm", "COLUMNS": "40"}
    argv = [str(PROGRAM), "forge", "check", "--forge", "local"]
    done = subprocess.run(argv, cwd=work.path, stdout=child, env=told, check=False, timeout=60)
    os.close(child)
    with open(parent, "rb", buffering=0) as ours:
        shown = ours.read(65536).decode()
    assert done.returncode == 0
    assert "kind            local\r\n" in shown
    assert str(tmp_path) in shown


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((), "no forge is known here; set ORCH_FORGE_URL (--url) to its url"),
        (("--forge", "none", "--url", NOWHERE), "ORCH_FORGE (--forge) is none; unset it to use a forge"),
        (("--forge", "gitea", "--url", NOWHERE), "points to 127.0.0.1:9; set ORCH_FORGE_REPOSITORY"),
        (("--forge", "gitea"), "ORCH_FORGE_URL has to say where the forge is"),
        (("--url", "git.example.org"), "the URL of a server begins with https://"),
        (("--url", "./nowhere"), "/nowhere; the URL of a server begins with https://"),
        (("--url", "."), "is not a bare repository"),
        (("--url", "ssh://git@git.example.org/a/b"), "ORCH_FORGE_URL has to be like https://git.example.org"),
    ],
)
def test_what_is_not_enough_is_said(say: Say, args: tuple[str, ...], words: str) -> None:
    done = say("forge", "check", *args)
    assert done.returncode == 2
    assert done.stdout == b""
    assert words in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


def test_a_token_in_the_place_of_the_url_is_not_repeated(say: Say) -> None:
    """OWN-1: two variables are easily swapped."""
    token = secrets.token_hex(20)
    output = say("forge", "check", ORCH_FORGE_URL=token, ORCH_FORGE_TOKEN="https://git.example.org").stderr.decode()
    assert "no bare repository is at the path in ORCH_FORGE_URL (--url); the URL of a server begins with" in output
    assert token not in output


def test_a_kind_that_there_is_not_is_wrong_usage(say: Say) -> None:
    assert say("forge", "check", "--forge", "svn").returncode == 2
    assert b"ORCH_FORGE='svn' is not one of" in say("forge", "check", ORCH_FORGE="svn").stderr


def test_a_verdict_is_posted_on_the_commit_that_was_judged(work: Repo, say: Say, tmp_path: Path) -> None:
    """GATE-4; a task that asks for it is then judged by what is there."""
    head = work.git("rev-parse", "HEAD")
    report = tmp_path / "report.md"
    report.write_text(f"---\nschema: orch.report/1\ngate: tests-passed\ntests_status: PASSED\nhead: {head}\n---\n")
    assert say("gate", "tests-passed", report, "--status", "--forge", "local").returncode == 0
    assert say("task", "new", "T-1", "Greet").returncode == 0
    for args in (("--approve",), ()):
        assert say("advance", "T-1", *args).returncode == 0
    required = {"ORCH_FORGE": "local", "ORCH_CI_GREEN_CONTEXTS": "orch/tests-passed"}
    assert b"now active in review" in say("advance", "T-1", **required).stdout
    assert b"0 of 1 approvals" in say("advance", "T-1", "--dry-run", **required).stdout


def test_a_gate_alone_asks_the_forge_that_it_is_given(work: Repo, say: Say, tmp_path: Path) -> None:
    """As on an edge; a report that is named counts instead, and the evidence says which of both was asked."""
    local = ("--forge", "local")
    head = work.git("rev-parse", "HEAD")
    report = tmp_path / "report.md"
    report.write_text(f"---\nschema: orch.report/1\ngate: tests-passed\ntests_status: PASSED\nhead: {head}\n---\n")
    assert say("gate", "tests-passed", report, "--status", *local).returncode == 0
    required = {"ORCH_CI_GREEN_CONTEXTS": "orch/tests-passed"}
    asked = say("gate", "ci-green", "--json", *local, **required)
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout)["evidence"] == {
        "forge": f"{work.path.parent.name}/app",
        "head": head,
        "statuses": 1,
        "contexts": "orch/tests-passed",
    }
    report.write_text(f"---\nschema: orch.report/1\ngate: ci-green\nci_status: FAILED\nhead: {head}\n---\n")
    read = say("gate", "ci-green", report, "--json", *local, **required)
    assert read.returncode == 1
    assert json.loads(read.stdout)["evidence"] == {"report": "report.md", "head": head}
    absent = say("gate", "ci-green", "--json", **required)
    assert absent.returncode == 1
    assert json.loads(absent.stdout)["reason"] == f"there is no 10-ci-report.md about {head[:10]}"


def test_reviews_are_asked_for_by_branch(work: Repo, say: Say) -> None:
    """The one that is checked out, or the one that is named; without a branch there is nothing to ask about."""
    for args in ((), ("--branch", "topic")):
        done = say("gate", "review-approved", "--forge", "local", *args)
        assert done.returncode == 1
        assert b"0 of 1 approvals" in done.stdout
    work.git("checkout", "--quiet", "--detach")
    lost = say("gate", "review-approved", "--forge", "local", "--status")
    assert lost.returncode == 2
    assert b"name its branch with --branch" in lost.stdout
    assert b"not posted: nothing was judged" in lost.stderr


def test_a_forge_that_does_not_answer_is_an_error_alone(say: Say) -> None:
    """P2: exit code 2, as a verdict; and a status is posted only for what was judged."""
    asked = {"ORCH_FORGE_REPOSITORY": "a/b", "ORCH_FORGE_TOKEN": secrets.token_hex(20)}
    done = say("gate", "ci-green", "--forge", "gitea", "--url", NOWHERE, "--json", "--status", **asked)
    assert done.returncode == 2
    told = json.loads(done.stdout)
    assert told["outcome"] == "ERROR"
    assert told["reason"].startswith("the forge gave no usable answer: ")
    assert b"the status orch/ci-green was not posted: nothing was judged" in done.stderr


def test_a_range_without_a_commit_is_posted_nowhere(work: Repo, say: Say) -> None:
    """GATE-5: a red status of the same commit must not turn green by a look at nothing."""
    done = say("gate", "security", "--base", "HEAD", "--status", "--forge", "local")
    assert done.returncode == 2, done.stderr
    assert b"the status orch/security was not posted: nothing was judged" in done.stderr


def test_a_red_status_is_only_bettered_by_judging_as_much(work: Repo, say: Say) -> None:
    """A second look at fewer commits of the same head leaves it red: the leak is in what was left out (GATE-5)."""

    def judge(*args: str) -> tuple[int, str]:
        set_up = {"ORCH_SECURITY_DEP_AUDIT_ENABLED": "false", "ORCH_TARGET": "main"}
        done = say("gate", "security", *args, "--status", "--forge", "local", **set_up)
        return done.returncode, done.stderr.decode()

    def status() -> str:
        """What is required of it, as a merge into main would ask."""
        required = {"ORCH_CI_GREEN_CONTEXTS": "orch/security/main"}
        return str(json.loads(say("gate", "ci-green", "--json", "--forge", "local", **required).stdout)["outcome"])

    first = work.git("rev-parse", "HEAD")
    leaked = work.commit("leak", {"settings.py": f"token = '{github_token()}'\n"})
    work.commit("on top", {"README.md": "# A better project\n"})
    work.git("push", "--quiet", "origin", "HEAD:refs/heads/topic")
    assert judge("--base", first)[0] == 1
    assert status() == "FAIL"
    # The leak is on the target by now, so that it is in no range from there.
    work.git("push", "--quiet", "--no-verify", "origin", f"{leaked}:refs/heads/main")
    code, output = judge("--base", "origin/main")
    assert (code, status()) == (2, "FAIL")
    assert f"leaves out some of them; judge with `--base {first[:10]}`" in output
    assert judge("--base", first[:10])[0] == 1
    everything = ("--base", work.git("hash-object", "-t", "tree", "/dev/null"))
    assert judge(*everything) == (1, "")
    code, output = judge("--base", first)
    assert (code, "it covers all commits" in output) == (1, True)
    code, output = judge("--all")
    assert (code, "--status needs one commit" in output) == (2, True)


def test_a_status_names_no_branch_that_was_not_judged_for(work: Repo, say: Say) -> None:
    """Whatever is said to be the target: where the range leaves out what that has not, or is of a tag, it says so."""

    def posted(*args: str, **env: str) -> set[str]:
        done = say(
            *("gate", "security", *args, "--status", "--forge", "local"), ORCH_SECURITY_DEP_AUDIT_ENABLED="false", **env
        )
        assert done.returncode == 0, done.stderr
        state = work.git("ls-remote", "origin", "refs/heads/orch-state").split()[0]
        work.git("fetch", "--quiet", "origin", "orch-state")
        listed = work.git("grep", "-h", "orch/security", state, "--", "forge")
        return set(re.findall(r"orch/security[\w/.~-]*", listed)) - before

    before: set[str] = set()
    work.commit("one", {"x": "1\n"})
    work.commit("two", {"x": "2\n"})
    work.git("push", "--quiet", "origin", "HEAD:refs/heads/topic")
    assert posted("--base", "HEAD~1", ORCH_TARGET="main") == {"orch/security"}
    before = {"orch/security"}
    assert posted("--base", "origin/topic~1") == set()
    work.git("tag", "-a", "v1", "-m", "one")
    assert posted("--base", "origin/main", "--head", "v1") == {"orch/security/tags/v1"}
    before.add("orch/security/tags/v1")
    assert posted("--base", "origin/main") == {"orch/security/main"}


def test_a_status_names_the_branch_that_was_judged_for(work: Repo, say: Say) -> None:
    """What was judged for one branch says nothing about another one: each has a status of its own (GATE-5)."""

    def judge(base: str) -> None:
        args = ("--base", base, "--status", "--forge", "local")
        assert say("gate", "security", *args, ORCH_SECURITY_DEP_AUDIT_ENABLED="false").returncode == 1

    def required(context: str) -> str:
        done = say("gate", "ci-green", "--json", "--forge", "local", ORCH_CI_GREEN_CONTEXTS=context)
        return str(json.loads(done.stdout)["reason"])

    work.commit("leak", {"settings.py": f"token = '{github_token()}'\n"})
    work.git("push", "--quiet", "origin", "HEAD:refs/heads/topic", "origin/main:refs/heads/release")
    judge("origin/main")
    assert "orch/security/main (failure)" in required("orch/security/main")
    assert "orch/security/release" in required("orch/security/release")
    assert "failure" not in required("orch/security/release")
    judge("origin/release")
    assert "orch/security/release (failure)" in required("orch/security/release")


@pytest.mark.parametrize("fork", [True, False])
def test_the_job_of_a_fork_posts_nothing_and_keeps_its_result(fork: bool, work: Repo, say: Say, tmp_path: Path) -> None:
    """It may not, so that is a warning, without advice to give its token rights; of all others it is an error."""
    head = work.commit("fine", {"x": "1\n"})
    event = tmp_path / "event.json"
    repositories = {"full_name": "a/app"}, {"full_name": "b/app" if fork else "a/app"}
    ends = {
        "base": {"ref": "main", "repo": repositories[0]},
        "head": {"ref": "topic", "sha": head, "repo": repositories[1]},
    }
    event.write_text(json.dumps({"pull_request": ends, "repository": repositories[0]}))
    job = {"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(event)}
    asked = {"ORCH_FORGE_REPOSITORY": "a/app", "ORCH_FORGE_TOKEN": secrets.token_hex(20)}
    args = ("gate", "security", "--status", "--forge", "gitea", "--url", NOWHERE)
    done = say(*args, **job, **asked, ORCH_SECURITY_DEP_AUDIT_ENABLED="false")
    assert done.returncode == (0 if fork else 2), done.stderr
    words = b"::warning title=orch-gates::the status orch/security/main was not posted: a pull request from a"
    assert (words in done.stderr) is fork
    assert (b"write" in done.stderr) is False


def test_timings_are_told_whatever_becomes_of_the_command(say: Say) -> None:
    """On stderr, so that stdout stays what it is."""
    assert say("task", "new", "T-1", "Greet").returncode == 0
    good = say("advance", "T-1", "--dry-run", "--json", "--timings")
    assert good.stderr == b"forge: 0 requests, 0.00 s\n"
    json.loads(good.stdout)
    bad = say("forge", "check", "--forge", "gitea", "--timings", ORCH_FORGE_REPOSITORY="a/b", ORCH_FORGE_URL=NOWHERE)
    assert bad.returncode == 2
    assert bad.stderr.endswith(b"forge: 0 requests, 0.00 s\n")
    with FaultProxy(NOWHERE) as proxy:
        proxy.on("GET", "/", times=None).answer(404, b"{}", JSON)
        asked = {"ORCH_FORGE_REPOSITORY": "a/b", "ORCH_FORGE_URL": proxy.url, "ORCH_FORGE_TOKEN": secrets.token_hex(20)}
        lines = say("forge", "check", "--timings", **asked).stderr.decode().splitlines()
    assert lines[1].startswith("forge: 2 requests, ")
    assert [line.rsplit(" ", 2)[0] for line in lines[2:]] == [
        "forge: GET /api/v1/version 404",
        "forge: GET /api/v3/meta 404",
    ]


def test_it_is_said_what_keeps_a_forge_from_being_asked(work: Repo, say: Say) -> None:
    """A job's own needs a token; one that is switched off needs no url."""
    required = ("gate", "tests-passed", "--status")
    assert b"ORCH_FORGE (--forge) is none; unset it to use a forge" in say(*required, "--forge", "none").stderr
    for args in (required, ("forge", "check")):
        output = say(*args, GITEA_ACTIONS="true", GITHUB_SERVER_URL=NOWHERE).stderr
        assert b"to use that of the job, put a token into ORCH_FORGE_TOKEN\n" in output
    asked = {"ORCH_FORGE_REPOSITORY": "a/b", "ORCH_FORGE_URL": NOWHERE}
    assert b"name its variable with --token-env" in say("forge", "check", **asked).stderr


def test_the_whole_url_is_named_where_no_forge_answers(say: Say) -> None:
    """At the page of a repository there is none, though the server is one."""
    with FaultProxy(NOWHERE) as proxy:
        proxy.on("GET", "/acme/app/", times=None).answer(404, b"<html>", {"Content-Type": "text/html"})
        url = f"{proxy.url}/acme/app"
        asked = {"ORCH_FORGE_URL": url, "ORCH_FORGE_REPOSITORY": "acme/app", "ORCH_FORGE_TOKEN": secrets.token_hex(20)}
        output = say("forge", "check", **asked).stderr.decode()
    assert f"answers at {url.removeprefix('http://')}; check ORCH_FORGE_URL" in output


@pytest.mark.parametrize(
    ("answers", "wanted"),
    [
        ({"v1": (200, b'{"version": "1.26.4"}')}, ForgeKind.GITEA),
        ({"v1": (200, b'{"version": "12.0.0+gitea-1.22.0"}')}, ForgeKind.GITEA),
        ({"v1": (403, b'{"message": "Only signed in user is allowed to call APIs."}')}, ForgeKind.GITEA),
        ({"v3": (200, b'{"verifiable_password_authentication": true}')}, ForgeKind.GITHUB),
        ({"v3": (401, b'{"message": "Must authenticate to access this API."}')}, ForgeKind.GITHUB),
        ({"v1": (302, b""), "v3": (200, b'{"verifiable_password_authentication": true}')}, ForgeKind.GITHUB),
        ({}, SettingsError("no Gitea, Forgejo or GitHub answers")),
        ({"v1": (200, b"<html>"), "v3": (200, b"[]")}, SettingsError("no Gitea, Forgejo or GitHub answers")),
        ({"v1": (401, b"<html>a password, please"), "v3": (401, b"")}, SettingsError("no Gitea")),
        ({"v1": (301, b""), "v3": (301, b"")}, SettingsError("which leads to https://git.example.org")),
        ({"v1": (503, b"")}, ForgeUnavailable("503")),
        ({"v1": (429, b"")}, ForgeUnavailable("429")),
    ],
)
def test_a_server_is_asked_which_it_is(answers: dict[str, tuple[int, bytes]], wanted: ForgeKind | Exception) -> None:
    """Only an answer that is one counts; a page, a redirect or a busy server is none (P2)."""
    calls: list[ForgeCall] = []
    with FaultProxy(NOWHERE) as proxy:
        for part, (status, body) in answers.items():
            location = {"Location": "https://git.example.org"} if status in {301, 302} else {}
            proxy.on("GET", f"/api/{part}/", times=None).answer(status, body, {**JSON, **location})
        proxy.on("GET", "/", times=None).answer(404, b"<html>", {"Content-Type": "text/html"})
        try:
            found: ForgeKind | Exception = probe.kind(proxy.url, 5, calls.append)
        except OrchError as error:
            found = error
        proxy.calm()
    if isinstance(wanted, ForgeKind):
        assert found == wanted
    else:
        assert type(found) is type(wanted)
        assert str(wanted) in str(found)
        assert "\n" not in str(found)
    assert len(calls) <= 2
