"""Doing what people say on the issues of tasks: one use case, for an event, a person's command and a sweep (REC-2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from orch_gates.documents import escape
from orch_gates.effects.acknowledge import acknowledge
from orch_gates.effects.performed import Performed
from orch_gates.errors import OrchError, StateDocumentError, UsageError
from orch_gates.model.effect import IssueEffect, TrackerState
from orch_gates.model.feedback import one_line
from orch_gates.model.ids import TaskId
from orch_gates.model.task import Task
from orch_gates.model.verdict import Outcome
from orch_gates.state.snapshot import Snapshot
from orch_gates.tasks import book
from orch_gates.tasks.advance import TaskStep
from orch_gates.tasks.create import create, new_task
from orch_gates.trackers import plan as plans
from orch_gates.trackers.plan import (
    Action,
    Approve,
    Broken,
    Create,
    Finish,
    Refuse,
    Reject,
    Say,
    TrackerLook,
    TrackerPlan,
)
from orch_gates.trackers.port import Item, Tracker

_LONGEST_TITLE = 200


@dataclass(frozen=True, slots=True)
class IssueResult:
    """What became of an issue; `problem`: it could not be done or told, and the next run tries it again."""

    issue: int
    task: str
    what: str
    reason: str
    problem: bool = False


@dataclass(frozen=True, slots=True)
class Synced:
    """What was done, and the tasks that nothing automatic touches."""

    done: tuple[IssueResult, ...]
    stopped: frozenset[TaskId]


@dataclass(frozen=True, slots=True)
class Tracking:
    """One process that looks at issues. `step` is one by whoever runs it, from which those of people are made."""

    tracker: Tracker
    step: TaskStep

    def sync(self) -> Synced:
        """Look at every open issue on which a word stands, and do what follows.

        Raises:
            OrchError: they, or the state, could not be read completely: nothing follows from a part of them.
        """
        return self._settled(self.plan())

    def one(self, number: int) -> Synced:
        """As `sync`, of one issue.

        Raises:
            OrchError: it, or the state, could not be read.
        """
        snapshot = self.step.store.load()
        return self._settled(self._planned(self.look(snapshot, (self.tracker.item(number),))))

    def plan(self) -> TrackerPlan:
        """What follows from all issues; the state is read first (see `trackers/plan.py`).

        Raises:
            OrchError: as `sync`.
        """
        snapshot = self.step.store.load()
        return self._planned(self.look(snapshot, self.tracker.items()))

    def look(self, snapshot: Snapshot, items: Sequence[Item]) -> TrackerLook:
        """The issues, with what a snapshot that was read before them says of their tasks."""
        tasks: dict[int, Task] = {}
        barred: dict[int, str] = {}
        broken: dict[int, str] = {}
        for number in (item.number for item in items):
            try:
                found = _task_of(snapshot, number)
            except StateDocumentError as error:
                broken[number] = str(error)
                continue
            if isinstance(found, Task):
                tasks[number] = found
            elif found:
                barred[number] = found
        return TrackerLook(tuple(items), tasks, barred, broken)

    def settle(self, actions: Sequence[Action]) -> tuple[IssueResult, ...]:
        """Do what follows, one issue after the other; what fails for one stops no other (P3).

        What the tracker was told is acknowledged in one commit, so that a word that is said again is a new one.
        """
        done: list[IssueResult] = []
        performed: dict[TaskId, tuple[Performed, ...]] = {}
        for action in actions:
            task = plans.task_of(action.number)
            try:
                one, performed[task] = self._done(action)
            except OrchError as error:
                one = IssueResult(action.number, task, "problem", str(error), problem=True)
            done.append(one)
        return (*done, *self._acknowledged(performed))

    def _settled(self, plan: TrackerPlan) -> Synced:
        return Synced(self.settle(plan.actions), plan.stopped)

    def _planned(self, look: TrackerLook) -> TrackerPlan:
        return plans.plan(look, self.step.configured.pipeline_of)

    def _done(self, action: Action) -> tuple[IssueResult, tuple[Performed, ...]]:
        number = action.number
        match action:
            case Create(title=title):
                return self._created(number, title)
            case Approve(task=task):
                by = self._by(number, TrackerState.APPROVED)
                return self._stepped(number, replace(self.step, by=by, approve=True, seen=task), TrackerState.APPROVED)
            case Reject(task=task):
                by = self._by(number, TrackerState.REJECTED)
                comment = self.tracker.last_words(number, by)
                reason = one_line(f"rejected on issue #{number}{f': {comment}' if comment else ''}")
                return self._stepped(number, replace(self.step, by=by, reject=reason, seen=task), TrackerState.REJECTED)
            case Finish(task=task):
                left = [effect for effect in task.effects if isinstance(effect, IssueEffect)]
                performed = self._perform(left)
                if failed := [one.reason for one in performed if not one.settled]:
                    reason = f"could not update the issue to the recorded state: {failed[0]}"
                    return IssueResult(number, task.id, "problem", reason, problem=True), performed
                return IssueResult(number, task.id, "told", "its issue now shows the recorded state"), performed
            case Refuse(words=words, reason=reason):
                self.tracker.say(number, reason)
                for word in words:
                    self.tracker.clear(number, word)
                return IssueResult(number, plans.task_of(number), "refused", reason), ()
            case Say(reason=reason):
                self.tracker.say(number, reason)
                return IssueResult(number, plans.task_of(number), "waits", reason), ()
            case Broken(reason=reason):
                return IssueResult(number, plans.task_of(number), "problem", reason, problem=True), ()
            case _:
                assert_never(action)

    def _created(self, number: int, title: str) -> tuple[IssueResult, tuple[Performed, ...]]:
        step, name = self.step, plans.task_of(number)
        cleaned = escape.clip(escape.visible(" ".join(title.split())), _LONGEST_TITLE) or name
        by = self._by(number, TrackerState.IN_PROGRESS)
        made = new_task(name, cleaned, branch="", by=by, pipeline=step.configured.pipeline, now=step.now)
        wanted = made.model_copy(update={"issue": number})
        try:
            created = create(step.store, wanted, step.configured, step.now)
        except UsageError as error:
            # Somebody else made another one of this name, since the state was read.
            return IssueResult(number, name, "problem", str(error), problem=True), ()
        if not created.commit:
            return IssueResult(number, name, "waits", "somebody else made the task meanwhile"), ()
        done = IssueResult(number, name, "created", f"in {created.task.stage}: {created.task.title}")
        return self._unless_left(done, self._perform(created.task.effects))

    def _stepped(self, number: int, step: TaskStep, word: TrackerState) -> tuple[IssueResult, tuple[Performed, ...]]:
        """Act on a word. Where nothing follows from it, it is not kept for later, when it could mean something else."""
        assert step.seen is not None
        applied = step.take(step.seen.id)
        decision, name = applied.decision, step.seen.id
        if applied.commit:
            done = IssueResult(number, name, word.value, f"by {step.by}: {decision.reason}")
            return self._unless_left(done, applied.performed)
        if decision.refused:
            self.tracker.say(number, decision.reason)
        elif decision.outcome is Outcome.FAIL:
            self.tracker.say(number, decision.reason)
            self.tracker.clear(number, word)
            return IssueResult(number, name, "refused", decision.reason), applied.performed
        return IssueResult(number, name, "waits", decision.reason), applied.performed

    def _unless_left(
        self, done: IssueResult, performed: tuple[Performed, ...]
    ) -> tuple[IssueResult, tuple[Performed, ...]]:
        """What was recorded stands; that the tracker could not be told is a problem all the same."""
        left = [one.reason for one in performed if not one.settled]
        if not left:
            return done, performed
        return replace(done, reason=f"{done.reason}; the issue is not updated yet: {left[0]}", problem=True), performed

    def _perform(self, effects: Sequence[object]) -> tuple[Performed, ...]:
        return self.step.outbox.perform([effect for effect in effects if isinstance(effect, IssueEffect)])

    def _by(self, number: int, word: TrackerState) -> str:
        return one_line(self.tracker.who(number, word)) or f"issue {number}"

    def _acknowledged(self, performed: dict[TaskId, tuple[Performed, ...]]) -> tuple[IssueResult, ...]:
        keys = {task: frozenset(one.effect.key for one in found if one.settled) for task, found in performed.items()}
        try:
            acknowledge(self.step.store, {task: done for task, done in keys.items() if done})
        except OrchError as error:
            return (IssueResult(0, "", "problem", f"could not record the updates of issues: {error}", problem=True),)
        return ()


def _task_of(snapshot: Snapshot, issue: int) -> Task | str:
    """The task of an issue, or why none can be made; empty where it can."""
    name = plans.task_of(issue)
    page = book.find(snapshot, name)
    if page is not None:
        return page.task if page.task.issue == issue else f"another task is called {name}: {page.task.title}"
    folder = book.archived(snapshot, name)
    if folder is None:
        return ""
    return f"task {name} was finished and is archived, so it is not made again; open a new issue"
