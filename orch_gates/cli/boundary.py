"""The one place where exceptions become exit codes: a traceback must never look like a verdict."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO

from orch_gates.documents import escape
from orch_gates.errors import EXIT_BUG, OrchError, ReportError

if TYPE_CHECKING:
    from orch_gates.tasks.book import Quarantined
    from orch_gates.workspace import Workspace

# Of the files that were set apart, as many are named.
_SHOWN = 5


@contextmanager
def exit_codes(*, bug: int = EXIT_BUG) -> Iterator[None]:
    """Run a command; `bug` is the exit code of an unexpected error (2 in a hook, DESIGN §4)."""
    try:
        yield
    except OrchError as error:
        fail(str(error), error.exit_code)
    except Exception as error:  # noqa: BLE001 - the one boundary: cause and exit code are said below
        from orch_gates.settings import debugging

        if debugging():
            import traceback

            traceback.print_exc()
        fail(
            f"this is a bug in orch-gates: {type(error).__name__} (ORCH_DEBUG=1 shows where); nothing was decided",
            bug,
        )


def open_streams() -> None:
    """Make the streams of the process usable as they are: closed, or in an encoding that lacks characters."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            # What is opened next would get the number, and what is meant for people would go there.
            _discard(number)
            # An input that is closed stays none: an empty one would mean that there is nothing to judge.
            if number:
                setattr(sys, name, open(number, "w", closefd=False))  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def fail(message: str, code: int) -> NoReturn:
    """Say why on stderr and leave."""
    say(f"orch-gates: {message}\n", to=sys.stderr)
    raise SystemExit(code)


def say(text: str, *, to: TextIO | None = None) -> None:
    """Print text that already ends its lines, in whatever encoding the terminal has.

    Whoever wrote a report or a file's name must not steer the reader's terminal: control,
    invisible and reordering characters are shown as their codes, here for every command (OWN-3).

    A reader that has gone away (`| head`) must not change the verdict's exit code, nor a complaint
    that nobody can be told.

    Raises:
        ReportError: what was asked for cannot be written whole.
    """
    _write(to or sys.stdout, escape.printable(text))


def unwritable(error: OSError) -> NoReturn:
    """Leave where the standard output cannot be written."""
    _discard(sys.stdout.fileno())
    fail(f"the output cannot be written: {error.strerror}", 2)


def progress(text: str) -> None:
    """Show on stderr how far something is, in place of what this showed before."""
    _write(sys.stderr, f"\r{escape.printable(text)}")


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        # Or it would be tried again at the end.
        _discard(stream.fileno())
        if stream is not sys.stderr and not isinstance(error, BrokenPipeError):
            raise ReportError(f"the output cannot be written: {error.strerror}") from error


def warn_quarantined(files: Sequence[Quarantined]) -> None:
    """Say which files were set apart, and how to see all of them (ST-6)."""
    for file in files[:_SHOWN]:
        say(f"orch-gates: set apart: {file.why}\n", to=sys.stderr)
    if (more := len(files) - _SHOWN) > 0:
        say(f"orch-gates: and {more} more; `orch-gates state lint` names them\n", to=sys.stderr)


def open_for_reading(repo: Path) -> Workspace:
    """The workspace of a command that decides nothing; a configuration that cannot be used is warned of."""
    from orch_gates.workspace import open_workspace

    found = open_workspace(repo, reading=True)
    if found.problem:
        say(f"orch-gates: {found.problem}\n", to=sys.stderr)
    return found


def _discard(number: int) -> None:
    """Let what is written to a stream go nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere != number:
        os.dup2(nowhere, number)
        os.close(nowhere)
