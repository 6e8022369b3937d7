"""`orch-gates env`: what each environment runs, and a person's word for it (DEP-1, WCH-3)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

import click

from orch_gates.cli.boundary import exit_codes, open_for_reading, say, terminal_width, warn_quarantined
from orch_gates.cli.completion import ENVIRONMENT
from orch_gates.cli.deploy import deploy_context
from orch_gates.cli.deploy import env_view as view
from orch_gates.cli.options import ForgeOptions, by_option, forge_options, text_option
from orch_gates.deploy import environments
from orch_gates.deploy.environments import EnvironmentPage
from orch_gates.deploy.settle import Settlement, Settler
from orch_gates.documents.escape import visible
from orch_gates.workspace import open_workspace

_REPO = click.option(
    "--repo", default=".", type=click.Path(path_type=Path), help="A clone, or the bare repository itself."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def env() -> None:
    """Show what each environment runs; record it after a lost deploy.

    \b
    Examples:
      orch-gates env list
      orch-gates env show production
      orch-gates env settle production --runs 5c7d20b1e9 --reason "its /version says so"
    """


@env.command("list", short_help="List the environments, and what each runs.")
@_REPO
@_JSON
def list_(repo: Path, as_json: bool) -> None:
    """List the environments: what each runs, since when, whether that was verified, and whether a deploy is under way.

    \b
    Examples:
      orch-gates env list
      orch-gates env list --json | jq -r '.environments[] | "\\(.name) \\(.current.revision)"'
    """
    with exit_codes():
        found = environments.read(open_for_reading(repo).store.load())
        warn_quarantined(found.quarantined)
        every = [page.environment for page in found.pages]
        say(view.list_json(every) if as_json else view.list_text(every, terminal_width()))


@env.command(short_help="Print what an environment runs and ran before.")
@click.argument("name", metavar="[NAME]", default="production", type=ENVIRONMENT)
@_REPO
@_JSON
def show(name: str, repo: Path, as_json: bool) -> None:
    """Print what an environment runs, what it ran before, and the last deploy that was verified.

    \b
    Examples:
      orch-gates env show
      orch-gates env show staging --json | jq -r .current.digest
    """
    with exit_codes():
        found = open_for_reading(repo)
        snapshot = found.store.load()
        page = environments.page(snapshot, name)
        # Without a configuration that can be read, nobody knows what it declares.
        if not found.problem:
            environments.require(snapshot, name, found.config.environments)
        say(view.show_json(page) if as_json else view.show_text(page, terminal_width()))


@env.command(short_help="Record what an environment runs after a lost deploy.")
@click.argument("name", metavar="NAME", type=ENVIRONMENT)
@text_option("--runs", required=True, metavar="DEPLOY|REVISION", help="What it runs: a deploy, or a commit.")
@text_option("--reason", required=True, metavar="TEXT", help="How you know; kept in the log.")
@click.option("--digest", default="", metavar="DIGEST", help="The image, of a commit that nothing deployed before.")
@_REPO
@_JSON
@by_option
@forge_options
def settle(
    name: str,
    runs: str,
    reason: str,
    digest: str,
    repo: Path,
    as_json: bool,
    overrides: Mapping[str, str],
    options: ForgeOptions,
) -> None:
    """Record what environment NAME runs after a deploy was lost; look at the environment first.

    After it, deploys go on. Where it is the lost deploy that runs, its task counts as deployed, and `orch-gates task
    resume ID` lets it go on. A deploy that is under way is not settled.

    \b
    Examples:
      orch-gates env settle production --runs 5c7d20b1e94f3a68 --reason "its /version says so"
      orch-gates env settle production --runs 5c7d20b1e9 --reason "the old version still answers"
    """
    with exit_codes():
        found = open_workspace(repo, {**options.overrides, **overrides}, options.observe)
        recorder, look = deploy_context.recorder_of(found), deploy_context.look_of(found)
        declared = found.config.environments
        settler = Settler(found.store, recorder, look, found.by, lambda: secrets.token_hex(8), declared)
        word = Settlement(name, runs, reason, deploy_context.digest_named(digest))
        settled = settler.settle(word, found.now)
        if as_json:
            say(view.show_json(EnvironmentPage(settled.environment)))
            return
        current = settled.environment.current
        assert current is not None
        told = "runs" if settled.commit else "was already recorded as running"
        say(
            f"{visible(name)} {told} {current.revision[:10]} of {current.task or 'no task'} (deploy {current.deploy})\n"
        )
