"""`orch-gates setup`: the scanners found or prepared, and each tried."""

from __future__ import annotations

import click

from orch_gates.cli.boundary import exit_codes
from orch_gates.settings import load


@click.command()
def setup() -> None:
    """Find or prepare the scanners, and try each on a random token.

    Where Go is installed, gitleaks is built into the cache directory (about half a minute, once);
    elsewhere it is taken from PATH. kingfisher comes with the package. Exit 2 when neither works.
    """
    with exit_codes():
        from orch_gates.scanners.provision import provision

        for line in provision(load()):
            click.echo(line)
