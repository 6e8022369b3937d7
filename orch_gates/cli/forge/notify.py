"""`orch-gates notify`: the cards that people follow tasks by (NTF-1)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

import click

from orch_gates.cli.boundary import exit_codes, say
from orch_gates.cli.forge import cards
from orch_gates.cli.options import by_option
from orch_gates.documents.escape import visible
from orch_gates.engine.card import Card, card_of
from orch_gates.engine.why import QueueContext, explain
from orch_gates.errors import SettingsError
from orch_gates.model.ids import TaskId, timestamp
from orch_gates.model.task import Task, TaskState
from orch_gates.notify import channels
from orch_gates.notify.delivery import Delivery, DeliveryResult
from orch_gates.report import card as render
from orch_gates.report import machine
from orch_gates.workspace import Workspace, open_workspace


@click.group()
def notify() -> None:
    """Show people where tasks stand: in Telegram, on pull requests, and by a webhook.

    \b
    Examples:
      orch-gates notify test
      orch-gates notify run
    """


@notify.command(short_help="Show each card whose text changed, in each channel.")
@click.option("--repo", default=".", type=click.Path(path_type=Path), help="A clone, or the bare repository itself.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@by_option
def run(repo: Path, as_json: bool, overrides: Mapping[str, str]) -> None:
    """Show each card whose text changed, in each channel that is set; a sweep does the same.

    Run it as often as you like: what is shown already is not shown again, and two at once send one message.

    Exit codes: 0 done, or it passes by itself; 1 a channel refuses something, with what to do; 2 no channel is set, one
    cannot be used as it is set, which stops no other, or the state cannot be read.

    \b
    Examples:
      orch-gates notify run
      orch-gates notify run --json
    """
    with exit_codes():
        published = cards.publish(open_workspace(repo, overrides))
        rows = [
            {
                "channel": one.channel,
                "shown": one.shown,
                "waits": one.waits,
                "refused": [*one.refused, *([one.unusable] if one.unusable else [])],
                "left": one.left,
            }
            for one in published
        ]
        lines = [line for one in published for line in (*cards.lines(one), *one.refused)]
        text = "".join(f"{visible(line)}\n" for line in lines) or "nothing changed\n"
        say(machine.document("notify-run", {"channels": rows}) if as_json else text)
        if any(one.unusable for one in published):
            raise SystemExit(2)
        raise SystemExit(1 if any(one.refused for one in published) else 0)


@notify.command(short_help="Send a test card to Telegram and the webhook.")
@click.option("--repo", default=".", type=click.Path(path_type=Path), help="A clone, or the bare repository itself.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def test(repo: Path, as_json: bool) -> None:
    """Send a card of a task that does not exist to Telegram and the webhook, where they are set.

    In Telegram that is one silent message, which you may delete.

    Exit codes: 0 every channel took it; 2 one did not, with what to do, or none is set.

    \b
    Examples:
      orch-gates notify test
      orch-gates notify test --json
    """
    with exit_codes():
        results = _tried(open_workspace(repo))
        rows = [{"channel": name, "result": one.result, "reason": one.reason} for name, one in results.items()]
        lines = (f"{name}: {one.result}{f': {one.reason}' if one.reason else ''}\n" for name, one in results.items())
        say(machine.document("notify-test", {"channels": rows}) if as_json else "".join(lines))
        raise SystemExit(0 if all(one.result is DeliveryResult.SHOWN for one in results.values()) else 2)


def _tried(workspace: Workspace) -> dict[str, Delivery]:
    wanted, card = workspace.settings.notify, _sample(workspace)

    def telegram() -> Delivery | None:
        chat = channels.chat_of(wanted)
        return chat.show(card.why.task, render.telegram_html(card), 0, lambda: True) if chat else None

    def posted() -> Delivery | None:
        webhook, now = channels.webhook_of(wanted), int(workspace.now.timestamp())
        delivery = f"{card.why.task}-{secrets.token_hex(8)}"
        return webhook.send(render.webhook_json(card), delivery, now) if webhook else None

    results: dict[str, Delivery] = {}
    for name, way in (("telegram", telegram), ("webhook", posted)):
        try:
            found = way()
        except SettingsError as error:
            found = Delivery(DeliveryResult.REFUSED, str(error))
        if found is not None:
            results[name] = found
    if not results:
        raise SettingsError("no channel is set: give ORCH_TELEGRAM_CHAT or ORCH_WEBHOOK_URL")
    return results


def _sample(workspace: Workspace) -> Card:
    """The card of a new task in the first stage of this repository's pipeline."""
    at, pipeline = timestamp(workspace.now), workspace.pipeline
    task = Task(
        id=TaskId("TEST-1"),
        title="A test of this channel",
        stage=pipeline.names[0],
        state=TaskState.ACTIVE,
        branch="task/TEST-1",
        head="",
        reason="orch-gates notify test",
        cause=workspace.by,
        created=at,
        created_by=workspace.by,
        since=at,
        updated=at,
        available_at=None,
        developer_retries=0,
        defers=0,
        feedback=None,
    )
    return card_of(task, pipeline, explain(task, pipeline, QueueContext(0, 0, ""), workspace.now))
