"""What the merge gate costs on a tree that is proven, next to bare git that fetches, rebases and pushes."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests import merge_rig
from tests.bench import measure
from tests.bench.row import Row
from tests.builders import clone
from tests.merge_rig import MergeRig

_ROUNDS = 5


def merges(work: Path) -> Iterator[Row]:
    """The gate `merge` on a branch that is behind, its tree with main proven: without and with the server's hook."""
    for fence, what, most in (("none", "without a hook", 1.0), ("hook", "through the hook", 3.0)):
        made = merge_rig.template(work / fence, fence=fence, early=False)
        bare, ours = measure.side_by_side(_ROUNDS, _bare(made), _gate(made))
        name = f"gate `merge`, a proven tree, {what}, next to fetch, rebase and push by git"
        yield Row(name, f"{bare:.2f} s", f"{ours:.2f} s", f"x{ours / bare:.1f}", f"under {most:.0f} s", ours < most)


def _behind(made: Path, number: int) -> MergeRig:
    """A task that is behind main, whose tree together with main was tested for another one."""
    rig = merge_rig.copy(made, made.parent / f"round-{number}")
    rig.task("T-1", {"values/two": "2\n"})
    # An administrator's word lets one commit past the fence.
    rig.server.git("config", "--add", "orch.breakglass", f"main {rig.main} 2999-01-01T00:00:00Z")
    rig.work.git("checkout", "--quiet", "--detach", "origin/main")
    rig.work.commit("meanwhile", {"values/three": "3\n"})
    rig.work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    rig.task("T-0", {"values/two": "2\n"})
    if rig.gate("T-0")[0]:
        raise RuntimeError("the tree could not be proven")
    rig.ok("lease", "release", "--reason", "it was to prove the tree")
    return rig


_numbers = itertools.count()


def _gate(made: Path) -> Callable[[], float]:
    def seconds() -> float:
        rig = _behind(made, next(_numbers))
        began = time.perf_counter()
        code, output = rig.gate("T-1")
        taken = time.perf_counter() - began
        if code or output["evidence"]["proven"] != "cache":
            raise RuntimeError(f"exit code {code}: {output['reason']}")
        return taken

    return seconds


def _bare(made: Path) -> Callable[[], float]:
    def seconds() -> float:
        rig = _behind(made, next(_numbers))
        other = clone(rig.server, rig.folder / "other")
        other.env = rig.work.env
        began = time.perf_counter()
        other.git("fetch", "--quiet", "origin")
        other.git("checkout", "--quiet", "--detach", "origin/task/T-1")
        other.git("rebase", "--quiet", "origin/main")
        other.git("push", "--quiet", "--force-with-lease", "origin", "HEAD:refs/heads/task/T-1")
        return time.perf_counter() - began

    return seconds
