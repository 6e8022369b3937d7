"""The options of commands that ask a forge: which one, and what that cost; a token's value is never one (OWN-1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from orch_gates.cli import timings
from orch_gates.variables.groups import ForgeSettings, StateSettings
from orch_gates.variables.setting import declared

if TYPE_CHECKING:
    from orch_gates.forge.http import Observe

_KIND, _URL, _TOKEN_ENV = (dict(declared(ForgeSettings))[name] for name in ("kind", "url", "token_env"))
# More pull requests than any forge counts.
_MOST_DIGITS = 18
_BY = dict(declared(StateSettings))["by"]
_OPTIONS = (
    click.option(
        "--forge",
        "forge_kind",
        type=click.Choice(_KIND.choices, case_sensitive=False),
        metavar="KIND",
        help=f"{', '.join(_KIND.choices)}; as {_KIND.variable}.",
    ),
    click.option(
        "--url", "forge_url", metavar="URL", help=f"Where the forge is, or a bare repository; as {_URL.variable}."
    ),
    click.option(
        "--token-env",
        "forge_token_env",
        metavar="NAME",
        help=f"The variable that holds its token; as {_TOKEN_ENV.variable}.",
    ),
    click.option("--timings", "forge_timings", is_flag=True, help="Print on stderr what was asked of the forge."),
)


class PullNumber(click.ParamType[int]):
    """The number of a pull request as a forge shows it, with or without its `#`."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number.

        Raises:
            BadParameter: it is none, with where a person finds it.
        """
        digits = str(value).removeprefix("#")
        if not (digits.isascii() and digits.isdecimal() and len(digits) <= _MOST_DIGITS and int(digits)):
            self.fail(
                f"{value!r} is not the number of a pull request; give the one in its title and address, as 12 or #12",
                param,
                ctx,
            )
        return int(digits)


@dataclass(frozen=True, slots=True)
class ForgeOptions:
    """What the command line sets about the forge, by variable, and who is shown each request."""

    overrides: Mapping[str, str]
    observe: Observe


def forge_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options about the forge; they arrive as its argument `options`, a `ForgeOptions`."""

    @wraps(command)
    def run(
        *args: Any,
        forge_kind: str | None,
        forge_url: str | None,
        forge_token_env: str | None,
        forge_timings: bool,
        **values: Any,
    ) -> Any:
        given = {_KIND.variable: forge_kind, _URL.variable: forge_url, _TOKEN_ENV.variable: forge_token_env}
        overrides = {variable: value for variable, value in given.items() if value is not None}
        with timings.shown(wanted=forge_timings) as observe:
            return command(*args, options=ForgeOptions(overrides, observe), **values)

    for option in reversed(_OPTIONS):
        run = option(run)
    return run


def by_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option `--by`; it arrives in its argument `overrides`, by variable (ENG-11)."""

    @wraps(command)
    def run(*args: Any, by: str | None, **values: Any) -> Any:
        if by is not None and not by.strip():
            raise click.UsageError("--by needs a name")
        return command(*args, overrides={} if by is None else {_BY.variable: by}, **values)

    option = click.option("--by", metavar="NAME", help=f"Who causes this, in place of {_BY.variable}.")
    return option(run)
