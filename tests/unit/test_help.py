"""What `--help` prints: it fits a terminal of 80 columns, and lists of commands are whole."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from orch_gates.cli.main import cli

# A reader of an 80-column terminal; click leaves two columns free.
_WIDTH = 78


def _commands(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    """Every command below this one by its path, with its help."""
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from _commands(below, click.Context(below, context, name, terminal_width=_WIDTH))


_PAGES = dict(_commands(cli, click.Context(cli, info_name="orch-gates", terminal_width=_WIDTH)))


@pytest.mark.parametrize("path", sorted(_PAGES))
def test_every_line_of_help_fits(path: str) -> None:
    """But for examples, which are copied, and the table of `prove`."""
    prose, _, rest = _PAGES[path].partition("Example")
    options = rest.partition("\nOptions:")[2]
    lines = [line for line in f"{prose}{options}".splitlines() if "(--base)" not in line]
    assert [line for line in lines if len(line) > _WIDTH] == []


@pytest.mark.parametrize("path", sorted(_PAGES))
def test_no_line_of_a_list_of_commands_is_cut(path: str) -> None:
    commands = _PAGES[path].partition("\nCommands:")[2]
    assert [line for line in commands.splitlines() if line.endswith("...")] == []
