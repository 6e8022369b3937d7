"""Timing commands side by side, and the memory that they and their children hold."""

from __future__ import annotations

import os
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_MB = 1024 * 1024
_PAGE = 4096
_EVERY = 0.003


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command; `own_mb` is the peak of its own process, `tree_mb` of it and all that it started.

    Memory is what /proc calls resident, summed over the processes, so pages that two of them share count twice.
    """

    seconds: float
    returncode: int
    stdout: bytes
    stderr: bytes
    own_mb: float
    tree_mb: float


def run(argv: Sequence[str], env: Mapping[str, str], *, memory: bool = False) -> Run:
    """Run a command to its end; memory is sampled every 3 ms when asked for."""
    started = time.perf_counter()
    child = subprocess.Popen(list(argv), env=dict(env), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    watch = _Watch(child.pid) if memory else None
    stdout, stderr = child.communicate()
    seconds = time.perf_counter() - started
    own, tree = watch.peak() if watch else (0.0, 0.0)
    return Run(seconds, child.returncode, stdout, stderr, own, tree)


def processor(argv: Sequence[str], env: Mapping[str, str]) -> float:
    """Seconds of processor time of a command that has to succeed, with all that it starts and waits for."""
    with Path(os.devnull).open("r+b") as nothing:
        child = subprocess.Popen(list(argv), env=dict(env), stdin=nothing, stdout=nothing, stderr=nothing)
        _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"{argv}: exit code {child.returncode}")
    return used.ru_utime + used.ru_stime


def side_by_side(rounds: int, *what: Callable[[], float]) -> list[float]:
    """The median seconds of each, run in turn: A B A B, after one unmeasured round."""
    taken: list[list[float]] = [[] for _ in what]
    for turn in range(rounds + 1):
        for times, measured in zip(taken, what, strict=True):
            seconds = measured()
            if turn or rounds == 1:
                times.append(seconds)
        if rounds == 1:
            break
    return [statistics.median(times) for times in taken]


def peaks(rounds: int, measured: Callable[[], Run]) -> tuple[float, float]:
    """The most that any of some runs held, own and with all children: a sample can miss a short peak, not all."""
    runs = [measured() for _ in range(rounds)]
    return max(run.own_mb for run in runs), max(run.tree_mb for run in runs)


class _Watch(threading.Thread):
    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid, self._own, self._tree, self._ended = pid, 0, 0, threading.Event()
        self.start()

    def run(self) -> None:
        while not self._ended.wait(_EVERY):
            held = {pid: _resident(pid) for pid in _family(self._pid)}
            self._own = max(self._own, held.get(self._pid, 0))
            self._tree = max(self._tree, sum(held.values()))

    def peak(self) -> tuple[float, float]:
        self._ended.set()
        self.join()
        return self._own / _MB, self._tree / _MB


def _family(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        try:
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
        except OSError:
            continue
    return found


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0
