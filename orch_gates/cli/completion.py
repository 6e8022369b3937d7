"""`orch-gates completion`: what a shell reads to complete our commands (UX-1)."""

from __future__ import annotations

import click

from orch_gates.cli.boundary import exit_codes, say

_PROGRAM = "orch-gates"
_VARIABLE = "_ORCH_GATES_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion for SHELL: commands, options, tasks, stages, environments, checks, pages and outputs.

    Write it where the shell looks; make that folder first if it is not there.

    \b
    Examples:
      orch-gates completion bash >~/.local/share/bash-completion/completions/orch-gates
      orch-gates completion zsh >~/.zfunc/_orch-gates     (with fpath+=~/.zfunc before compinit)
      orch-gates completion fish >~/.config/fish/completions/orch-gates.fish
    """
    with exit_codes():
        from click.shell_completion import get_completion_class

        from orch_gates.cli.main import cli

        # Of these shells there is always one; its version is that of the shell that reads this, not of one here.
        kind = get_completion_class(shell)
        assert kind is not None
        made = kind(cli, {}, _PROGRAM, _VARIABLE)
        say(made.source_template % made.source_vars())
