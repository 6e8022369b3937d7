"""The worker's life: load the rules, scan what comes through a pipe, answer in JSON lines.

It is started before anything else is known, so that the rules are loaded while git lists what is new. Nothing of
the content leaves it but through the pipe to its parent, and nothing of it is written to a disk (SEC-12).
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
from typing import Any

from orch_gates.scanners.worker.engines import Engines

# The library alone maps 40 MB; a file of 50 MB is held once, and shown in pieces.
MEMORY_BYTES = 400_000_000


class _Loading(threading.Thread):
    """Loads the rules in native code, which needs no interpreter, while the rest is imported."""

    def __init__(self, given: dict[str, Any]) -> None:
        super().__init__(daemon=True)
        self._given = given
        self._engines: Engines | None = None
        self.start()

    def run(self) -> None:
        """Load them."""
        self._engines = Engines.load(self._given)

    def result(self) -> Engines:
        """The engines, once they are loaded."""
        self.join()
        assert self._engines is not None
        return self._engines


def main() -> None:
    """Answer commands from stdin until it ends; the first argument says what to load."""
    _confine()
    loading = _Loading(json.loads(sys.argv[1]))
    from orch_gates.scanners.worker import commands

    engines = loading.result()
    for line in sys.stdin.buffer:
        answer = json.dumps(commands.answer(engines, json.loads(line)))
        try:
            sys.stdout.write(f"{answer}\n")
            sys.stdout.flush()
        except BrokenPipeError:
            # Whoever asked is gone; nobody is left to tell.
            os._exit(1)


def _confine() -> None:
    """No core dump, bounded memory: hostile bytes are read by native code here."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))


if __name__ == "__main__":
    main()
