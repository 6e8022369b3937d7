"""The tutorial of a deploy: every block as written, with a real registry, a real proxy and a real service (DOC-1)."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.blocks import ROOT, Shell, blocks, exported
from tests.builders import Repo

PAGE = "docs/tutorials/l2-deploy.md"

Real = Callable[[str], Path]

pytestmark = pytest.mark.slow


def ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    with contextlib.ExitStack() as held:
        found = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in found:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in found]


def bundle(folder: Path) -> Path:
    """As much of orch-gates as the page takes from it."""
    for name in ("hooks", "docs/examples"):
        shutil.copytree(ROOT / name, folder / name)
    made = Repo(folder)
    made.git("init", "--quiet", "--initial-branch=main")
    made.commit("the bundle")
    return folder


@pytest.fixture
def shell(tmp_path: Path, real: Real) -> Iterator[Shell]:
    """What the page asks to be exported; nothing that it starts outlives the test."""
    registry, site, blue, green = ports(4)
    folder = tmp_path / "scratch"
    programs = os.pathsep.join({str(Path(real(name)).parent) for name in ("docker-registry", "nginx")})
    env = {
        "HOST": str(folder),
        "REGISTRY": f"127.0.0.1:{registry}",
        "SITE": f"127.0.0.1:{site}",
        "BLUE_PORT": str(blue),
        "GREEN_PORT": str(green),
        "ORCH_GATES": str(bundle(tmp_path / "bundle")),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "ORCH_FORGE": "local",
        "ORCH_STATE_BY": "ann",
    }
    assert set(exported(PAGE)) == set(env) - {"PATH"}
    yield Shell(tmp_path, env)
    listed = subprocess.run(["pgrep", "-f", str(folder)], capture_output=True, text=True, check=False).stdout
    for pid in map(int, listed.split()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_a_service_goes_to_production_and_back(shell: Shell) -> None:
    """A green deploy over a red production is seen, and what was verified is brought back, once."""
    output = [shell.run(block["script"], int(block["code"] or 0)) for block in blocks(PAGE, "shop")]
    first, second, after = output[-5], output[-3], output[-2]
    assert "what can we do for you" in first
    assert "HEALTHY" in first
    assert re.search(r"^production +[0-9a-f]{10} +T-1 +\S+ +verified", first, re.M)
    assert "DEGRADED" in second
    assert "HEALTHY" in second
    assert "what can we do for you" in after
    assert re.search(r"runs [0-9a-f]{10} of T-1, verified", after)
    assert "answered 500 Internal Server Error" in after
    assert "███" in after
