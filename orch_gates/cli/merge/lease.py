"""`orch-gates lease`: who may merge into a target, and what a person can do about it (MRG-4, MRG-15)."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from orch_gates.cli.boundary import exit_codes, open_for_reading, say, warn_quarantined
from orch_gates.cli.merge import lease_view
from orch_gates.cli.merge.merge_context import context_of
from orch_gates.cli.options import ForgeOptions, by_option, forge_options, span_of, text_option
from orch_gates.errors import UsageError
from orch_gates.merge import ledger
from orch_gates.merge.keeper import Keeper, KeeperAnswer
from orch_gates.model.ids import OID
from orch_gates.report import machine
from orch_gates.state import layout
from orch_gates.tasks import book
from orch_gates.workspace import Workspace, open_workspace

_TARGET = click.option("--target", default="", metavar="BRANCH", help="The target [the branch that tasks merge into].")
_REPO = click.option(
    "--repo", default=".", type=click.Path(path_type=Path), help="A clone, or the bare repository itself."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_DRY_RUN = click.option("--dry-run", is_flag=True, help="Say what would be done; do nothing.")
_REASON = text_option("--reason", metavar="TEXT", help="Why, for whoever reads it later.", required=True)
_LONGEST = timedelta(days=1)


@click.group()
def lease() -> None:
    """Show, reclaim or release the right to merge into a target branch.

    \b
    Examples:
      orch-gates lease show
      orch-gates lease release --reason "its runner is gone"
    """


@lease.command(short_help="Show every lease: its holder, and how far the attempt got.")
@_REPO
@_JSON
def show(repo: Path, as_json: bool) -> None:
    """Show every lease: its holder, how far the attempt got, until when, and who works on it.

    \b
    Examples:
      orch-gates lease show
      orch-gates lease show --json | jq '.leases[] | select(.holder != "")'
    """
    with exit_codes():
        snapshot = open_for_reading(repo).store.load()
        found = book.read(snapshot, layout.LEASES)
        warn_quarantined(found.quarantined)
        pages = [ledger.page(snapshot, one.target, one.holder) for one in found.leases]
        say(lease_view.as_json(pages) if as_json else lease_view.as_text(pages))
        if found.quarantined:
            raise SystemExit(2)


@lease.command(short_help="End the attempt that holds the lease.")
@_TARGET
@_REASON
@_DRY_RUN
@_REPO
@_JSON
@by_option
@forge_options
def release(
    target: str,
    reason: str,
    dry_run: bool,
    repo: Path,
    as_json: bool,
    overrides: Mapping[str, str],
    options: ForgeOptions,
) -> None:
    """End the attempt that holds the lease, by your word; where it may be merging, git is asked first.

    Whoever works on it stops at its next step. The task stays where it is, and nothing is charged.

    \b
    Examples:
      orch-gates lease release --reason "the release goes first"
    """

    def done(keeper: Keeper) -> KeeperAnswer:
        return keeper.release(reason)

    _keep(target, repo, done, dry_run=dry_run, as_json=as_json, overrides=overrides, options=options)


@lease.command(short_help="Take back a lease that expired or cannot be read.")
@_TARGET
@_DRY_RUN
@_REPO
@_JSON
@by_option
@forge_options
def reclaim(
    target: str, dry_run: bool, repo: Path, as_json: bool, overrides: Mapping[str, str], options: ForgeOptions
) -> None:
    """Take back a lease whose time is over, or whose document cannot be read; a live one is left alone.

    The forge's clock counts. Without a forge, what counts is for how long this machine has seen it unchanged.

    \b
    Examples:
      orch-gates lease reclaim
      orch-gates lease reclaim --target release --dry-run
    """
    _keep(
        target,
        repo,
        lambda keeper: keeper.reclaim(),
        dry_run=dry_run,
        as_json=as_json,
        overrides=overrides,
        options=options,
    )


@lease.command("break-glass", short_help="In an emergency, let one push to the target past the fence.")
@_TARGET
@click.option("--tip", default="", metavar="COMMIT", help="Where the target stands now, in full.")
@click.option("--for", "lasts", default="15m", metavar="TIME", help="How long it counts: 90s, 15m, 2h [15m].")
@text_option("--reason", metavar="TEXT", help="Why, for whoever reads it later.")
@click.option("--acknowledge", is_flag=True, help="Say that what was done with it has been looked at.")
@_DRY_RUN
@_REPO
@_JSON
@by_option
@forge_options
def break_glass(  # noqa: PLR0913, PLR0917 - click hands over each option
    target: str,
    tip: str,
    lasts: str,
    reason: str,
    acknowledge: bool,
    dry_run: bool,
    repo: Path,
    as_json: bool,
    overrides: Mapping[str, str],
    options: ForgeOptions,
) -> None:
    """In an emergency, let one push to the target past the fence, from the commit where it stands now.

    It ends with the next push to the target, or after --for, and takes the lease from its holder. It stays visible
    until somebody acknowledges it (--acknowledge). The commit that you push must not have the trailers of an orch-gates
    merge.

    \b
    Examples:
      orch-gates lease break-glass --tip "$(git rev-parse origin/main)" --for 15m --reason "production is down"
      orch-gates lease break-glass --acknowledge
    """
    with exit_codes():
        if not acknowledge and not (OID.fullmatch(tip) and reason):
            raise UsageError("give a --reason, and as --tip the full id of the newest commit on the target branch")
        span = span_of(lasts, _LONGEST)
    _keep(
        target,
        repo,
        lambda keeper: keeper.acknowledge() if acknowledge else keeper.break_glass(tip, reason, span),
        dry_run=dry_run,
        as_json=as_json,
        overrides=overrides,
        options=options,
    )


def _keep(
    target: str,
    repo: Path,
    done: Callable[[Keeper], KeeperAnswer],
    *,
    dry_run: bool,
    as_json: bool,
    overrides: Mapping[str, str],
    options: ForgeOptions,
) -> None:
    """Do something to a lease, and say what came of it."""
    with exit_codes():
        given = {"ORCH_TARGET": target} if target else {}
        # An emergency may be that the configuration cannot be used.
        overriding = {**options.overrides, **overrides, **given}
        workspace = open_workspace(repo, overriding, options.observe, reading=True)
        if workspace.problem:
            say(f"orch-gates: {workspace.problem}\n", to=sys.stderr)
        kept = (
            KeeperAnswer(f"nothing was done: {_standing(workspace)}", changed=False)
            if dry_run
            else done(_keeper(workspace))
        )
        value: dict[str, Any] = {"target": workspace.target, "changed": kept.changed, "reason": kept.line}
        say(machine.document("lease-change", value) if as_json else f"{kept.line}\n")


def _keeper(workspace: Workspace) -> Keeper:
    return Keeper(context_of(workspace), lambda: secrets.token_hex(8))


def _standing(workspace: Workspace) -> str:
    snapshot = workspace.store.load()
    found = ledger.page(snapshot, workspace.target, "")
    return lease_view.line(ledger.page(snapshot, workspace.target, found.lease.holder))
