"""`orch-gates queue`: pull requests that are merged in turn, asked for by a label or a person (MRG-13)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

import click

from orch_gates.cli.boundary import exit_codes, open_for_reading, progress, say, terminal_width, warn_quarantined
from orch_gates.cli.gate.publish import outputs, publish
from orch_gates.cli.merge.merge_context import context_of
from orch_gates.cli.options import ForgeOptions, PullNumber, by_option, forge_options, span_of, text_option
from orch_gates.cli.queue import comments as queue_comments
from orch_gates.cli.queue import turns, view
from orch_gates.documents.escape import visible
from orch_gates.errors import SettingsError
from orch_gates.forge.port.pulls import PullRequest
from orch_gates.merge import queue_places
from orch_gates.merge.queue import plan as plans
from orch_gates.merge.queue.plan import LabelEvent, in_order
from orch_gates.merge.queue.update import Queueing
from orch_gates.model.feedback import one_line
from orch_gates.model.ids import timestamp
from orch_gates.model.queue import Freeze
from orch_gates.model.task import Priority
from orch_gates.tasks import book
from orch_gates.workspace import Workspace, open_workspace

_REPO = click.option(
    "--repo", default=".", type=click.Path(path_type=Path), help="A clone, or the bare repository itself."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_DRY_RUN = click.option("--dry-run", is_flag=True, help="Say what would be done; do nothing.")
_LONGEST_FREEZE = timedelta(days=90)
_NOTHING: Mapping[int, LabelEvent] = MappingProxyType({})
_PRIORITIES = ("urgent", "high", "normal", "low")


@click.group(invoke_without_command=True)
@click.pass_context
def queue(context: click.Context) -> None:
    """Merge pull requests in turn, each tested together with all before it.

    `pipeline: merge-queue` in .orch-gates.yaml turns it on. The label `merge` on a pull request asks for its merge.

    \b
    Examples:
      orch-gates queue
      orch-gates queue add 12
      orch-gates queue run
    """
    if context.invoked_subcommand is None:
        context.invoke(list_)


@queue.command("list", short_help="Show the queue in its order.")
@_REPO
@_JSON
def list_(repo: Path = Path(), as_json: bool = False) -> None:
    """Show the queue in its order: who is next, how far it is, and why.

    \b
    Examples:
      orch-gates queue list
      orch-gates queue list --json | jq '.entries[].pull'
    """
    with exit_codes():
        workspace = open_for_reading(repo)
        snapshot = workspace.store.load()
        everything = book.read(snapshot)
        around = queue_places.of(snapshot, workspace.target, everything)
        warn_quarantined(around.quarantined)
        rows = [
            (task, around.why(task, workspace.pipeline, workspace.now))
            for task in in_order(everything.tasks, workspace.target, held=True)
        ]
        shown = view.QueueView(workspace.target, rows, around.frozen(workspace.now), on=workspace.config.queue != "")
        say(shown.as_json() if as_json else shown.as_text(terminal_width()))


@queue.command(short_help="Queue a pull request at its present commit.")
@click.argument("number", type=PullNumber())
@_REPO
@_JSON
@by_option
@forge_options
def add(number: int, repo: Path, as_json: bool, overrides: Mapping[str, str], options: ForgeOptions) -> None:
    """Queue pull request NUMBER at its present commit; doing it twice changes nothing.

    \b
    Examples:
      orch-gates queue add 12
      orch-gates queue add 12 --by ann
    """
    with exit_codes():
        queueing = _open(repo, overrides, options)
        pull = _pull(queueing, number)
        queueing.require_open(pull)
        done = queueing.ask_and_label(pull)
        line = f"pull request {number} is queued for {queueing.context.target} at {pull.head[:10]}: {done.reason}"
        _tell(queueing, line, as_json=as_json, pull=number, head=pull.head, reason=done.reason)


@queue.command()
@click.argument("number", type=PullNumber())
@text_option("--reason", metavar="TEXT", help="Why, for whoever reads it later.")
@_REPO
@_JSON
@by_option
@forge_options
def remove(
    number: int, reason: str, repo: Path, as_json: bool, overrides: Mapping[str, str], options: ForgeOptions
) -> None:
    """Take pull request NUMBER out of the queue, and its label off.

    \b
    Examples:
      orch-gates queue remove 12 --reason "not before the release"
    """
    with exit_codes():
        queueing = _open(repo, overrides, options)
        why = reason or f"taken out by {queueing.by}"
        (done,) = queueing.take_out(number, queueing.need(number).id, why, unlabel=True)
        line = f"pull request {number} is out of the queue: {done.reason}"
        _tell(queueing, line, as_json=as_json, pull=number, reason=done.reason)


@queue.command(short_help="Let a queued pull request come before or after others.")
@click.argument("number", type=PullNumber())
@click.argument("level", type=click.Choice(_PRIORITIES))
@_REPO
@_JSON
@by_option
@forge_options
def priority(
    number: int, level: str, repo: Path, as_json: bool, overrides: Mapping[str, str], options: ForgeOptions
) -> None:
    """Let pull request NUMBER, which is queued, come before or after others; nobody is overtaken who is being merged.

    \b
    Examples:
      orch-gates queue priority 12 urgent
    """
    with exit_codes():
        queueing = _open(repo, overrides, options)
        queueing.prioritise(queueing.need(number).id, Priority(level))
        line = f"pull request {number} has the priority {level}"
        _tell(queueing, line, as_json=as_json, pull=number, priority=level)


@queue.command(short_help="Merge nothing from the queue until it is thawed.")
@text_option("--reason", metavar="TEXT", help="Why, for whoever reads it later.", required=True)
@click.option("--for", "lasts", default="", metavar="TIME", help="When it ends by itself: 30m, 8h, 3d [never].")
@_REPO
@_JSON
@by_option
@forge_options
def freeze(
    reason: str, lasts: str, repo: Path, as_json: bool, overrides: Mapping[str, str], options: ForgeOptions
) -> None:
    """Merge nothing from the queue until it is thawed; a merge that the forge was asked for already is finished.

    \b
    Examples:
      orch-gates queue freeze --reason "release day" --for 8h
    """
    with exit_codes():
        span = span_of(lasts, _LONGEST_FREEZE) if lasts else None
        queueing = _open(repo, overrides, options)
        now = queueing.context.now()
        until = timestamp(now + span) if span is not None else None
        made = Freeze(reason=one_line(reason), by=one_line(queueing.by), at=timestamp(now), until=until)
        queueing.freeze(made, made.said)
        line = f"the queue of {queueing.context.target} is {made.said}"
        _tell(queueing, line, as_json=as_json, freeze=made.model_dump(mode="json"))


@queue.command()
@_REPO
@_JSON
@by_option
@forge_options
def thaw(repo: Path, as_json: bool, overrides: Mapping[str, str], options: ForgeOptions) -> None:
    """End the freeze that a person set on the queue.

    \b
    Examples:
      orch-gates queue thaw
    """
    with exit_codes():
        queueing = _open(repo, overrides, options)
        thawed = queueing.freeze(None, f"thawed by {queueing.by}")
        line = f"the queue of {queueing.context.target} {'goes on' if thawed else 'was not frozen'}"
        _tell(queueing, line, as_json=as_json, freeze=None, thawed=thawed)


@queue.command(short_help="Merge what is queued, in turn, as far as it goes now.")
@click.option(
    "--repair",
    default=None,
    type=PullNumber(),
    metavar="NUMBER",
    help="Give this pull request its turn although the target is red, as it makes it green.",
)
@_DRY_RUN
@_REPO
@_JSON
@by_option
@forge_options
def run(
    repair: int | None, dry_run: bool, repo: Path, as_json: bool, overrides: Mapping[str, str], options: ForgeOptions
) -> None:
    """Read every labelled pull request, record what was asked for, and merge in turn, as far as it goes now.

    A run never waits for CI: it pushes, records, and ends; the next one goes on. Run it again as often as you like.

    Exit codes: 0 nothing is left to do now; 2 a person is needed, or something could not be told; 75 somebody else
    works on the target now.

    \b
    Examples:
      orch-gates queue run
      orch-gates queue run --dry-run
      orch-gates queue run --repair 12
      orch-gates queue run --json
    """
    with exit_codes():
        queueing, workspace = _opened(repo, overrides, options)
        if repair:
            queueing.require_queued(repair)
        go(workspace, queueing, repair=repair or 0, dry_run=dry_run, as_json=as_json)


def go(
    workspace: Workspace,
    queueing: Queueing,
    label_events: Mapping[int, LabelEvent] = _NOTHING,
    *,
    repair: int = 0,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Run once, print what was done and leave with its exit code; `label_events` are those of the event, if any.

    `repair` is the one that is merged although the target is red.

    Raises:
        OrchError: nothing could be looked at.
    """
    turns.require_contexts(workspace)
    if dry_run:
        actions = plans.plan(queueing.look(label_events))
        tasks = book.read(workspace.store.load()).tasks
        order = plans.order_after(actions, tasks, queueing.context.target)
        frozen = turns.why_frozen(workspace, queueing).reason
        if as_json:
            say(view.planned_json(queueing.context.target, actions, order, frozen))
        else:
            say(view.planned(actions, order, frozen))
        return
    outputs(workspace.settings, workspace.git.directory)
    ran = turns.run(workspace, queueing, _show_progress(), label_events, repair)
    comments = queue_comments.comment(workspace, queueing, ran)
    publish(workspace.settings, view.verdict(ran, comments), None, None, as_json=as_json)
    say(view.ran_json(ran, comments) if as_json else view.ran_text(ran, comments))
    raise SystemExit(ran.exit_code)


def _show_progress() -> Callable[[str], None]:
    return (lambda line: progress(f"{line}\n")) if sys.stderr.isatty() else (lambda _: None)


def _open(repo: Path, overrides: Mapping[str, str], options: ForgeOptions) -> Queueing:
    return _opened(repo, overrides, options)[0]


def _opened(repo: Path, overrides: Mapping[str, str], options: ForgeOptions) -> tuple[Queueing, Workspace]:
    workspace = open_workspace(repo, {**options.overrides, **overrides}, options.observe)
    return queueing_of(workspace), workspace


def queueing_of(workspace: Workspace) -> Queueing:
    """The queue as this process works on it.

    Raises:
        SettingsError: it is not turned on, or no forge may be written to from here.
    """
    if not workspace.config.queue:
        raise SettingsError(
            "the merge queue is not turned on here: put the line `pipeline: merge-queue` into .orch-gates.yaml on the "
            "default branch, and fetch it"
        )
    workspace.need_writable_forge()
    return Queueing(context_of(workspace))


def _pull(queueing: Queueing, number: int) -> PullRequest:
    return queueing.context.need_forge().pulls.get(number)


def _tell(queueing: Queueing, line: str, *, as_json: bool, **facts: object) -> None:
    """Say what a command did, in a line or as JSON."""
    say(view.change_json(queueing.context.target, line, facts) if as_json else f"{visible(line)}\n")
