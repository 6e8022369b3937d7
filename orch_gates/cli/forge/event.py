"""`orch-gates event`: what started this workflow, and what it means here (MRG-13, REC-3)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from orch_gates.ci import read
from orch_gates.ci.event import Event, IssueChanged, Reviewed, Unreadable
from orch_gates.cli.boundary import exit_codes, say
from orch_gates.cli.forge import event_tasks
from orch_gates.cli.forge import tracker_view as view
from orch_gates.cli.forge.cards import show_after_step
from orch_gates.cli.forge.tracker import tracking_of
from orch_gates.cli.job.dispatch_now import start_due
from orch_gates.cli.options import ForgeOptions, by_option, forge_options
from orch_gates.cli.queue import commands as queue
from orch_gates.documents.escape import visible
from orch_gates.errors import ForgeRefused, UsageError
from orch_gates.gates.evaluate import evaluate
from orch_gates.gates.gate import Ports, Subject
from orch_gates.merge.queue.events import KnownQueue, QueueConcern, concern
from orch_gates.merge.queue.update import Queueing, entries
from orch_gates.model.branch import pull_branch
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.report import machine
from orch_gates.sweep.concern import TickConcern, of_issue
from orch_gates.trackers.names import names_of
from orch_gates.workspace import Workspace, open_workspace


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what the event means; do nothing.")
@click.option("--repo", default=".", type=click.Path(path_type=Path), help="A clone, or the bare repository itself.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@by_option
@forge_options
def event(dry_run: bool, repo: Path, as_json: bool, overrides: Mapping[str, str], options: ForgeOptions) -> None:
    """Handle the event that started this workflow: for the merge queue, an issue, or tasks.

    It is read from GITHUB_EVENT_NAME and GITHUB_EVENT_PATH, as runners of Gitea, Forgejo and GitHub set them. What is
    read there is only a hint: everything is asked again. Events that are lost, late or repeated change nothing.

    An event of an issue is followed where a tracker is turned on (`tracker: {kind: forge}`). Every other event
    runs the merge queue, if that is turned on; else it checks the task whose branch or commit the event names, as a
    sweep does.

    Exit codes: as `orch-gates queue run`, `tracker sync` or `sweep`; 0 where the event means nothing here, 2 where it
    cannot be read.

    \b
    Examples:
      orch-gates event
      orch-gates event --dry-run --json
    """
    with exit_codes():
        workspace = open_workspace(repo, {**options.overrides, **overrides}, options.observe)
        found = read.read(workspace.settings)
        if isinstance(found, Unreadable):
            raise UsageError(f"the event cannot be read: {found.reason}; `orch-gates queue run` works without an event")
        if isinstance(found, IssueChanged) and workspace.settings.tracker.kind == "forge":
            _follow_issue(workspace, found, dry_run=dry_run, as_json=as_json)
            return
        if not workspace.config.queue:
            _follow_tasks(workspace, found, dry_run=dry_run, as_json=as_json)
            return
        answer = _concern(workspace, found)
        if dry_run or not answer.runs:
            say(_shown(found, answer, "the merge queue runs", as_json=as_json))
            return
        if not as_json:
            say(_shown(found, answer, "the merge queue runs", as_json=False))
        queueing = queue.queueing_of(workspace)
        if isinstance(found, Reviewed) and workspace.settings.queue.on_approval:
            _ask_by_review(workspace, queueing, found.number)
        try:
            queue.go(workspace, queueing, answer.label_events, dry_run=False, as_json=as_json)
        finally:
            show_after_step(workspace)


def _follow_tasks(workspace: Workspace, found: Event, *, dry_run: bool, as_json: bool) -> None:
    """Look at what the event is about as a sweep would; leaves with the exit code of that.

    Raises:
        OrchError: it could not be told, or looked at.
    """
    about = event_tasks.concern_of(workspace, found)
    if dry_run or not about.runs or not as_json:
        say(_shown(found, about, "looked at", as_json=as_json))
    if not dry_run and about.runs:
        code = event_tasks.tick(workspace, about, as_json=as_json)
        show_after_step(workspace)
        raise SystemExit(code)


def _follow_issue(workspace: Workspace, found: IssueChanged, *, dry_run: bool, as_json: bool) -> None:
    """Look at the issue of an event afresh, and do what people say there; leaves with the exit code of that.

    Raises:
        OrchError: it could not be looked at.
    """
    answer = of_issue(found, names_of(workspace.settings.tracker).values())
    if dry_run or not answer.runs or not as_json:
        say(_shown(found, answer, "the issue is checked", as_json=as_json))
    if dry_run or not answer.runs:
        return
    synced = tracking_of(workspace).one(found.number)
    say(view.synced_json(synced) if as_json else view.synced_text(synced))
    start_due(workspace)
    show_after_step(workspace)
    raise SystemExit(view.exit_code(synced))


def _ask_by_review(workspace: Workspace, queueing: Queueing, number: int) -> None:
    """Ask for the merge of a pull request that enough others approve at its present commit.

    Raises:
        ForgeRefused, ForgeUnclear, ForgeUnavailable: it could not be asked, or the label not be set.
    """
    forge = queueing.context.need_forge()
    try:
        pull = forge.pulls.get(number)
    except ForgeRefused:
        return
    if not queueing.can_be_asked(pull):
        return
    subject = Subject(pull.head, pull_branch(number) if pull.fork else pull.branch, pull.target)
    answer = evaluate("review-approved", subject, Ports(workspace.settings, lambda _: None, lambda: forge))
    if isinstance(answer, Verdict) and answer.outcome is Outcome.PASS:
        queueing.ask_and_label(pull)


def _concern(workspace: Workspace, found: Event) -> QueueConcern:
    settings = workspace.settings
    known = KnownQueue(
        target=workspace.target,
        tip=workspace.heads.of(workspace.target),
        label=settings.queue.label,
        contexts=settings.ci_green.contexts,
        on_approval=settings.queue.on_approval,
        entries=tuple(one for _, one in entries(workspace.store.load(), workspace.target)),
    )
    return concern(found, known)


def _shown(found: Event, answer: QueueConcern | TickConcern, what: str, *, as_json: bool) -> str:
    if as_json:
        value = {
            "event": type(found).__name__,
            "actor": found.actor,
            "runs": answer.runs,
            "reason": answer.reason,
        }
        return machine.document("event", value)
    return visible(f"{what if answer.runs else 'nothing to do'}: {answer.reason}") + "\n"
