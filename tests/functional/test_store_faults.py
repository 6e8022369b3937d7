"""What goes wrong around the state branch: rivals, lost answers, killed processes, full disks (ST-2 to ST-7)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from orch_gates.state.outcome import Committed
from tests import state_rig
from tests.state_rig import BRANCH, FILES, WITNESS, GitRig
from tests.state_writer import COUNTER, Answer, writer

# Runs up from a hook to the `git push` of a client on the same machine, and to the process that started it.
UP_TO_THE_CLIENT = r"""
above() { sed -n 's/^PPid:\t//p' "/proc/$1/status"; }
pids=$PPID push=$PPID
until tr '\0' ' ' <"/proc/$push/cmdline" | grep -q ' push '; do push=$(above "$push"); pids="$pids $push"; done
client=$(above "$push")
"""


@pytest.fixture
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GitRig]:
    """A state branch with one commit; on disk, reached by its path, unless a test asks for another kind."""
    with state_rig.rig(getattr(request, "param", "path"), tmp_path) as made:
        assert isinstance(made, GitRig)
        assert isinstance(made.store().initialise(FILES), Committed)
        yield made


def on(*kinds: str) -> pytest.MarkDecorator:
    """Reach the branch in these ways."""
    return pytest.mark.parametrize("rig", kinds, indirect=True)


def once(rig: GitRig, hook: str, script: str) -> Path:
    """A hook that runs its script the first time only; answers a file that is gone once it ran."""
    armed = rig.server.path / "armed"
    armed.touch()
    rig.hook(hook, f"test -e armed || exit 0\n{script}")
    return armed


def counted(rig: GitRig) -> int:
    """How often one was added to the counter, having looked that the server is whole and its history tells the same.

    Nothing was lost: every commit follows one other, added one, and raised the generation by one.
    """
    rig.server.git("fsck", "--full", "--strict", "--no-progress", "--no-dangling")
    refs = rig.server.git("for-each-ref", "--format=%(objectname)", BRANCH, WITNESS).split()
    commits = rig.server.git("log", "--format=%H %P%n%(trailers:key=Orch-Op)", BRANCH).split("\n\n")
    count = len(commits) - 1
    assert refs == [commits[0].split()[0]] * 2
    assert [len(commit.split("\n")[0].split()) for commit in commits] == [2] * count + [1]
    assert len({commit.split("Orch-Op: ")[1] for commit in commits}) == len(commits)
    text = rig.server.git("show", f"{BRANCH}:orch-state.md", *([f"{BRANCH}:{COUNTER}"] if count else []))
    assert f"\ngeneration: {len(commits)}\n" in text
    assert not count or text.splitlines()[-1] == str(count)
    return count


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rig", "writers", "times"),
    [("path", 2, 12), ("path", 4, 6), ("path", 16, 3), ("http", 4, 3)],
    indirect=["rig"],
)
def test_many_processes_lose_no_update(rig: GitRig, writers: int, times: int) -> None:
    """ST-2, faults.md T2, T6, T7: each update is there once, and who made it was told so."""
    names = [[f"{number}-{time}" for time in range(times)] for number in range(writers)]
    with writer(rig, "one-machine") as one, writer(rig, "another") as another:
        one.begin(*names[::2])
        another.begin(*names[1::2])
        answers = one.end() + another.end()
    assert [answer["kind"] for answer in answers] == ["Committed"] * writers * times
    assert counted(rig) == writers * times
    commits = rig.server.git("rev-list", BRANCH).split()
    assert {answer["commit"] for answer in answers} == set(commits[:-1])
    made = rig.server.git("ls-tree", "--name-only", BRANCH, "sweep/").splitlines()
    assert set(made) == {COUNTER, *(f"sweep/{name}.md" for process in names for name in process)}


@pytest.mark.slow
@pytest.mark.parametrize("stride", [1, 3], ids=["warm", "cold"])
@on("path", "file-filter")
def test_a_process_killed_at_any_step_leaves_nothing_half_done(rig: GitRig, stride: int) -> None:
    """The branch is as before or has the whole change; the next process with the same cache goes on (faults.md §5).

    What the killed process had started runs on: a `git push` may still land. A process without a
    cache has more steps, of which each third is tried.
    """
    step = expected = 0
    ended: list[Answer] = []
    with writer(rig) as process:
        while not ended:
            step += stride
            if stride > 1:
                shutil.rmtree(rig.folder / "cache", ignore_errors=True)
            process.begin(["killed"], at=step)
            ended = process.end()
            found = counted(rig)
            assert found in {expected, expected + 1}
            assert process.write("next")["kind"] == "Committed"
            expected = found + 1
    assert step > 30
    assert [answer["kind"] for answer in ended] == ["Committed"]
    assert counted(rig) == expected


@pytest.mark.slow
@pytest.mark.parametrize("stride", [1, 3], ids=["warm", "cold"])
@on("path", "file-filter")
def test_a_rival_at_any_step_costs_nobody_an_update(rig: GitRig, stride: int) -> None:
    """ST-2: another process with the same cache reads, writes and tidies up while this one stands still."""
    step, answers = 0, [{}, {}]
    with writer(rig) as process:
        while len(answers) == 2:
            step += stride
            if stride > 1:
                shutil.rmtree(rig.folder / "cache", ignore_errors=True)
            process.begin(["slow"], at=step, do="rival")
            answers = process.end()
            assert {answer["kind"] for answer in answers} == {"Committed"}
    assert counted(rig) == 2 * (step // stride) - 1
