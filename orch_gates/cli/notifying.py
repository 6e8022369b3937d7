"""The cards of all tasks, as this command sees them, and how they are shown (NTF-1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from orch_gates.sweep.came import Came
from orch_gates.sweep.parts import Seen, Unit

if TYPE_CHECKING:
    from datetime import datetime

    from orch_gates.engine.card import Link
    from orch_gates.model.task import Task
    from orch_gates.notify.comment import PullComments
    from orch_gates.notify.publish import Published, Wanted
    from orch_gates.state.snapshot import Snapshot
    from orch_gates.workspace import Workspace

_KEY = "card "
# Of a tick; what is left is shown by the next one.
_MOST_SECONDS = 30


def cards(workspace: Workspace, _seen: Seen) -> Iterator[Unit]:
    """Show the cards that changed, as the last thing that a tick does; a channel that is down is no problem of it."""
    wanted = workspace.settings.notify
    if wanted.telegram_chat or wanted.webhook_url or wanted.comment:
        yield Unit("the cards", partial(_cards, workspace))


def _cards(workspace: Workspace) -> Came:
    from orch_gates import clock
    from orch_gates.errors import SettingsError

    try:
        until = clock.monotonic() + _MOST_SECONDS
        published = publish(workspace, lambda: clock.monotonic() >= until)
    except SettingsError as error:
        # A clone of a person that has no token runs sweeps too.
        return Came(lines=(f"warning: no card is shown: {error}",))
    asked = [one for one in published if one.asked]
    return Came(
        lines=tuple(line for one in published for line in lines(one, "warning: ")),
        alerts={f"{_KEY}{one.channel}": f"a card is not shown: {one.refused[0]}" for one in asked if one.refused},
        looked=tuple(f"{_KEY}{one.channel}" for one in asked),
    )


def lines(one: Published, before: str = "") -> list[str]:
    """What came of a channel and is not refused, in a line for each thing; `before` is put before what has to wait."""
    told = [f"{task}: shown in {one.channel}" for task in one.shown]
    told += [f"{before}{why}" for why in one.waits]
    return [*told, f"{one.channel}: {one.left} more tasks are looked at by the next run"] if one.left else told


def publish(workspace: Workspace, late: Callable[[], bool] = lambda: False) -> tuple[Published, ...]:
    """Show each card whose text changed, in each channel that is set.

    Raises:
        SettingsError: no channel is set, or one cannot be used, with what to set.
        StateError: the state could not be read.
    """
    import secrets

    from orch_gates.errors import SettingsError
    from orch_gates.notify import channels
    from orch_gates.notify.publish import Publisher

    chat, webhook = channels.chat_of(workspace.settings.notify), channels.webhook_of(workspace.settings.notify)
    comments = _comments(workspace) if workspace.settings.notify.comment else None
    if chat is None and webhook is None and comments is None:
        raise SettingsError("no channel is set: give ORCH_TELEGRAM_CHAT, ORCH_WEBHOOK_URL or ORCH_NOTIFY_COMMENT")
    store = workspace.store
    now = partial(_now, workspace)
    publisher = Publisher(store, chat, webhook, comments, lambda: secrets.token_hex(8), now, late)
    snapshot = store.load()
    return publisher.publish(snapshot, _wanted(workspace, snapshot))


def _now(workspace: Workspace) -> datetime:
    """What the clock says by now: a tick may have begun long ago."""
    from orch_gates import clock

    return max(workspace.now, clock.utc_now())


def _wanted(workspace: Workspace, snapshot: Snapshot) -> list[Wanted]:
    """What each card says, those that changed last first: they are what people look for."""
    from orch_gates.config import file as config_file
    from orch_gates.engine import work
    from orch_gates.engine.card import card_of
    from orch_gates.engine.stages import pipeline_of
    from orch_gates.jobs import overview
    from orch_gates.merge import places
    from orch_gates.notify.publish import Wanted

    everything, around = overview.read(snapshot), places.read(workspace.store, snapshot, workspace.target)
    rules, found = config_file.rules(workspace.config, workspace.settings), []
    for task in sorted(everything.tasks.values(), key=lambda task: (task.updated, task.id), reverse=True):
        pipeline = pipeline_of(task, workspace.pipeline)
        standing = work.standing(task, everything.jobs.get(task.id, ()), pipeline, rules)
        why = around.why(task, workspace.pipeline, workspace.now).at_work(standing)
        content = card_of(task, pipeline, why, _links(workspace, task))
        # A pull request in the merge queue has the comment of the queue.
        branch = "" if task.asked is not None else task.branch
        found.append(Wanted(task.id, content, task.state.finished, branch))
    return found


def _comments(workspace: Workspace) -> PullComments:
    """The pull requests that cards are shown on.

    Raises:
        SettingsError: no forge may be written to from here, with what to do about it.
        GitError, ForgeUnavailable: as `Workspace.forge`.
    """
    from orch_gates.notify.comment import PullComments

    workspace.need_writable_forge()
    kind = workspace.forge_place.kind if workspace.forge_place is not None else None
    return PullComments(workspace.need_forge(), kind, workspace.target)


def _links(workspace: Workspace, task: Task) -> list[Link]:
    """The pages of a task at a forge whose addresses are known without asking it."""
    from orch_gates.engine.card import Link
    from orch_gates.forge.port.server import Kind

    place = workspace.forge_place
    if place is None or place.kind is None or place.kind is Kind.LOCAL:
        return []
    base = f"{place.url.rstrip('/')}/{place.repository}"
    pulls = "pull" if place.kind is Kind.GITHUB else "pulls"
    links = [Link(f"pull request {task.asked.pull}", f"{base}/{pulls}/{task.asked.pull}")] if task.asked else []
    return [*links, Link(f"issue {task.issue}", f"{base}/issues/{task.issue}")] if task.issue else links
