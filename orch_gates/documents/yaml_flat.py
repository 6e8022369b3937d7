"""Reads the YAML that this program itself writes for scalars, lists of text and mappings of scalars, quickly.

Ten thousand task documents are read for one `status` (ST-5). Where this has an answer, `yaml_read` has the same one;
all else is `yaml_read`'s alone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orch_gates.documents.yaml_write import MAX_NODES

if TYPE_CHECKING:
    from orch_gates.documents.yaml_read import Value

_SCALAR = r'"([^"\\\n]*)"|(null|true|false)|(0|-?[1-9][0-9]{0,17})'
_KEY = "[a-z][a-z0-9_]{0,63}"
_ONE = r'(?:"[^"\\\n]*"|null|true|false|0|-?[1-9][0-9]{0,17})'
_LINE = re.compile(rf'({_KEY}):(?: (?:{_SCALAR})\n|\n(?:((?:  - "[^"\\\n]*"\n)+)|((?:  {_KEY}: {_ONE}\n)+)))')
_INNER = re.compile(rf"  ({_KEY}): (?:{_SCALAR})\n")
_ITEM = re.compile(r'  - "([^"\\\n]*)"\n')
# Printable ASCII and the letters that every reader takes as they are; the rest is for the careful reader.
_PLAIN = re.compile(r"[\n\x20-\x7e\xa1-\u024f\u2190-\u21ff]*")
_WORDS = {"null": None, "true": True, "false": False}


def parse(raw: str) -> dict[str, Value] | None:
    """The mapping, None where this reader is not sure what `raw` says."""
    if not raw or not _PLAIN.fullmatch(raw):
        return None
    found: dict[str, Value] = {}
    at = entries = 0
    for match in _LINE.finditer(raw):
        if match.start() != at:
            return None
        at = match.end()
        entries += 1
        key, text, word, number, items, inner = match.groups()
        if items:
            found[key] = _ITEM.findall(items)
        elif inner:
            rows = [row.groups() for row in _INNER.finditer(inner)]
            below: dict[str, Value] = {row[0]: _scalar(*row[1:]) for row in rows}
            if len(below) < len(rows):
                return None
            found[key] = below
        else:
            found[key] = _scalar(text, word, number)
    # Every line is at most two values.
    few = raw.count("\n") < MAX_NODES // 2
    return found if at == len(raw) and entries == len(found) and few else None


def _scalar(text: str | None, word: str | None, number: str) -> Value:
    if text is not None:
        return text
    return _WORDS[word] if word else int(number)
