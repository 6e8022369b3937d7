"""What the state branch costs next to bare git, and with how many tasks and writers it stays usable (ST-2, ST-5)."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.bench import measure, state_history, state_loops
from tests.bench.history import ENV, git
from tests.bench.row import Row, milliseconds
from tests.bench.tools import PROGRAM

_ROUNDS = 25
_WRITERS = 16
_SECONDS = 20.0


def transaction(work: Path) -> Iterator[Row]:
    """One transaction next to a bare push of one commit to the same remote."""
    for tasks in (100, 10_000):
        server = state_history.branch(work / f"{tasks}.git", active=tasks)
        remote = f"file://{server}"
        transact = state_loops.ours(remote, _folder(work / f"cache-{tasks}"))
        push = _Pushes(remote, work / f"bare-{tasks}", _ROUNDS + 2)
        bare, ours = measure.side_by_side(_ROUNDS, push.seconds, partial(_on_its_own, transact))
        ratio = ours / bare
        what = f"one transaction among {tasks:,} tasks, next to a bare push of one commit"
        yield Row(what, milliseconds(bare), milliseconds(ours), f"x{ratio:.2f}", "at most x1.3", ratio <= 1.3)


class _Pushes:
    """A clone with commits to be pushed one at a time, to a branch of their own on the same remote."""

    def __init__(self, remote: str, clone: Path, count: int) -> None:
        git(clone.parent, "clone", "--quiet", "--branch", state_loops.BRANCH, remote, str(clone))
        self._clone = clone
        self._commits = []
        for number in range(count):
            (clone / "count.md").write_text(f"{number}\n")
            git(clone, "add", "count.md")
            git(clone, "commit", "--quiet", "-m", f"one more: {number}")
            self._commits.append(git(clone, "rev-parse", "HEAD"))
        git(clone, "push", "--quiet", "origin", f"{self._commits.pop(0)}:refs/heads/bare")

    def seconds(self) -> float:
        """One push."""
        return measure.run(
            ["git", "-C", str(self._clone), "push", "--quiet", "origin", f"{self._commits.pop(0)}:refs/heads/bare"], ENV
        ).seconds


def writers(work: Path) -> Iterator[Row]:
    """Sixteen writers at once next to one: on one machine, on as many machines, and in the loop of lock actions."""
    one, _ = _writing(work, "alone", 1)
    usual, _ = _writing(work, "usual", _WRITERS)
    for kind, where in (("ours", "of one machine"), ("apart", "of as many machines")):
        rate, worst = _writing(work, kind, _WRITERS)
        what = f"{_WRITERS} writers {where}"
        alone, share = f"{what}, next to one without its rests", rate / one
        yield Row(alone, _rate(one), _rate(rate), f"{share:.0%}", "at least 70 %", share >= 0.7)
        yield Row(f"{what}, most attempts of one transaction", "", str(worst), "", "at most 15", worst <= 15)
        yield Row(
            f"{what}, next to {_WRITERS} that clone, edit, commit and push",
            *(_rate(usual), _rate(rate), f"x{rate / usual:.1f}", "at least x5", rate >= 5 * usual),
        )


def _writing(work: Path, kind: str, count: int) -> tuple[float, int]:
    server = state_history.branch(work / f"{kind}-{count}.git", active=100)
    folder = work / f"folder-{kind}-{count}"
    told = state_loops.together(kind, f"file://{server}", folder, writers=count, seconds=_SECONDS)
    _nothing_lost(server)
    return told


def _nothing_lost(server: Path) -> None:
    """Every commit after the first added one; a counter that says less has lost an update."""
    commits = int(git(server, "rev-list", "--count", state_history.BRANCH)) - 1
    counted = int(git(server, "cat-file", "blob", f"{state_history.BRANCH}:{state_loops.COUNTER}"))
    if counted != commits:
        raise RuntimeError(f"{commits - counted} updates were lost")


def _rate(rate: float) -> str:
    return f"{rate:.1f} commits/s"


def status(work: Path) -> Iterator[Row]:
    """`orch-gates status` with an empty cache, with and without an archive."""
    few = state_history.branch(work / "active.git", active=10_000)
    many = state_history.branch(work / "archived.git", active=10_000, archived=100_000)
    bare, alone, archive = measure.side_by_side(
        7, lambda: _clone(few, work), lambda: _status(few, work).seconds, lambda: _status(many, work).seconds
    )
    what = "`status` of 10,000 tasks with an empty cache, next to `git clone --depth=1`"
    yield Row(what, f"{bare:.2f} s", f"{alone:.2f} s", f"x{alone / bare:.1f}", "under 2 s", alone < 2)
    held = _status(few, work, memory=True).tree_mb
    yield Row("peak memory of the same, with all children", "", f"{held:.0f} MB", "", "under 300 MB", held < 300)
    more = archive / alone - 1
    what = "the same with 100,000 archived tasks more"
    yield Row(what, f"{alone:.2f} s", f"{archive:.2f} s", f"{more:+.0%}", "under +10 %", more < 0.1)


def _status(server: Path, work: Path, *, memory: bool = False) -> measure.Run:
    cache = _folder(work / "cache")
    env = {**ENV, "ORCH_STATE_REMOTE": f"file://{server}", "ORCH_CACHE_DIR": str(cache)}
    done = measure.run([str(PROGRAM), "status", f"--repo={server}"], env, memory=memory)
    if done.returncode:
        raise RuntimeError(done.stderr.decode())
    return done


def _clone(server: Path, work: Path) -> float:
    target = work / "clone"
    shutil.rmtree(target, ignore_errors=True)
    return measure.run(
        ["git", "clone", "--quiet", "--depth=1", "--branch", state_loops.BRANCH, f"file://{server}", str(target)], ENV
    ).seconds


def verify(work: Path) -> Iterator[Row]:
    """`orch-gates state verify` of a long history, next to git's own check of its objects."""
    server = state_history.branch(work / "long.git", active=500, steps=20_000)
    env = {**ENV, "ORCH_CACHE_DIR": str(work / "cache")}

    def ours() -> float:
        done = measure.run([str(PROGRAM), "state", "verify", f"--repo={server}"], env)
        if done.returncode:
            raise RuntimeError(done.stdout.decode() + done.stderr.decode())
        return done.seconds

    check = ["git", "-C", str(server), "fsck", "--full", "--no-dangling"]
    bare, took = measure.side_by_side(1, lambda: measure.run(check, ENV).seconds, ours)
    what = "`state verify` of 20,000 commits, next to `git fsck`"
    yield Row(what, f"{bare:.1f} s", f"{took:.1f} s", f"x{took / bare:.1f}", "under 30 s", took < 30)


def _on_its_own(run: Callable[[], object]) -> float:
    """A transaction that does not follow another one: who writes again at once waits for others."""
    time.sleep(0.3)
    return _timed(run)


def _timed(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _folder(path: Path) -> Path:
    """An empty folder."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path
