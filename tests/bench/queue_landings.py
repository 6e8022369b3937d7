"""Letting a merge queue land what is queued, and what that took: times, waits and defers (MRG-13)."""

from __future__ import annotations

import itertools
import math
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from orch_gates.documents import frontmatter
from orch_gates.model.ids import TaskId, moment
from orch_gates.state import layout
from tests.merge_rig import MergeRig

_EVERY_S = 0.05
_PATIENCE_S = 120.0
_STATE = "refs/heads/orch-state"
BRANCHES = "refs/heads/change"


class Project(Protocol):
    """A project with a merge queue; its pull requests are those of the branches `change/…`."""

    @property
    def rig(self) -> MergeRig:
        """Its server, and what has to hold there."""
        ...

    def ready(self, count: int) -> None:
        """Open so many pull requests that are green by themselves, and ask for their merge."""
        ...

    def ci(self, commit: str) -> None:
        """Say that CI is green."""
        ...

    def run(self) -> None:
        """Run the queue once."""
        ...


@dataclass(frozen=True, slots=True)
class Landings:
    """What it took to land `count` pull requests, each tested for `delay` seconds together with those before it.

    The first is up to date with its target and waits for no CI, so it is left out of `between`: the seconds from each
    landing to the next.
    """

    count: int
    delay: float
    between: tuple[float, ...]
    waits: tuple[float, ...]
    defers: int

    @property
    def overhead(self) -> float:
        """The seconds of a landing besides its test, in the middle: finalising, catching up, being woken."""
        return statistics.median(self.between) - self.delay

    @property
    def rate(self) -> float:
        """Landings per hour, with everything that came between them."""
        return 3600 / statistics.fmean(self.between)

    @property
    def limit(self) -> float:
        """Landings per hour of a queue that tests one after the other, and never stands still."""
        return 3600 / (self.delay + self.overhead)

    def serial(self, red: float) -> float:
        """The same where a share of the tests is red."""
        return self.limit * (1 - red)

    def train(self, red: float, width: int) -> float:
        """Landings per hour of a train that tests so many at once, each together with those before it.

        Landing itself is done one after the other, whatever is tested at once.
        """
        return min(self.serial(red) * (1 - (1 - red) ** width) / red, 3600 / self.overhead)

    def waited(self, share: float) -> float:
        """The seconds that this share of the pull requests waited for the lease at most."""
        return sorted(self.waits)[math.ceil(share * len(self.waits)) - 1]


def by_runs(project: Project, count: int, delay: float) -> Landings:
    """Run the queue again each time that CI is done, without a runner of the server."""
    project.ready(count)
    with _watching(project, delay, project.ci) as watch:
        while True:
            watch.woken.clear()
            project.run()
            if watch.landed() >= count:
                break
            if not watch.woken.wait(_PATIENCE_S):
                raise RuntimeError(f"{watch.landed()} of {count} landed, and nothing went on for {_PATIENCE_S:.0f} s")
    return _judged(project, count, delay, watch.moved)


def by_themselves(project: Project, count: int, delay: float, start: Callable[[], None]) -> Landings:
    """Only look on: the server's workflows run CI and the queue."""
    project.ready(count)
    with _watching(project, delay, None) as watch:
        start()
        deadline = time.monotonic() + _PATIENCE_S
        while (landed := watch.landed()) < count:
            if time.monotonic() > deadline + landed * _PATIENCE_S:
                raise RuntimeError(f"{landed} of {count} landed, and nothing went on for {_PATIENCE_S:.0f} s")
            time.sleep(_EVERY_S)
    return _judged(project, count, delay, watch.moved)


class _Watch(threading.Thread):
    """Sees when main moves, and is CI for each new commit of a pull request's branch where it is to be that."""

    def __init__(self, project: Project, delay: float, post: Callable[[str], None] | None) -> None:
        super().__init__(daemon=True)
        self.moved: list[float] = []
        self.woken, self.ended = threading.Event(), threading.Event()
        self.failed: Exception | None = None
        self._rig, self._delay, self._post = project.rig, delay, post
        self._seen = set(self._refs().values())

    def run(self) -> None:
        due: dict[str, float] = {}
        try:
            while not self.ended.is_set():
                now = time.monotonic()
                for ref, commit in self._refs().items():
                    if commit in self._seen:
                        continue
                    self._seen.add(commit)
                    if ref == "refs/heads/main":
                        self.moved.append(now)
                    elif self._post is not None:
                        due[commit] = now + self._delay
                for commit in [one for one, at in due.items() if at <= now]:
                    del due[commit]
                    assert self._post is not None
                    self._post(commit)
                    self.woken.set()
                self.ended.wait(min([_EVERY_S, *(max(0.0, at - time.monotonic()) for at in due.values())]))
        except Exception as error:  # noqa: BLE001 - whoever waits for this thread says so
            self.failed = error
            self.woken.set()

    def landed(self) -> int:
        """How many did, by what the server has now."""
        if self.failed is not None:
            raise RuntimeError(f"nobody looks on any more: {self.failed}")
        commits = f"{self._rig.first}..refs/heads/main"
        return int(self._rig.server.git("rev-list", "--first-parent", "--count", commits))

    def _refs(self) -> dict[str, str]:
        listed = self._rig.server.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads/main", BRANCHES)
        return dict(line.split(" ") for line in listed.splitlines())


@contextmanager
def _watching(project: Project, delay: float, post: Callable[[str], None] | None) -> Iterator[_Watch]:
    watch = _Watch(project, delay, post)
    watch.start()
    try:
        yield watch
        # It sees the last landing too.
        time.sleep(4 * _EVERY_S)
    finally:
        watch.ended.set()
        watch.join()


def _judged(project: Project, count: int, delay: float, moved: list[float]) -> Landings:
    """See that nothing landed that was not tested as it landed; then say what it took."""
    rig = project.rig
    try:
        landed = rig.assert_sound()
    except AssertionError as error:
        raise RuntimeError(f"a false landing: {error}") from error
    if not len(landed) == len(moved) == count:
        raise RuntimeError(
            f"of {count} pull requests {len(landed)} landed, and main was seen to move {len(moved)} times"
        )
    between = tuple(after - before for before, after in itertools.pairwise(moved))
    return Landings(count, delay, between, tuple(_waits(rig)), _events(rig)["defer"])


def _waits(rig: MergeRig) -> Iterator[float]:
    """Of each pull request the seconds from when it was queued to when it first got the lease."""
    path = layout.lease_path("main")
    had: set[str] = set()
    for line in rig.server.git("log", "--reverse", "--format=%H %ct", _STATE, "--", path).splitlines():
        commit, seconds = line.split()
        lease, _ = frontmatter.decode(rig.server.git("show", f"{commit}:{path}"))
        task = str(lease["holder"])
        if task and task not in had:
            had.add(task)
            asked = rig.document(layout.task_path(TaskId(task)))["enqueued"]["at"]
            yield int(seconds) - moment(str(asked)).timestamp()


def _events(rig: MergeRig) -> Counter[str]:
    """How often each kind of step was recorded."""
    output = rig.server.git("log", "--format=%(trailers:key=Orch-Event,valueonly)", _STATE)
    return Counter(line for line in output.splitlines() if line)
