"""Programs that write to a state branch as fast as they can, for so many seconds: ours, and the usual loop.

`python -m tests.bench.state_loops alone|ours|apart|usual REMOTE FOLDER SECONDS` prints commits, seconds, most attempts.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from orch_gates import settings
from orch_gates.state.outcome import Committed
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Change
from tests.bench.history import ENV, git
from tests.stores import open_store

COUNTER = "sweep/count.md"
BRANCH = "orch-state"
_BETWEEN = 0.3
_CODE = Path(__file__).parents[2]


def one_more(snapshot: Snapshot) -> Change:
    count = int(snapshot.text(COUNTER) or 0) + 1
    return Change(event="count", task="-", subject="one more", writes={COUNTER: f"{count}\n"})


def ours(remote: str, folder: Path) -> Callable[[], int]:
    """A transaction; answers how many attempts it took."""
    env = {**ENV, "ORCH_STATE_REMOTE": remote, "ORCH_CACHE_DIR": str(folder)}
    store = open_store(settings.load(env), _CODE)

    def transact() -> int:
        outcome = store.transact(one_more)
        if not isinstance(outcome, Committed):
            raise RuntimeError(f"not committed: {outcome}")
        return outcome.attempts

    return transact


def apart(remote: str, folder: Path) -> Callable[[], int]:
    """As `ours`, with nothing in common but the server: as from a machine of its own."""
    return ours(remote, folder / str(os.getpid()))


def usual(remote: str, folder: Path) -> Callable[[], int]:
    """What lock actions do: clone, edit, commit, push; from the start again where somebody was faster."""
    clone = folder / str(os.getpid())

    def push() -> int:
        attempts = 0
        while True:
            attempts += 1
            shutil.rmtree(clone, ignore_errors=True)
            git(folder, "clone", "--quiet", "--depth=1", "--branch", BRANCH, remote, str(clone))
            path = clone / COUNTER
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"{int(path.read_text()) + 1 if path.exists() else 1}\n")
            git(clone, "add", COUNTER)
            git(clone, "commit", "--quiet", "-m", f"one more, by {os.getpid()}")
            done = subprocess.run(["git", "push", "--quiet"], cwd=clone, env=ENV, capture_output=True, check=False)
            if done.returncode == 0:
                return attempts

    return push


def together(kind: str, remote: str, folder: Path, *, writers: int, seconds: float) -> tuple[float, int]:
    """Commits a second of so many writers at once, and the most attempts that one commit took."""
    argv = [sys.executable, "-m", "tests.bench.state_loops", kind, remote, str(folder), str(seconds)]
    folder.mkdir(parents=True, exist_ok=True)
    env: Mapping[str, str] = {**os.environ, "PYTHONPATH": str(_CODE)}
    running = [subprocess.Popen(argv, env=env, stdout=subprocess.PIPE) for _ in range(writers)]
    told = [json.loads(process.communicate()[0] or "null") for process in running]
    if None in told:
        raise RuntimeError("a writer failed")
    return sum(commits / took for commits, took, _ in told), max(worst for _, _, worst in told)


def main() -> None:
    kind, remote, folder, seconds = sys.argv[1:]
    write = {"alone": ours, "ours": ours, "apart": apart, "usual": usual}[kind](remote, Path(folder))
    write()
    commits, worst, busy = 0, 0, 0.0
    started = time.perf_counter()
    while time.perf_counter() - started < float(seconds):
        begun = time.perf_counter()
        worst = max(worst, write())
        busy += time.perf_counter() - begun
        commits += 1
        if kind == "alone":
            # Longer than it rests after a commit, so that no rest is in the time that counts.
            time.sleep(_BETWEEN)
    print(json.dumps([commits, busy, worst]))


if __name__ == "__main__":
    main()
