"""The server of these tests is a real one, and leaves nothing behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.api import Api
from tests.e2e.gitea import ROOT, Gitea, pinned
from tests.e2e.repository import Repository, eventually

PROGRAM = """
import sys, time
from pathlib import Path
from tests.e2e.gitea import Gitea
server = Gitea(Path(sys.argv[1]), Path(sys.argv[2]))
server.start()
print(server.url, flush=True)
time.sleep(60)
"""


def test_the_server_is_the_pinned_release(gitea: Gitea) -> None:
    """What these tests establish is true of this release; another one may differ."""
    assert gitea.anonymous().get("/version").json == {"version": pinned()}


def test_the_runner_is_the_pinned_release(runner_program: Path) -> None:
    """So is what they establish about jobs."""
    output = subprocess.run([runner_program, "--version"], capture_output=True, text=True, check=True).stdout
    assert output == f"gitea-runner version v{pinned('runner', 'gitea.com/gitea/runner')}\n"


def test_a_clone_has_its_credentials_from_its_configuration(repository: Repository) -> None:
    """No token is in a url or in a command line, and a push needs nothing but the clone."""
    work = repository.clone()
    made = work.commit("one", {"a.txt": "one\n"})
    work.git("push", "--quiet", "origin", "main")
    assert repository.tip() == made
    assert repository.owner.token not in (work.path / ".git" / "config").read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_nothing_is_left_of_interrupted_tests(gitea_program: Path, tmp_path: Path, number: signal.Signals) -> None:
    """However the tests end, the server ends and its folder goes."""
    folder = tmp_path / "server"
    folder.mkdir()
    argv = [sys.executable, "-c", PROGRAM, str(gitea_program), str(folder)]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as tests:
        assert tests.stdout is not None
        api = Api(tests.stdout.readline().strip())
        assert api.get("/version").status == 200
        tests.send_signal(number)
    eventually(lambda: not folder.exists(), "the folder is removed")
    with pytest.raises(OSError, match="refused"):
        api.get("/version")
