"""The commands of the how-to for the merge queue are run as written, about a pull request 12."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orch_gates.forge.port.checks import StatusState
from orch_gates.forge.port.pulls import Draft
from tests import queue_rig
from tests.blocks import BLOCK, ROOT, Shell
from tests.builders import bare, clone
from tests.queue_rig import QueueRig

PAGE = "docs/how-to/run-a-merge-queue.md"
TEXT = (ROOT / PAGE).read_text("utf-8")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose pull request 12 comes from the branch `repair`; the eleven before it are of no matter."""
    rig = queue_rig.copy(
        queue_rig.template(tmp_path_factory.mktemp("made")), tmp_path_factory.mktemp("rig") / "project"
    )
    head = rig.branch("repair", {"values/two": "2\n"})
    for number in range(1, 12):
        rig.server.git("update-ref", f"refs/heads/other-{number}", head)
    with rig.forge("ann") as forge:
        for name in [*(f"other-{number}" for number in range(1, 12)), "repair"]:
            forge.pulls.open(Draft(name, "main", f"Change for {name}"))
    assert rig.seen(12).branch == "repair"
    return rig.folder


@pytest.fixture
def rig(made: Path, tmp_path: Path) -> QueueRig:
    return queue_rig.copy(made, tmp_path / "project")


def follow(rig: QueueRig, name: str, index: int) -> str:
    """Run one block of the page where a person would, in the clone."""
    shell = Shell(rig.folder / "person", {key: value for key, value in rig.env.items() if value})
    shell.here = rig.work.path
    block = [found for found in BLOCK.finditer(TEXT) if found["name"] == name][index]
    return shell.run(block["script"], int(block["code"] or 0))


def test_the_commands_for_one_pull_request(rig: QueueRig) -> None:
    """Ask, overtake, look, and leave (DOC-1, MRG-13)."""
    rig.ci(rig.seen(12).head)
    output = follow(rig, "queue", 0)
    assert "PR-12 is in the queue" in output
    assert "pull request 12 has the priority urgent" in output
    assert "not before the release" in output
    assert (rig.order(), rig.labels(12)) == ([], ())


def test_freeze_and_thaw(rig: QueueRig) -> None:
    """The freeze is at the top of the list, and is gone afterwards (DOC-1, MRG-13)."""
    output = follow(rig, "queue", 1)
    assert re.search(r"^main: frozen by bot until \S+: release day$", output, re.M)
    assert rig.listed()["freeze"] is None


def test_a_repair_of_a_red_main(rig: QueueRig) -> None:
    """The queue merges nothing onto a red main; a person merges the repair, and the queue goes on (DOC-1, MRG-6)."""
    rig.env["ORCH_SECURITY_ENABLED"] = "true"
    rig.ci(rig.seen(12).head)
    rig.label(12)
    rig.ci(rig.main, StatusState.FAILURE)
    code, output = rig.ran()
    assert (code, output["frozen"].startswith("main itself is red")) == (0, True)
    assert "#12 landed" in follow(rig, "repair", 0)
    assert rig.assert_sound() == ["PR-12"]
    assert rig.ran()[1]["frozen"] == ""


def test_a_held_pull_request_goes_on(rig: QueueRig) -> None:
    """A person has looked, and the queue takes it up again (DOC-1, MRG-13)."""
    rig.label(12)
    rig.ran()
    rig.ok("task", "hold", "PR-12", "--reason", "look at it")
    assert "PR-12" in follow(rig, "held", 0)
    assert rig.state_of("PR-12")[1] != "held"


def test_the_state_branch_is_made_once(tmp_path: Path) -> None:
    """In a clone, by somebody who may push."""
    server = bare(tmp_path / "app.git")
    shell = Shell(tmp_path / "person", {"ORCH_CACHE_DIR": str(tmp_path / "cache"), "ORCH_STATE_BY": "ann"})
    work = clone(server, shell.here / "app")
    work.commit("first")
    work.git("push", "--quiet", "origin", "HEAD:main")
    shell.here = work.path
    shell.series(PAGE, "state", 1)
    assert server.git("show", "orch-state:orch-state.md")


def test_every_block_is_run() -> None:
    """No block is marked and left out."""
    assert len(re.findall(r"<!-- run:", TEXT)) == 5
