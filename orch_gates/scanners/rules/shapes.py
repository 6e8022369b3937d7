"""Shapes of tokens: the short notation of `own.toml`, its pattern and random examples of it.

`AKIA{base32:16}` is the text AKIA and 16 characters of base32; `{a|b}` is one of two texts, and
`{alnum:20-40}` has a length from 20 to 40, `{alnum:20+}` of 20 or more. Everything else stands for itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from orch_gates.errors import ScannerError
from orch_gates.scanners.rules.alphabets import ALPHABETS, regex_class

_PART = re.compile(r"\{([^{}]*)\}|([^{}]+)")
_RUN = re.compile(r"([A-Za-z0-9]+):(\d+)(?:-(\d+)|(\+))?\Z")


@dataclass(frozen=True, slots=True)
class Text:
    """One of some fixed texts."""

    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CharacterRun:
    """From `least` to `most` characters of one alphabet; None is no end."""

    alphabet: str
    least: int
    most: int | None


def parse(shape: str) -> tuple[Text | CharacterRun, ...]:
    """The parts of a shape.

    Raises:
        ScannerError: a brace without its partner, an unknown alphabet, or a length that is none.
    """
    parts: list[Text | CharacterRun] = []
    end = 0
    for found in _PART.finditer(shape):
        if found.start() != end:
            break
        end = found.end()
        parts.append(Text((found[2],)) if found[2] is not None else _braced(found[1], shape))
    if end != len(shape) or not parts:
        raise ScannerError(f"own.toml: the shape {shape} has an unpaired brace")
    return tuple(parts)


def _braced(inside: str, shape: str) -> Text | CharacterRun:
    run = _RUN.match(inside)
    if run is None:
        return Text(tuple(inside.split("|")))
    name, least = run[1], int(run[2])
    most = None if run[4] else int(run[3] or least)
    if name not in ALPHABETS or least < 1 or (most is not None and most < least):
        raise ScannerError(f"own.toml: the shape {shape} names an unknown alphabet or no length: {inside}")
    return CharacterRun(name, least, most)


def pattern(parts: tuple[Text | CharacterRun, ...]) -> str:
    """The regular expression of a shape, without edges and without groups that capture."""
    return "".join(_pattern(part) for part in parts)


def _pattern(part: Text | CharacterRun) -> str:
    match part:
        case Text((only,)):
            return _escape(only)
        case Text(choices):
            return "(?:" + "|".join(_escape(choice) for choice in choices) + ")"
        case CharacterRun(name, least, most):
            length = f"{least}" if least == most else f"{least},{'' if most is None else most}"
            return f"{regex_class(ALPHABETS[name])}{{{length}}}"


def _escape(text: str) -> str:
    return "".join(c if c.isalnum() or c in "_-/:=@ %~" else "\\" + c for c in text)


def has_end(parts: tuple[Text | CharacterRun, ...]) -> bool:
    """Whether a token ends by its own length, whatever follows it."""
    last = parts[-1]
    return isinstance(last, CharacterRun) and last.most is not None


def edge_after(parts: tuple[Text | CharacterRun, ...]) -> str:
    """What has to follow a token: the end, or a character that could not belong to it."""
    last = parts[-1]
    alphabet = ALPHABETS[last.alphabet] if isinstance(last, CharacterRun) else ""
    return "(?:[^" + regex_class(alphabet + ALPHABETS["alnum"])[1:] + "|$)"


def example(parts: tuple[Text | CharacterRun, ...], choose: Callable[[str, int, int | None], str]) -> str:
    """A token of this shape; `choose(alphabet, least, most)` makes the random parts.

    A fixed text with several choices takes its first.
    """
    return "".join(
        part.choices[0] if isinstance(part, Text) else choose(ALPHABETS[part.alphabet], part.least, part.most)
        for part in parts
    )
