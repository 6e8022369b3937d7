"""What an event is about: a task, jobs, an issue; the rest is to look at that, as the sweep does at all: pure (REC-3).

An event is only a hint. What is lost, late or repeated changes nothing, as the tick looks at everything afresh.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from orch_gates.ci import event as events
from orch_gates.ci.event import Event, IssueAction, IssueChanged
from orch_gates.model.task import Task


@dataclass(frozen=True, slots=True)
class KnownTasks:
    """What the event is held against: the tasks that are not over, and where their branches stand on the server.

    `pulls` are the branches of this repository's open pull requests by number. `runs`: whether a job runs in a CI run.
    """

    tasks: Sequence[Task]
    heads: Mapping[str, str]
    pulls: Mapping[int, str]
    runs: bool = False


@dataclass(frozen=True, slots=True)
class TickConcern:
    """What a tick is to look at; `everything` is what a sweep looks at. Nothing of it: there is nothing to do."""

    reason: str
    tasks: frozenset[str] = frozenset()
    issue: bool = False
    jobs: bool = False
    everything: bool = False

    @property
    def runs(self) -> bool:
        """Whether there is anything to look at."""
        return self.everything or self.jobs or self.issue or bool(self.tasks)


def concern(event: Event, known: KnownTasks) -> TickConcern:  # noqa: C901, PLR0911 - one for each kind of event
    """What an event is about; `Unreadable` is the caller's to tell."""
    match event:
        case events.Scheduled() | events.Dispatched():
            return TickConcern("everything is looked at", everything=True)
        case events.Pushed(branch=branch):
            return _branch(branch, f"{branch} moved", known)
        case events.PullChanged(branch=branch, fork=fork, number=number, action=action):
            return _branch("" if fork else branch, f"pull request {number}: {action}", known)
        case events.Reviewed(number=number):
            return _branch(known.pulls.get(number, ""), f"pull request {number} was reviewed", known)
        case events.Labelled(number=number):
            return TickConcern(f"a label of pull request {number} is for the merge queue")
        case events.StatusChanged(commit=commit, context=context, state=state):
            return _commit(commit, f"the status {context} of {commit[:10]} is {state}", known)
        case events.ChecksChanged(commit=commit, conclusion=conclusion):
            return _commit(commit, f"a check of {commit[:10]} ended: {conclusion or 'not yet'}", known)
        case events.WorkflowEnded(name=name, commit=commit, conclusion=conclusion):
            found = _commit(commit, f"the workflow {name} ended on {commit[:10]}: {conclusion}", known)
            # It may be the one that a job runs in, of which the event does not tell.
            return TickConcern(found.reason, found.tasks, jobs=True) if known.runs else found
        case events.IssueChanged(number=number, action=action):
            return TickConcern(
                f"issue {number}: {action}, but no tracker is turned on for the forge (`tracker: {{kind: forge}}`)"
            )
        case events.Commented(number=number, pull=pull):
            what = f"a comment on {'pull request' if pull else 'issue'} {number}"
            return TickConcern(f"{what} requests nothing")
        case events.Nothing(reason=reason) | events.Unreadable(reason=reason):
            return TickConcern(reason)
        case _:
            assert_never(event)


def of_issue(event: IssueChanged, labels: Collection[str]) -> TickConcern:
    """Whether the issue of an event is to be looked at; by `labels` people say something to the tracker (REC-2)."""
    if event.action in {IssueAction.DELETED, IssueAction.TRANSFERRED}:
        return TickConcern(f"issue {event.number} was {event.action}")
    # GitHub does not tell capitals apart; elsewhere a look finds nothing.
    known = {label.casefold() for label in labels}
    labelled = event.action in {IssueAction.LABELED, IssueAction.UNLABELED}
    if labelled and event.label and event.label.casefold() not in known:
        return TickConcern(f"the tracker does not use the label {event.label}")
    return TickConcern(f"issue {event.number} was {event.action}", issue=True)


def _branch(branch: str, what: str, known: KnownTasks) -> TickConcern:
    found = frozenset(task.id for task in known.tasks if branch and task.branch == branch)
    return TickConcern(what if found else f"{what}, not a task's branch", found)


def _commit(commit: str, what: str, known: KnownTasks) -> TickConcern:
    """A commit is resolved to the one task whose branch stands there, or not at all (REC-3)."""
    found = [task.id for task in known.tasks if commit and known.heads.get(task.branch) == commit]
    if len(found) > 1:
        return TickConcern(f"{what}, which is at the branches of {', '.join(sorted(found))}: not resolved")
    return TickConcern(what if found else f"{what}, which is not the head of a task's branch", frozenset(found))
