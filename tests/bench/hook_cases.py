"""What commands and the guard of the state branch cost, and what many writers get through the hook (issue 11).

ORCH_BENCH_BEFORE names an `orch-gates` of another commit, which is then measured beside this one in the same run.
"""

from __future__ import annotations

import os
import shutil
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench import measure, state_hook
from tests.bench.row import Row, milliseconds
from tests.bench.state_hook import Server
from tests.bench.tools import OURS, PROGRAM

_WRITERS = 16
_SECONDS = 20.0
_ROUNDS = 15


def programs() -> list[tuple[str, Path]]:
    """The programs that are compared, with what is added to the name of a row."""
    before = os.environ.get("ORCH_BENCH_BEFORE", "")
    if before and "PYTHONPATH" in os.environ:
        raise RuntimeError("PYTHONPATH gives both programs the same code; unset it where ORCH_BENCH_BEFORE is set")
    return [*([(", before", Path(before))] if before else []), ("", PROGRAM)]


def why(work: Path) -> Iterator[Row]:
    """`orch-gates why` among ever more tasks, after a step of somebody else; its git processes are counted with it."""
    named = programs()
    sizes = (100, 1_000, 10_000)
    servers = [
        state_hook.server(work / f"{tasks}-{at}", program, tasks=tasks, hooked=False)
        for tasks in sizes
        for at, (_, program) in enumerate(named)
    ]
    for on in servers:
        on.run("why", "T-0")
    taken = iter(measure.side_by_side(_ROUNDS, *(_Why(on).processor for on in servers)))
    first: dict[str, float] = {}
    for tasks in sizes:
        for name, _ in named:
            seconds = next(taken)
            ratio = seconds / first.setdefault(name, seconds)
            if tasks == sizes[0]:
                what = f"`why` among {tasks} tasks, processor time with that of git{name}"
                yield Row(what, "", milliseconds(seconds), "", "at most 200 ms", seconds <= 0.2)
            else:
                what = f"`why` among {tasks:,} tasks, next to {sizes[0]}{name}"
                took = milliseconds(first[name]), milliseconds(seconds)
                yield Row(what, *took, f"x{ratio:.2f}", "at most x1.2", ratio <= 1.2)


class _Why:
    def __init__(self, on: Server) -> None:
        self._on = on
        self._held = False

    def processor(self) -> float:
        """Seconds of one `why`, after another task has moved."""
        self._on.run("task", *(("resume", "T-1") if self._held else ("hold", "T-1", "--reason=held")))
        self._held = not self._held
        return measure.processor(self._on.argv("why", "T-0"), self._on.env)


def guard(work: Path) -> Iterator[Row]:
    """One commit pushed to the state branch and to another, with the hook and without."""
    named = programs()
    on = state_hook.server(work / "plain", PROGRAM, tasks=100, hooked=False)
    bares = [work / "plain.git", *(work / f"hooked-{at}.git" for at in range(len(named)))]
    shutil.copytree(on.bare, bares[0])
    for bare, (_, program) in zip(bares[1:], named, strict=True):
        shutil.copytree(on.bare, bare)
        done = measure.run([str(program), "hook", "install", str(bare)], OURS)
        if done.returncode:
            raise RuntimeError(f"the hook could not be installed: {done.stderr!r}")
    on.run("task", "hold", "T-1", "--reason=held")
    state = ("orch-state:orch-state", "refs/orch/witness:refs/orch/witness")
    pushes = [_Push(on.bare, bare, refs) for bare in bares for refs in (state, ("orch-state:refs/heads/topic",))]
    runs = [[push.both() for push in pushes] for _ in range(_ROUNDS + 1)][1:]
    wall = [statistics.median(run[at][0] for run in runs) for at in range(len(pushes))]
    busy = [statistics.median(run[at][1] for run in runs) for at in range(len(pushes))]
    for at, (name, _) in enumerate(named, 1):
        for what, taken in (("", wall), (", processor time", busy)):
            extra, of_guard = taken[2 * at] - taken[0], taken[2 * at] - taken[2 * at + 1]
            yield Row(
                f"push of 1 commit of the state branch{what}{name}",
                *(milliseconds(taken[0]), milliseconds(taken[2 * at]), f"{extra * 1000:+.0f} ms"),
                *("at most +350 ms", extra <= 0.35),
            )
            yield Row(
                f"the guard's part, next to the same commit on another branch{what}{name}",
                *(milliseconds(taken[2 * at + 1]), milliseconds(taken[2 * at]), f"{of_guard * 1000:+.0f} ms"),
                *("at most +150 ms", of_guard <= 0.15),
            )


class _Push:
    def __init__(self, source: Path, bare: Path, refs: tuple[str, ...]) -> None:
        self._source, self._bare, self._refs = source, bare, refs

    def both(self) -> tuple[float, float]:
        """Seconds, and seconds of processor time, of a push to a fresh copy."""
        copy = self._bare.with_name("copy.git")
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self._bare, copy)
        argv = ["git", "-C", str(self._source), "push", "--quiet", "--atomic", str(copy), *self._refs]
        begun = time.perf_counter()
        busy = measure.processor(argv, OURS)
        return time.perf_counter() - begun, busy


def crowd(work: Path) -> Iterator[Row]:
    """Sixteen writers by command through the hook, and one command next to a writer that was stopped."""
    for at, (name, program) in enumerate(programs()):
        on = state_hook.server(work / f"crowd-{at}", program, tasks=100, hooked=True)
        rate, failed = state_hook.together(on, writers=_WRITERS, seconds=_SECONDS)
        what = f"{_WRITERS} writers by command through the hook{name}"
        yield Row(what, "", f"{rate:.1f} commits/s", "", "at least 2 commits/s", rate >= 2)
        yield Row(f"{what}, commands that failed", "", str(failed), "", "0", failed == 0)
    for at, (name, program) in enumerate(programs()):
        on = state_hook.server(work / f"stopped-{at}", program, tasks=100, hooked=False)
        alone = on.run("task", "hold", "T-1", "--reason=held").seconds
        with state_hook.stopped(on, "T-2"):
            beside = on.run("task", "resume", "T-1").seconds
        what = f"a command beside a writer that was stopped (Ctrl-Z){name}"
        extra = beside - alone
        yield Row(what, f"{alone:.1f} s", f"{beside:.1f} s", f"{extra:+.1f} s", "at most +5.5 s", extra <= 5.5)
