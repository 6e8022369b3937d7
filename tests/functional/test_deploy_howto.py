"""The commands of the how-to for deploys are run as written, about tasks that are to be deployed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import deploy_rig
from tests.blocks import BLOCK, ROOT, Shell
from tests.deploy_rig import DeployRig

PAGE = "docs/how-to/deploy.md"
TEXT = (ROOT / PAGE).read_text("utf-8")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> DeployRig:
    folder = tmp_path_factory.mktemp("made")
    made = deploy_rig.copy(deploy_rig.template(folder), folder / "project")
    made.new("T-2")
    made.work.git("fetch", "--quiet", "origin")
    return made


def follow(rig: DeployRig, name: str) -> list[str]:
    """Run the blocks of a series where a person would, in the clone; answers what each said."""
    shell = Shell(rig.folder / f"person-{name}", {key: value for key, value in rig.env.items() if value})
    shell.here = rig.work.path
    found = [block for block in BLOCK.finditer(TEXT) if block["name"] == name]
    return [shell.run(block["script"], int(block["code"] or 0)) for block in found]


def test_a_task_is_deployed_and_looked_at(rig: DeployRig) -> None:
    """From the first deploy to the same again (DOC-1, DEP-1); then one that is lost, and a person's word."""
    first, looked, again = follow(rig, "deploy")
    assert f"here goes {rig.head()}" in first
    assert re.search(rf"^production +{rig.head()[:10]} +T-1 .* unwatched", first, re.M)
    assert looked.rstrip().endswith(rig.head())
    assert "nothing to do" in again
    lost, settled = follow(rig, "lost")
    assert "deploy-status: HOLD" in lost
    assert f"production runs {rig.head('T-2')[:10]} of T-2" in settled
    assert rig.task("T-2")["stage"] == "closing"
    rig.legal()


def test_the_check_is_run_on_the_host(tmp_path: Path) -> None:
    """One shell on the host: what is expected passes, anything else is refused."""
    shell = Shell(tmp_path)
    scripts = [block["script"] for block in BLOCK.finditer(TEXT) if block["name"] == "check"]
    with_check = f'PATH="{ROOT / "hooks"}:$PATH"\n'
    assert "as expected" in shell.run(with_check + scripts[0])
    refused = scripts[0].replace("deploy-check --revision-file REVISION\n", "") + scripts[1]
    assert "deploy-check: refused: the commit is fedcba" in shell.run(with_check + refused, 2)


def test_every_block_is_run() -> None:
    """No block is marked and left out."""
    assert len(re.findall(r"<!-- run:", TEXT)) == 7
