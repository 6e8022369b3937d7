"""The commands of the how-to for the dashboard are run as written."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests import sweep_rig
from tests.blocks import BLOCK, ROOT, SHOWN, Shell, blocks
from tests.builders import PROGRAM
from tests.sweep_rig import SWEEP, SweepRig, until

TEXT = (ROOT / "docs" / "how-to" / "publish-a-dashboard.md").read_text("utf-8")
SCRIPTS = {block["name"]: block["script"] for block in BLOCK.finditer(TEXT)}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> SweepRig:
    folder = tmp_path_factory.mktemp("made")
    return sweep_rig.copy(sweep_rig.template(folder), folder / "project")


def environment(rig: SweepRig) -> dict[str, str]:
    return {name: value for name, value in {**rig.env, **rig.settings}.items() if value is not None}


def test_a_page_is_written(rig: SweepRig) -> None:
    """It says what the how-to shows, and all sections that the how-to names are on the page (DOC-1)."""
    shell = Shell(rig.folder / "person", environment(rig))
    shell.here = rig.work.path
    output = shell.run(SCRIPTS["dashboard"])
    (shown,) = SHOWN.findall(TEXT)
    assert re.sub("[0-9a-f]{10}", "ID", output) == re.sub("[0-9a-f]{10}", "ID", shown)
    page = (rig.work.path / "public" / "index.html").read_text("utf-8")
    named = re.findall(r"^\| ([A-Z][a-z ]+) \|", TEXT, re.M)
    assert re.findall(r"<h2 [^>]*>(.*?)</h2>", page) == [name for name in named if name != "GitHub Pages"]


def test_a_loop_keeps_it_new(rig: SweepRig) -> None:
    """Until it is ended."""
    page = rig.work.path / "public" / "index.html"
    page.unlink(missing_ok=True)
    env = {**os.environ, **environment(rig), "PATH": f"{Path(PROGRAM).parent}:{os.environ['PATH']}"}
    with subprocess.Popen(["sh", "-c", f"exec {SCRIPTS['loop']}"], cwd=rig.work.path, env=env) as child:
        try:
            until(page.exists)
            child.send_signal(signal.SIGTERM)
            assert child.wait(timeout=60) == 0
        finally:
            child.kill()
    assert "Sweeps" in page.read_text("utf-8")


def test_the_commands_of_the_sweep(rig: SweepRig) -> None:
    """Its own page: a look that writes nothing, the status, and ticks until they are ended (DOC-1)."""
    page = "docs/how-to/run-the-sweep.md"
    before = rig.state()
    shell = Shell(rig.folder / "sweeper", environment(rig))
    shell.here = rig.work.path
    assert "nothing to record or start" in shell.series(page, "look", 1)
    assert rig.state() == before
    (loop,) = blocks(page, "loop")
    env = {**os.environ, **environment(rig), "PATH": f"{Path(PROGRAM).parent}:{os.environ['PATH']}"}

    def ticked() -> bytes:
        return rig.server.attempt("rev-parse", "--verify", "--quiet", SWEEP).stdout

    ticks = ticked()
    with subprocess.Popen(["sh", "-c", f"exec {loop['script']}"], cwd=rig.work.path, env=env) as child:
        try:
            until(lambda: ticked() != ticks)
            child.send_signal(signal.SIGTERM)
            assert child.wait(timeout=60) == 0
        finally:
            child.kill()


def test_every_block_is_run() -> None:
    """No block is marked and left out."""
    assert set(SCRIPTS) == {"dashboard", "loop"}
