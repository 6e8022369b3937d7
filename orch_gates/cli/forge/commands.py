"""`orch-gates forge`: the forge that gates ask, as it is seen from here."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click

from orch_gates.cli.boundary import exit_codes, say, terminal_width
from orch_gates.cli.forge import view
from orch_gates.cli.options import ForgeOptions, forge_options
from orch_gates.errors import SettingsError
from orch_gates.forge.check import look, problems
from orch_gates.forge.http import ForgeCall
from orch_gates.forge.port.server import ForgeKind
from orch_gates.workspace import open_workspace


@click.group()
def forge() -> None:
    """Show the user of the token at the forge, and its permissions.

    \b
    Example:
      orch-gates forge check
    """


@forge.command(short_help="Show the forge, the token's user, and what it may do.")
@click.option("--repo", default=".", type=click.Path(path_type=Path), help="A clone, or the bare repository itself.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@forge_options
def check(repo: Path, as_json: bool, options: ForgeOptions) -> None:
    """Say which forge this is, who the token belongs to, and what it may do in the repository.

    Exit 0: all is well. Exit 2: something is not; a line for each problem says what to do.

    \b
    Examples:
      orch-gates forge check
      orch-gates forge check --url https://git.example.org --token-env GITEA_TOKEN --json
    """
    with exit_codes():
        found = open_workspace(repo, options.overrides)
        place = found.forge_place
        if place is None:
            raise SettingsError(found.why_no_forge)
        if place.kind is not ForgeKind.LOCAL and not found.settings.forge.token:
            variable = found.settings.forge.token_env
            raise SettingsError(f"no token is given; put one into {variable}, or name its variable with --token-env")
        calls: list[ForgeCall] = []

        def observe(call: ForgeCall) -> None:
            calls.append(call)
            options.observe(call)

        connected = replace(found, observe=observe).need_forge()
        checked = view.Checked(place.url, connected.repository, look(connected), len(calls))
        wrong = problems(checked.seen)
        if as_json:
            say(view.as_json(checked, wrong))
        else:
            say(view.as_text(checked, terminal_width()))
        for problem in () if as_json else wrong:
            say(f"orch-gates: {problem}\n", to=sys.stderr)
        raise SystemExit(2 if wrong else 0)
