"""What a merge costs in pushes, fetches and git processes: counted, not timed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests import merge_rig
from tests.merge_rig import MergeRig

_MOST_STATE_PUSHES = 4
_MOST_OTHERS = 22


class Counting:
    """A git that writes down each of its starts, but for those of receive-pack and of its hooks."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._log = folder / "bin", folder / "processes"
        self.folder.mkdir()
        wrapper = self.folder / "git"
        wrapper.write_text(f'#!/bin/sh\necho "$PPID $@" >>"{self._log}"\nexec "{shutil.which("git")}" "$@"\n')
        wrapper.chmod(0o755)

    def started(self) -> list[str]:
        """The arguments of each start."""
        return [line.partition(" ")[2] for line in self._log.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return merge_rig.template(tmp_path_factory.mktemp("cost"), fence="none")


@pytest.fixture
def rig(made: Path, tmp_path: Path) -> MergeRig:
    """A branch that is behind, and whose tree together with main was tested before."""
    found = merge_rig.copy(made, tmp_path / "project")
    found.task("T-1", {"values/two": "2\n"})
    found.work.git("checkout", "--quiet", "--detach", "origin/main")
    found.first = found.work.commit("meanwhile", {"values/three": "3\n"})
    found.work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    found.task("T-0", {"values/two": "2\n"})
    assert found.gate("T-0")[0] == 0
    found.ok("lease", "release", "--reason", "it was to prove the tree")
    return found


def test_the_gate_on_a_proven_tree(rig: MergeRig, tmp_path: Path) -> None:
    """At most 4 pushes of the state, 1 fetch, 1 push of the branch, and few other git processes; no test runs."""
    before = int(rig.server.git("rev-list", "--count", "orch-state"))
    counting = Counting(tmp_path)
    code, output = rig.gate("T-1", PATH=f"{counting.folder}:/usr/bin:/bin")
    assert (code, output["evidence"]["proven"]) == (0, "cache"), output
    assert rig.attempt("T-1")["runs"] == 0
    assert int(rig.server.git("rev-list", "--count", "orch-state")) - before <= _MOST_STATE_PUSHES
    started = counting.started()
    pushes = [line for line in started if " push " in line]
    fetches = [line for line in started if " fetch " in line]
    assert len([line for line in pushes if "task/T-1" in line]) == 1, started
    assert len(fetches) == 1, started
    assert len(started) - len(pushes) - len(fetches) <= _MOST_OTHERS, started
