"""Options that ask a person for words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def text_option(name: str, *, metavar: str, help: str, required: bool = False) -> Decorator:
    """An option with a text: empty where it is left out, wrong usage where it is given and empty.

    `--reject "$REASON"` with an unset variable must not become another command.
    """
    return click.option(name, metavar=metavar, help=help, required=required, callback=_not_blank)


def _not_blank(_context: click.Context, _option: click.Parameter, value: str | None) -> str:
    if value is not None and not value.strip():
        raise click.BadParameter("it is empty; give a text, or leave the option out")
    return value or ""
