"""Processes that write to a state branch and can be killed at any step: a program, and what starts it."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any

from orch_gates import settings
from orch_gates.errors import StateError
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Change
from tests.state_rig import GitRig
from tests.stores import open_store

# Loaded when first needed, which may be the step at which a rival of the same process needs it too.
for late in ("orch_gates.git.odb", "orch_gates.documents.yaml_read"):
    importlib.import_module(late)

COUNTER = "sweep/count.md"
Answer = dict[str, Any]

_CODE = Path(__file__).parent.parent
# Between two of these a process changes nothing that outlives it; at `poll` it waits for git.
_STEPS = {"open", "write", "rename", "replace", "unlink", "mkdir", "rmdir", "symlink", "flock", "fork_exec", "poll"}
_ADOPT_ORPHANS = 36
_LONGEST = 120


def one_more(name: str) -> Callable[[Snapshot], Change]:
    """Decide to add one to the counter and to make a file of this name."""

    def decide(snapshot: Snapshot) -> Change:
        count = int(snapshot.text(COUNTER) or 0) + 1
        writes = {COUNTER: f"{count}\n", f"sweep/{name}.md": "x\n"}
        return Change(event="count", task="-", subject="one more", writes=writes)

    return decide


class Writer:
    """Writes with the settings of a rig and one cache, from a new process each time."""

    def __init__(self, rig: GitRig, cache: str = "cache", **env: str) -> None:
        where = {"ORCH_STATE_REMOTE": rig.url, "ORCH_CACHE_DIR": str(rig.folder / cache), "PYTHONPATH": str(_CODE)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.state_writer"],
            env={**os.environ, **rig.env, **where, **env},
            cwd=rig.folder if rig.url else rig.server.path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def begin(self, *processes: Sequence[str], at: int = 0, do: str = "die") -> None:
        """Start processes that make a transaction for each name they got, one after the other.

        Before its step number `at`, a process dies of SIGKILL, or waits until a `rival` has made a
        transaction from its beginning to its end.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([processes, at, do]) + "\n")
        self._process.stdin.flush()

    def end(self) -> list[Answer]:
        """What came of each transaction, nothing of killed processes. All that they had started has ended."""
        assert self._process.stdout is not None
        answers: list[Answer] = []
        while (line := self._process.stdout.readline()) != "ended\n":
            assert line, "the writer itself ended"
            answers.append(json.loads(line))
        return answers

    def write(self, name: str) -> Answer:
        """What came of one transaction in a process of its own."""
        self.begin([name])
        (answer,) = self.end()
        return answer

    def close(self) -> None:
        """End it, with all that it started."""
        self._process.communicate()


@contextlib.contextmanager
def writer(rig: GitRig, cache: str = "cache", **env: str) -> Iterator[Writer]:
    """A `Writer` for as long as the block lasts."""
    made = Writer(rig, cache, **env)
    try:
        yield made
    finally:
        made.close()


def _before(step: int, do: Callable[[], None]) -> Callable[[FrameType, str, Any], None]:
    left = step

    def profile(_frame: FrameType, event: str, function: Any) -> None:
        nonlocal left
        if event == "c_call" and function.__name__ in _STEPS:
            left -= 1
            if left == 0:
                do()

    return profile


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _rival() -> None:
    # The turn is a courtesy among processes; a rival that lost its patience is what is wanted.
    for name in ("next", "turn"):
        for path in Path(os.environ["ORCH_CACHE_DIR"]).rglob(name):
            path.unlink()
    if (pid := os.fork()) == 0:
        sys.setprofile(None)
        _transact(["rival"])
        os._exit(0)
    os.waitpid(pid, 0)


_DEEDS = {"die": _die, "rival": _rival}


def _transact(names: list[str]) -> None:
    try:
        store = open_store(settings.load(), Path.cwd())
        answers = []
        for name in names:
            outcome = store.transact(one_more(name))
            answers.append({"kind": type(outcome).__name__, **asdict(outcome)})
        store.close()
    except StateError as error:
        answers = [{"kind": type(error).__name__, "reason": str(error)}]
    except Exception:  # noqa: BLE001 - a traceback is what the test shows
        answers = [{"kind": "bug", "reason": traceback.format_exc()}]
    sys.setprofile(None)
    for answer in answers:
        print(json.dumps(answer), flush=True)


def main() -> None:
    """Fork a process for each list of an order; one order a line."""
    ctypes.CDLL(None).prctl(_ADOPT_ORPHANS, 1)
    for line in sys.stdin:
        processes, at, do = json.loads(line)
        for names in processes:
            if os.fork() == 0:
                # It also ends a process that loops in C.
                signal.alarm(_LONGEST)
                if at:
                    sys.setprofile(_before(at, _DEEDS[do]))
                _transact(names)
                os._exit(0)
        with contextlib.suppress(ChildProcessError):
            while True:
                os.wait()
        print("ended", flush=True)


if __name__ == "__main__":
    main()
