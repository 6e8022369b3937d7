"""`orch-gates setup`: the scanners found or prepared, and each tried."""

from __future__ import annotations

import click

from orch_gates.cli.boundary import exit_codes
from orch_gates.settings import load


@click.command()
def setup() -> None:
    """Prepare the secret scanner's rules, and try it on a random token.

    A first command does the same where it was not done before. Exit 2: it does not find the token.
    """
    with exit_codes():
        from orch_gates.scanners.provision import provision

        for line in provision(load()):
            click.echo(line)
