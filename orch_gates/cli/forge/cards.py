"""The cards of all tasks, as this command sees them, and how they are shown (NTF-1)."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TypeVar

from orch_gates import clock, machine
from orch_gates.cli.boundary import say
from orch_gates.config import file as config_file
from orch_gates.documents.escape import visible
from orch_gates.engine import work
from orch_gates.engine.card import Link, card_of
from orch_gates.engine.stages import pipeline_of
from orch_gates.errors import OrchError, SettingsError
from orch_gates.forge.port.server import ForgeKind
from orch_gates.jobs import overview
from orch_gates.merge import queue_places
from orch_gates.model.card import Channel
from orch_gates.model.task import Task
from orch_gates.notify import channels
from orch_gates.notify.claims import Claims
from orch_gates.notify.comment import PullComments
from orch_gates.notify.publish import Published, Publisher, WantedCard
from orch_gates.state.snapshot import Snapshot
from orch_gates.sweep.parts import TickView, Unit
from orch_gates.sweep.unit_result import UnitResult, isolated
from orch_gates.variables.services import NotifySettings
from orch_gates.workspace import Workspace

_T = TypeVar("_T")
_KEY, _UNIT = "card ", "the cards"
# Of a tick; what is left is shown by the next one.
_MOST_SECONDS = 30
# Of a step that somebody waits for, and of each of its requests; what is left is shown by a sweep.
_MOST_SECONDS_OF_STEP = 10
_MOST_SECONDS_OF_REQUEST = 5


def cards(workspace: Workspace, _seen: TickView) -> Iterator[Unit]:
    """Show the cards that changed, as the last thing that a tick does; a channel that is down is no problem of it."""
    if _is_on(workspace):
        yield Unit(_UNIT, partial(_cards, workspace))


def show_after_step(workspace: Workspace) -> None:
    """Show the cards that changed by what a command has done and recorded; it raises nothing, and changes no exit code.

    What is not shown is told on standard error, and left to a sweep; that a channel cannot be used here is not told, as
    people take steps in clones that have no token.
    """
    if not _is_on(workspace):
        return
    done = isolated(_UNIT, partial(_of_step, workspace))
    for line in (*done.lines, *done.problems):
        say(f"orch-gates: warning: could not show a card now: {visible(line)}\n", to=sys.stderr)


def _of_step(workspace: Workspace) -> UnitResult:
    until = clock.monotonic() + _MOST_SECONDS_OF_STEP
    wanted = workspace.settings.notify
    quick = replace(wanted, timeout=min(wanted.timeout, _MOST_SECONDS_OF_REQUEST))
    published = publish(workspace, lambda: clock.monotonic() >= until, quick)
    return UnitResult(lines=tuple(line for one in published for line in (*one.waits, *one.refused)))


def _is_on(workspace: Workspace) -> bool:
    wanted = workspace.settings.notify
    return bool(wanted.telegram_chat or wanted.webhook_url or wanted.comment)


def _cards(workspace: Workspace) -> UnitResult:
    until = clock.monotonic() + _MOST_SECONDS
    published = publish(workspace, lambda: clock.monotonic() >= until)
    attempted = [one for one in published if one.attempted]
    return UnitResult(
        lines=tuple(line for one in published for line in lines(one, "warning: ")),
        alerts={f"{_KEY}{one.channel}": f"could not show a card: {one.refused[0]}" for one in attempted if one.refused},
        looked=tuple(f"{_KEY}{one.channel}" for one in attempted),
    )


def lines(one: Published, before: str = "") -> list[str]:
    """What came of a channel and is not refused, in a line for each thing; `before` is put before what is not shown."""
    lines = [f"{task}: shown in {one.channel}" for task in one.shown]
    lines += [f"{before}{why}" for why in one.waits]
    if one.unusable:
        # A clone of a person that has no token runs sweeps too.
        lines.append(f"{before}no card is shown in {one.channel}: {one.unusable}")
    return [*lines, f"{one.channel}: the next run handles {one.left} more tasks"] if one.left else lines


def publish(
    workspace: Workspace, late: Callable[[], bool] = lambda: False, settings: NotifySettings | None = None
) -> tuple[Published, ...]:
    """Show each card whose text changed, in each channel that is set; by other settings than the workspace's, if given.

    Raises:
        SettingsError: no channel is set.
        StateError: the state could not be read.
    """
    publisher, apart = publisher_of(workspace, late, settings)
    if publisher.chat is None and publisher.webhook is None and publisher.comments is None:
        if not apart:
            raise SettingsError("no channel is set: give ORCH_TELEGRAM_CHAT, ORCH_WEBHOOK_URL or ORCH_NOTIFY_COMMENT")
        return apart
    snapshot = publisher.store.load()
    return *publisher.publish(snapshot, wanted(workspace, snapshot)), *apart


def publisher_of(
    workspace: Workspace, late: Callable[[], bool] = lambda: False, settings: NotifySettings | None = None
) -> tuple[Publisher, tuple[Published, ...]]:
    """Where cards can be shown from here, and the channels that are set and cannot be used: one stops no other."""
    apart: list[Published] = []

    def opened(channel: Channel, way: Callable[[], _T | None]) -> _T | None:
        try:
            return way()
        except SettingsError as error:
            apart.append(Published(channel, unusable=str(error)))
        except OrchError as error:
            apart.append(Published(channel, waits=(f"{channel}: {error}",)))
        return None

    settings = settings or workspace.settings.notify
    now, forge = partial(_now, workspace), partial(_forge_date, workspace)
    publisher = Publisher(
        workspace.store,
        opened(Channel.TELEGRAM, partial(channels.chat_of, settings)),
        opened(Channel.WEBHOOK, partial(channels.webhook_of, settings)),
        opened(Channel.COMMENT, partial(_comments, workspace)),
        lambda: secrets.token_hex(8),
        Claims(workspace.store, now, clock.monotonic, forge, machine.identity().host),
        late,
        workspace.settings.tools.cache_dir,
    )
    return publisher, tuple(apart)


def _now(workspace: Workspace) -> datetime:
    """What the clock says by now: a tick may have begun long ago."""
    return max(workspace.now, clock.utc_now())


def _forge_date(workspace: Workspace) -> datetime | None:
    """The forge's clock, as for leases; None where none is known that tells it: what this machine sees counts then."""
    try:
        about = workspace.forge.server.about() if workspace.forge is not None else None
    except OrchError:
        return None
    return None if about is None or about.kind is ForgeKind.LOCAL else about.date


def wanted(workspace: Workspace, snapshot: Snapshot) -> list[WantedCard]:
    """What each card says, those that changed last first: they are what people look for."""
    everything, around = overview.read(snapshot), queue_places.read(workspace.store, snapshot, workspace.target)
    rules, found = config_file.rules(workspace.config, workspace.settings), []
    for task in sorted(everything.tasks.values(), key=lambda task: (task.updated, task.id), reverse=True):
        pipeline = pipeline_of(task, workspace.pipeline)
        standing = work.work_status(task, everything.jobs.get(task.id, ()), pipeline, rules)
        why = around.why(task, workspace.pipeline, workspace.now).at_work(standing)
        content = card_of(task, pipeline, why, _links(workspace, task))
        # A pull request in the merge queue has the comment of the queue.
        branch = "" if task.enqueued is not None else task.branch
        found.append(WantedCard(task.id, content, task.state.finished, branch))
    return found


def _comments(workspace: Workspace) -> PullComments | None:
    """The pull requests that cards are shown on; None where that is not turned on.

    Raises:
        SettingsError: no forge may be written to from here, with what to do about it.
        GitError, ForgeUnavailable: as `Workspace.forge`.
    """
    if not workspace.settings.notify.comment:
        return None
    workspace.need_writable_forge()
    kind = workspace.forge_place.kind if workspace.forge_place is not None else None
    return PullComments(workspace.need_forge(), kind, workspace.target)


def _links(workspace: Workspace, task: Task) -> list[Link]:
    """The pages of a task at a forge whose addresses are known without asking it."""
    place = workspace.forge_place
    if place is None or place.kind is None or place.kind is ForgeKind.LOCAL:
        return []
    base = f"{place.url.rstrip('/')}/{place.repository}"
    pulls = "pull" if place.kind is ForgeKind.GITHUB else "pulls"
    links = (
        [Link(f"pull request {task.enqueued.pull}", f"{base}/{pulls}/{task.enqueued.pull}")] if task.enqueued else []
    )
    return [*links, Link(f"issue {task.issue}", f"{base}/issues/{task.issue}")] if task.issue else links
