"""The one place where exceptions become exit codes: a traceback must never look like a verdict."""

from __future__ import annotations

import io
import itertools
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO

import click

from orch_gates.documents import escape
from orch_gates.errors import EXIT_BUG, OrchError, ReportError

if TYPE_CHECKING:
    from orch_gates.tasks.book import Quarantined
    from orch_gates.workspace import Workspace

# Of the files that were set apart, as many are named.
_SHOWN = 5
# A terminal that says that it is narrower is taken to be wrong.
_NARROWEST = 40
_COLOURS = {"passed": "green", "failed": "red", "waiting": "yellow", "faint": "bright_black"}
# Whether something is on stdout already, which a second JSON document would spoil.
_printed: list[bool] = []


@contextmanager
def exit_codes(*, bug: int = EXIT_BUG) -> Iterator[None]:
    """Run a command; `bug` is the exit code of an unexpected error (2 in a hook)."""
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
    """Say why on stderr, and on stdout where JSON is asked for, and leave."""
    say(f"orch-gates: {message}\n", to=sys.stderr)
    json_error(message, code)
    raise SystemExit(code)


def json_error(message: str, code: int) -> None:
    """Where the command line asks for JSON and none was printed yet, print why there is none (GATE-4).

    What the options are is not known where they are wrong, so the words of the command line count.
    """
    given = itertools.takewhile(lambda word: word != "--", sys.argv[1:])
    if "--json" not in given or _printed:
        return
    from orch_gates.report import machine

    try:
        say(machine.error_as_json(message, code))
    except ReportError:
        # The reason is on stderr already, and the exit code says the same.
        return


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


def say_pieces(pieces: Iterable[tuple[str, str]]) -> None:
    """As `say`, for pieces of text with their tone, which a terminal shows as a colour."""
    from orch_gates.settings import colourless

    colours = {} if colourless() or not sys.stdout.isatty() else _COLOURS
    _write(sys.stdout, "".join(_coloured(escape.printable(text), colours.get(tone)) for text, tone in pieces))


def _coloured(text: str, colour: str | None) -> str:
    line = text.rstrip("\n")
    return click.style(line, fg=colour) + text[len(line) :] if colour else text


def terminal_width() -> int | None:
    """How wide what is printed may be: as the terminal; None in a pipe or a file, where nothing is folded."""
    return max(shutil.get_terminal_size().columns, _NARROWEST) if sys.stdout.isatty() else None


def unwritable(error: OSError) -> NoReturn:
    """Leave where the standard output cannot be written."""
    _discard(sys.stdout.fileno())
    fail(f"the output cannot be written: {error.strerror}", 2)


def progress(text: str) -> None:
    """Show on stderr how far something is, in place of what this showed before."""
    _write(sys.stderr, f"\r{escape.printable(text)}")


def _write(stream: TextIO, text: str) -> None:
    if stream is sys.stdout and text:
        _printed.append(True)
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
    warn_unread([file.why for file in files])


def warn_unread(reasons: Sequence[str]) -> None:
    """As `warn_quarantined`, for why each of them cannot be read."""
    for why in reasons[:_SHOWN]:
        say(f"orch-gates: cannot read a file of the state branch: {why}\n", to=sys.stderr)
    if (more := len(reasons) - _SHOWN) > 0:
        say(f"orch-gates: and {more} more; `orch-gates state lint` names them\n", to=sys.stderr)


def open_for_reading(repo: Path) -> Workspace:
    """The workspace of a command that decides nothing; a configuration that cannot be used is warned of."""
    from orch_gates.workspace import open_workspace

    found = open_workspace(repo, reading=True)
    if found.problem:
        say(f"orch-gates: {found.problem}\n", to=sys.stderr)
    return found


@contextmanager
def ended_by_signals() -> Iterator[Callable[[], bool]]:
    """Whether TERM or INT came: the unit at hand comes to its end, and no other begins."""
    received: list[int] = []
    before = {
        one: signal.signal(one, lambda number, _: received.append(number)) for one in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield lambda: bool(received)
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _discard(number: int) -> None:
    """Let what is written to a stream go nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere != number:
        os.dup2(nowhere, number)
        os.close(nowhere)
