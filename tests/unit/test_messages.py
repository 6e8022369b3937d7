"""The table of messages holds what a person can meet, and nothing that is on pages of its own."""

from __future__ import annotations

from scripts.messages import messages

SOURCE = '''
"""A module with messages."""
import click

_HINT = "set it and run again"

@click.option("--name", help="The name of it, as told.")
def run(name: str) -> None:
    """What this function does."""
    if not name:
        raise UsageError(f"no name is given; {_HINT}")
    click.echo("ok")

class Kept:
    def why(self) -> str:
        return "the branch moved " "meanwhile, as git says"
'''


def test_messages_are_told_with_their_place() -> None:
    """Where they are said, by what, and what is filled in; no docstring, no help, no single word."""
    assert [(each.where, each.what, each.text) for each in messages(SOURCE)] == [
        ("", "text", "set it and run again"),
        ("run", "UsageError", "no name is given; {_HINT}"),
        ("Kept.why", "text", "the branch moved meanwhile, as git says"),
    ]
