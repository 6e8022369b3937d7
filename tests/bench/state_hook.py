"""A server with the hook installed, clones of it, and commands that write its state through the hook.

`python -m tests.bench.state_hook PROGRAM CLONE TASK SECONDS` holds and resumes a task by commands, and prints how many
landed and how many failed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench import measure, state_history
from tests.bench.history import ENV, git
from tests.bench.tools import CACHE, OURS

_CODE = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Server:
    """A bare repository with a state branch, and a clone whose commands are those of one program."""

    program: Path
    bare: Path
    clone: Path

    @property
    def env(self) -> dict[str, str]:
        """The environment of its commands: a cache of this server's own."""
        return {**ENV, "ORCH_CACHE_DIR": str(self.clone.parent / "cache"), "ORCH_STATE_BY": "a-bencher"}

    def argv(self, *args: str) -> list[str]:
        """A command in the clone."""
        return [str(self.program), *args, f"--repo={self.clone}"]

    def run(self, *args: str) -> measure.Run:
        """A command that has to succeed."""
        done = measure.run(self.argv(*args), self.env)
        if done.returncode:
            raise RuntimeError(f"{args}: {done.stderr[-600:]!r}")
        return done

    def commits(self) -> int:
        """How many there are on the state branch."""
        return int(git(self.bare, "rev-list", "--count", state_history.BRANCH))


def server(folder: Path, program: Path, *, tasks: int, hooked: bool, queued: int = 0) -> Server:
    """A server with so many tasks and queued pull requests, with the hook of a program or without."""
    folder.mkdir()
    bare = state_history.branch(folder / "server.git", active=tasks, queued=queued)
    tree = _tree(bare, {".orch-gates.yaml": "pipeline: merge-queue\n"} if queued else {})
    git(bare, "update-ref", "refs/heads/main", git(bare, "commit-tree", "-m", "first", tree))
    git(bare, "symbolic-ref", "HEAD", "refs/heads/main")
    if hooked:
        done = measure.run([str(program), "hook", "install", str(bare)], {**OURS, "ORCH_CACHE_DIR": str(CACHE)})
        if done.returncode:
            raise RuntimeError(f"the hook could not be installed: {done.stderr!r}")
    git(folder, "clone", "--quiet", str(bare), "clone")
    return Server(program, bare, folder / "clone")


def _tree(bare: Path, files: Mapping[str, str]) -> str:
    blobs = {name: _written(bare, text, "hash-object", "-w", "--stdin") for name, text in files.items()}
    return _written(bare, "".join(f"100644 blob {blob}\t{name}\n" for name, blob in blobs.items()), "mktree")


def _written(bare: Path, text: str, *args: str) -> str:
    argv = ["git", "-C", str(bare), *args]
    return subprocess.run(argv, env=ENV, input=text, check=True, capture_output=True, text=True).stdout.strip()


def together(on: Server, *, writers: int, seconds: float) -> tuple[float, int]:
    """Commits a second of so many writers by command, each on a task of its own, and how many commands failed."""
    command = [sys.executable, "-m", "tests.bench.state_hook", str(on.program), str(on.clone)]
    env: Mapping[str, str] = {**os.environ, "PYTHONPATH": str(_CODE)}
    before, begun = on.commits(), time.perf_counter()
    running = [
        subprocess.Popen([*command, f"T-{number}", str(seconds)], env=env, stdout=subprocess.PIPE)
        for number in range(writers)
    ]
    told = [json.loads(process.communicate()[0] or "null") for process in running]
    if None in told:
        raise RuntimeError("a writer failed")
    landed = on.commits() - before
    if landed < sum(done for done, _ in told):
        raise RuntimeError("updates were lost")
    return landed / (time.perf_counter() - begun), sum(failed for _, failed in told)


@contextmanager
def stopped(on: Server, task: str) -> Iterator[None]:
    """Somebody pressed Ctrl-Z in the middle of a write, while the block lasts."""
    reached = on.bare / "reached"
    hook = on.bare / "hooks" / "pre-receive"
    hook.write_text(f"#!/bin/sh\ntest -e '{reached}' && exit 0\ntouch '{reached}'\nsleep 10\n")
    hook.chmod(0o755)
    argv = on.argv("task", "hold", task, "--reason=stopped")
    with subprocess.Popen(argv, env=on.env, start_new_session=True, stderr=subprocess.DEVNULL) as child:
        while not reached.exists():
            if child.poll() is not None:
                raise RuntimeError("the writer ended before it could be stopped")
            time.sleep(0.01)
        os.killpg(child.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(child.pid, signal.SIGKILL)


def main() -> None:
    program, clone, task, seconds = sys.argv[1:]
    on = Server(Path(program), Path(clone).with_name("server.git"), Path(clone))
    done = failed = 0
    begun = time.perf_counter()
    while time.perf_counter() - begun < float(seconds):
        held = (done + failed) % 2
        command = ("resume", task) if held else ("hold", task, "--reason=held")
        returned = measure.run(on.argv("task", *command), on.env).returncode
        done += returned == 0
        failed += returned != 0
    print(json.dumps([done, failed]))


if __name__ == "__main__":
    main()
