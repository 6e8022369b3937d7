"""A runner is killed before or after any of its effects; whoever runs it again comes to the same end (P7, MRG-14)."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import merge_rig
from tests.merge_rig import MergeRig
from tests.merge_worker import worker

pytestmark = pytest.mark.slow

# More moments than any of these merges has.
_MOST = 60


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without hooks: what is killed here are runners, and the hook has tests of its own."""
    return merge_rig.template(tmp_path_factory.mktemp("crash"), fence="none")


def up_to_date(rig: MergeRig) -> None:
    rig.task("T-1", {"values/two": "2\n"})


def behind(rig: MergeRig) -> None:
    rig.task("T-1", {"values/two": "2\n"})
    rig.work.git("fetch", "--quiet", "origin")
    rig.work.git("checkout", "--quiet", "--detach", "origin/main")
    rig.first = rig.work.commit("meanwhile", {"values/three": "3\n"})
    rig.work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")


def conflicting(rig: MergeRig) -> None:
    rig.task("T-1", {"values/one": "7\n"})
    rig.work.git("fetch", "--quiet", "origin")
    rig.work.git("checkout", "--quiet", "--detach", "origin/main")
    rig.first = rig.work.commit("meanwhile", {"values/one": "8\n"})
    rig.work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")


def red(rig: MergeRig) -> None:
    rig.task("T-1", {"values/again": "1\n"})


def statuses(rig: MergeRig) -> None:
    """As `behind`, with the forge's own fence."""
    behind(rig)
    rig.env["ORCH_MERGE_FENCE"] = "status"
    rig.require("orch/merge/main")


@pytest.mark.parametrize(
    ("scene", "lands", "part"),
    [
        (scene, lands, part)
        for scene, lands in ((up_to_date, True), (behind, True), (statuses, True), (conflicting, False), (red, False))
        for part in range(2)
    ],
)
def test_killed_at_any_moment(
    made: Path, tmp_path: Path, scene: Callable[[MergeRig], None], lands: bool, part: int
) -> None:
    """One merge or none, the task where it belongs, the lease free, a legal history; a part has every second moment."""
    set_up = merge_rig.copy(made, tmp_path / "scene")
    scene(set_up)
    for moment in range(1 + part, _MOST, 2):
        rig = merge_rig.copy(set_up.folder, tmp_path / f"at-{moment}")
        rig.env = {**set_up.env, **rig.env}
        child = worker(rig.work.path, rig.env, "T-1", dies_at=moment)
        _, told = child.communicate(timeout=120)
        if child.returncode == 0:
            assert moment > 6, "no moment was met"
            break
        assert child.returncode == -signal.SIGKILL, told
        code, output = rig.merge("T-1")
        assert code == (0 if lands else 1), (moment, output)
        assert rig.assert_sound() == (["T-1"] if lands else []), moment
        assert rig.state_of("T-1") == (("done", "done") if lands else ("development", "active")), moment
        assert rig.lease()["holder"] == "", moment
    else:
        raise AssertionError("it has more moments than expected")


# Of a branch that is up to date: after the attempt was held, and before that is recorded in the task.
_HELD = range(17, 20)


def test_killed_before_it_is_known_that_a_person_decides(made: Path, tmp_path: Path) -> None:
    """ENG-6: what is held goes on by a person's word only, also where the reason is gone when it is called again."""
    met = 0
    for moment in _HELD:
        rig = merge_rig.copy(made, tmp_path / f"at-{moment}")
        rig.task("T-1", {"values/two": "2\n"})
        hook = rig.server.path / "hooks" / "pre-receive"
        hook.write_text("#!/bin/sh\nif grep -q refs/heads/main; then echo the release is frozen; exit 1; fi\n")
        hook.chmod(0o755)
        worker(rig.work.path, rig.env, "T-1", dies_at=moment).communicate(timeout=120)
        hook.unlink()
        if (rig.attempt("T-1")["outcome"], rig.state_of("T-1")[1]) != ("HOLD", "active"):
            continue
        met += 1
        for _ in range(2):
            code, output = rig.merge("T-1")
            assert (code, rig.state_of("T-1")) == (2, ("development", "held")), (moment, output)
        rig.ok("task", "resume", "T-1", "--reason", "thawed")
        code, output = rig.merge("T-1")
        assert code == 0, (moment, output)
        assert rig.assert_sound() == ["T-1"], moment
    assert met, "it was not killed in between"
