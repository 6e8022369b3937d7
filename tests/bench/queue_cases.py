"""What the merge queue costs whoever looks at it, and how many pull requests it lands in an hour (MRG-13)."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.bench import measure, queue_landings, state_hook
from tests.bench.queue_landings import Landings
from tests.bench.row import Row
from tests.bench.state_hook import Server
from tests.bench.tools import PROGRAM

_ROUNDS = 5
_FEW, _MANY = 10, 1_000
# Seconds of CI, and how many pull requests are queued for it: a landing with a long test says as much as a short one.
_DELAYS = ((0, 6), (1, 6), (10, 3))
_RED, _WIDTH = 0.1, 4
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


def landings(work: Path) -> Iterator[Row]:
    """What `queue run` lands where it is run again whenever CI is done, on a bare repository and on a real Gitea."""
    # These load pytest, with which no other case is measured.
    from tests import queue_rig
    from tests.bench import queue_projects

    with queue_projects.isolated(work):
        template = queue_rig.template(work / "template")
        for delay, count in _DELAYS:
            local = queue_projects.Local.make(template, work / f"local-{delay}")
            yield from _landed("a bare repository", queue_landings.by_runs(local, count, delay))
        with queue_projects.gitea(work) as server:
            for delay, count in _DELAYS:
                on = queue_projects.OnGitea.make(server, template, work / f"gitea-{delay}")
                yield from _landed("Gitea", queue_landings.by_runs(on, count, delay))


def workflow(work: Path) -> Iterator[Row]:
    """What docs/examples/gitea-queue.yml lands on a real Gitea and runner: everything is woken by the server."""
    from tests.bench import queue_projects
    from tests.e2e.actions import Bundle

    with queue_projects.isolated(work), queue_projects.gitea(work, runner=True) as server:
        (work / "bundle").mkdir()
        bundle = Bundle(server, work / "bundle")
        for delay, count in _DELAYS[:2]:
            on = queue_projects.WithRunner.make(server, bundle, work / f"runner-{delay}", delay)
            yield from _landed("Gitea and its runner", queue_landings.by_themselves(on, count, delay, on.label))


def _landed(where: str, found: Landings) -> Iterator[Row]:
    of = f"on {where}, {found.delay:g} s of CI, {found.count} queued"
    share, limit = found.rate / found.limit, f"{found.limit:.0f}/h"
    what = f"landings {of}, next to the serial limit 3600/(D + o)"
    yield Row(what, limit, f"{found.rate:.0f}/h", f"{share:.0%}", "at least 95 %", share >= 0.95)
    o = found.overhead
    yield Row(f"o, a landing's time besides its test, {of}", "", f"{o:.1f} s", "", "under 10 s", o < 10)
    waits = f"{found.waited(0.5):.0f} s, {found.waited(0.95):.0f} s"
    yield Row(f"wait for the lease, p50 and p95, {of}", "", waits, f"{found.defers} defers")
    yield Row(f"false landings {of}", "", "0", "", "0", met=True)
    serial, train = found.serial(_RED), found.train(_RED, _WIDTH)
    what = f"what a train of {_WIDTH} would land {of}, {_RED:.0%} red, next to serial: by formula"
    yield Row(what, f"{serial:.0f}/h", f"{train:.0f}/h", f"x{train / serial:.2f}")
