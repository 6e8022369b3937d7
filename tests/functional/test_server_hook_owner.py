"""The server's hook belongs to whom the repository belongs to, and works for that user; root only helps."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import somebody
from tests.builders import PROGRAM, Done, Repo, bare, github_token, run
from tests.conftest import REQUIRE_REAL

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0 and not REQUIRE_REAL, reason="only root can be two users")


@pytest.fixture(scope="module")
def program() -> Iterator[Path]:
    """An installation that every user of this machine can run."""
    with somebody.folder() as folder:
        found = somebody.install_program(folder / "opt") if os.geteuid() == 0 else PROGRAM
        reason = "no Python of this version can be run by another user"
        if found is None and REQUIRE_REAL:
            pytest.fail(reason)
        if found is None:
            pytest.skip(reason)
        yield found


@pytest.fixture
def server() -> Iterator[Repo]:
    """A bare repository of a user who is not root."""
    with somebody.folder() as folder:
        made = bare(folder / "srv" / "app.git")
        shutil.rmtree(made.path / "hooks", ignore_errors=True)
        (made.path / "hooks").mkdir()
        if os.geteuid() == 0:
            somebody.give(folder / "srv")
        yield made


def as_root(program: Path, *args: str | Path, env: dict[str, str | None] | None = None) -> Done:
    # Root's own cache and home are closed to others, as on a real machine.
    return run(program, "hook", *args, cwd=Path("/"), env={"ORCH_CACHE_DIR": None, **(env or {})})


def as_owner(program: Path, *args: str | Path) -> Done:
    """Without root's rights, whoever runs these tests."""
    if os.geteuid() == 0:
        return somebody.run(program, "hook", *args, cwd=Path("/"))
    return run(program, "hook", *args, cwd=Path("/"))


def told(done: Done) -> str:
    text = (done.stdout + done.stderr).decode()
    assert "bug in" not in text
    assert "Traceback" not in text
    return text


@ROOT_ONLY
def test_root_installs_for_the_owner(server: Repo, program: Path) -> None:
    """The files are the owner's, the proof is the owner's, and one line says so; the owner's pushes are judged."""
    (server.path / "hooks").rmdir()
    done = as_root(program, "install", server.path)
    assert done.returncode == 0, done.stderr
    name = f"user {somebody.UID}"
    assert f"run by root: the hook belongs to {name}, and was tested as {name}" in told(done)
    made = {path: path.lstat().st_uid for path in (server.path / "hooks", server.path / "hooks/pre-receive")}
    assert set(made.values()) == {somebody.UID}
    assert {path.stat().st_uid for path in server.path.rglob("*")} == {somebody.UID}
    run("git", "init", "--quiet", server.path.parents[1] / "work", cwd=server.path)
    work = Repo(server.path.parents[1] / "work")
    work.commit(files={"a.txt": github_token()})
    somebody.give(work.path)
    pushed = somebody.run("git", "push", "--quiet", server.path, "HEAD:refs/heads/x", cwd=work.path)
    assert b"1 secret found" in pushed.stderr
    assert as_root(program, "status", "--prove", server.path).returncode == 0
    assert as_owner(program, "status", "--prove", server.path).returncode == 0
    assert "renewed and proven, as " in told(as_root(program, "install", "--all", server.path.parent))
    assert as_root(program, "uninstall", server.path).returncode == 0


@ROOT_ONLY
def test_a_program_that_the_owner_cannot_run_is_refused(server: Repo) -> None:
    """Every push would be refused; the message says where to install, and nothing is written."""
    with somebody.folder() as folder:
        closed = somebody.install_program(folder / "home" / "opt")
        # As /root and many home directories are.
        (folder / "home").chmod(0o700)
        done = as_root(closed or PROGRAM, "install", server.path)
        assert (done.returncode, "below /opt and not in a home directory" in told(done)) == (2, True)
        assert list((server.path / "hooks").iterdir()) == []
        # What a hook names is looked at with the eyes of the user who runs it.
        (server.path / "hooks/pre-receive").write_text(
            f"# Written by `orch-gates hook install`.\nexec '{closed or PROGRAM}' hook pre-receive\n"
        )
        (server.path / "hooks/pre-receive").chmod(0o755)
        done = as_root(closed or PROGRAM, "status", server.path)
        assert (done.returncode, f"user {somebody.UID} may not run it" in told(done)) == (1, True), done.stdout


@ROOT_ONLY
@pytest.mark.parametrize("by", ["link", "link below", "configuration"])
def test_root_writes_nowhere_that_the_owner_chose(by: str, server: Repo, program: Path) -> None:
    """Whom a repository belongs to must not have root write where only root may."""
    precious, options, hooks = server.path.parents[1] / "precious", [], server.path / "hooks"
    precious.mkdir()
    match by:
        case "link":
            hooks.rmdir()
            hooks.symlink_to(precious)
        case "link below":
            (hooks / "pre-receive").write_text("#!/bin/sh\n# pre-receive.d\n")
            (hooks / "pre-receive.d").symlink_to(precious)
            options = ["--gitea"]
        case _:
            with (server.path / "config").open("a") as config:
                config.write(f"[core]\n\thooksPath = {precious}\n")
    done = as_root(program, "install", *options, server.path)
    assert (done.returncode, "permission denied" in told(done)) == (2, True)
    assert list(precious.iterdir()) == []
    (precious / "pre-receive").write_text("# Written by `orch-gates hook install`.\n")
    told(as_root(program, "uninstall", "--shared", server.path))
    assert len(list(precious.iterdir())) == 1


@ROOT_ONLY
def test_a_folder_of_hooks_that_the_machine_names(server: Repo, program: Path, tmp_path: Path) -> None:
    """Root's is root's to write in; that of a third user is refused, who could change the hook at any time."""
    hooks = server.path.parents[1] / "shared"
    hooks.mkdir()
    config = server.path.parents[1] / "gitconfig"
    config.write_text(f"[core]\n\thooksPath = {hooks}\n")
    env: dict[str, str | None] = {"GIT_CONFIG_SYSTEM": str(config), "GIT_CONFIG_NOSYSTEM": None}
    os.chown(hooks, somebody.UID + 1, somebody.UID + 1)
    done = as_root(program, "install", server.path, env=env)
    assert (done.returncode, f"a folder of user {somebody.UID + 1}" in told(done)) == (2, True)
    os.chown(hooks, 0, 0)
    done = as_root(program, "install", server.path, env=env)
    assert done.returncode == 0, done.stderr
    assert (hooks / "pre-receive").stat().st_uid == 0
    assert as_root(program, "status", "--prove", server.path, env=env).returncode == 0
    assert as_root(program, "uninstall", "--shared", server.path, env=env).returncode == 0


@ROOT_ONLY
def test_the_owner_s_configuration_is_asked_and_not_root_s(server: Repo, program: Path) -> None:
    """git reads the configuration of whom it runs as."""
    home = server.path.parents[1]
    (home / ".gitconfig").write_text(f"[core]\n\thooksPath = {home}\n")
    by_home: dict[str, str | None] = {"HOME": str(home), "GIT_CONFIG_GLOBAL": None}
    by_name: dict[str, str | None] = {"GIT_CONFIG_GLOBAL": str(home / ".gitconfig")}
    for env in (by_home, by_name):
        done = as_root(program, "install", server.path, env=env)
        assert done.returncode == 0, done.stderr
        assert (server.path / "hooks/pre-receive").is_file()


@ROOT_ONLY
def test_somebody_else_is_told_whose_the_repository_is(program: Path) -> None:
    """The last line is the command to run."""
    with somebody.folder() as folder:
        server = bare(folder / "app.git")
        for verb in ("install", "status", "uninstall"):
            text = told(done := as_owner(program, verb, server.path))
            assert done.returncode == 2
            assert "belongs to root; run it as root:" in text
            assert f"sudo -u root -H {program} hook {verb} {server.path}" in text
            assert "\\x0a" not in text
        server.path.chmod(0o700)
        for verb in ("install", "status", "uninstall"):
            assert (done := as_owner(program, verb, server.path)).returncode == 2
            assert "belongs to root; run it as root:" in told(done)


def test_a_missing_permission_is_no_bug(server: Repo, program: Path) -> None:
    """The file is named, with what to look at, for each command."""
    hooks = server.path / "hooks"
    hooks.chmod(0o555)
    done = as_owner(program, "install", server.path)
    assert (done.returncode, "pre-receive cannot be written: permission denied; look at" in told(done)) == (2, True)
    hooks.chmod(0o755)
    assert as_owner(program, "install", server.path).returncode == 0
    hooks.chmod(0o555)
    done = as_owner(program, "uninstall", server.path)
    assert (done.returncode, "pre-receive cannot be removed: permission denied" in told(done)) == (2, True)
    done = as_owner(program, "install", "--all", server.path.parent)
    assert (done.returncode, "not renewed" in told(done)) == (2, True)
    assert as_owner(program, "status", "--prove", server.path).returncode == 0
    (hooks / "pre-receive").chmod(0)
    done = as_owner(program, "status", server.path)
    assert (done.returncode, "pre-receive cannot be read: permission denied" in told(done)) == (2, True)
    hooks.chmod(0)
    for verb in ("install", "status", "uninstall"):
        done = as_owner(program, verb, server.path)
        assert (done.returncode, "permission denied" in told(done)) == (2, True)
    done = as_owner(program, "install", "--all", server.path.parent)
    assert (done.returncode, "not renewed" in told(done)) == (2, True)
    hooks.chmod(0o755)


def test_folders_that_cannot_be_read_are_told(server: Repo, program: Path) -> None:
    """There may be repositories in them: the answer is not that all is well."""
    closed = server.path.parent / "closed"
    closed.mkdir(mode=0)
    assert as_owner(program, "install", server.path).returncode == 0
    if os.geteuid() == 0:
        somebody.give(closed)
    closed.chmod(0)
    done = as_owner(program, "status", "--all", server.path.parent)
    assert (done.returncode, f"{closed} cannot be read" in told(done)) == (2, True)
    assert as_owner(program, "install", "--all", server.path.parent).returncode == 2
    closed.chmod(0o755)
