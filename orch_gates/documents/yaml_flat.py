"""Reads the YAML that this program itself writes for flat documents, quickly; leaves everything else to `yaml_read`.

Ten thousand task documents are read for one `status` (ST-5). Where this has an answer, `yaml_read` has the same one.
"""

from __future__ import annotations

import re

from orch_gates.documents.yaml_limits import MAX_NODES

_LINE = re.compile(r'([a-z][a-z0-9_]{0,63}): (?:"([^"\\\n]*)"|(null|true|false)|(0|-?[1-9][0-9]{0,17}))\n')
# Printable ASCII and the letters that every reader takes as they are; the rest is for the careful reader.
_PLAIN = re.compile(r"[\n\x20-\x7e\xa1-\u024f\u2190-\u21ff]*")
_WORDS = {"null": None, "true": True, "false": False}


def parse(raw: str) -> dict[str, str | int | bool | None] | None:
    """The mapping, None where this reader is not sure what `raw` says."""
    if not raw or not _PLAIN.fullmatch(raw):
        return None
    found: dict[str, str | int | bool | None] = {}
    at = lines = 0
    for match in _LINE.finditer(raw):
        if match.start() != at:
            return None
        at = match.end()
        lines += 1
        key, text, word, number = match.groups()
        found[key] = text if text is not None else _WORDS[word] if word else int(number)
    return found if at == len(raw) and lines == len(found) < MAX_NODES // 2 else None
