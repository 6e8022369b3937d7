"""`orch-gates doctor`: what a silent failure could hide, looked at and said with what mends it (UX-1)."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from orch_gates.cli.boundary import exit_codes, progress, say, say_pieces, terminal_width
from orch_gates.cli.completion import CHECK
from orch_gates.cli.doctor import view
from orch_gates.cli.options import ForgeOptions, forge_options
from orch_gates.doctor import check
from orch_gates.doctor.finding import CheckState
from orch_gates.doctor.registry import CHECKS
from orch_gates.doctor.subject import DoctorSubject
from orch_gates.errors import UsageError


@click.command()
@click.option("--only", multiple=True, metavar="NAME", type=CHECK, help="Only this check; may be given several times.")
@click.option("--all", "everything", is_flag=True, help="A line also for each check that does not apply here, and why.")
@click.option("--repo", default=".", type=click.Path(path_type=Path), help="A clone, or the bare repository itself.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@forge_options
def doctor(only: tuple[str, ...], everything: bool, repo: Path, as_json: bool, options: ForgeOptions) -> None:
    """Find what fails silently (hooks, scanner, token, branch protection, state branch and more), and how to fix it.

    A line for each check says what was seen, and how to fix it. Nothing is changed. To try whether they refuse a random
    token, it runs the clone's own commit hooks in a repository that is thrown away, without any token or secret.

    \b
    Exit codes: 0 all is well, warnings or not; 1 something is bad;
    2 nothing is, and something could not be told.

    \b
    Examples:
      orch-gates doctor
      orch-gates doctor --all
      orch-gates doctor --only hook --only state-branch
      orch-gates doctor --repo /srv/git/app.git --json
    """
    with exit_codes():
        if not repo.is_dir():
            raise UsageError(f"--repo {repo}: there is no such folder")
        chosen = check.chosen(CHECKS, only)
        shown = sys.stderr.isatty() and not as_json
        width = max(len(each.name) for each in chosen)

        def begins(name: str) -> None:
            if shown:
                progress(f"looking at {name:{width}} ")

        subject = DoctorSubject(repo, options.overrides, options.observe)
        results, folded, group = [], [], None
        try:
            for result in check.run(chosen, subject, begins):
                results.append(result)
                if shown:
                    progress(" " * (width + 12))
                    progress("")
                if not (everything or only) and result.finding.state is CheckState.NOT_USED:
                    folded.append(result.name)
                elif not as_json:
                    say_pieces(view.pieces(result, before=group, width=terminal_width()))
                    group = result.group
        finally:
            subject.close()
        found = check.summary(results)
        if as_json:
            say(view.as_json(results, found))
        else:
            say_pieces(view.not_applying(folded, width=terminal_width()))
            say(view.closing(found))
        raise SystemExit(found.exit_code)
