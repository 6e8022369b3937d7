"""The scripted GitHub of these tests, and the description that it is held against."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders import Repo, bare, clone
from tests.conftest import CACHE, REQUIRE_REAL, ROOT
from tests.contract.github_rig import RIGHTS
from tests.fakes.github.description import Description, described
from tests.fakes.github.project import Project
from tests.fakes.github.server import Github, serve

DESCRIPTION = CACHE / "openapi" / "api.github.com.json"
PINNED = json.loads((ROOT / "tools" / "openapi" / "package.json").read_text())["dependencies"]["@octokit/openapi"]


@pytest.fixture(scope="session")
def github_description() -> Description:
    """GitHub's own, of the pinned release."""
    if DESCRIPTION.is_file() and (found := described(DESCRIPTION)).version == PINNED:
        return found
    reason = f"GitHub's description {PINNED} is not here; `make tools` fetches it with npm"
    if REQUIRE_REAL:
        pytest.fail(f"{reason}, and ORCH_REQUIRE_REAL=1 allows to leave nothing out")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def github_seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one commit, and a clone beside it."""
    folder = tmp_path_factory.mktemp("github")
    work = clone(bare(folder / "project.git"), folder / "work")
    work.commit("first", {"README.md": "# A project\n"})
    work.git("push", "--quiet", "origin", "HEAD:main")
    work.git("remote", "set-url", "origin", "../project.git")
    return folder


@pytest.fixture
def github(github_description: Description, github_seed: Path, tmp_path: Path) -> Iterator[Github]:
    shutil.copytree(github_seed, tmp_path, symlinks=True, dirs_exist_ok=True)
    project = Project(f"orchard/{secrets.token_hex(4)}", Repo(tmp_path / "project.git"), dict(RIGHTS))
    with serve(github_description, project) as made:
        yield made
