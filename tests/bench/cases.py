"""What is compared with what, and the goal for each (SEC-9, ST-5)."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench import (
    forge_cases,
    history,
    hook_cases,
    image_cases,
    measure,
    merge_cases,
    queue_cases,
    staging_cases,
    state_cases,
    sweep_cases,
    watch_cases,
)
from tests.bench.history import git
from tests.bench.row import Row, milliseconds
from tests.bench.tools import OURS, PROGRAM, Push, Range, server
from tests.builders import ENGINES

ROOT = Path(__file__).parents[2]


def ranges(work: Path) -> Iterator[Row]:
    """The gate next to bare gitleaks on the same range, and the memory that each takes with all it starts."""
    small = history.ordinary(work / "500.git", 500)
    big = history.ordinary(work / "5000.git", 5_000)
    one = Range(small, "main~1", "main")
    bare, ours = measure.side_by_side(15, lambda: one.bare().seconds, lambda: one.ours().seconds)
    extra = ours - bare
    figure = f"+{milliseconds(extra)}"
    yield Row("gate, 1 commit", milliseconds(bare), milliseconds(ours), figure, "at most +130 ms", extra <= 0.130)
    whole = {at: Range(at, git(at, "rev-list", "--max-parents=0", "main"), "main") for at in (small, big)}
    for what, taken, rounds, most in (
        ("gate, 50 commits", Range(small, "main~50", "main"), 9, None),
        ("gate, 500 commits", whole[small], 5, 1.0),
        ("gate, 5,000 commits", whole[big], 2, 0.85),
    ):
        bare, ours = _both(rounds, taken)
        yield _ratio(what, bare, ours, most)
    yield from _memory("1 commit", one)
    yield from _memory("5,000 commits", whole[big])


def _both(rounds: int, taken: Range) -> list[float]:
    return measure.side_by_side(rounds, lambda: taken.bare().seconds, lambda: taken.ours().seconds)


def _ratio(what: str, bare: float, ours: float, most: float | None) -> Row:
    ratio = ours / bare
    goal, met = ("", None) if most is None else (f"at most x{most:g}", ratio <= most)
    return Row(what, f"{bare:.2f} s", f"{ours:.2f} s", f"x{ratio:.2f}", goal, met)


def _memory(what: str, taken: Range) -> Iterator[Row]:
    theirs = measure.peaks(3, lambda: taken.bare(memory=True))
    held = measure.peaks(3, lambda: taken.ours(memory=True))
    for whose, bare, ours in zip(("of our process", "of everything"), theirs, held, strict=True):
        figure = f"x{ours / bare:.2f}"
        yield Row(
            f"peak memory {whose}, {what}", f"{bare:.0f} MB", f"{ours:.0f} MB", figure, "at most 200 MB", ours <= 200
        )


def push(work: Path) -> Iterator[Row]:
    """One commit pushed through the hook, next to a bare push and a bare scan of that commit."""
    clone = history.ordinary(work / "push.git", 500)
    plain = Push(clone, server(work / "plain.git", clone, "main~1", hooked=False), ("main",))
    hooked = Push(clone, server(work / "hooked.git", clone, "main~1", hooked=True), ("main",))
    one = Range(clone, "main~1", "main")
    bare, scan, ours = measure.side_by_side(15, plain.seconds, lambda: one.bare().seconds, hooked.seconds)
    extra = ours - bare
    figure = f"{extra * 1000:+.0f} ms"
    yield Row("push of 1 commit", milliseconds(bare), milliseconds(ours), figure, "at most +150 ms", extra <= 0.150)
    both, figure = f"{milliseconds(bare)} + {milliseconds(scan)}", f"{(extra - scan) * 1000:+.0f} ms"
    yield Row("push of 1 commit, next to a push and a bare scan", both, milliseconds(ours), figure)
    _, theirs = measure.peaks(5, lambda: plain.run(memory=True))
    _, held = measure.peaks(5, lambda: hooked.run(memory=True))
    figure = f"x{held / theirs:.2f}"
    what = "peak memory of everything, push of 1 commit"
    yield Row(what, f"{theirs:.0f} MB", f"{held:.0f} MB", figure, "at most 200 MB", held <= 200)


def start(_work: Path) -> Iterator[Row]:
    """What every call costs before it does anything."""
    python = str(PROGRAM.parent / "python")
    bare, ours = measure.side_by_side(
        25,
        lambda: measure.run([python, "-c", "pass"], OURS).seconds,
        lambda: measure.run([str(PROGRAM), "--version"], OURS).seconds,
    )
    yield Row(
        "`orch-gates --version`, next to an empty Python",
        milliseconds(bare),
        milliseconds(ours),
        f"+{milliseconds(ours - bare)}",
        "under 80 ms",
        ours < 0.080,
    )


def imports() -> list[str]:
    """The modules that cost most to import, by themselves."""
    python = str(PROGRAM.parent / "python")
    done = measure.run([python, "-X", "importtime", "-m", "orch_gates", "--version"], OURS)
    lines = re.findall(r"import time:\s+(\d+) \|\s+(\d+) \| +(\S+)", done.stderr.decode())
    costs = sorted(((int(own), int(total), name) for own, total, name in lines), reverse=True)
    return [f"{name}: {own / 1000:.1f} ms itself, {total / 1000:.1f} ms in all" for own, total, name in costs[:8]]


def refs(work: Path) -> Iterator[Row]:
    """The same new objects under 1,000 refs and under one, on a history and on twice that history."""
    clone = history.ordinary(work / "refs.git", 3_000)
    commits = git(clone, "rev-list", "--reverse", "main").split()
    half, whole = (
        _hook_seconds(work / "half", clone, commits, 1_000),
        _hook_seconds(work / "all", clone, commits, 2_000),
    )
    for what, before, after, most in (
        ("1,000 refs next to 1 ref, the same 1,000 new commits", whole["one"], whole["many"], 1.3),
        ("1,000 refs, 2,000 commits of history next to 1,000", half["many"], whole["many"], 1.3),
        ("1 ref, 1,000 new commits next to 500", whole["fewer"], whole["one"], 2.3),
    ):
        ratio = after / before
        yield Row(what, f"{before:.2f} s", f"{after:.2f} s", f"x{ratio:.2f}", f"at most x{most:g}", ratio <= most)


def _hook_seconds(work: Path, clone: Path, commits: list[str], old: int) -> dict[str, float]:
    """What the hook adds to each push, beyond the push without it."""
    work.mkdir()
    new = commits[old : old + 1_000]
    many = tuple(f"{oid}:refs/heads/topic/{number}" for number, oid in enumerate(new))
    pushes = {"many": many, "one": (f"{new[-1]}:refs/heads/topic",), "fewer": (f"{new[499]}:refs/heads/topic",)}
    servers = [server(work / f"{hooked}.git", clone, commits[old - 1], hooked=hooked) for hooked in (False, True)]
    measured = [Push(clone, at, refspecs).seconds for refspecs in pushes.values() for at in servers]
    taken = measure.side_by_side(2, *measured)
    return {name: taken[2 * at + 1] - taken[2 * at] for at, name in enumerate(pushes)}


def precision(work: Path, *, whole: bool = False) -> Iterator[Row]:
    """Findings in content that holds no secret of anyone, next to those of bare gitleaks."""
    own = work / "own.git"
    git(ROOT, "clone", "--quiet", "--bare", str(ROOT), str(own))
    library = history.library(work / "library.git", whole=whole)
    name = "findings in the standard library" + ("" if whole else ", its tests left out")
    for what, repository in ((name, library), ("findings in this project's own history", own)):
        found = Range(repository, git(repository, "rev-list", "--max-parents=0", "HEAD").split()[-1], "HEAD")
        bare = found.bare_findings()
        for engine in ENGINES:
            ours = found.our_findings(engine)
            yield Row(f"{what}, {engine}", str(bare), str(ours), f"{ours - bare:+d}", "no more", ours <= bare)


CASES: dict[str, Callable[[Path], Iterator[Row]]] = {
    "start": start,
    "push": push,
    "ranges": ranges,
    "refs": refs,
    "precision": precision,
    "library": lambda work: precision(work, whole=True),
    "transaction": state_cases.transaction,
    "writers": state_cases.writers,
    "status": state_cases.status,
    "verify": state_cases.verify,
    "why": hook_cases.why,
    "guard": hook_cases.guard,
    "crowd": hook_cases.crowd,
    "port": forge_cases.port,
    "merges": merge_cases.merges,
    "looks": queue_cases.looks,
    "landings": queue_cases.landings,
    "workflow": queue_cases.workflow,
    "sweep": sweep_cases.sweep,
    "job": sweep_cases.job,
    "image": image_cases.image,
    "staging": staging_cases.staging,
    "watch": watch_cases.watch,
}
USUAL = tuple(name for name in CASES if name != "library")


def rows(name: str, work: Path) -> Iterator[Row]:
    """The rows of one case; one that cannot be measured says so and stops no other."""
    started = time.perf_counter()
    try:
        yield from CASES[name](work)
    except (RuntimeError, OSError, ValueError) as error:
        yield Row(name, "", "", f"not measured: {' '.join(str(error).split())[:300]}", "", met=False)
    print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr)
