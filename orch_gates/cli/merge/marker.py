"""`orch-gates marker`: what has to stay in the target, and whether it is there (MRG-10)."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from orch_gates.cli.boundary import exit_codes, open_for_reading, say
from orch_gates.cli.options import by_option, text_option
from orch_gates.documents.escape import visible
from orch_gates.errors import UsageError
from orch_gates.merge import ledger, marker_store
from orch_gates.model.markers import Marker
from orch_gates.report import machine
from orch_gates.workspace import open_workspace

_TARGET = click.option("--target", default="", metavar="BRANCH", help="The target [the branch that tasks merge into].")
_REPO = click.option(
    "--repo", default=".", type=click.Path(path_type=Path), help="A clone, or the bare repository itself."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_DRY_RUN = click.option("--dry-run", is_flag=True, help="Say what would be done; do nothing.")


@click.group()
def marker() -> None:
    """Register text that must stay in the target branch, and check for it.

    \b
    Examples:
      orch-gates marker list
      orch-gates marker check
    """


@marker.command(short_help="Require that a file or folder holds a text.")
@click.argument("path")
@click.argument("pattern")
@text_option("--reason", metavar="TEXT", help="What would be lost without it.", required=True)
@_TARGET
@_DRY_RUN
@_REPO
@by_option
def add(
    path: str, pattern: str, reason: str, target: str, dry_run: bool, repo: Path, overrides: Mapping[str, str]
) -> None:
    """From now on, PATH (a file, or any file below a folder) has to hold the text PATTERN, word for word.

    After every merge it is looked for; where it is gone, the merged task is held.

    \b
    Examples:
      orch-gates marker add src/login.py "def reset_password" --reason "people reset their password themselves"
    """
    with exit_codes():
        given = {"ORCH_TARGET": target} if target else {}
        workspace = open_workspace(repo, {**overrides, **given})
        made = marker_store.made(path, pattern, reason, workspace.by, workspace.now)
        if dry_run:
            say(f"would add {made.path}: {made.pattern}\n")
            return
        found = marker_store.there(
            workspace.git, workspace.code, workspace.target, made, workspace.settings.state.timeout
        )
        if found is False:
            raise UsageError(
                f"{workspace.target} does not have {made.pattern!r} in {made.path}, so nothing was added; "
                "merge that text first, or correct PATH or PATTERN"
            )
        if found is None:
            say(f"orch-gates: could not check whether {workspace.target} contains it\n", to=sys.stderr)
        added = marker_store.add(workspace.store, workspace.configured, workspace.target, made)
        say(f"{made.path}: {made.pattern} {'is a marker' if added else 'is a marker already'}\n")


@marker.command(short_help="Remove a marker; the history keeps it.")
@click.argument("path")
@click.argument("pattern")
@text_option("--reason", metavar="TEXT", help="Why it need not stay.", required=True)
@_TARGET
@_DRY_RUN
@_REPO
@by_option
def remove(
    path: str, pattern: str, reason: str, target: str, dry_run: bool, repo: Path, overrides: Mapping[str, str]
) -> None:
    """Take a marker away; it is kept in the history of the state branch, with the reason.

    \b
    Examples:
      orch-gates marker remove src/login.py "def reset_password" --reason "moved to src/password.py"
    """
    with exit_codes():
        given = {"ORCH_TARGET": target} if target else {}
        workspace = open_workspace(repo, {**overrides, **given})
        if dry_run:
            say(f"would take away {path}: {pattern}\n")
            return
        marker_store.remove(
            workspace.store, workspace.configured, workspace.target, path, pattern, f"{reason} (by {workspace.by})"
        )
        say(f"{path}: {pattern} is no longer a marker\n")


@marker.command("list")
@_TARGET
@_REPO
@_JSON
def list_(target: str, repo: Path, as_json: bool) -> None:
    """Show the markers of the target.

    \b
    Examples:
      orch-gates marker list --json
    """
    with exit_codes():
        workspace = open_for_reading(repo)
        named = target or workspace.target
        found = ledger.markers(workspace.store.load(), named)
        markers = found.markers if found is not None else ()
        if as_json:
            rows = [one.model_dump(mode="json") for one in markers]
            say(machine.document("marker-list", {"target": named, "markers": rows}))
        else:
            say(
                "".join(_line(one) for one in markers)
                or "no markers are registered; `orch-gates marker add` registers one\n"
            )


@marker.command()
@_TARGET
@_REPO
@_JSON
def check(target: str, repo: Path, as_json: bool) -> None:
    """Look for every marker in the target, as the server has it now.

    Exit codes: 0 all are there; 1 one is gone; 2 one could not be looked for, or there are none.

    \b
    Examples:
      orch-gates marker check
    """
    with exit_codes():
        workspace = open_for_reading(repo)
        named = target or workspace.target
        timeout = workspace.settings.state.timeout
        found = marker_store.look(workspace.store, workspace.git, workspace.code, named, timeout)
        if as_json:
            value = {
                "target": named,
                "markers": found.count,
                "missing": [one.model_dump(mode="json") for one in found.missing],
                "unknown": list(found.unknown),
                "reason": found.reason,
            }
            say(machine.document("marker-check", value))
        else:
            say(f"{named}: {found.reason}\n" + "".join(_line(one) for one in found.missing))
        raise SystemExit(1 if found.missing else 2 if found.unknown or not found.count else 0)


def _line(marker: Marker) -> str:
    return visible(f"{marker.path}: {marker.pattern} ({marker.reason}; {marker.by}, {marker.added})") + "\n"
