"""Writes values as YAML with every string quoted, so that every reader of YAML agrees (OWN-3)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from orch_gates.documents import escape
from orch_gates.errors import ReportError

# How much a frontmatter may hold; the readers refuse more.
MAX_DEPTH = 8
MAX_NODES = 20_000
MAX_KEY = 100
INT64 = range(-(2**63), 2**63)

_PLAIN_KEY = re.compile(r"[a-z][a-z0-9_]*")
_KEYS_OTHERS_TYPE = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
_MUST_ESCAPE = re.compile(f'["\\\\]|{escape.HOSTILE.pattern}')


def dump(mapping: Mapping[str, object]) -> str:
    """`mapping` as block YAML that `parse` reads back as an equal value; always ends in a newline.

    Raises:
        ReportError: a value that is no str, int (64 bits), bool, None, list, tuple or mapping with
            short str keys; text that is not Unicode; deeper or more than the limits.
    """
    if _nodes(mapping) > MAX_NODES:
        raise ReportError(f"more than {MAX_NODES} values")
    return "\n".join(_block(mapping, 1)) + "\n"


def _nodes(value: object) -> int:
    if isinstance(value, Mapping):
        return 1 + sum(1 + _nodes(item) for item in value.values())
    return 1 + sum(map(_nodes, value)) if isinstance(value, (list, tuple)) else 1


def _block(value: object, depth: int) -> list[str]:
    if depth > MAX_DEPTH and isinstance(value, (Mapping, list, tuple)):
        raise ReportError(f"nested deeper than {MAX_DEPTH} levels")
    lines: list[str] = []
    if isinstance(value, Mapping):
        for key, item in value.items():
            child = _block(item, depth + 1)
            if isinstance(item, (Mapping, list, tuple)) and item:
                lines += [f"{_key(key)}:", *(f"  {line}" for line in child)]
            else:
                lines.append(f"{_key(key)}: {child[0]}")
        return lines or ["{}"]
    if isinstance(value, (list, tuple)):
        for item in value:
            first, *rest = _block(item, depth + 1)
            lines += [f"- {first}", *(f"  {line}" for line in rest)]
        return lines or ["[]"]
    return [_inline(value)]


def _key(key: object) -> str:
    if not isinstance(key, str) or len(key) > MAX_KEY:
        raise ReportError(f"a key must be text of at most {MAX_KEY} characters")
    plain = _PLAIN_KEY.fullmatch(key) and key not in _KEYS_OTHERS_TYPE
    return key if plain else _quoted(key)


def _inline(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value in INT64:
        return str(int(value))
    if isinstance(value, str):
        return _quoted(value)
    raise ReportError(f"a value of type {type(value).__name__} cannot be written")


def _quoted(text: str) -> str:
    if escape.well_formed(text) != text:
        raise ReportError("text with a surrogate cannot be written")
    return f'"{_MUST_ESCAPE.sub(_escaped, text)}"'


def _escaped(hit: re.Match[str]) -> str:
    character = hit[0]
    if character in '"\\':
        return "\\" + character
    return "\\n" if character == "\n" else escape.code(character)
