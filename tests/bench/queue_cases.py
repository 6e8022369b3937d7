"""What the merge queue costs whoever looks at it, and how many pull requests it lands in an hour (MRG-13)."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.bench import measure, state_hook
from tests.bench.row import Row
from tests.bench.state_hook import Server
from tests.bench.tools import PROGRAM

_ROUNDS = 5
_FEW, _MANY = 10, 1_000
_LOOKS = (("queue", "list"), ("queue", "list", "--json"), ("why", "PR-7"))


def looks(work: Path) -> Iterator[Row]:
    """`queue list` and `why` over 1,000 queued pull requests next to 10, after a step of somebody else."""
    on = [state_hook.server(work / f"{count}", PROGRAM, tasks=0, hooked=False, queued=count) for count in (_FEW, _MANY)]
    for again, what in ((_after_a_step, ""), (_anew, ", with an empty cache")):
        for args in _LOOKS:
            few, many = measure.side_by_side(_ROUNDS, *(partial(again(one), args) for one in on))
            name = f"`{' '.join(args)}` over {_MANY:,} queued pull requests, next to {_FEW}{what}"
            yield Row(name, f"{few:.2f} s", f"{many:.2f} s", f"x{many / few:.2f}", "under 1 s", many < 1)


Look = Callable[[tuple[str, ...]], float]


def _after_a_step(on: Server) -> Look:
    """Look after another pull request was held or went on, as somebody does who looked before."""
    held = False

    def seconds(args: tuple[str, ...]) -> float:
        nonlocal held
        on.run("task", *(("resume", "PR-2") if held else ("hold", "PR-2", "--reason=held")))
        held = not held
        return on.run(*args).seconds

    on.run("why", "PR-7")
    return seconds


def _anew(on: Server) -> Look:
    """Look on a machine that has seen nothing of the state before."""

    def seconds(args: tuple[str, ...]) -> float:
        shutil.rmtree(on.env["ORCH_CACHE_DIR"], ignore_errors=True)
        return on.run(*args).seconds

    return seconds
