"""The packages of a release: built from a tag, whole, tried with each Python that is here (DOC-1)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from scripts import house_rules
from tests.blocks import Shell
from tests.builders import Repo

ROOT = house_rules.ROOT
pytestmark = pytest.mark.slow


def script(checkout: Repo, name: str, *args: str | Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHON": sys.executable}
    command = [checkout.path / "scripts" / name, *args]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=600, check=False)


@pytest.fixture(scope="module")
def dist(checkout: Repo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages, made by the commands of `CONTRIBUTING.md`."""
    shell = Shell(tmp_path_factory.mktemp("maintainer"), {"PYTHON": sys.executable})
    shell.here = checkout.path
    checkout.git("tag", "--delete", "v9.8.7")
    shell.series("CONTRIBUTING.md", "release", 1, {"v1.2.3": "v9.8.7"})
    return checkout.path / "dist"


def test_a_release_is_a_wheel_and_an_sdist_of_the_tag(dist: Path) -> None:
    """Both have the version of the tag, which is said nowhere else."""
    assert {path.name for path in dist.iterdir()} == {"orch_gates-9.8.7-py3-none-any.whl", "orch_gates-9.8.7.tar.gz"}


def test_the_wheel_has_every_file_of_the_package_and_no_other(checkout: Repo, dist: Path) -> None:
    """It is built from the sdist, so that this has all that is needed to build it."""
    tracked = {line for line in checkout.git("ls-files", "orch_gates").splitlines() if not line.endswith(".gitignore")}
    [wheel] = dist.glob("*.whl")
    with zipfile.ZipFile(wheel) as zipped:
        inside = {name for name in zipped.namelist() if ".dist-info/" not in name}
    assert inside == tracked | {"orch_gates/_version.py"}
    [sdist] = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as opened:
        files = {name.partition("/")[2] for name in opened.getnames()}
    assert {"LICENSE", "README.md", "requirements/runtime.txt", "actions/setup/ensure", "action.yml"} <= files


def test_what_no_commit_has_is_not_published(checkout: Repo, dist: Path, tmp_path: Path) -> None:
    """A changed work tree, and a folder in which older packages are, are refused in one line that says what to do."""
    full = script(checkout, "build-release", dist)
    assert (full.returncode, "give an empty folder" in full.stderr) == (2, True)
    (checkout.path / "new.py").write_text("")
    try:
        changed = script(checkout, "build-release", tmp_path)
    finally:
        (checkout.path / "new.py").unlink()
    assert (changed.returncode, "commit or stash" in changed.stderr) == (2, True)
    assert not list(tmp_path.iterdir())


def pythons() -> list[str]:
    """Other Pythons that are on PATH, or beside the one that runs this."""
    beside = Path(sys.base_prefix).parent
    minor = {f"3.{number}" for number in range(11, 16)} - {f"3.{sys.version_info.minor}"}
    on_path = (shutil.which(f"python{name}") for name in sorted(minor))
    found = [path for path in on_path if path] + [str(path) for path in sorted(beside.glob("3.*/bin/python3"))]
    answers = {version(path): path for path in found}
    return [path for name, path in sorted(answers.items()) if name in minor]


def version(python: str) -> str:
    asked = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([python, "-c", asked], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout.strip()


@pytest.mark.parametrize("python", pythons())
def test_the_wheel_works_with_each_python(checkout: Repo, dist: Path, python: str) -> None:
    """Installed by the lock, its hook refuses a random token; of the Pythons from 3.11 on, those that are here."""
    done = script(checkout, "try-release", dist, python)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "proven: a push of a random token was refused" in done.stdout
