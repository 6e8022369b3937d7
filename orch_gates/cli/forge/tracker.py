"""`orch-gates tracker`: issues that become tasks, and what people say there by labels or states (TRK-1, REC-2)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from orch_gates.cli.boundary import exit_codes, say
from orch_gates.cli.forge import tracker_view as view
from orch_gates.cli.job.dispatch_now import start_due
from orch_gates.cli.options import ForgeOptions, by_option, forge_options
from orch_gates.cli.task.advance import step_of
from orch_gates.errors import SettingsError
from orch_gates.tasks.tracked import Tracking
from orch_gates.trackers.plane import states as plane
from orch_gates.trackers.plane.tracker import connect
from orch_gates.workspace import Workspace, open_workspace


@click.group()
def tracker() -> None:
    """Create tasks from issues, and follow the labels on them; in Plane the states of work items.

    `tracker: {kind: forge}` or `{kind: plane, …}` in .orch-gates.yaml turns it on.

    \b
    Examples:
      orch-gates tracker sync
      orch-gates tracker states
    """


@tracker.command(short_help="Read the labelled issues, and do what people say there.")
@click.option("--dry-run", is_flag=True, help="Say what would be done; do nothing.")
@click.option("--repo", default=".", type=click.Path(path_type=Path), help="A clone, or the bare repository itself.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@by_option
@forge_options
def sync(dry_run: bool, repo: Path, as_json: bool, overrides: Mapping[str, str], options: ForgeOptions) -> None:
    """Read every open issue with one of the labels, and do what people say there; run it as often as you like.

    In progress creates the task ISSUE-<number>; approved and rejected count as the decision of the person who set the
    label; blocked and needs input stop everything automatic. A label is removed once it took effect. In Plane, states
    take the place of labels.

    Exit codes: 0 nothing is left to do; 2 something could not be told or done, with what; the next run tries it again.

    \b
    Examples:
      orch-gates tracker sync
      orch-gates tracker sync --dry-run
      orch-gates tracker sync --json
    """
    with exit_codes():
        workspace = open_workspace(repo, {**options.overrides, **overrides}, options.observe)
        tracking = tracking_of(workspace)
        if dry_run:
            planned = tracking.plan()
            say(view.planned_json(planned) if as_json else view.planned_text(planned))
            return
        synced = tracking.sync()
        say(view.synced_json(synced) if as_json else view.synced_text(synced))
        raise SystemExit(start_due(workspace) or view.exit_code(synced))


@tracker.command(short_help="Check that the Plane project has a state for each word.")
@click.option("--create", is_flag=True, help="Make the states that are missing.")
@click.option("--repo", default=".", type=click.Path(path_type=Path), help="A clone, or the bare repository itself.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def states(create: bool, repo: Path, as_json: bool) -> None:
    """Check that the Plane project has a state for each word, and the token may see it.

    A new project has In Progress only. Nothing is done in the tracker while one is missing.

    Exit codes: 0 all are there; 1 some are missing; 2 that could not be told, or the tracker is not Plane.

    \b
    Examples:
      orch-gates tracker states
      orch-gates tracker states --create
    """
    with exit_codes():
        settings = open_workspace(repo).settings.tracker
        if settings.kind != "plane":
            raise SettingsError(f"the tracker is {settings.kind} (tracker.kind); only Plane has states")
        found = connect(settings)
        seen = (plane.complete if create else plane.read)(found.api, found.names)
        say(view.states_json(seen) if as_json else view.states_text(seen))
        raise SystemExit(1 if seen.missing else 0)


def tracking_of(workspace: Workspace) -> Tracking:
    """How issues are looked at from here.

    Raises:
        SettingsError: no tracker is turned on, or its labels contradict each other, or no forge may be written to.
    """
    workspace.need_writable_forge()
    if workspace.tracker is None:
        raise SettingsError(
            "no tracker is turned on here: put the line `tracker: {kind: forge}` into .orch-gates.yaml on the default "
            "branch, and fetch it"
        )
    return Tracking(workspace.tracker, step_of(workspace))
