"""What each pull request of a run of the merge queue is told, in its one comment (MRG-13)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from orch_gates.errors import OrchError, SettingsError
from orch_gates.forge.port.forge import Forge
from orch_gates.forge.port.server import ForgeKind
from orch_gates.merge import queue_places
from orch_gates.merge.queue import comment as queue_comment
from orch_gates.merge.queue.plan import QueueEntry, in_order
from orch_gates.merge.queue.update import Queueing
from orch_gates.merge.queue_places import Places
from orch_gates.model.ids import moment
from orch_gates.model.task import Task
from orch_gates.tasks import book
from orch_gates.workspace import Workspace

if TYPE_CHECKING:
    from orch_gates.cli.queue.turns import QueueTurns

# Whoever is further back is told when they come nearer.
_MOST_COMMENTS = 20
_LATELY = timedelta(hours=1)


def comment(workspace: Workspace, queueing: Queueing, ran: QueueTurns) -> tuple[str, ...]:
    """Comment on each pull request of this run where it stands; answers which comments could not be written (P3)."""
    snapshot = workspace.store.load()
    everything = book.read(snapshot)
    around = queue_places.of(snapshot, queueing.context.target, everything)
    tasks = {task.enqueued.pull: task for task in everything.tasks if task.enqueued is not None}
    refused = {one.pull: one.reason for one in ran.done if one.what == "refused"}
    seen = {one.pull for one in ran.done if not one.problem} | {turn.pull for turn in ran.turns}
    numbers = seen | _left(workspace, tasks)
    first = in_order(everything.tasks, queueing.context.target)[:_MOST_COMMENTS]
    queued = {task.enqueued.pull for task in first if task.enqueued is not None}
    numbers |= queued
    lines = {number: _line(around, tasks[number], workspace, ran) for number in numbers if number in tasks}
    return put(workspace, queueing, lines | refused, anew=seen | queued)


def _line(around: Places, task: Task, workspace: Workspace, ran: QueueTurns) -> str:
    """The line of `why`, with what this run found to be frozen."""
    found = around.why(task, workspace.pipeline, workspace.now)
    return (found.under(ran.frozen) if found.position else found).line


def _left(workspace: Workspace, tasks: Mapping[int, Task]) -> set[int]:
    """Who left the queue lately: the run that saw to that may have died before it could say so (P7)."""
    since = workspace.now - _LATELY
    left = [one for one in tasks.items() if not QueueEntry(one[1], None).queued and moment(one[1].updated) >= since]
    return {number for number, _ in sorted(left, key=lambda one: one[1].updated)[-_MOST_COMMENTS:]}


def put(
    workspace: Workspace, queueing: Queueing, lines: Mapping[int, str], anew: Collection[int] | None = None
) -> tuple[str, ...]:
    """Put its line into the comment of each of these pull requests; answers which comments could not be written (P3).

    `anew` are those that get one beside that of another login; without it, all of them.
    """
    if not lines or not workspace.settings.queue.comment:
        return ()
    forge, problems = queueing.context.need_forge(), []
    try:
        login = _login(workspace, forge)
    except OrchError as error:
        return (f"could not comment on the queued pull requests: {error}",)
    for number, line in sorted(lines.items()):
        try:
            text = queue_comment.text(line)
            queue_comment.put(forge, login, number, text, anew=anew is None or number in anew)
        except OrchError as error:
            problems.append(f"the comment on pull request {number} is outdated: {error}")
    return tuple(problems)


def _login(workspace: Workspace, forge: Forge) -> str:
    """Ours; empty for an app's token at GitHub.

    Raises:
        SettingsError: it is not known, so a comment would be repeated by every run.
        ForgeRefused, ForgeUnavailable: the forge does not say.
    """
    login, place = forge.server.access().login, workspace.forge_place
    if not login and (place is None or place.kind is not ForgeKind.GITHUB):
        raise SettingsError(
            "the token cannot read its own user; grant it that scope (Gitea: read:user) or set ORCH_QUEUE_COMMENT=false"
        )
    return login
