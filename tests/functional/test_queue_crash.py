"""A run of the queue is killed before or after its effects; runs that follow come to the same end (P7, MRG-14)."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from orch_gates.forge.port.checks import StatusState
from tests import merge_rig, queue_rig
from tests.queue_rig import CONFIG, QueueRig
from tests.queue_worker import worker

pytestmark = pytest.mark.slow

FIRST, SECOND = 1, 2


def asked(folder: Path) -> QueueRig:
    """Two that are green alone and red together; the hook has tests of its own."""
    made = merge_rig.template(folder / "made", fence="none", config=CONFIG)
    rig = queue_rig.copy(made, folder / "asked")
    assert rig.asked("one", {"values/two": "2\n"}).number == FIRST
    assert rig.asked("two", {"values/too": "2\n"}).number == SECOND
    return rig


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`asked`: before the first run. `red`: before the one that finds the second one red."""
    folder = tmp_path_factory.mktemp("crash")
    rig = asked(folder)
    shutil.copytree(rig.folder, folder / "red", symlinks=True)
    later = queue_rig.again(folder / "red", rig.first)
    assert later.run()[1] == {FIRST: "landed", SECOND: "works"}
    later.ci(later.works(later.seen(SECOND)), StatusState.FAILURE)
    return folder


def opened(scenes: Path, scene: str, folder: Path, first: str) -> QueueRig:
    shutil.copytree(scenes / scene, folder, symlinks=True)
    return queue_rig.again(folder, first)


def told(rig: QueueRig, dies_at: int = 0) -> tuple[int, list[tuple[str, int]]]:
    """The exit code of one run, and the effects that it came to, with the moments at which they begin."""
    child = worker(rig.work.path, rig.env, dies_at=dies_at)
    out, err = child.communicate(timeout=240)
    assert child.returncode in {0, -signal.SIGKILL}, err
    output = [line.split() for line in out.splitlines() if line.startswith("effect ")]
    return child.returncode, [(name, int(moment)) for _, name, moment in output]


# After the beginning of an effect: what the forge does writes the state in between, and then the queue does.
_DEADLY = {"merge": (0, 3, 5), "push": (0, 1, 3), "label": (0, 3, 5), "comment": (0, 3), "edit_comment": (0, 3)}


def deadly(effects: list[tuple[str, int]]) -> list[int]:
    """The moments to die at: around what others see, and once the next state is written after it."""
    last = max(moment for _, moment in effects) + 1
    found = {moment + more for name, moment in effects for more in _DEADLY.get(name, ())}
    return sorted(moment for moment in found if moment <= last)


def end(rig: QueueRig) -> None:
    """The same end: one merge, the other one sent back without its label, and one comment on each, which says so."""
    for _ in range(6):
        commits = rig.commits()
        code, _ = rig.run()
        assert code == 0
        if rig.attempt("PR-2")["outcome"] is None and rig.seen(SECOND).head == rig.works(rig.seen(SECOND)):
            rig.ci(rig.works(rig.seen(SECOND)), StatusState.FAILURE)
        elif rig.commits() == commits:
            break
    else:
        raise AssertionError("it does not come to rest")
    assert rig.assert_sound() == ["PR-1"]
    assert (rig.state_of("PR-1"), rig.state_of("PR-2")) == (("done", "done"), ("open", "active"))
    assert rig.labels(SECOND) == ()
    assert rig.document_of(rig.seen(SECOND))["enqueued"]["unlabel"] is False
    assert rig.lease()["holder"] == ""
    ((first,), (second,)) = (rig.comments(number) for number in (FIRST, SECOND))
    assert "is merged" in first
    assert "is not in the queue" in second


@pytest.mark.parametrize("scene", ["asked", "red"])
def test_killed_at_any_effect(scenes: Path, tmp_path: Path, scene: str) -> None:
    """Before and after everything that others see."""
    first = queue_rig.again(scenes / "asked", "").main
    rig = opened(scenes, scene, tmp_path / "whole", first)
    code, effects = told(rig)
    assert code == 0
    end(rig)
    for moment in deadly(effects):
        rig = opened(scenes, scene, tmp_path / f"at-{moment}", first)
        code, met = told(rig, moment)
        assert code == -signal.SIGKILL, (moment, met)
        try:
            end(rig)
        except AssertionError as error:
            error.add_note(f"killed at moment {moment}, after {met}")
            raise


def test_two_runs_at_once(scenes: Path, tmp_path: Path) -> None:
    """One clone each, over and over: everybody lands once, and whoever comes second waits."""
    first = queue_rig.again(scenes / "asked", "").main
    rig = opened(scenes, "asked", tmp_path / "race", first)
    rig.label(SECOND, off=True)
    others = [rig.asked(name, {f"values/{name}": name}).number for name in ("three", "four", "five")]
    wanted = {f"PR-{number}" for number in (FIRST, *others)}
    places = [merge_rig.another(rig, f"runner-{number}") for number in range(2)]
    for _ in range(10):
        caches = [{**rig.env, "ORCH_CACHE_DIR": str(place.path / ".git" / "cache")} for place in places]
        runs = [worker(place.path, env, dawdles=0.1) for place, env in zip(places, caches, strict=True)]
        for one in runs:
            _, err = one.communicate(timeout=240)
            assert (one.returncode, "Traceback" in err) == (0, False), err
        for number in others:
            rig.ci(rig.seen(number).head)
        if rig.order() == []:
            break
    assert set(rig.assert_sound()) == wanted
    assert all(rig.state_of(task) == ("done", "done") for task in wanted)
    assert rig.lease()["holder"] == ""
