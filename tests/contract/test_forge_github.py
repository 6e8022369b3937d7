"""What a forge promises, on a scripted GitHub that is held against GitHub's own description; none of it is GitHub."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from orch_gates.forge.github.connect import DIALECT, api_url, connect, ported
from orch_gates.forge.http import Api
from orch_gates.forge.port.checks import ReviewState
from orch_gates.forge.port.forge import Forge
from orch_gates.forge.port.server import Kind
from tests.builders import Repo, bare, clone
from tests.conftest import CACHE, REQUIRE_REAL, ROOT
from tests.contract.forge_rig import Traits, Who
from tests.contract.forge_suite import ForgeContract
from tests.fakes.github.description import Description, described
from tests.fakes.github.project import Project, Review
from tests.fakes.github.server import Github, serve

DESCRIPTION = CACHE / "openapi" / "api.github.com.json"
PINNED = json.loads((ROOT / "tools" / "openapi" / "package.json").read_text())["dependencies"]["@octokit/openapi"]
NAMES = {Who.OWNER: "alice", Who.WRITER: "bob", Who.STRANGER: "eve"}
RIGHTS = {"alice": "admin", "bob": "write"}
WORKFLOW = "on: {workflow_dispatch: {inputs: {task: {type: string}}}}\njobs: {gates: {runs-on: any, steps: []}}\n"
_TIMEOUT = 10


class GithubRig:
    """A project of an organisation, whose bare repository is on this disk."""

    traits = Traits(Kind.GITHUB)

    def __init__(self, server: Github, folder: Path) -> None:
        self.server, self.project = server, server.project
        self._tokens = {who: server.token(name) for who, name in NAMES.items()}
        self._work = Repo(folder / "work")

    @property
    def forge(self) -> Forge:
        return self.as_(Who.OWNER)

    def as_(self, who: Who) -> Forge:
        return connect(self.server.url, self.project.full_name, self._tokens[who], _TIMEOUT)

    def in_pages(self, size: int) -> Forge:
        dialect = replace(DIALECT, page_size=size)
        return ported(Api(api_url(self.server.url), self._tokens[Who.OWNER], _TIMEOUT, dialect), self.project.full_name)

    def name(self, who: Who) -> str:
        return NAMES[who]

    def push(self, branch: str, files: Mapping[str, str], *, onto: str = "") -> str:
        self._work.git("fetch", "--quiet", "origin")
        self._work.git("checkout", "--quiet", "--detach", onto or self.tip(branch) or self.tip("main"))
        made = self._work.commit("work", files)
        self._work.git("push", "--quiet", *(["--force"] if onto else []), "origin", f"HEAD:refs/heads/{branch}")
        return made

    def tip(self, branch: str) -> str:
        return self.project.tip(branch)

    def parents(self, commit: str) -> tuple[str, ...]:
        return tuple(self.project.bare.git("show", "--no-patch", "--format=%P", commit).split())

    def message(self, commit: str) -> str:
        return self.project.bare.git("show", "--no-patch", "--format=%B", commit)

    def review(self, number: int, reviewer: Who, state: ReviewState) -> None:
        head = self.project.head(self.project.pulls[number])
        self.project.reviews.append(Review(self.project.id(), number, NAMES[reviewer], state.value.upper(), head))

    def mark_draft(self, number: int) -> None:
        self.project.pulls[number].draft = True

    def add_workflow(self, name: str) -> str:
        return self.push("main", {f".github/workflows/{name}": WORKFLOW})

    @contextmanager
    def refuse_pushes(self, words: str) -> Iterator[None]:
        self.project.hook_words = words
        try:
            yield
        finally:
            self.project.hook_words = ""


@pytest.fixture(scope="session")
def description() -> Description:
    """GitHub's own, of the pinned release."""
    if DESCRIPTION.is_file() and (found := described(DESCRIPTION)).version == PINNED:
        return found
    reason = f"GitHub's description {PINNED} is not here; `make tools` fetches it with npm"
    if REQUIRE_REAL:
        pytest.fail(f"{reason}, and ORCH_REQUIRE_REAL=1 allows to leave nothing out")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one commit, and a clone beside it."""
    folder = tmp_path_factory.mktemp("github")
    work = clone(bare(folder / "project.git"), folder / "work")
    work.commit("first", {"README.md": "# A project\n"})
    work.git("push", "--quiet", "origin", "HEAD:main")
    work.git("remote", "set-url", "origin", "../project.git")
    return folder


@pytest.fixture
def server(description: Description, seeded: Path, tmp_path: Path) -> Iterator[Github]:
    shutil.copytree(seeded, tmp_path, symlinks=True, dirs_exist_ok=True)
    project = Project(f"orchard/{secrets.token_hex(4)}", Repo(tmp_path / "project.git"), dict(RIGHTS))
    with serve(description, project) as made:
        yield made


@pytest.fixture
def rig(server: Github, tmp_path: Path) -> GithubRig:
    return GithubRig(server, tmp_path)


class TestForge(ForgeContract):
    """The whole suite of the port."""
