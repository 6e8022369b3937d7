"""Groups of commands whose modules are imported only when they are called: a hook pays for no other command."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click

from orch_gates.cli.boundary import exit_codes
from orch_gates.errors import EXIT_BUG


class LazyGroup(click.Group):
    """A group with commands that are named by `module:attribute`, beside those that were added to it."""

    def __init__(self, *args: Any, lazy: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return sorted({*super().list_commands(ctx), *self.lazy})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, whose module is imported now."""
        target = self.lazy.get(cmd_name)
        if target is None:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = target.partition(":")
        # A module that cannot be imported must not look like a failed check, nor a hook's refusal like a finding.
        with exit_codes(bug=2 if cmd_name == "hook" else EXIT_BUG):
            command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, which would suggest only the commands that were imported."""
        name, known = args[0], self.list_commands(ctx)
        if name not in known and not name.startswith("-") and not ctx.resilient_parsing:
            raise click.exceptions.NoSuchCommand(name, possibilities=known, ctx=ctx)
        return super().resolve_command(ctx, args)
