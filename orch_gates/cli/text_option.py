"""Options that ask a person for words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import click

_OPTION = re.compile(r"--[a-z][a-z-]*(=.*)?")
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


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
        raise click.BadParameter(f"{value} is not a text; give one: {option.opts[0]} TEXT")
    if value is not None and not value.strip():
        raise click.BadParameter(f"it is empty; give a text{'' if option.required else ', or leave the option out'}")
    return value or ""
