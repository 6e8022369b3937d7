"""A process that does one run of the queue as `orch-gates queue run` does, and dies or dawdles at its effects.

`python -m tests.queue_worker DIRECTORY DIES_AT DAWDLES_S`: moments are counted as `tests.merge_worker` counts them, of
labels and comments too. `effect NAME MOMENT` on a line says which one begins at which moment; the exit code is the
last line.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from orch_gates.cli.queue import commands as queue
from orch_gates.errors import OrchError
from orch_gates.workspace import Workspace, open_workspace
from tests.merge_worker import Moments, Watched

_CODE = Path(__file__).parent.parent


def worker(
    directory: Path, env: Mapping[str, str | None], dies_at: int = 0, dawdles: float = 0
) -> subprocess.Popen[str]:
    """Start one."""
    inherited = {**os.environ, **{key: value for key, value in env.items() if value is not None}}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.queue_worker", str(directory), str(dies_at), str(dawdles)],
        env={**inherited, "PYTHONPATH": str(_CODE)},
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


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
        found = {name: Watched(getattr(forge, name), moments) for name in ("pulls", "statuses", "issues")}
        return replace(forge, **found)

    watch("store", lambda store: Watched(store, moments))
    watch("code", lambda remote: Watched(remote, moments))
    watch("forge", ports)
    workspace = open_workspace(Path(directory))
    try:
        queue.go(workspace, queue.queueing_of(workspace), dry_run=False, as_json=False)
    except OrchError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        print(error.exit_code)
    except SystemExit as ended:
        print(ended.code)


if __name__ == "__main__":
    main(*sys.argv[1:])
