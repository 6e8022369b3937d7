"""Whether an event concerns the merge queue: pure (MRG-13, REC-3).

A run of the queue looks at everything afresh, so an event only says whether one is worth it, and who asked for what.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import assert_never

from orch_gates.ci import event as events
from orch_gates.ci.event import Event, PullAction
from orch_gates.merge.queue.plan import LabelEvent, QueueEntry, ours

_QUIET = frozenset({PullAction.REVIEW_REQUESTED, PullAction.REVIEW_REQUEST_REMOVED})


@dataclass(frozen=True, slots=True)
class KnownQueue:
    """What the event is held against: the queue's target, its commit, the label, and all that was ever asked for."""

    target: str
    tip: str
    label: str
    contexts: Sequence[str]
    on_approval: bool
    entries: Sequence[QueueEntry]


@dataclass(frozen=True, slots=True)
class QueueConcern:
    """Whether the queue is to be run, and why, or why not; `label_events`: by pull request, the label that it set."""

    runs: bool
    reason: str
    label_events: dict[int, LabelEvent] = field(default_factory=dict)


def concern(event: Event, known: KnownQueue) -> QueueConcern:  # noqa: C901, PLR0911, PLR0912 - one for each kind of event
    """What an event means for the queue; `Unreadable` is the caller's to tell."""
    match event:
        case events.Scheduled() | events.Dispatched():
            return QueueConcern(runs=True, reason="the whole queue")
        case events.Pushed(branch=branch, after=after):
            return _pushed(branch, after, known)
        case events.PullChanged(number=number, action=action, head=head):
            return _pull_changed(number, action, head, known)
        case events.Labelled():
            return _labelled(event, known)
        case events.Reviewed(number=number):
            wanted = known.on_approval or _queued(number, known) is not None
            return QueueConcern(wanted, f"pull request {number} was reviewed{'' if wanted else ', and is not queued'}")
        case events.StatusChanged(commit=commit, context=context, state=state):
            if state == "pending" or not _counts(context, known):
                return QueueConcern(runs=False, reason=f"the status {context} is {state}, and nothing waits for that")
            return _commit(commit, f"the status {context} of {commit[:10]} is {state}", known)
        case events.ChecksChanged(commit=commit, conclusion=conclusion, pulls=pulls):
            if not conclusion:
                return QueueConcern(runs=False, reason=f"a check of {commit[:10]} is not done")
            return _commit(commit, f"a check of {commit[:10]} ended: {conclusion}", known, pulls)
        case events.WorkflowEnded(name=name, commit=commit, conclusion=conclusion, pulls=pulls):
            return _commit(commit, f"the workflow {name} ended on {commit[:10]}: {conclusion}", known, pulls)
        case events.Commented() | events.IssueChanged():
            return QueueConcern(runs=False, reason="comments and issues do not affect the queue")
        case events.Nothing(reason=reason) | events.Unreadable(reason=reason):
            return QueueConcern(runs=False, reason=reason)
        case _:
            assert_never(event)


def _pushed(branch: str, after: str, known: KnownQueue) -> QueueConcern:
    if branch == known.target:
        return QueueConcern(runs=True, reason=f"{branch} moved to {after[:10]}")
    entry = next((one for one in known.entries if one.queued and one.task.branch == branch), None)
    if entry is None:
        return QueueConcern(runs=False, reason=f"no queued pull request has the branch {branch}")
    if ours(after, entry):
        return QueueConcern(runs=False, reason=f"{after[:10]} on {branch} is the queue's own push")
    return QueueConcern(runs=True, reason=f"somebody pushed {after[:10]} to {branch}")


def _pull_changed(number: int, action: PullAction, head: str, known: KnownQueue) -> QueueConcern:
    entry = _queued(number, known)
    if action in _QUIET or (action is PullAction.SYNCHRONIZE and entry is None):
        return QueueConcern(runs=False, reason=f"{action} of pull request {number} does not affect the queue")
    if action is PullAction.SYNCHRONIZE and entry is not None and ours(head, entry):
        return QueueConcern(runs=False, reason=f"{head[:10]} on pull request {number} is the queue's own push")
    return QueueConcern(runs=True, reason=f"pull request {number}: {action}")


def _labelled(event: events.Labelled, known: KnownQueue) -> QueueConcern:
    # GitHub does not tell capitals apart; elsewhere a run looks for nothing.
    if event.label and event.label.casefold() != known.label.casefold():
        return QueueConcern(runs=False, reason=f"the label {event.label} is not {known.label}")
    entry = _queued(event.number, known)
    if entry is None and event.label and not event.added:
        return QueueConcern(runs=False, reason=f"pull request {event.number}, which lost the label, is not queued")
    label_events = {event.number: LabelEvent(event.actor, event.head)} if event.label and event.added else {}
    what = "was labelled" if event.added or not event.label else "lost the label"
    return QueueConcern(runs=True, reason=f"pull request {event.number} {what}", label_events=label_events)


def _commit(commit: str, what: str, known: KnownQueue, pulls: Sequence[int] = ()) -> QueueConcern:
    """A commit is resolved to what waits for it, or not at all (REC-3); `pulls` are named beside it."""
    if commit and commit == known.tip:
        return QueueConcern(runs=True, reason=f"{what}, the tip of {known.target}")
    found = [one.task.id for one in known.entries if one.queued and ours(commit, one)]
    pushed = next((number for number in pulls if _queued(number, known) is not None), None)
    if not found and pushed is not None:
        return QueueConcern(runs=True, reason=f"{what}, which was pushed to pull request {pushed} while it is queued")
    if not found:
        return QueueConcern(runs=False, reason=f"{what}, which belongs to no queued pull request")
    return QueueConcern(runs=True, reason=f"{what}, for {', '.join(found)}")


def _queued(number: int, known: KnownQueue) -> QueueEntry | None:
    found = (one for one in known.entries if one.task.enqueued is not None and one.task.enqueued.pull == number)
    return next((one for one in found if one.queued), None)


def _counts(context: str, known: KnownQueue) -> bool:
    return not known.contexts or any(context == one or fnmatchcase(context, one) for one in known.contexts)
