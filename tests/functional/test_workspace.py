"""What every command stands on: where the state is, who caused a step, and how few git processes that takes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.builders import Repo, bare, clone, orch

MOST_PROCESSES = 8
MOST_OF_WHY = 6
MOST_OF_HOOK = 12


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCH_CACHE_DIR", str(tmp_path / "cache"))


def ok(repo: Repo, *args: str, env: dict[str, str | None] | None = None) -> str:
    done = orch(*args, cwd=repo.path, env=env)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@pytest.fixture
def work(tmp_path: Path) -> Repo:
    """A clone with a state branch and a task in development."""
    server = bare(tmp_path / "server.git")
    clone(server, tmp_path / "first")
    first = Repo(tmp_path / "first")
    first.commit("start")
    first.git("push", "--quiet", "origin", "HEAD:main", "HEAD:task/T-1")
    clone(server, tmp_path / "work")
    repo = Repo(tmp_path / "work")
    ok(repo, "state", "init")
    ok(repo, "task", "new", "T-1", "Greet")
    ok(repo, "advance", "T-1", "--approve")
    ok(repo, "advance", "T-1")
    return repo


class Counting:
    """A git in a folder of its own that writes down each of its starts."""

    def __init__(self, tmp_path: Path) -> None:
        self.folder, self._log = tmp_path / "bin", tmp_path / "processes"
        self.folder.mkdir()
        wrapper = self.folder / "git"
        wrapper.write_text(f'#!/bin/sh\necho "$@" >>"{self._log}"\nexec "{shutil.which("git")}" "$@"\n')
        wrapper.chmod(0o755)

    def started(self) -> list[str]:
        """The arguments of each start."""
        return self._log.read_text().splitlines()


def by(repo: Repo) -> str:
    repo.git("fetch", "--quiet", "origin", "orch-state")
    return repo.git("log", "-1", "--format=%(trailers:key=Orch-By,valueonly)", "FETCH_HEAD")


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_command_starts_few_git_processes(work: Repo, scheme: str, tmp_path: Path) -> None:
    """Each costs milliseconds, and every command pays for them."""
    work.git("remote", "set-url", "origin", f"{scheme}{tmp_path / 'server.git'}")
    counting = Counting(tmp_path)
    done = orch("advance", "T-1", "--dry-run", cwd=work.path, env={"PATH": f"{counting.folder}:/usr/bin:/bin"})
    assert b"10-ci-report.md" in done.stdout, done.stderr
    assert len(counting.started()) <= MOST_PROCESSES, counting.started()


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_why_starts_few_git_processes(work: Repo, scheme: str, tmp_path: Path) -> None:
    """It is asked again and again, also by people who wait for it."""
    work.git("remote", "set-url", "origin", f"{scheme}{tmp_path / 'server.git'}")
    ok(work, "why", "T-1")
    counting = Counting(tmp_path)
    assert ok(work, "why", "T-1", env={"PATH": f"{counting.folder}:/usr/bin:/bin"})
    assert len(counting.started()) <= MOST_OF_WHY, counting.started()


def test_the_hook_starts_few_git_processes_for_a_step(work: Repo, tmp_path: Path) -> None:
    """Every step of every task waits for them on the server, guard and scan together."""
    server = Repo(tmp_path / "server.git")
    done = orch("hook", "install", server.path, cwd=server.path, env={"ORCH_CACHE_DIR": None})
    assert done.returncode == 0, done.stderr.decode()
    counting = Counting(tmp_path)
    hook = server.path / "hooks" / "pre-receive"
    # git puts its own folder before the PATH that a hook gets.
    hook.write_text(hook.read_text().replace("exec ", f"export PATH='{counting.folder}':\"$PATH\"\nexec ", 1))
    ok(work, "task", "hold", "T-1", "--reason", "lunch")
    assert 0 < len(counting.started()) <= MOST_OF_HOOK, counting.started()


def test_a_step_names_who_caused_it(work: Repo) -> None:
    """`--by`, the setting, the CI actor, the author of commits here, the user: never the program (ENG-11)."""
    nobody: dict[str, str | None] = dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "USER"))
    actor: dict[str, str | None] = {**nobody, "LOGNAME": "a-user", "GITHUB_ACTOR": "ann"}
    for number, (args, env, wanted) in enumerate(
        (
            (("--by", "Carl"), {**actor, "ORCH_STATE_BY": "bob"}, "Carl"),
            ((), {**actor, "ORCH_STATE_BY": "bob"}, "bob"),
            ((), actor, "ann"),
            ((), {**actor, "GITHUB_ACTOR": None, "GIT_AUTHOR_NAME": "Ann B"}, "Ann B"),
            ((), {**actor, "GITHUB_ACTOR": None}, "a-user"),
        )
    ):
        ok(work, "task", "hold" if number % 2 == 0 else "resume", "T-1", *args, env=env)
        assert by(work) == wanted
        assert f"by {wanted}" in ok(work, "task", "show", "T-1")


@pytest.mark.parametrize("name", ["", " ", "two\nlines"])
def test_who_caused_it_is_one_line(work: Repo, name: str) -> None:
    """An empty name, or one that would add a line to the commit, is wrong usage."""
    done = orch("task", "hold", "T-1", "--by", name, cwd=work.path)
    assert done.returncode == 2
    assert done.stdout == b""


def test_the_state_is_where_git_pushes(work: Repo, tmp_path: Path) -> None:
    """A clone that fetches from a mirror writes the one state that the others read."""
    server = tmp_path / "server.git"
    shutil.copytree(server, tmp_path / "mirror.git")
    work.git("remote", "set-url", "origin", tmp_path / "mirror.git")
    work.git("config", "remote.origin.pushurl", str(server))
    ok(work, "task", "hold", "T-1", "--reason", "legal says no")
    assert "held" in ok(Repo(server), "why", "T-1")
    work.git("config", "--add", "remote.origin.pushurl", str(tmp_path / "mirror.git"))
    refused = orch("why", "T-1", cwd=work.path)
    assert refused.returncode == 2
    assert b"pushes to 2 URLs" in refused.stderr
    work.git("config", "--replace-all", "remote.origin.pushurl", str(server))
    assert "held" in ok(work, "why", "T-1")
