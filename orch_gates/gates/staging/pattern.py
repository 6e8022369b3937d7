"""Texts with `*` for anything: what is hostile can make them fit or not, but never slow."""

from __future__ import annotations

WILDCARD = "*"


def fits(pattern: str, text: str) -> bool:
    """Whether the whole text is what the pattern spells; nothing but `*` is special."""
    first, *others = pattern.split(WILDCARD)
    if not others:
        return text == pattern
    last = others.pop()
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    return _in_order(others, text[len(first) : len(text) - len(last)])


def occurs(pattern: str, text: str) -> bool:
    """Whether the parts of a pattern stand in one line of a text, in their order."""
    parts = pattern.split(WILDCARD)
    return any(_in_order(parts, line) for line in text.split("\n"))


def literal(pattern: str) -> str:
    """What a pattern spells besides its `*`."""
    return pattern.replace(WILDCARD, "").strip()


def _in_order(parts: list[str], text: str) -> bool:
    begin = 0
    for part in parts:
        found = text.find(part, begin)
        if found < 0:
            return False
        begin = found + len(part)
    return True
