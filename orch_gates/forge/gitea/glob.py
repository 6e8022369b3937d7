"""The patterns of branch rules and required contexts, as the server reads them."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"[*?\\\[\]{}]")
_TOKEN = re.compile(
    r"(?P<any>\*\*)|(?P<some>\*)|(?P<one>\?)|\[(?P<set>!?(?:\\.|[^\]\\])+)\]|\\(?P<plain>.)"
    r"|(?P<open>\{)|(?P<close>\})|(?P<comma>,)|(?P<other>.)",
    re.DOTALL,
)


def literal(text: str) -> str:
    """A pattern that matches exactly this text."""
    return _SPECIAL.sub(lambda found: f"\\{found[0]}", text)


def meant(pattern: str) -> str:
    """The text that a pattern from `literal` matches; any other pattern as it is written."""
    return re.sub(r"\\(.)", r"\1", pattern, flags=re.DOTALL)


def matches(rule: str, branch: str) -> bool:
    """Whether a rule is for a branch: one with its very name whatever the case, or a pattern with `/` between parts."""
    if not _SPECIAL.search(rule):
        return rule.lower() == branch.lower()
    try:
        return re.fullmatch(_expression(rule), branch, re.DOTALL) is not None
    except re.error:
        return rule == branch


def _expression(rule: str) -> str:
    found, depth = "", 0
    for token in _TOKEN.finditer(rule):
        match token.lastgroup:
            case "any":
                found += ".*"
            case "some":
                found += "[^/]*"
            case "one":
                found += "[^/]"
            case "set":
                # Characters that Python may one day read as operations on sets.
                said = re.sub(r"(?<!\\)([\[&|~])", r"\\\1", token["set"])
                found += f"[^{said[1:]}]" if said.startswith("!") else f"[{said}]"
            case "open":
                found, depth = f"{found}(?:", depth + 1
            case "close" if depth:
                found, depth = f"{found})", depth - 1
            case "comma" if depth:
                found += "|"
            case _:
                found += re.escape(token["plain"] or token[0])
    return found
