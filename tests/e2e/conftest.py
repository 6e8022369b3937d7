"""One real Gitea for all these tests, and a repository of its own for each."""

from __future__ import annotations

import os
import shutil
import sys
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


@pytest.fixture(scope="session")
def gitea_program(isolation: None) -> Path:
    """Gitea from ORCH_GITEA_BIN, PATH or the tool cache, in this order."""
    for found in (NAMED, shutil.which("gitea"), CACHE / "bin" / "gitea"):
        if found and os.access(found, os.X_OK):
            return Path(found)
        if found and found == NAMED:
            pytest.fail(f"ORCH_GITEA_BIN names {found}, which is no program")
    reason = "gitea is not installed; `make tools` builds it, or ORCH_GITEA_BIN names one"
    if REQUIRE_REAL:
        pytest.fail(f"{reason}; ORCH_REQUIRE_REAL=1 allows no stand-in")
    pytest.skip(reason)


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
def runner(gitea: Gitea, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """Something that runs the server's Actions: Gitea's own runner in ORCH_RUNNER_BIN, or the test runner."""
    if NAMED_RUNNER and not os.access(NAMED_RUNNER, os.X_OK):
        pytest.fail(f"ORCH_RUNNER_BIN names {NAMED_RUNNER}, which is no program")
    made = Runner(gitea, tmp_path_factory.mktemp("runner"))
    try:
        if NAMED_RUNNER:
            made.start_native(Path(NAMED_RUNNER).absolute())
        else:
            # One of the locked packages of the tests.
            made.start(Path(sys.executable).with_name("act"))
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
        text = workflow.replace(UNSET, bundle.sha)
        if NAMED_RUNNER:
            text = bundle.with_checkout(text)
        return Project(gitea, gitea.alice, tmp_path, text, files)

    return made


@pytest.fixture
def repository(gitea: Gitea, tmp_path: Path) -> Repository:
    """Alice's new repository with `main` and the branch `feature`; its clones are in the test's folder."""
    return Repository(gitea, gitea.alice, tmp_path)


@pytest.fixture
def pull(repository: Repository) -> Pull:
    """An open pull request of the branch `feature`, which can be merged."""
    return repository.pull("feature").settled()
