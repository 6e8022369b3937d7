"""A server with the hook, made once, with a copy of it for each test; and state branches of many kinds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orch_gates.state.outcome import Committed
from tests import state_rig
from tests.builders import Repo, Template
from tests.fakes import git_http
from tests.fakes.git_http import GitHttp
from tests.state_rig import FILES, GitRig


@pytest.fixture(scope="session")
def server_template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return Template(tmp_path_factory.mktemp("template"), "kingfisher").make()


@pytest.fixture
def pair(server_template: Template, tmp_path: Path) -> tuple[Repo, Repo]:
    """A server and a clone of it that no other test uses."""
    return server_template.pair(tmp_path / "pair")


@pytest.fixture
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GitRig]:
    """A state branch with one commit; on disk, reached by its path, unless a test asks for another kind."""
    with state_rig.rig(getattr(request, "param", "path"), tmp_path) as made:
        assert isinstance(made, GitRig)
        assert isinstance(made.store().initialise(FILES), Committed)
        yield made


@pytest.fixture
def server(rig: GitRig) -> Iterator[GitHttp]:
    """A server of its own before the repository, whose answers can be spoiled."""
    with git_http.serving(rig.folder) as made:
        rig.url = f"{made.url}/server.git"
        yield made
