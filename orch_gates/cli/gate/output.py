"""How the commands that give a verdict show it: as text, shorter or longer, or as JSON (GATE-4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from orch_gates.cli.boundary import say, say_pieces

if TYPE_CHECKING:
    from orch_gates.model.verdict import Verdict
    from orch_gates.settings import Settings

_OPTIONS = (
    click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON."),
    click.option("--quiet", is_flag=True, help="Print nothing for a PASS, and only the reason for another verdict."),
    click.option("--verbose", is_flag=True, help="Print every finding that a report holds, and the whole evidence."),
)


@dataclass(frozen=True, slots=True)
class Output:
    """How a verdict is shown."""

    as_json: bool
    quiet: bool
    verbose: bool

    def show(self, settings: Settings, verdict: Verdict, *more: str, code: int | None = None) -> None:
        """Print a verdict, and `more` lines that only a person reads; `code` as in `machine.as_json`.

        Raises:
            ReportError: it cannot be written whole.
        """
        from orch_gates.report import machine
        from orch_gates.report.text import HELP, Detail, for_cli

        if self.as_json:
            say(machine.as_json(verdict, code))
            return
        detail = Detail.QUIET if self.quiet else Detail.VERBOSE if self.verbose else Detail.NORMAL
        say_pieces(for_cli(verdict, detail, help_at=settings.help_url or HELP))
        if not self.quiet:
            say("".join(more))


def verdict_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options about its verdict; they arrive as its argument `output`, an `Output`."""

    @wraps(command)
    def run(*args: Any, as_json: bool, quiet: bool, verbose: bool, **values: Any) -> Any:
        if quiet and (verbose or as_json):
            other = "--verbose" if verbose else "--json"
            raise click.UsageError(f"--quiet and {other} contradict each other; give one of them")
        return command(*args, output=Output(as_json, quiet, verbose), **values)

    for option in reversed(_OPTIONS):
        run = option(run)
    return run
