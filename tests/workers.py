"""Processes that do what a command does, and die, stop or dawdle at its effects: what all of them have in common.

An effect has a moment before and one after it, a question one before it. At its moment number DIES_AT a process is
killed; 0 is never.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from tests.builders import start_module
from tests.zygote import Child

NO_QUESTIONS: frozenset[str] = frozenset()


def start(module: str, directory: Path, env: Mapping[str, str | None], *args: object) -> Child:
    """Run the `main` of a module of tests in a directory; it gets the directory first."""
    return start_module(f"tests.{module}", str(directory), *map(str, args), cwd=directory, env=env)


def finished(child: Child, timeout: float) -> subprocess.CompletedProcess[str]:
    """What became of one that comes to its end by itself."""
    out, err = child.communicate(timeout)
    assert child.returncode is not None
    return subprocess.CompletedProcess(child.args, child.returncode, out, err)


class Moments:
    """Counts the moments of this process; the one where it dies is its last.

    Before the first effect that MERGE_WORKER_STOPS_BEFORE names it stops itself (SIGSTOP), before the first that
    MERGE_WORKER_DIES_BEFORE names it is killed. Before each moment it waits a random time of at most `dawdles` seconds.
    """

    def __init__(self, dies_at: int, dawdles: float = 0) -> None:
        self._dies_at = dies_at
        self._dawdles = dawdles
        self.count = 0
        self._dies_before = os.environ.get("MERGE_WORKER_DIES_BEFORE", "")
        self._stops_before = os.environ.get("MERGE_WORKER_STOPS_BEFORE", "")

    def pass_by(self, before: str = "") -> None:
        """Come to the next one, which may be that before an effect."""
        if before and before == self._dies_before:
            os.kill(os.getpid(), signal.SIGKILL)
        if before and before == self._stops_before:
            self._stops_before = ""
            os.kill(os.getpid(), signal.SIGSTOP)
        self.count += 1
        if self.count == self._dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if self._dawdles:
            time.sleep(random.uniform(0, self._dawdles))


class Watched:
    """A port whose effects and questions have moments; all else is passed on."""

    def __init__(
        self, port: Any, moments: Moments, effects: Collection[str], questions: Collection[str] = NO_QUESTIONS
    ) -> None:
        self._port = port
        self._moments = moments
        self._effects = effects
        self._questions = questions

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if name not in self._effects and name not in self._questions:
            return found

        def called(*args: Any, **values: Any) -> Any:
            self._moments.pass_by(before=name)
            answer = found(*args, **values)
            if name in self._effects:
                self._moments.pass_by()
            return answer

        return called
