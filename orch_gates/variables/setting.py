"""What a setting is, and how a field of a group declares one: `name: type = setting("ORCH_NAME", default, help)`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, TypeAlias, TypeVar

Value: TypeAlias = bool | int | str | tuple[str, ...]
_T = TypeVar("_T", bool, int, str, tuple[str, ...])

# Beyond this nothing is counted, and a float of it would overflow.
UNBOUNDED = 10**18 - 1
# No wait may be longer: system calls count the milliseconds in 32 bits.
MOST_SECONDS = 1_000_000
_DECLARATION = "setting"


class ValueKind(StrEnum):
    """What values a setting takes."""

    FLAG = "true or false"
    NUMBER = "whole number"
    NAMES = "list of names"
    CHOICE = "one word"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a text has to be spelled; `expected` says in a message what a wrong one is not."""

    pattern: str
    expected: str


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    `key` is its dotted place in `.orch-gates.yaml`; None where only the environment may set it: what
    belongs to a machine, and secrets. Numbers are at least `least`, and at most `most`. The names of an
    `additive` setting are those of the variable and those of the file together.
    """

    variable: str
    kind: ValueKind
    default: Value
    help: str
    key: str | None = None
    choices: tuple[str, ...] = ()
    least: int = 1
    most: int = UNBOUNDED
    secret: bool = False
    spelling: Spelling | None = None
    additive: bool = False


def setting(variable: str, default: _T, help: str, **rules: Any) -> _T:
    """Declare a setting as a field of a group; its kind is that of the default, `rules` are the rest of `Setting`."""
    declaration = Setting(variable, _kind(default, choices=bool(rules.get("choices"))), default, help, **rules)
    declared: _T = field(default=default, repr=not declaration.secret, metadata={_DECLARATION: declaration})
    return declared


def declared(group: type[Any]) -> Iterator[tuple[str, Setting]]:
    """The settings that the fields of a group declare, by the name of the field."""
    for each in fields(group):
        if _DECLARATION in each.metadata:
            yield each.name, each.metadata[_DECLARATION]


def _kind(default: Value, *, choices: bool) -> ValueKind:
    match default:
        case bool():
            return ValueKind.FLAG
        case int():
            return ValueKind.NUMBER
        case tuple():
            return ValueKind.NAMES
        case str():
            return ValueKind.CHOICE if choices else ValueKind.TEXT
