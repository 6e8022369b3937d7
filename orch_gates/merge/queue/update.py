"""Looking at the pull requests of a merge queue, and recording what follows (MRG-13)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import assert_never

from orch_gates.documents import escape
from orch_gates.engine import events
from orch_gates.engine.decide import decide
from orch_gates.engine.events import Event
from orch_gates.engine.stages import QUEUE
from orch_gates.errors import OrchError, StateDocumentError, UsageError
from orch_gates.forge.port.issues import Issues
from orch_gates.forge.port.pulls import PullRequest, PullState
from orch_gates.merge import ledger
from orch_gates.merge.context import MergeContext
from orch_gates.merge.queue import plan
from orch_gates.merge.queue.plan import (
    Action,
    Drop,
    Enqueue,
    LabelEvent,
    QueuedPull,
    QueueEntry,
    QueueLook,
    Refuse,
    SetLabel,
    TakeOut,
    Unlabel,
    Unlabelled,
)
from orch_gates.model.branch import pull_branch
from orch_gates.model.feedback import one_line
from orch_gates.model.ids import TaskId
from orch_gates.model.queue import Freeze
from orch_gates.model.task import MERGE_QUEUE, Priority, Task
from orch_gates.state import codec, layout
from orch_gates.state.outcome import commit_of
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Change
from orch_gates.tasks import book
from orch_gates.tasks.change import apply
from orch_gates.tasks.create import create, new_task

_LONGEST_TITLE = 200
_LOG_LINES = 100
_ADDRESS = re.compile(r"\s*<[^<>]*>")
_NOTHING: Mapping[int, LabelEvent] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class PullResult:
    """What became of a pull request; `problem`: it could not be done or told, and the next run tries it again."""

    pull: int
    what: str
    reason: str
    problem: bool = False


@dataclass(frozen=True, slots=True)
class Queueing:
    """The queue of one target, as one process works on it."""

    context: MergeContext

    @property
    def label(self) -> str:
        """The label that asks for a merge."""
        return self.context.settings.queue.label

    @property
    def by(self) -> str:
        """Who works on it, as people may read it: an address is not for a comment on a pull request."""
        return _ADDRESS.sub("", self.context.by).strip() or self.context.by

    def look(self, label_events: Mapping[int, LabelEvent] = _NOTHING) -> QueueLook:
        """All pull requests that carry the label, and all that are queued.

        `label_events`: by pull request, the label that the event of this run set.

        Raises:
            OrchError: they, or the tasks, could not be read completely: nothing follows from a part of them.
        """
        pulls = self.context.need_forge().pulls
        found = {one.number: QueuedPull(one, labelled=True) for one in pulls.labelled(self.label)}
        snapshot = self.context.store.load()
        everything = entries(snapshot, self.context.target)
        kept = {number: entry for number, entry in everything if number in found or _wanted(entry)}
        for number in sorted(kept.keys() - found.keys()):
            # It may carry the label by now: it was set after the list was read.
            one = pulls.get(number)
            found[number] = QueuedPull(one, labelled=has(one, self.label))
        return QueueLook(self.context.target, self.label, found, kept, label_events)

    def need(self, number: int) -> Task:
        """The task of a pull request.

        Raises:
            UsageError: nobody ever asked for its merge.
        """
        page = book.find(self.context.store.load(), task_of(number))
        if page is None:
            raise UsageError(f"nobody has queued pull request {number}; `orch-gates queue` lists the queued ones")
        return page.task

    def require_queued(self, number: int) -> None:
        """See that a pull request is asked for: it is queued, or carries the label.

        Raises:
            UsageError: it is not.
            ForgeRefused, ForgeUnavailable: there is none, or it could not be asked.
        """
        page = book.find(self.context.store.load(), task_of(number))
        if page is not None and QueueEntry(page.task, None).queued:
            return
        if not has(self.context.need_forge().pulls.get(number), self.label):
            raise UsageError(f"pull request {number} is not queued; queue it first: `orch-gates queue add {number}`")

    def prioritise(self, task: str, priority: Priority) -> None:
        """Let a queued task come before or after others.

        Raises:
            UsageError: it is not queued.
            StateError: it could not be recorded.
        """
        self._apply(task, events.Prioritised(self.by, priority))

    def require_open(self, pull: PullRequest) -> None:
        """See that a pull request can be asked for.

        Raises:
            UsageError: it is not open, or goes into another branch.
        """
        if pull.state is not PullState.OPEN:
            raise UsageError(f"pull request {pull.number} is {pull.state}, so it cannot be queued")
        if pull.target != self.context.target:
            into = f"it goes into {pull.target}, but this queue merges into {self.context.target}"
            raise UsageError(f"pull request {pull.number} cannot be queued: {into}; ORCH_TARGET names another target")

    def can_be_asked(self, pull: PullRequest) -> bool:
        """Whether a pull request may be put into the queue, and nobody has done so."""
        page = book.find(self.context.store.load(), task_of(pull.number))
        task = page.task if page is not None else None
        open_here = pull.state is PullState.OPEN and pull.target == self.context.target
        return open_here and not has(pull, self.label) and plan.unfit(pull, task) == ""

    def freeze(self, freeze: Freeze | None, line: str) -> bool:
        """Freeze the queue, or thaw it; False where it is so already.

        Raises:
            StateError: it could not be recorded.
        """
        context = self.context
        context.configured.agree(context.store)

        def decision(snapshot: Snapshot) -> Change | None:
            context.configured.check(book.root_of(snapshot))
            before, body = ledger.queue(snapshot, context.target)
            if before.freeze is None and freeze is None:
                return None
            document = before.model_copy(update={"freeze": freeze})
            log = codec.append_line(codec.newest(body, _LOG_LINES - 1), context.now(), line)
            return Change(
                event="thaw" if freeze is None else "freeze",
                task="-",
                subject=f"queue of {context.target}: {'thawed' if freeze is None else 'frozen'}",
                body=line,
                writes={layout.queue_path(context.target): codec.encode(document, log)},
            )

        return commit_of(context.store.transact(decision)) != ""

    def settle(self, actions: Iterable[Action]) -> tuple[PullResult, ...]:
        """Do what follows, one pull request after the other; what fails for one stops no other (P3)."""
        done: list[PullResult] = []
        for action in actions:
            try:
                done += self._done(action)
            except OrchError as error:
                done.append(PullResult(_number(action), "problem", str(error), problem=True))
        return tuple(done)

    def _done(self, action: Action) -> Sequence[PullResult]:
        match action:
            case Enqueue(pull=pull, by=by, instead=instead):
                return self._enqueue(pull, one_line(by) or plan.anybody(self.label), instead=instead)
            case SetLabel(number=number, task=task):
                self._issues.label(number, add=[self.label])
                self._apply(task, events.LabelSettled(self.by))
                return []
            case Refuse(number=number, reason=reason):
                self._unlabel(number)
                return [PullResult(number, "refused", reason)]
            case Unlabel(number=number, task=task):
                self._unlabel(number)
                self._apply(task, events.LabelSettled(self.by))
                return []
            case Unlabelled(task=task):
                self._apply(task, events.LabelSettled(self.by))
                return []
            case TakeOut(number=number, task=task, reason=reason, unlabel=unlabel):
                return self.take_out(number, task, reason, unlabel=unlabel)
            case Drop(number=number, task=task, reason=reason):
                self._apply(task, events.CancelRequested(self.by, reason))
                return [PullResult(number, "dropped", reason)]
            case _:
                assert_never(action)

    def _enqueue(self, pull: PullRequest, by: str, *, instead: bool) -> Sequence[PullResult]:
        name = task_of(pull.number)
        if instead:
            self._apply(name, events.TakenOut(by, f"{by} asks for {pull.head[:10]} instead", unlabel=False))
        try:
            return [self.ask(pull, by)]
        except UsageError as error:
            # Something else is in its way, and stays there: the label would ask for ever.
            self._unlabel(pull.number)
            return [PullResult(pull.number, "refused", str(error))]

    def ask_and_label(self, pull: PullRequest) -> PullResult:
        """Put a pull request into the queue by a person's command, and set the label that says so.

        Raises:
            UsageError, StateError: as `ask`.
            ForgeRefused, ForgeUnclear, ForgeUnavailable: the label could not be set; the next run does that.
        """
        done = self.ask(pull, self.by, label=not has(pull, self.label))
        if not has(pull, self.label):
            self._issues.label(pull.number, add=[self.label])
            self._apply(task_of(pull.number), events.LabelSettled(self.by))
        return done

    def ask(self, pull: PullRequest, by: str, *, label: bool = False) -> PullResult:
        """Put a pull request into the queue, for the commit at its head; `label`: that is still to be set.

        Raises:
            UsageError: it cannot be queued, with the reason.
            StateError: it could not be recorded.
        """
        event = events.EnqueueRequested(by, pull.number, pull.target, pull.head, label=label)
        name = task_of(pull.number)
        snapshot = self.context.store.load()
        page = book.find(snapshot, name)
        if why := plan.unfit(pull, page.task if page is not None else None):
            raise UsageError(f"pull request {pull.number}: {why}")
        if page is None:
            return self._new(pull, name, event)
        entry = _entry(snapshot, pull.target, page.task)
        if entry is not None and entry.queued and plan.ours(pull.head, entry):
            return PullResult(pull.number, "queued", f"it is queued already: {page.task.reason}")
        reason = self._apply(name, event)
        return PullResult(pull.number, "queued", reason)

    def _new(self, pull: PullRequest, name: TaskId, event: events.EnqueueRequested) -> PullResult:
        context, now = self.context, self.context.now()
        pipeline = replace(QUEUE, caps=context.configured.pipeline.caps)
        title = escape.clip(" ".join(escape.visible(pull.title).split()), _LONGEST_TITLE) or name
        # The branch of a fork is not one of that name here.
        branch = pull_branch(pull.number) if pull.fork else pull.branch
        made = new_task(name, title, branch=branch, by=event.by, pipeline=pipeline, now=now)
        wanted = decide(made.model_copy(update={"pipeline": MERGE_QUEUE}), event, (), now, pipeline).task
        created = create(context.store, wanted, context.configured, now)
        if created.commit:
            return PullResult(pull.number, "queued", created.task.reason)
        return PullResult(pull.number, "queued", self._apply(name, event))

    def take_out(self, number: int, task: str, reason: str, *, unlabel: bool) -> Sequence[PullResult]:
        """Take a pull request out of the queue, and its label off where it is there.

        Raises:
            UsageError: it is too late, or a person has to see to it first.
            ForgeRefused, ForgeUnclear, ForgeUnavailable: the label could not be taken off; the next run does that.
            StateError: it could not be recorded.
        """
        result = self._apply(task, events.TakenOut(self.by, reason, unlabel))
        if unlabel:
            self._unlabel(number)
            self._apply(task, events.LabelSettled(self.by))
        return [PullResult(number, "out", result)]

    def unlabel_refused(self, task: Task) -> None:
        """Take the label off a pull request that a gate sent back, so that nothing loops.

        Raises:
            ForgeRefused, ForgeUnclear, ForgeUnavailable, StateError: as `take_out`.
        """
        if task.enqueued is not None and task.enqueued.unlabel:
            self._unlabel(task.enqueued.pull)
            self._apply(task.id, events.LabelSettled(self.by))

    def _unlabel(self, number: int) -> None:
        self._issues.label(number, remove=[self.label])

    @property
    def _issues(self) -> Issues:
        return self.context.need_forge().issues

    def _apply(self, task: str, event: Event) -> str:
        context = self.context

        def too_late(snapshot: Snapshot, now: Task) -> str:
            entry = QueueEntry(now, ledger.page(snapshot, context.target, now.id).attempt)
            leaves = isinstance(event, events.TakenOut | events.CancelRequested)
            return "its merge was already requested at the forge" if leaves and entry.merging else ""

        applied = apply(context.store, task, event, context.configured, context.now(), objection=too_late)
        if applied.decision.refused:
            raise UsageError(f"{task}: {applied.decision.reason}")
        return applied.decision.reason


def entries(snapshot: Snapshot, target: str) -> Iterator[tuple[int, QueueEntry]]:
    """Every pull request that was ever asked for and is not queued for another target, with its newest attempt."""
    for task in book.read(snapshot).tasks:
        if task.enqueued is not None and (task.enqueued.target == target or task.stage == QUEUE.rework):
            # One that cannot be read is told at its turn, and keeps nobody else from theirs (P3).
            entry = _entry(snapshot, target, task)
            if entry is not None:
                yield task.enqueued.pull, entry


def _entry(snapshot: Snapshot, target: str, task: Task) -> QueueEntry | None:
    if task.state.finished:
        return QueueEntry(task, None)
    try:
        return QueueEntry(task, ledger.page(snapshot, target, task.id).attempt)
    except StateDocumentError:
        return None if task.stage != QUEUE.rework else QueueEntry(task, None)


def task_of(pull: int) -> TaskId:
    """The task of a pull request."""
    return TaskId(f"PR-{pull}")


def has(pull: PullRequest, label: str) -> bool:
    """Whether a pull request carries a label, in any capitals: to GitHub they are the same label."""
    return label.casefold() in {one.casefold() for one in pull.labels}


def _wanted(entry: QueueEntry) -> bool:
    """Whether a pull request has to be looked at, also without the label."""
    return entry.queued or entry.unlabel


def _number(action: Action) -> int:
    return action.pull.number if isinstance(action, Enqueue) else action.number
