"""What a registry wants to see before it answers: its `WWW-Authenticate` header (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_LONGEST = 8192
_WORD = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_PIECE = re.compile(
    rf'[\s,]*(?:(?P<name>{_WORD})\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>{_WORD}))|(?P<scheme>{_WORD}))'
)


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to be let in: `bearer` or `basic`, in lower case, with what belongs to it."""

    scheme: str
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def realm(self) -> str:
        """Where a token is had; empty where it does not say."""
        return self.values.get("realm", "")

    @property
    def service(self) -> str:
        """Whom the token is for; empty where it does not say."""
        return self.values.get("service", "")


def parse(header: str) -> tuple[Challenge, ...]:
    """Every challenge of a header, in its order; what cannot be read ends the list."""
    found: list[tuple[str, dict[str, str]]] = []
    text, position = header[:_LONGEST], 0
    while piece := _PIECE.match(text, position):
        position = piece.end()
        if piece["scheme"]:
            found.append((piece["scheme"].lower(), {}))
        elif not found:
            break
        else:
            value = piece["plain"] if piece["quoted"] is None else re.sub(r"\\(.)", r"\1", piece["quoted"])
            found[-1][1].setdefault(piece["name"].lower(), value)
    return tuple(Challenge(scheme, values) for scheme, values in found)


def preferred(header: str) -> Challenge | None:
    """The challenge to answer: one for a token before one for the password itself; None where none is known."""
    known = {one.scheme: one for one in reversed(parse(header))}
    return known.get("bearer") or known.get("basic")
