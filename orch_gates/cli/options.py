"""The options that several commands have: the forge (never a token's value, OWN-1), who causes it, texts and times."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from orch_gates.cli.boundary import say
from orch_gates.errors import UsageError
from orch_gates.variables.groups import ForgeSettings, StateSettings
from orch_gates.variables.setting import declared

if TYPE_CHECKING:
    from orch_gates.forge.http import ForgeCall, Observe

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
        "--url",
        "forge_url",
        metavar="URL",
        help=f"The URL of the forge, or the path of a bare repository; as {_URL.variable}.",
    ),
    click.option(
        "--token-env",
        "forge_token_env",
        metavar="NAME",
        help=f"The variable that holds the forge's token; as {_TOKEN_ENV.variable}.",
    ),
    click.option(
        "--timings", "forge_timings", is_flag=True, help="Print each request to the forge on stderr, with its time."
    ),
)
_OPTION = re.compile(r"--[a-z][a-z-]*(=.*)?")
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
_SPAN = re.compile(r"(?P<number>[1-9][0-9]{0,3})(?P<unit>[smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


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
        with _timings(wanted=forge_timings) as observe:
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

    option = click.option("--by", metavar="NAME", help=f"The name to record for this, in place of {_BY.variable}.")
    return option(run)


@contextmanager
def _timings(*, wanted: bool) -> Iterator[Observe]:
    """Collect requests, from any thread, and print them when the block is left, however that ends."""
    calls: list[ForgeCall] = []
    try:
        yield calls.append
    finally:
        if wanted:
            say(_summary(calls), to=sys.stderr)


def _summary(calls: Sequence[ForgeCall]) -> str:
    from orch_gates.documents.escape import visible

    plural = "" if len(calls) == 1 else "s"
    lines = [f"forge: {len(calls)} request{plural}, {sum(call.seconds for call in calls):.2f} s"]
    lines += [
        f"forge: {call.method} {visible(call.path)} {call.status or 'no answer'} {call.seconds * 1000:.0f} ms"
        for call in calls
    ]
    return "".join(f"{line}\n" for line in lines)


def text_option(
    name: str, *, metavar: str, help: str, required: bool = False, type: click.ParamType[str] | None = None
) -> Decorator:
    """An option with a text: empty where it is left out, wrong usage where it is given and empty.

    `--reject "$REASON"` with an unset variable must not become another command, nor a forgotten text swallow what
    follows it.
    """
    return click.option(name, metavar=metavar, help=help, required=required, type=type, callback=_not_blank)


def _not_blank(_context: click.Context, option: click.Parameter, value: str | None) -> str:
    if value is not None and (value == "--" or _OPTION.fullmatch(value)):
        raise click.BadParameter(f"{value} looks like an option, not a text; give one: {option.opts[0]} TEXT")
    if value is not None and not value.strip():
        raise click.BadParameter(f"it is empty; give a text{'' if option.required else ', or leave the option out'}")
    return value or ""


def span_of(text: str, most: timedelta) -> timedelta:
    """The span that a person typed.

    Raises:
        UsageError: it is none, or longer than `most`.
    """
    found = _SPAN.fullmatch(text)
    span = timedelta(**{_UNITS[found["unit"]]: int(found["number"])}) if found is not None else timedelta(0)
    if not timedelta(0) < span <= most:
        longest = "a day" if most == timedelta(days=1) else f"{most.days} days"
        raise UsageError(f"{text!r} is not a time like 90s, 15m or 2h, of at most {longest}")
    return span
