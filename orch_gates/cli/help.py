"""`orch-gates help`: the pages of the manual that refusals point to."""

from __future__ import annotations

import click

from orch_gates.cli.boundary import exit_codes, say
from orch_gates.cli.completion import PAGE


@click.command("help")
@click.argument("page", required=False, type=PAGE)
def help_page(page: str | None) -> None:
    """Print a PAGE of the manual, as Markdown; without one, list the pages.

    \b
    Examples:
      orch-gates help
      orch-gates help leak
    """
    with exit_codes():
        from orch_gates.errors import UsageError
        from orch_gates.report.help_pages import PAGES, text_of

        if page is None:
            say("".join(f"orch-gates help {name:6} {found.about}\n" for name, found in PAGES.items()))
            return
        if page not in PAGES:
            raise UsageError(f"there is no page {page!r}; the pages are {', '.join(PAGES)}")
        say(text_of(page))
