"""The one place where exceptions become exit codes: a traceback must never look like a verdict."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import click

from orch_gates.errors import EXIT_BUG, OrchError
from orch_gates.settings import debugging


@contextmanager
def exit_codes(*, bug: int = EXIT_BUG) -> Iterator[None]:
    """Run a command; `bug` is the exit code of an unexpected error (2 in a hook, DESIGN §4)."""
    try:
        yield
    except OrchError as error:
        fail(str(error), error.exit_code)
    except Exception as error:  # noqa: BLE001 - the one boundary: cause and exit code are said below
        if debugging():
            traceback.print_exc()
        fail(
            f"this is a bug in orch-gates: {type(error).__name__} (ORCH_DEBUG=1 shows where); nothing was decided",
            bug,
        )


def fail(message: str, code: int) -> None:
    """Say why on stderr and leave."""
    click.echo(f"orch-gates: {message}", err=True)
    raise SystemExit(code)


def say(text: str, *, to: TextIO | None = None) -> None:
    """Print text that already ends its lines, in whatever encoding the terminal has.

    A reader that has gone away (`| head`) must not change the verdict's exit code.
    """
    stream = to or sys.stdout
    try:
        stream.write(text.encode("utf-8", "replace").decode("utf-8"))
        stream.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
