"""One real Gitea for all these tests, and a repository of its own for each."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.conftest import CACHE, REQUIRE_REAL
from tests.e2e.actions import UNSET, Bundle, Project
from tests.e2e.gitea import Gitea
from tests.e2e.repository import MAIN, Pull, Repository
from tests.e2e.runner import Runner

HERE = Path(__file__).parent
# Read before the isolation of the tests takes it out of the environment.
NAMED = os.environ.get("ORCH_GITEA_BIN", "")
NAMED_RUNNER = os.environ.get("ORCH_RUNNER_BIN", "")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here is slow, and chosen by one marker."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("e2e")
            item.add_marker("slow")


def _program(name: str, named: str, variable: str) -> Path:
    """A program from a variable, PATH or the tool cache, in this order."""
    for found in (named, shutil.which(name), CACHE / "bin" / name):
        if found and os.access(found, os.X_OK):
            return Path(found).absolute()
        if found and found == named:
            pytest.fail(f"{variable} names {found}, which is no program")
    reason = f"{name} is not installed; `make tools` builds it, or {variable} names one"
    if REQUIRE_REAL:
        pytest.fail(f"{reason}; ORCH_REQUIRE_REAL=1 allows no stand-in")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def gitea_program(isolation: None) -> Path:
    """Gitea."""
    return _program("gitea", NAMED, "ORCH_GITEA_BIN")


@pytest.fixture(scope="session")
def runner_program(isolation: None) -> Path:
    """The runner of its Actions."""
    return _program("gitea-runner", NAMED_RUNNER, "ORCH_RUNNER_BIN")


@pytest.fixture(scope="session")
def gitea(gitea_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gitea]:
    """A running server."""

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_ALLOW_PROTOCOL", "file:http")
        server = Gitea(gitea_program, tmp_path_factory.mktemp("gitea"))
        try:
            server.start()
            server.populate()
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def runner(gitea: Gitea, runner_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """Gitea's own runner, which runs the server's jobs on this machine."""
    made = Runner(gitea, runner_program, tmp_path_factory.mktemp("runner"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def bundle(gitea: Gitea, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """What a release publishes, as a repository of the server."""
    return Bundle(gitea, tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def project(gitea: Gitea, runner: Runner, bundle: Bundle, tmp_path: Path) -> Callable[..., Project]:
    """Make alice's project with one workflow, in which the zeros are replaced by the bundle's commit."""

    def made(workflow: str, files: Mapping[str, str] = MAIN) -> Project:
        return Project(gitea, gitea.alice, tmp_path, workflow.replace(UNSET, bundle.sha), files)

    return made


@pytest.fixture
def repository(gitea: Gitea, tmp_path: Path) -> Repository:
    """Alice's new repository with `main` and the branch `feature`; its clones are in the test's folder."""
    return Repository(gitea, gitea.alice, tmp_path)


@pytest.fixture
def pull(repository: Repository) -> Pull:
    """An open pull request of the branch `feature`, which can be merged."""
    return repository.pull("feature").settled()
