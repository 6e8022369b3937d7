"""`orch-gates tracker`: issues that become tasks, and what people say there by labels (TRK-1, REC-2)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orch_gates.cli.boundary import exit_codes, say
from orch_gates.cli.dispatching import start_due
from orch_gates.cli.options import ForgeOptions, by_option, forge_options

if TYPE_CHECKING:
    from orch_gates.tasks.tracked import Tracking
    from orch_gates.workspace import Workspace


@click.group()
def tracker() -> None:
    """Make tasks of issues, and do what people say there by labels.

    \b
    `tracker: {kind: forge}` in .orch-gates.yaml turns it on.

    \b
    Examples:
      orch-gates tracker sync
    """


@tracker.command()
@click.option("--dry-run", is_flag=True, help="Say what would be done; do nothing.")
@click.option("--repo", default=".", type=click.Path(path_type=Path), help="A clone, or the bare repository itself.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@by_option
@forge_options
def sync(dry_run: bool, repo: Path, as_json: bool, overrides: Mapping[str, str], options: ForgeOptions) -> None:
    """Read every open issue with one of the labels, and do what people say there; run it as often as you like.

    \b
    In progress makes the task ISSUE-<number>, approved and rejected are the word of whoever set the label, blocked and
    needs input stop everything automatic. What was acted on is taken off.

    Exit codes: 0 nothing is left to do; 2 something could not be told or done, with what; the next run tries it again.

    \b
    Examples:
      orch-gates tracker sync
      orch-gates tracker sync --dry-run
      orch-gates tracker sync --json
    """
    with exit_codes():
        from orch_gates.cli import tracker_view as view
        from orch_gates.workspace import open_workspace

        workspace = open_workspace(repo, {**options.overrides, **overrides}, options.observe)
        tracking = tracking_of(workspace)
        if dry_run:
            planned = tracking.plan()
            say(view.planned_json(planned) if as_json else view.planned_text(planned))
            return
        synced = tracking.sync()
        say(view.synced_json(synced) if as_json else view.synced_text(synced))
        raise SystemExit(start_due(workspace) or view.exit_code(synced))


def tracking_of(workspace: Workspace) -> Tracking:
    """How issues are looked at from here.

    Raises:
        SettingsError: no tracker is turned on, or its labels contradict each other, or no forge may be written to.
    """
    from orch_gates.cli.advance import step_of
    from orch_gates.errors import SettingsError
    from orch_gates.tasks.tracked import Tracking

    workspace.need_writable_forge()
    if workspace.tracker is None:
        raise SettingsError(
            "no tracker is turned on here: put the line `tracker: {kind: forge}` into .orch-gates.yaml on the default "
            "branch, and fetch it"
        )
    return Tracking(workspace.tracker, step_of(workspace))
