"""`orch-gates state`: the state branch as a whole."""

from __future__ import annotations

import click

from orch_gates.cli import state_check, state_repair


@click.group()
def state() -> None:
    """Create, check, verify and restore the state branch.

    \b
    Examples:
      orch-gates state init
      orch-gates state verify
    """


state.add_command(state_repair.init)
state.add_command(state_repair.restore)
state.add_command(state_repair.compact)
state.add_command(state_check.verify)
state.add_command(state_check.lint)
state.add_command(state_check.schema)
