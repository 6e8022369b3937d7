"""JSON whose objects name each field once: readers disagree about which of two values counts."""

from __future__ import annotations

import json
from typing import Any


def loads(text: str) -> Any:
    """What a text of JSON holds.

    Raises:
        ValueError: it is no JSON, or an object names a field twice.
        RecursionError: it is nested too deeply.
    """
    return json.loads(text, object_pairs_hook=_unique)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object names a field twice")
    return found
