"""The repository that the pipeline comes from is never rolled back by it, whatever is configured (WCH-3, T20)."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import orch_gates
from tests import watch_rig
from tests.watch_rig import Production, WatchRig

pytestmark = pytest.mark.slow

OWN = "this repository hosts the pipeline itself, so its deploys are never rolled back automatically"
URL = "https://git.example.org/acme/orch-gates"


@pytest.fixture(scope="module")
def served() -> Iterator[Production]:
    with watch_rig.production() as found:
        yield found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, served: Production) -> Path:
    """T-1 is verified, and T-2 deployed."""
    folder = tmp_path_factory.mktemp("own")
    rig = watch_rig.copy(watch_rig.template(folder / "made", served.url), folder / "verified", served)
    rig.verify()
    rig.configure(300)
    rig.deploy("exit 0", task="T-2")
    return rig.folder


@pytest.fixture
def rig(made: Path, tmp_path: Path, served: Production) -> WatchRig:
    return watch_rig.copy(made, tmp_path / "project", served)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program as pip installs it from a repository: a copy, with a note of where it is from."""
    folder = tmp_path_factory.mktemp("site")
    package = Path(orch_gates.__file__).parent
    shutil.copytree(package, folder / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    info = folder / "orch_gates-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: orch-gates\nVersion: 0.1.0\n")
    direct = {"url": URL, "vcs_info": {"vcs": "git", "commit_id": "d" * 40}}
    (info / "direct_url.json").write_text(json.dumps(direct))
    # As every build is stamped: with a commit that no other repository has.
    (folder / package.name / "_version.py").write_text(f'version = "0.1.0+g{secrets.token_hex(5)}"\n')
    return folder


def roll_back(rig: WatchRig, site: Path) -> subprocess.CompletedProcess[str]:
    values = {**os.environ, **rig.env, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-m", "orch_gates", "watch", "rollback", "T-2", "--reason", "customers cannot pay"],
        env={name: value for name, value in values.items() if value is not None},
        cwd=rig.work.path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def cloned_from(rig: WatchRig, url: str) -> None:
    """The clone is from there, as far as it says; git goes on to reach the same server."""
    rig.work.git("config", f"url.{rig.server.path}.insteadOf", url)
    rig.work.git("remote", "set-url", "origin", url)


@pytest.mark.parametrize(
    "url",
    [
        URL,
        f"{URL}.git",
        "https://Git.Example.org/Acme/orch-gates.git",
        "ssh://git@git.example.org:2222/acme/orch-gates.git",
        "git@git.example.org:acme/orch-gates.git",
    ],
)
def test_the_repository_that_it_was_installed_from_is_not_rolled_back(rig: WatchRig, site: Path, url: str) -> None:
    """However the clone spells where that is; a person who orders it is told why."""
    cloned_from(rig, url)
    done = roll_back(rig, site)
    assert (done.returncode, OWN in done.stderr) == (2, True), done.stderr
    assert rig.rolled == []


def test_another_repository_is(rig: WatchRig, site: Path) -> None:
    """Its neighbour on the same server is not the pipeline's own."""
    cloned_from(rig, "https://git.example.org/acme/orch-gates-shop.git")
    done = roll_back(rig, site)
    assert done.returncode == 0, done.stderr
    assert rig.rolled == [rig.head("T-1")]


def test_the_repository_that_has_its_source_is_not_rolled_back(rig: WatchRig, site: Path) -> None:
    """As told by the default branch alone, also in a shallow clone of a fork that nobody installed from."""
    source = "orch_gates/cli/own_repository.py"
    rig.work.commit("Add the pipeline", {source: (site / source).read_text("utf-8")})
    rig.work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    rig.work.git("fetch", "--quiet", "origin")
    rig.fall_ill()
    output = rig.watch("T-2", code=1)
    assert OWN in output
    assert (rig.over()["reaction"]["what"], rig.rolled) == ("alert", [])
