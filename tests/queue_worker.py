"""A process that does one run of the queue as `orch-gates queue run` does, and dies or dawdles at its effects.

They are those of `tests.merge_worker`, of labels and comments too. `effect NAME MOMENT` on a line says which one begins
at which moment (`tests.workers`); the exit code is the last line.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from orch_gates.cli.queue import commands as queue
from orch_gates.errors import OrchError
from orch_gates.workspace import Workspace, open_workspace
from tests import workers
from tests.merge_worker import EFFECTS
from tests.workers import Moments, Watched
from tests.zygote import Child


def worker(directory: Path, env: Mapping[str, str | None], dies_at: int = 0, dawdles: float = 0) -> Child:
    """Start one."""
    return workers.start("queue_worker", directory, env, dies_at, dawdles)


class Told(Moments):
    """Moments that say of which effect they are."""

    def pass_by(self, before: str = "") -> None:
        if before:
            print("effect", before, self.count + 1, flush=True)
        super().pass_by(before)


def watch(name: str, make: Callable[[Any], Any]) -> None:
    """Let every workspace of this process have this port watched; a turn has a workspace of its own."""
    original = Workspace.__dict__[name]
    changed = cached_property(lambda self: make(original.func(self)))
    changed.__set_name__(Workspace, name)
    setattr(Workspace, name, changed)


def main(directory: str, dies_at: str, dawdles: str) -> None:
    """One run."""
    moments = Told(int(dies_at), float(dawdles))

    def ports(forge: Any) -> Any:
        found = {name: Watched(getattr(forge, name), moments, EFFECTS) for name in ("pulls", "statuses", "issues")}
        return replace(forge, **found)

    watch("store", lambda store: Watched(store, moments, EFFECTS))
    watch("code", lambda remote: Watched(remote, moments, EFFECTS))
    watch("forge", ports)
    workspace = open_workspace(Path(directory))
    try:
        queue.go(workspace, queue.queueing_of(workspace), dry_run=False, as_json=False)
    except OrchError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        print(error.exit_code)
    except SystemExit as ended:
        print(ended.code)
