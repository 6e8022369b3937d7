"""What the server's documents have in common, beyond their single fields."""

from __future__ import annotations

from urllib.parse import quote

from orch_gates.errors import ForgeUnavailable
from orch_gates.forge.fields import Row, part, text


def repository_path(repository: str) -> str:
    """The API's path of `owner/name`."""
    owner, _, name = repository.partition("/")
    return f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}"


def texts(row: Row, name: str) -> tuple[str, ...]:
    """A list of texts; the server writes an empty one as null.

    Raises:
        ForgeUnavailable: it is missing.
    """
    value = row.get(name, ...)
    value = [] if value is None else value
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ForgeUnavailable(f"the forge's answer has no {name}")
    return tuple(value)


def login(row: Row) -> str:
    """The login of the user that a row is by.

    Raises:
        ForgeUnavailable: it is missing.
    """
    return text(part(row, "user"), "login")
