"""The command line on the scripted GitHub: the same commands as elsewhere, by the same settings."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import Done, orch
from tests.fakes.github.server import Github

Say = Callable[..., Done]


@pytest.fixture
def say(github: Github, tmp_path: Path) -> Say:
    """Run a command in a clone of the project; Bob asks."""
    token = github.token("bob")
    told = {
        "ORCH_CACHE_DIR": str(tmp_path / "cache"),
        "ORCH_FORGE": "github",
        "ORCH_FORGE_URL": github.url,
        "ORCH_FORGE_REPOSITORY": github.project.full_name,
        "ORCH_FORGE_TOKEN": token,
    }

    def run(*args: str | Path, **more: str) -> Done:
        done = orch(*args, cwd=tmp_path / "work", env={**told, **more})
        output = done.stdout + done.stderr
        assert token.encode() not in output
        assert b"Traceback" not in output
        return done

    return run


def test_who_we_are_there(github: Github, say: Say) -> None:
    document = json.loads(say("forge", "check", "--json").stdout)
    assert (document["kind"], document["login"], document["repository"]) == ("github", "bob", github.project.full_name)
    assert document["permissions"] == {"read": True, "write": True, "admin": False}
    assert document["problems"] == []
    assert document["requests"] == len(github.asked)


def test_a_job_knows_where_its_forge_is(github: Github, say: Say) -> None:
    job = {"ORCH_FORGE": "auto", "ORCH_FORGE_URL": "", "ORCH_FORGE_REPOSITORY": "", "GITHUB_ACTIONS": "true"}
    job |= {"GITHUB_SERVER_URL": github.url, "GITHUB_API_URL": f"{github.url}/api/v3"}
    document = json.loads(say("forge", "check", "--json", GITHUB_REPOSITORY=github.project.full_name, **job).stdout)
    assert (document["kind"], document["login"]) == ("github", "bob")
    elsewhere = say("forge", "check", **job | {"GITHUB_API_URL": f"{github.url}/nothing"}, GITHUB_REPOSITORY="a/b")
    assert elsewhere.returncode == 2
    assert github.violations
    github.violations.clear()


@pytest.mark.parametrize(("archived", "token", "words"), [(True, "", "archived"), (False, "ghp_wrong", "token")])
def test_what_is_wrong_is_one_line(github: Github, say: Say, archived: bool, token: str, words: str) -> None:
    github.project.archived = archived
    done = say("forge", "check", **({"ORCH_FORGE_TOKEN": token + secrets.token_hex(4)} if token else {}))
    assert done.returncode == 2
    assert words in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


def test_a_repository_that_deletes_branches_says_so(github: Github, say: Say) -> None:
    """GitHub does it whatever a merge request says."""
    github.project.deletes_branches = True
    done = say("forge", "check")
    assert done.returncode == 2
    assert b"the forge deletes branches after a merge" in done.stderr


def test_a_verdict_becomes_a_status(github: Github, say: Say, tmp_path: Path) -> None:
    """GATE-4: in one request, on exactly the commit that was judged."""
    head = github.project.tip("main")
    report = tmp_path / "report.md"
    report.write_text(f"---\nschema: orch.report/1\ngate: tests-passed\ntests_status: FAILED\nhead: {head}\n---\n")
    done = say("gate", "tests-passed", report, "--head", head, "--status", "--timings")
    assert done.returncode == 1
    (status,) = github.project.statuses
    assert (status.context, status.state, status.commit) == ("orch/tests-passed", "failure", head)
    assert b"forge: 1 request, " in done.stderr
