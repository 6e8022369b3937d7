"""Commands in clones whose configuration is old, missing or broken (ENG-10, P5)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.builders import Done, Repo, bare, clone, orch

ONE_STAGE = "stages:\n  - {name: build, role: developer, gates: [ci-green]}\nrework: build\n"


@pytest.fixture
def ann(tmp_path: Path) -> Repo:
    """A clone that has configured one stage, made the state branch and a task."""
    made = clone(bare(tmp_path / "server.git"), tmp_path / "ann")
    made.commit("one stage", {".orch-gates.yaml": ONE_STAGE})
    made.git("push", "--quiet", "origin", "main", "HEAD:task/T-1")
    made.git("fetch", "--quiet", "origin")
    for args in (("state", "init"), ("task", "new", "T-1", "Greet")):
        assert run(made, *args).returncode == 0
    return made


def run(repo: Repo, *args: str, env: Mapping[str, str] | None = None) -> Done:
    return orch(
        *args, cwd=repo.path, env={"ORCH_CACHE_DIR": str(repo.path.parent / f"{repo.path.name}.cache"), **(env or {})}
    )


def test_a_clone_that_never_fetched_does_not_write_its_defaults(ann: Repo) -> None:
    """It does not know the default branch, so it cannot say that there is no configuration."""
    bob = Repo(ann.path.parent / "bob")
    bob.path.mkdir()
    bob.git("init", "--quiet", "-b", "main")
    bob.git("remote", "add", "origin", str(ann.path.parent / "server.git"))
    for args in (("task", "report", "T-1", "ci-green", "SUCCESS"), ("advance", "T-1"), ("task", "hold", "T-1")):
        done = run(bob, *args)
        assert done.returncode == 2
        assert b"git fetch" in done.stderr
    bob.git("fetch", "--quiet", "origin")
    assert run(bob, "task", "report", "T-1", "ci-green", "SUCCESS").returncode == 0
    assert run(bob, "advance", "T-1").returncode == 0
    assert b"every step was legal" in run(ann, "state", "verify").stdout


TWO_STAGES = ONE_STAGE.replace("rework", "  - {name: check, role: tester}\nrework")


def follow(done: Done, repo: Repo) -> None:
    """Run the git commands that a message names."""
    named = re.findall(r"`git ([^`]+)`", done.stderr.decode())
    assert named
    for command in named:
        repo.git(*shlex.split(command))


@pytest.mark.parametrize("how", ["renamed", "guessed", "by a variable"])
def test_only_the_servers_default_branch_configures(how: str, ann: Repo) -> None:
    """A clone that takes another branch for it writes no older pipeline back, and is told the way on."""
    server = Repo(ann.path.parent / "server.git")
    env = {"ORCH_TARGET": "main"} if how == "by a variable" else {}
    bob = clone(server, ann.path.parent / "bob")
    ann.commit("two stages", {".orch-gates.yaml": TWO_STAGES})
    ann.git("push", "--quiet", "origin", "HEAD:trunk")
    server.git("symbolic-ref", "HEAD", "refs/heads/trunk")
    ann.git("fetch", "--quiet", "origin")
    ann.git("remote", "set-head", "origin", "-a")
    assert run(ann, "task", "hold", "T-1").returncode == 0
    if how == "guessed":
        bob.git("remote", "set-head", "origin", "--delete")
    done = run(bob, "task", "new", "T-2", "Older", env=env)
    assert done.returncode == 2
    assert b"the server's default branch is trunk, but this clone uses main" in done.stderr
    follow(done, bob)
    done = run(bob, "task", "new", "T-2", "Newer")
    assert done.returncode == 0, done.stderr.decode()
    assert b"every step was legal" in run(bob, "state", "verify").stdout
    assert server.git("log", "--format=%s", "orch-state").count("configure:") == 1


@pytest.mark.parametrize("where", ["a new clone", "the server itself"])
def test_a_default_branch_that_is_gone_configures_nothing(where: str, ann: Repo) -> None:
    """Where the server's HEAD leads nowhere, no configuration is not a configuration without a file."""
    server = Repo(ann.path.parent / "server.git")
    server.git("update-ref", "-d", "refs/heads/main")
    at = server
    if where == "a new clone":
        at = Repo(ann.path.parent / "bob")
        server.git("clone", "--quiet", server.path, at.path)
    done = run(at, "task", "new", "T-2", "Unconfigured")
    assert done.returncode == 2
    assert b"the server's HEAD names no branch that is there" in done.stderr
    server.git("symbolic-ref", "HEAD", "refs/heads/task/T-1")
    if where == "a new clone":
        at.git("remote", "set-head", "origin", "-a")
    done = run(at, "task", "new", "T-2", "Configured")
    assert done.returncode == 0, done.stderr.decode()


def test_a_broken_file_on_the_default_branch_stops_nobody_from_reading(ann: Repo) -> None:
    """What decides refuses, and names the commit; what reads warns."""
    made = ann.commit("broken", {".orch-gates.yaml": "stages: 7\n"})
    ann.git("push", "--quiet", "origin", "main")
    ann.git("fetch", "--quiet", "origin")
    for args in (("status",), ("why", "T-1"), ("task", "list"), ("task", "show", "T-1"), ("state", "lint")):
        done = run(ann, *args)
        assert done.returncode == 0, done.stderr.decode()
        assert made[:10].encode() in done.stderr
    refused = run(ann, "advance", "T-1")
    assert refused.returncode == 2
    assert made[:10].encode() in refused.stderr
    assert b"config check" in refused.stderr


def test_a_server_that_cannot_be_reached_is_not_waited_for(ann: Repo) -> None:
    """`init` and `restore` end at once, as every other command does."""
    ann.git("remote", "set-url", "origin", "http://127.0.0.1:9/app.git")
    for args in (("state", "init"), ("state", "restore")):
        env = {"ORCH_STATE_TIMEOUT_S": "600", "ORCH_CACHE_DIR": str(ann.path / "c"), "GIT_ALLOW_PROTOCOL": "http"}
        done = orch(*args, cwd=ann.path, env=env)
        assert done.returncode == 2
        assert b"could not be fetched" in done.stderr
