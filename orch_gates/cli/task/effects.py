"""`orch-gates effects`: what steps of tasks planned outside of the state branch and is not known to be done (P7)."""

from __future__ import annotations

from pathlib import Path

import click

from orch_gates.cli.boundary import exit_codes, open_for_reading, say, terminal_width, warn_quarantined
from orch_gates.cli.completion import TASK
from orch_gates.cli.options import ForgeOptions, forge_options, text_option
from orch_gates.cli.task import effects_view as view
from orch_gates.tasks import book, pending
from orch_gates.tasks.pending import Pending
from orch_gates.workspace import Workspace, open_workspace

_REPO = click.option(
    "--repo", default=".", type=click.Path(path_type=Path), help="A clone, or the bare repository itself."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_TASK = text_option("--task", metavar="ID", type=TASK, help="Only those of this task.")


@click.group()
def effects() -> None:
    """Show and perform the pending changes at the forge.

    An effect stays on its task until the next step of the task, or `effects run`, has seen that it is done.

    \b
    Examples:
      orch-gates effects list
      orch-gates effects run
    """


@effects.command("list")
@_TASK
@_REPO
@_JSON
def list_(task: str, repo: Path, as_json: bool) -> None:
    """List the effects that are planned; the forge is not asked.

    \b
    Examples:
      orch-gates effects list
      orch-gates effects list --task T-1 --json
    """
    with exit_codes():
        found = _pending(open_for_reading(repo), task)
        say(view.pending_json(found) if as_json else view.pending_text(found, terminal_width()))


@effects.command(short_help="Perform the planned effects, and take them off their tasks.")
@_TASK
@click.option("--drop-refused", is_flag=True, help="Take what the forge refuses off its task too; it is given up.")
@_REPO
@_JSON
@forge_options
def run(task: str, drop_refused: bool, repo: Path, as_json: bool, options: ForgeOptions) -> None:
    """Perform the effects that are planned, unless they are done, and take them off their tasks.

    Exit codes: 0 nothing is left; 1 the forge refused something, which stays planned; 2 the forge did
    not answer, or none is known that may be written to from here.

    \b
    Examples:
      orch-gates effects run
      orch-gates effects run --task T-1 --json
      orch-gates effects run --drop-refused
    """
    with exit_codes():
        workspace = open_workspace(repo, options.overrides, options.observe)
        found = _pending(workspace, task)
        if found:
            workspace.need_writable_forge()
        ran = pending.run(workspace.store, found, workspace.outbox, drop_refused=drop_refused)
        if as_json:
            say(view.ran_json(ran))
        else:
            say(view.ran_text(ran) or "nothing is planned\n")
        raise SystemExit(view.exit_code(ran))


def _pending(workspace: Workspace, task: str) -> tuple[Pending, ...]:
    snapshot = workspace.store.load()
    if task:
        return pending.pending((book.need(snapshot, task).task,))
    everything = book.read(snapshot)
    warn_quarantined(everything.quarantined)
    return pending.pending(everything.tasks)
