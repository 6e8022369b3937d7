"""What is wrong in a configuration file: every problem with its line and column, in the order of the file."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import assert_never

from orch_gates.documents import escape
from orch_gates.documents.yaml_read import Path, Placed, Position, Value
from orch_gates.errors import ConfigError

_SHOWN = 60


class Problems:
    """Collects problems, so that a person mends a file in one go."""

    def __init__(self, name: str, placed: Placed) -> None:
        self._name = name
        self._placed = placed
        self._found: list[tuple[Position, str]] = []

    def add(self, path: Path, why: str) -> None:
        """Note that the value at `path` is wrong."""
        self._note(self._placed.values[path], path, why)

    def unknown_key(self, path: Path, known: Iterable[str]) -> None:
        """Note a key that means nothing, with the one that was probably meant."""
        self._note(self._placed.keys[path], path[:-1], f"unknown key {suggestion(str(path[-1]), known)}")

    def _note(self, place: Position, path: Path, why: str) -> None:
        self._found.append((place, f"{dotted(path)}: {why}" if path else why))

    def refuse(self) -> None:
        """End here when there is any.

        Raises:
            ConfigError: as said.
        """
        if self._found:
            in_order = sorted(self._found, key=lambda found: (found[0].line, found[0].column))
            raise ConfigError([f"{located(self._name, place)}: {why}" for place, why in in_order])


def located(name: str, place: Position) -> str:
    """A place as editors and compilers write it."""
    return f"{name}:{place.line}:{place.column}"


def dotted(path: Path) -> str:
    """A path as a person writes it: `stages[2].gates[0]`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{shown(step)}"
    return text.removeprefix(".")


def suggestion(word: str, known: Iterable[str]) -> str:
    """The word in quotes, and what it is close to; if to nothing, what there is."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, 1)
    hint = f"did you mean {close[0]}?" if close else f"known are: {', '.join(names)}"
    return f"'{shown(word)}'; {hint}"


def shown(text: str) -> str:
    """A word of the file, safe and short enough for a message."""
    return escape.clip(escape.visible(text), _SHOWN)


def spelled(value: Value) -> str:
    """A value as a message shows it."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case str():
            return f"'{shown(value)}'"
        case list():
            return "a list"
        case dict():
            return "a mapping"
        case _:
            assert_never(value)
