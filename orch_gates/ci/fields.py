"""The event's payload, from the runner's file, and its fields: it comes from outside, and may hold anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from orch_gates.model.branch import BRANCH
from orch_gates.model.ids import OID

MAX_LINE = 255
MAX_BODY = 65_536
_MAX_ITEMS = 100
_MAX_NUMBER = 2**63


def at(payload: Any, *keys: str) -> Any:
    """What is below these keys, or None."""
    for key in keys:
        payload = payload.get(key) if isinstance(payload, Mapping) else None
    return payload


def items(payload: Any, *keys: str) -> Iterator[Any]:
    """The first of the list's items; none where there is no list."""
    found = at(payload, *keys)
    return iter(found[:_MAX_ITEMS] if isinstance(found, list) else [])


def text(payload: Any, *keys: str, limit: int = MAX_LINE) -> str:
    """The beginning of a text; half of a surrogate pair is no text, and could not be written down."""
    found = at(payload, *keys)
    return found[:limit].encode("utf-8", "replace").decode("utf-8") if isinstance(found, str) else ""


def number(payload: Any, *keys: str) -> int:
    """A positive number, or 0."""
    found = at(payload, *keys)
    return found if isinstance(found, int) and found is not True and 0 < found < _MAX_NUMBER else 0


def commit(payload: Any, *keys: str) -> str:
    """The id of a commit; the zeros that stand for none are none."""
    found = at(payload, *keys)
    return found if isinstance(found, str) and OID.fullmatch(found) and found.strip("0") else ""


def branch(payload: Any, *keys: str) -> str:
    """The name of a branch."""
    found = at(payload, *keys)
    return found if isinstance(found, str) and BRANCH.fullmatch(found) else ""


def branch_of_ref(ref: str) -> str:
    """The branch that a whole ref names."""
    return branch(ref.removeprefix("refs/heads/")) if ref.startswith("refs/heads/") else ""


def same_repository(one: Any, other: Any) -> bool:
    """Whether both are the same repository, as far as that is certain."""
    ids = number(one, "id"), number(other, "id")
    if all(ids):
        return ids[0] == ids[1]
    names = text(one, "full_name").casefold(), text(other, "full_name").casefold()
    return names[0] != "" and names[0] == names[1]
