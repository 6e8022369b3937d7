"""`orch-gates setup`: the scanners found or prepared, and each tried."""

from __future__ import annotations

from pathlib import Path

import click

from orch_gates.cli.boundary import exit_codes
from orch_gates.errors import UsageError
from orch_gates.scanners.provision import provision
from orch_gates.settings import load

# What a build, an interpreter or an editor leaves beside the sources.
_MADE = ("__pycache__", "_version.py")


@click.command()
@click.option(
    "--same-as",
    "sources",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Prepare nothing; tell whether this program is made of the sources in this checkout: exit 0, else 1.",
)
def setup(sources: Path | None) -> None:
    """Prepare the secret scanner's rules, and try it on a random token.

    The first command that needs the rules does the same. Exit 2: the scanner does not find the token.

    \b
    Example:
      orch-gates setup
    """
    with exit_codes():
        if sources is not None:
            here = Path(__file__).parents[2]
            raise SystemExit(0 if _files(here) == _files(sources / here.name) else 1)
        for line in provision(load()):
            click.echo(line)


def _files(package: Path) -> dict[str, bytes]:
    """The content of every source file, by its path in the package."""
    try:
        return {
            path.relative_to(package).as_posix(): path.read_bytes()
            for path in package.rglob("*")
            if not path.is_dir() and not any(part in _MADE for part in path.relative_to(package).parts)
        }
    except OSError as error:
        raise UsageError(f"{package} cannot be read: {error.strerror}") from error
