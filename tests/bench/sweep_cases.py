"""What a tick of the sweep and a recorded job cost (SWP-1, JOB-1)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.bench import measure, state_history
from tests.bench.history import ENV, git
from tests.bench.row import Row, milliseconds
from tests.bench.tools import PROGRAM

_TASKS, _JOBS, _ARCHIVED = 10_000, 500, 100_000


def sweep(work: Path) -> Iterator[Row]:
    """A tick that finds nothing to do, with an empty cache, next to a shallow clone; and with an archive beside."""
    few = state_history.branch(work / "active.git", active=_TASKS, running=_JOBS)
    many = state_history.branch(work / "archived.git", active=_TASKS, running=_JOBS, archived=_ARCHIVED)
    clone, alone, archive = measure.side_by_side(
        5, lambda: _clone(few, work), lambda: _tick(few, work).seconds, lambda: _tick(many, work).seconds
    )
    what = f"`sweep` of {_TASKS:,} tasks and {_JOBS} jobs, next to `git clone --depth=1`"
    yield Row(what, f"{clone:.2f} s", f"{alone:.2f} s", f"x{alone / clone:.1f}", "under 3 s", alone < 3)
    held = _tick(few, work, memory=True).tree_mb
    yield Row("peak memory of the same, with all children", "", f"{held:.0f} MB", "", "under 300 MB", held < 300)
    more = archive / alone - 1
    what = f"the same with {_ARCHIVED:,} archived tasks more"
    yield Row(what, f"{alone:.2f} s", f"{archive:.2f} s", f"{more:+.0%}", "under +10 %", more < 0.1)


def job(work: Path) -> Iterator[Row]:
    """`job run -- true` on a remote on this disk, next to `true`: what the record of a job adds to its command."""
    server = state_history.branch(work / "jobs.git", active=100)
    env = {**ENV, "ORCH_CACHE_DIR": str(work / "cache")}
    names = iter(range(100))

    def ours() -> float:
        # A new task each time, in a stage that is worked in.
        task = f"B-{next(names)}"
        _done(["task", "new", task, "Measure it"], server, env)
        _done(["advance", task, "--approve"], server, env)
        argv = [str(PROGRAM), "job", "run", "--task", task, "--role", "architect", "--repo", str(server), "--", "true"]
        done = measure.run(argv, env)
        if done.returncode:
            raise RuntimeError(done.stderr.decode())
        return done.seconds

    bare, took = measure.side_by_side(9, lambda: measure.run(["true"], ENV).seconds, ours)
    extra = took - bare
    what = "`job run -- true`, with its three commits, next to `true`"
    yield Row(what, milliseconds(bare), milliseconds(took), f"+{milliseconds(extra)}", "at most +500 ms", extra <= 0.5)


def _done(args: list[str], server: Path, env: dict[str, str]) -> None:
    done = measure.run([str(PROGRAM), *args, "--repo", str(server)], env)
    if done.returncode:
        raise RuntimeError(done.stderr.decode())


def _tick(server: Path, work: Path, *, memory: bool = False) -> measure.Run:
    cache = work / "cache"
    shutil.rmtree(cache, ignore_errors=True)
    env = {**ENV, "ORCH_STATE_REMOTE": f"file://{server}", "ORCH_CACHE_DIR": str(cache)}
    before = git(server, "rev-parse", state_history.BRANCH)
    done = measure.run([str(PROGRAM), "sweep", f"--repo={server}"], env, memory=memory)
    if done.returncode:
        raise RuntimeError(done.stderr.decode())
    if git(server, "rev-parse", state_history.BRANCH) != before:
        raise RuntimeError("the tick found something to do")
    return done


def _clone(server: Path, work: Path) -> float:
    target = work / "clone"
    shutil.rmtree(target, ignore_errors=True)
    branch = state_history.BRANCH.removeprefix("refs/heads/")
    argv = ["git", "clone", "--quiet", "--depth=1", "--branch", branch, f"file://{server}", str(target)]
    return measure.run(argv, ENV).seconds
