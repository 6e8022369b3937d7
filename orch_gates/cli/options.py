"""The options of every command: which forge is asked, and what that cost; a token's value is never one (OWN-1)."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from orch_gates import settings
from orch_gates.cli import timings
from orch_gates.variables.table import BY_VARIABLE

_WORDS = BY_VARIABLE["ORCH_FORGE"].choices
_KINDS = click.Choice(_WORDS, case_sensitive=False)
_VARIABLES = {"forge_kind": "ORCH_FORGE", "forge_url": "ORCH_FORGE_URL", "forge_token_env": "ORCH_FORGE_TOKEN_ENV"}
OPTIONS: tuple[click.Option, ...] = (
    click.Option(["--forge", "forge_kind"], type=_KINDS, metavar="KIND", help=f"{', '.join(_WORDS)}; as ORCH_FORGE."),
    click.Option(
        ["--url", "forge_url"], metavar="URL", help="Where the forge is, or a bare repository; as ORCH_FORGE_URL."
    ),
    click.Option(
        ["--token-env", "forge_token_env"],
        metavar="NAME",
        help="The variable that holds its token; as ORCH_FORGE_TOKEN_ENV.",
    ),
    click.Option(["--timings", "forge_timings"], is_flag=True, help="Say on stderr what was asked of the forge."),
)


def give(command: click.Command) -> click.Command:
    """The command itself, with these options on it, or on every command below it."""
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            give(inner)
    elif OPTIONS[0] not in command.params and command.callback is not None:
        command.params += OPTIONS
        command.callback = _with_what_is_said(command.callback)
    return command


def _with_what_is_said(callback: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(callback)
    def run(*args: Any, forge_timings: bool, **values: Any) -> Any:
        given = {variable: values.pop(name) for name, variable in _VARIABLES.items()}
        said = {variable: value for variable, value in given.items() if value is not None}
        with settings.said(said), timings.told(wanted=forge_timings):
            return callback(*args, **values)

    return run
