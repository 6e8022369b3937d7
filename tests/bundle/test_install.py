"""The package as people install it: into a folder of its own, from a commit, with nothing of a developer's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.blocks import Shell
from tests.builders import Repo, bare, github_token

PAGE = "docs/how-to/install.md"

PLAIN = {"PATH": f"{sys.base_prefix}/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
PIP = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name.endswith("_CERT")}


def call(*argv: str | Path, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv, cwd=cwd, env={**PLAIN, **PIP, **env}, capture_output=True, text=True, check=False, timeout=300
    )


def administrator(bundle: Path, folder: Path, **env: str) -> Shell:
    """Somebody in a checkout, who has nothing of a developer's."""
    shell = Shell(
        folder, {**PLAIN, **PIP, "PYTHONPATH": "", "UV_CACHE_DIR": f"{os.environ['ORCH_CACHE_DIR']}/uv", **env}
    )
    shell.here = bundle
    return shell


@pytest.mark.slow
def test_a_venv_of_its_own_is_all_that_a_server_needs(bundle: Path, tmp_path: Path) -> None:
    """Installed from a commit, it says which one it is, needs no HOME, and protects a repository; in 125 MB at most."""
    venv = tmp_path / "opt" / "orch-gates"
    shell = administrator(bundle, tmp_path / "admin")
    assert "works" in shell.series(PAGE, "server", 1, {"/opt/orch-gates": str(venv), "git+URL": f"git+file://{bundle}"})
    program = venv / "bin/orch-gates"
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=bundle, capture_output=True, text=True, check=True).stdout
    output = call(program, "--version", cwd=tmp_path).stdout
    found = re.fullmatch(r"orch-gates, version 0\.1\.0\.dev\d+\+g([0-9a-f]{7,})\n", output)
    assert found, output
    assert commit.startswith(found[1])

    server = bare(tmp_path / "app.git")
    installed = call(program, "hook", "install", server.path, cwd=tmp_path)
    assert installed.returncode == 0, installed.stderr
    assert "proven" in installed.stdout
    # Without the compiled form of the rules each push by another user would take seconds.
    [compiled] = venv.glob("var/orch-gates/rules-*/compiled/*")
    assert compiled.stat().st_mode & 0o444 == 0o444
    work = Repo(tmp_path / "work")
    work.path.mkdir()
    work.git("init", "-q", "-b", "main")
    work.git("remote", "add", "origin", server.path)
    work.commit("leak", {"a.py": f"t = '{github_token()}'\n"})
    size = sum(path.stat().st_size for path in venv.rglob("*") if path.is_file() and not path.is_symlink())
    assert size <= 125_000_000
    refused = work.push("main")
    assert (refused.returncode, b"1 secret found" in refused.stderr) == (1, True)
    # Where the lock and a folder of wheels take its place, the program stays the same.
    for name in ("locked", "offline"):
        shell.series(PAGE, name, 1, {"/opt/orch-gates": str(venv)})
        assert call(program, "--version", cwd=tmp_path).stdout == output


@pytest.mark.slow
def test_a_person_installs_it_with_uv(bundle: Path, tmp_path: Path) -> None:
    """The commands of the README and of the page about installation, with the url that stands there."""
    tools = tmp_path / "tools"
    pip: list[str | Path] = [sys.executable, "-m", "pip", "install", "-q", "--target", tools, "uv"]
    assert call(*pip, cwd=tmp_path, HOME=os.environ["HOME"]).returncode == 0
    config, url = tmp_path / "gitconfig", "https://git.example.org/orch/orch-gates"
    config.write_text(f'[url "file://{bundle}"]\n\tinsteadOf = {url}\n')
    home = tmp_path / "home"
    shell = administrator(bundle, tmp_path / "person", HOME=str(home), GIT_CONFIG_GLOBAL=str(config))
    shell.env = {**shell.env, "PATH": f"{tools}/bin:{PLAIN['PATH']}"}
    assert "Installed 1 executable: orch-gates" in shell.series("README.md", "install", 1)
    # Before it on PATH is the program that is tested.
    yours = {"git+URL": f"git+{url}", "\norch-gates": f"\n{home}/.local/bin/orch-gates"}
    assert re.search(
        r"^orch-gates, version 0\.1\.0\.dev\d+\+g[0-9a-f]{7,}$", shell.series(PAGE, "install", 1, yours), re.M
    )


def test_a_tarball_of_a_commit_says_which_one_it_is(bundle: Path, tmp_path: Path) -> None:
    """GitHub hands actions over as tarballs, without a git directory."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=bundle, capture_output=True, text=True, check=True).stdout
    tar = subprocess.run(["git", "archive", "HEAD"], cwd=bundle, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", tmp_path], input=tar, check=True)
    assert f"node: {commit.strip()}\n" in (tmp_path / ".git_archival.txt").read_text()
    on_path = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run([tmp_path / "actions/setup/ensure"], env=on_path, capture_output=True, text=True, check=False)
    assert f"version 0.1.0.dev0+g{commit[:12]} is on PATH" in done.stdout
