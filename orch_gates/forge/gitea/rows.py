"""What the server's documents have in common, beyond their single fields."""

from __future__ import annotations

from urllib.parse import quote

from orch_gates.errors import ForgeUnavailable
from orch_gates.forge.fields import Row, number, part, text


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


def label_ids(row: Row) -> tuple[tuple[str, int], ...]:
    """Names and ids of the labels of an issue or pull request; two of one name are possible.

    Raises:
        ForgeUnavailable: they are missing.
    """
    found = row.get("labels", ...)
    # The server may write none as null.
    found = [] if found is None else found
    if not isinstance(found, list) or not all(isinstance(label, dict) for label in found):
        raise ForgeUnavailable("the forge's answer has no labels")
    return tuple((text(label, "name"), number(label, "id")) for label in found)


def label_names(row: Row) -> tuple[str, ...]:
    """The names of the labels, each once.

    Raises:
        ForgeUnavailable: they are missing.
    """
    return tuple(dict.fromkeys(name for name, _ in label_ids(row)))
