"""The worker's life: load the rules, scan what comes through a pipe, answer in JSON lines.

It is started before anything else is known, so that the rules are loaded while git lists what is new. Nothing of
the content leaves it but through the pipe to its parent, and nothing of it is written to a disk (SEC-12).
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import sys
import threading
from typing import Any

from orch_gates.errors import OrchError, ScannerError

# The library alone maps 40 MB; a file of 50 MB is held once, and shown in pieces.
MEMORY_BYTES = 400_000_000
_COLLECT_EVERY = 50_000


class _Loading(threading.Thread):
    """Loads the rules in native code, which needs no interpreter, while the rest is imported."""

    def __init__(self, given: dict[str, str]) -> None:
        super().__init__(daemon=True)
        self._given = given
        self._loaded: tuple[Any, str] | None = None
        self._error: OrchError | None = None
        self.start()

    def run(self) -> None:
        """Load them."""
        from orch_gates.scanners import native

        if "rules" not in self._given:
            return
        rules = f"{self._given['rules']}/rules.yml"
        try:
            self._loaded = native.compiled(rules, self._given["cache"], self._given["scratch"])
        except OrchError as error:
            self._error = error

    def result(self) -> tuple[Any, str]:
        """The scanner, once it is loaded.

        Raises:
            ScannerError: it could not be loaded.
        """
        self.join()
        if self._loaded is None:
            raise self._error or ScannerError("the rules could not be loaded")
        return self._loaded


def main() -> None:
    """Answer commands from stdin until it ends; the arguments say what to load, as NAME=VALUE."""
    # Most of what is loaded stays until the end: there is nothing to collect.
    gc.set_threshold(_COLLECT_EVERY)
    _confine()
    given = dict(argument.split("=", 1) for argument in sys.argv[1:])
    loading = _Loading(given)
    import json

    from orch_gates.scanners.worker import commands
    from orch_gates.scanners.worker.engines import Engines

    engines = Engines.load(given, loading.result)
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
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    allowed = MEMORY_BYTES if most == resource.RLIM_INFINITY else min(most, MEMORY_BYTES)
    resource.setrlimit(resource.RLIMIT_DATA, (allowed, allowed))
    # A process that ends is told to its parent at once; one that catches this waits for the limit.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    main()
