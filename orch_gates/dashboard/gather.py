"""All that the dashboard shows, read from one snapshot; what cannot be read is named, and never stops the rest (P3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from orch_gates.deploy import environments, watches
from orch_gates.engine.stages import Pipeline
from orch_gates.engine.why import Why
from orch_gates.errors import StateDocumentError, StateError, UsageError
from orch_gates.merge import ledger, queue_places
from orch_gates.merge.queue.plan import in_order
from orch_gates.merge.queue_places import Places
from orch_gates.model.environment import Environment
from orch_gates.model.job import Job
from orch_gates.model.lease import Lease
from orch_gates.model.sweep import nothing
from orch_gates.model.task import Task
from orch_gates.model.watch import Watch, WatchState
from orch_gates.report.html.values import Dashboard, LeaseRow, QueueOf, SweepState, TaskRow
from orch_gates.state import codec, layout
from orch_gates.state.branch.git_store import GitStore
from orch_gates.state.kinds import JOB, TASK
from orch_gates.state.snapshot import Snapshot
from orch_gates.sweep.lag import lag
from orch_gates.tasks import book
from orch_gates.tasks.book import Book

# Of each task as many lines of its log; the rest is in `task log`.
_LINES = 20
# Of as many finished tasks, those that ended last: the page names the command that shows the others.
_FINISHED = 200
# Of each environment as many watches, the newest.
_WATCHES = 5


@dataclass(frozen=True, slots=True)
class PageContext:
    """What the page needs besides the state: the repository by name, its pipeline, its target, the moment.

    `every` is how often the sweep is to run; `problem` is why the configuration could not be used.
    """

    repository: str
    pipeline: Pipeline
    target: str
    now: datetime
    every: timedelta
    version: str
    problem: str = ""


@dataclass(slots=True)
class _Found:
    """What was read: the logs by task, and the jobs; and why something was not."""

    tasks: list[Task] = field(default_factory=list)
    logs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    jobs: dict[str, list[Job]] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)


def read(store: GitStore, context: PageContext) -> Dashboard:
    """All of it, of the newest state.

    Raises:
        StateError: the state could not be read.
    """
    snapshot = store.load()
    root = book.root_of(snapshot)
    found = _everything(snapshot)
    leases = book.read(snapshot, layout.LEASES)
    found.unread += [file.why for file in leases.quarantined]
    everything = Book(tuple(sorted(found.tasks, key=lambda task: task.id)), (), leases.leases)
    around = _around(snapshot, everything, context.target, found.unread)
    rows = _rows(everything, around, context, found)
    deployed = environments.read(snapshot)
    found.unread += [file.why for file in deployed.quarantined]
    shown = tuple(page.environment for page in deployed.pages)
    return Dashboard(
        repository=context.repository,
        now=context.now,
        commit=snapshot.tip,
        generation=snapshot.generation,
        version=context.version,
        stages=tuple(root.stages),
        tasks=tuple(rows.values()),
        queues=tuple(_queue(one, everything, rows, context.now) for one in around.values()),
        leases=tuple(_leases(snapshot, leases.leases, found.unread)),
        environments=shown,
        watches=tuple(_watches(snapshot, shown, found.unread)),
        sweep=sweep_state(store, context.now, context.every),
        # One damaged file may stand in several ways.
        unread=tuple(dict.fromkeys(found.unread)),
        problem=context.problem,
    )


def sweep_state(store: GitStore, now: datetime, every: timedelta) -> SweepState:
    """How the sweep does, for the page and the terminal; where its memory cannot be read, `problem` says why."""
    problem = ""
    try:
        recalled = store.memory.read()
        memory, problem = recalled.memory or nothing(), recalled.problem
    except StateError as error:
        memory, problem = nothing(), str(error)
    gap = lag(memory.ticks, now, every)
    return SweepState(gap.schedule.value, gap.last, gap.line, memory, problem)


def _everything(snapshot: Snapshot) -> _Found:
    found = _Found()
    for entry in snapshot.files(layout.TASKS):
        try:
            if TASK.path.match(entry.path):
                task, body = codec.decode(TASK, entry.path, snapshot.read(entry))
                found.tasks.append(task)
                found.logs[task.id] = tuple(line for line in body.splitlines() if line.startswith("- "))
            elif JOB.path.match(entry.path):
                job = codec.decode(JOB, entry.path, snapshot.read(entry))[0]
                found.jobs.setdefault(job.task, []).append(job)
        except StateDocumentError as error:
            found.unread.append(str(error))
    return found


def _around(snapshot: Snapshot, everything: Book, target: str, unread: list[str]) -> dict[str, Places]:
    """What is around the tasks of each target, the usual one first."""
    targets = {task.enqueued.target for task in everything.tasks if task.enqueued is not None}
    found: dict[str, Places] = {}
    for name in (target, *sorted(targets - {target})):
        try:
            found[name] = queue_places.of(snapshot, name, everything)
        # A holder that is no task's name is damage as well.
        except (StateDocumentError, UsageError) as error:
            unread.append(str(error))
    return found


def _rows(everything: Book, around: Mapping[str, Places], context: PageContext, found: _Found) -> dict[str, TaskRow]:
    finished = [task for task in everything.tasks if task.state.finished]
    newest = sorted(finished, key=lambda task: (task.updated, task.id))[-_FINISHED:]
    listed = {task.id for task in everything.tasks if not task.state.finished} | {task.id for task in newest}
    rows = {}
    for task in everything.tasks:
        jobs = sorted(found.jobs.get(task.id, ()), key=lambda job: (job.created, job.attempt))
        row = TaskRow(task, _why(task, around, context), jobs=tuple(jobs))
        if task.id in listed:
            log = found.logs[task.id]
            row = replace(row, log=log[-_LINES:], earlier=max(0, len(log) - _LINES))
        rows[str(task.id)] = row
    return rows


def _why(task: Task, around: Mapping[str, Places], context: PageContext) -> Why | None:
    place = around.get(task.enqueued.target if task.enqueued is not None else context.target)
    if place is None or task.state.finished:
        return None
    return place.why(task, context.pipeline, context.now)


def _queue(place: Places, everything: Book, rows: Mapping[str, TaskRow], now: datetime) -> QueueOf:
    order = in_order(everything.tasks, place.target, held=True)
    return QueueOf(place.target, place.frozen(now), tuple(rows[task.id] for task in order))


def _leases(snapshot: Snapshot, leases: Sequence[Lease], unread: list[str]) -> Iterator[LeaseRow]:
    for lease in leases:
        try:
            yield LeaseRow(lease, ledger.page(snapshot, lease.target, lease.holder).attempt)
        except (StateDocumentError, UsageError) as error:
            unread.append(str(error))
            yield LeaseRow(lease)


def _watches(snapshot: Snapshot, shown: Iterable[Environment], unread: list[str]) -> Iterator[Watch]:
    """The newest of each environment, those that go on first."""
    found: list[Watch] = []
    for environment in shown:
        for deployed in environment.history[:_WATCHES]:
            try:
                if (page := watches.find(snapshot, deployed.deploy)) is not None:
                    found.append(page.watch)
            except StateDocumentError as error:
                unread.append(str(error))
    found.sort(key=lambda watch: (watch.armed, watch.deploy), reverse=True)
    yield from sorted(found, key=lambda watch: watch.state is not WatchState.WATCHING)
