"""Statuses that `advance` posts: once, whoever is killed when, and whatever the forge does meanwhile (P7, GATE-4)."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orch_gates.model.ids import TaskId
from orch_gates.state import layout
from tests.builders import PROGRAM, Done, Repo, bare, clone, orch
from tests.fakes.scripted_http import says
from tests.fakes.status_server import StatusServer, serving
from tests.hand_edits import STATE, edit_state

CONFIG = """\
stages:
  - name: development
    role: developer
    gates: [ci-green, tests-passed]
rework: development
statuses:
  enabled: true
"""
CI, TESTS = "orch/ci-green", "orch/tests-passed"
TASK = layout.task_path(TaskId("T-1"))


@pytest.fixture
def server() -> Iterator[StatusServer]:
    with serving() as made:
        yield made


class Work:
    """A clone with one task in the only stage, whose branch is pushed, and a forge that says that CI is green."""

    def __init__(self, folder: Path, server: StatusServer) -> None:
        self.server = server
        self.repo = Repo(folder / "work")
        self.env = {
            "ORCH_CACHE_DIR": str(folder / "cache"),
            "ORCH_STATE_BY": "ann",
            "ORCH_FORGE": "gitea",
            "ORCH_FORGE_URL": server.url,
            "ORCH_FORGE_REPOSITORY": "acme/app",
            "ORCH_FORGE_TOKEN": secrets.token_hex(20),
        }
        self.head = self.repo.git("rev-parse", "task/T-1")
        server.add(self.head, "build", "success")

    def say(self, *args: str, **env: str) -> Done:
        done = orch(*args, cwd=self.repo.path, env={**self.env, **env})
        assert b"Traceback" not in done.stderr
        assert self.env["ORCH_FORGE_TOKEN"].encode() not in done.stdout + done.stderr
        return done

    def ok(self, *args: str, code: int = 0, **env: str) -> str:
        done = self.say(*args, **env)
        assert done.returncode == code, done.stdout + done.stderr
        return (done.stdout + done.stderr).decode()

    def passed(self, word: str = "PASSED") -> None:
        self.ok("task", "report", "T-1", "tests-passed", word, "--reason", "212 tests")

    def killed(self, *args: str, **env: str) -> None:
        """Run a command that somebody kills."""
        told = os.environ | self.env | env
        process = subprocess.Popen([str(PROGRAM), *args], cwd=self.repo.path, env=told, stdout=subprocess.DEVNULL)
        self.victim = process
        assert process.wait(60) == -signal.SIGKILL

    @property
    def commits(self) -> int:
        self.repo.git("fetch", "--quiet", "origin", "orch-state")
        return int(self.repo.git("rev-list", "--count", "FETCH_HEAD"))

    def planned(self) -> list[dict[str, Any]]:
        found = json.loads(self.ok("effects", "list", "--json"))["effects"]
        assert isinstance(found, list)
        return found

    def task(self) -> dict[str, Any]:
        found = json.loads(self.ok("task", "show", "T-1", "--json"))
        assert isinstance(found, dict)
        return found


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A server with a task, and a clone of it."""
    folder = tmp_path_factory.mktemp("effects")
    made = clone(bare(folder / "app.git"), folder / "work")
    made.commit("start", {".orch-gates.yaml": CONFIG})
    made.git("push", "--quiet", "origin", "main")
    made.git("switch", "--quiet", "-c", "task/T-1")
    made.commit("work", {"code.py": "x = 1\n"})
    made.git("push", "--quiet", "origin", "task/T-1")
    for args in (("state", "init"), ("task", "new", "T-1", "Greet the user")):
        done = orch(*args, cwd=made.path, env={"ORCH_CACHE_DIR": str(folder / "cache"), "ORCH_STATE_BY": "ann"})
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def work(template: Path, tmp_path: Path, server: StatusServer) -> Work:
    for name in ("app.git", "work"):
        shutil.copytree(template / name, tmp_path / name, symlinks=True)
    Repo(tmp_path / "work").git("remote", "set-url", "origin", str(tmp_path / "app.git"))
    return Work(tmp_path, server)


def test_a_step_posts_each_verdict_that_made_it(work: Work, server: StatusServer) -> None:
    """On the commit that was judged; said again with other words when the verdict is another one."""
    work.passed("FAILED")
    work.ok("advance", "T-1", code=1)
    assert server.posted(CI) == [("success", "1 of 1 statuses are success")]
    assert server.posted(TESTS) == [("failure", "212 tests")]
    work.passed()
    work.ok("task", "ready", "T-1", "--reason", "the database is up again")
    work.ok("advance", "T-1")
    assert server.posted(TESTS) == [("failure", "212 tests"), ("success", "212 tests")]
    assert len(server.posted(CI)) == 1
    assert (work.task()["state"], "effects" in work.task()) == ("done", False)
    work.ok("state", "verify")


def test_called_again_nothing_happens(work: Work, server: StatusServer) -> None:
    """Quiescence: on the same facts no commit is made and nothing is posted."""
    work.passed("FAILED")
    work.ok("advance", "T-1", code=1)
    before, rows = work.commits, len(server.rows)
    work.ok("advance", "T-1", code=1)
    assert (work.commits, len(server.rows)) == (before, rows)


def test_without_a_switch_or_a_token_nothing_is_posted(work: Work, server: StatusServer) -> None:
    """A laptop surprises nobody; what is recorded is as it always was."""
    work.passed("FAILED")
    rows = len(server.rows)
    work.ok("advance", "T-1", code=1, ORCH_FORGE_TOKEN="", ORCH_STATUSES_ENABLED="true")
    assert (len(server.rows), "effects" in work.task()) == (rows, False)
    work.passed()
    work.ok("task", "ready", "T-1", "--reason", "again")
    work.ok("advance", "T-1", ORCH_STATUSES_ENABLED="false")
    assert (len(server.rows), work.planned()) == (rows, [])


def test_a_forge_that_is_down_undoes_no_step(work: Work, server: StatusServer) -> None:
    """The exit code is that of the step; stderr says what is left, and the command that it names finishes it."""
    work.passed()
    server.meanwhile = lambda method, _done: setattr(server, "answer", says(502) if method == "POST" else None)
    told = work.ok("advance", "T-1")
    assert f"status {CI}@{work.head} is not done" in told
    assert work.task()["state"] == "done"
    assert [row["subject"] for row in work.planned()] == [f"{CI}@{work.head}", f"{TESTS}@{work.head}"]
    waits = "1 more have planned effects; `orch-gates effects run` finishes them"
    assert waits in work.ok("state", "compact", "--older-than", "0")
    assert "outcome unknown" in work.ok("effects", "run", "--task", "T-1", code=2)
    server.meanwhile = lambda _method, _done: setattr(server, "answer", None)
    assert f"T-1: {CI}@{work.head}: done\n" in work.ok("effects", "run", "--task", "T-1")
    assert (len(server.posted(CI)), work.planned()) == (1, [])
    assert work.ok("effects", "run") == "nothing is planned\n"
    assert "1 tasks archived" in work.ok("state", "compact", "--older-than", "0")
    work.ok("state", "verify")


def test_what_the_forge_refuses_is_said_and_can_be_dropped(work: Work, server: StatusServer) -> None:
    """Exit 1 until somebody mends the token or gives it up."""
    work.passed()
    refusal = says(403, {"message": "token does not have at least one of required scope(s)"})
    server.meanwhile = lambda method, _done: setattr(server, "answer", refusal if method == "POST" else None)
    assert "is not done: " in work.ok("advance", "T-1")
    told = json.loads(work.say("effects", "run", "--json").stdout)["effects"]
    assert [(row["result"], row["pending"]) for row in told] == [("refused", True)] * 2
    assert "refused" in work.ok("effects", "run", code=1)
    assert "dropped" in work.ok("effects", "run", "--drop-refused")
    assert work.planned() == []


def test_where_nothing_can_be_posted_it_says_what_to_do(work: Work, server: StatusServer) -> None:
    """No forge, or no token: exit 2, and what is planned stays."""
    work.passed("FAILED")
    work.ok("advance", "T-1", code=1)
    assert "no token is given; put one into ORCH_FORGE_TOKEN" in work.ok("effects", "run", code=2, ORCH_FORGE_TOKEN="")
    assert "ORCH_FORGE (--forge) is none" in work.ok("effects", "run", code=2, ORCH_FORGE="none")
    assert len(work.planned()) == 2
    work.ok("effects", "run")
    assert work.planned() == []


def test_a_newer_status_of_somebody_else_stays(work: Work, server: StatusServer) -> None:
    """What `gate NAME --status` posts after the step is not turned green by a plan of before (GATE-5)."""
    work.passed("FAILED")
    work.ok("advance", "T-1", code=1)
    server.add(work.head, CI, "failure", "by hand")
    work.ok("advance", "T-1", code=1)
    assert server.posted(CI)[-1] == ("failure", "by hand")
    assert "not needed any more" in work.ok("effects", "run")
    assert server.posted(CI)[-1] == ("failure", "by hand")


def test_a_bare_repository_takes_them_too(work: Work) -> None:
    """Without a server: the status is a document on the state branch, and posted once."""
    local: Any = {"ORCH_FORGE": "local", "ORCH_FORGE_URL": "", "ORCH_FORGE_TOKEN": "", "ORCH_CI_GREEN_ENABLED": "false"}
    work.passed("FAILED")
    work.ok("advance", "T-1", code=1, **local)
    assert "planned at the forge: status orch/tests-passed@" in work.ok("task", "show", "T-1")
    before = work.commits
    assert work.ok("effects", "run", **local) == f"T-1: {TESTS}@{work.head}: done\n"
    assert work.commits == before + 1
    work.ok("state", "verify")


@pytest.mark.parametrize("what", ["removed", "changed", "added"])
def test_nobody_edits_effects_by_hand(what: str, work: Work) -> None:
    """`verify`, and so the guard, takes them from orch-gates only."""
    work.passed("FAILED")
    work.ok("advance", "T-1", code=1)
    server = Repo(work.repo.path.parent / "app.git")
    lines = f"{server.git('show', f'{STATE}:{TASK}')}\n".splitlines(keepends=True)
    start = lines.index("effects:\n")
    end = lines.index("---\n", start)
    mine = lines[start + 1 : end]
    edited = {
        "removed": [],
        "changed": ["effects:\n", *(line.replace('"failure"', '"success"') for line in mine)],
        "added": ["effects:\n", *mine, *(line.replace("tests-passed", "security") for line in mine[len(mine) // 2 :])],
    }[what]
    edit_state(server, {TASK: "".join([*lines[:start], *edited, *lines[end:]])})
    assert "effects: may be written by orch-gates only, not by hand" in work.ok("state", "verify", code=1)


# ---- killed


def kill_at(work: Work, server: StatusServer, method: str, number: int, *, done: bool) -> None:
    """Kill the command at the nth request of a method, before the forge does it or after."""
    left = [number]

    def meanwhile(asked: str, was_done: bool) -> None:
        if (asked, was_done) != (method, done):
            return
        left[0] -= 1
        if left[0] == 0:
            work.victim.kill()
            work.victim.wait(60)

    server.meanwhile = meanwhile


GIT = """\
#!/bin/sh
# A push of the state branch, the nth of them: the program that asked for it dies before or after.
case " $* " in *" push "*) ;; *) exec {git} "$@" ;; esac
echo >> {count}
test "$(wc -l < {count})" -eq {number} || exec {git} "$@"
{before}
{git} "$@"
{after}
"""


def dying(folder: Path, number: int, *, done: bool) -> str:
    """A PATH with a git that kills its parent at the nth push."""
    tools = folder / "tools"
    tools.mkdir()
    kill = "kill -9 $PPID"
    script = GIT.format(
        git=shutil.which("git"),
        count=folder / "pushes",
        number=number,
        before=":" if done else f"{kill}; exit 1",
        after=kill if done else ":",
    )
    (folder / "pushes").touch()
    (tools / "git").write_text(script)
    (tools / "git").chmod(0o755)
    return f"{tools}:{os.environ['PATH']}"


@pytest.mark.slow
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("where", ["lookup", "first post", "second post", "step", "acknowledgement"])
def test_a_killed_run_is_finished_by_the_next(
    where: str, done: bool, work: Work, server: StatusServer, tmp_path: Path
) -> None:
    """Killed between commit, post and acknowledgement: the next command ends the same, and no status comes twice."""
    work.passed()
    env = {}
    match where:
        case "lookup":
            # ci-green asks, then the plan; the third is for the first status.
            kill_at(work, server, "GET", 3, done=done)
        case "first post" | "second post":
            kill_at(work, server, "POST", 1 if where == "first post" else 2, done=done)
        case _:
            env = {"PATH": dying(tmp_path, 1 if where == "step" else 2, done=done)}
    work.killed("advance", "T-1", **env)
    server.meanwhile = lambda _method, _done: None
    work.ok("advance", "T-1")
    assert (work.task()["state"], work.planned()) == ("done", [])
    assert server.posted(CI) == [("success", "1 of 1 statuses are success")]
    assert server.posted(TESTS) == [("success", "212 tests")]
    before, rows = work.commits, len(server.rows)
    work.ok("advance", "T-1")
    assert (work.commits, len(server.rows)) == (before, rows)
