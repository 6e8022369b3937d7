"""What GitHub's documents of issues and pull requests have in common: every pull request is an issue too."""

from __future__ import annotations

from collections.abc import Sequence

from orch_gates.errors import ForgeUnavailable
from orch_gates.forge.fields import Row, document, part, text


def author(row: Row) -> str:
    """The login of the user that a row is by; empty where the account is gone.

    Raises:
        ForgeUnavailable: it cannot be read.
    """
    return text(part(row, "user"), "login") if row.get("user") is not None else ""


def is_pull(row: Row) -> bool:
    """Whether a row of a list of issues is a pull request."""
    return row.get("pull_request") is not None


def label_names(row: Row) -> tuple[str, ...]:
    """The names of the labels, of which GitHub may also give the mere texts.

    Raises:
        ForgeUnavailable: there is no list of them.
    """
    found = row.get("labels")
    if not isinstance(found, list):
        raise ForgeUnavailable("the forge's answer has no labels")
    return tuple(one if isinstance(one, str) else text(document(one), "name") for one in found)


def has_label(label: str, names: Sequence[str]) -> bool:
    """Whether a label is among these; GitHub takes `Task` and `task` for the same."""
    return label.casefold() in {name.casefold() for name in names}
