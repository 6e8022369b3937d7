"""The value of one setting: environment over configuration file over default (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeGuard, assert_never

from orch_gates.errors import SettingsError
from orch_gates.variables.setting import UNBOUNDED, Setting, Value, ValueKind

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off"})
# A longer one is beyond every limit, and dear to read.
_MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class FileValue:
    """A value of the configuration file, already checked, and its place as `file:line:column@commit`."""

    value: Value
    place: str


class ValueOrigin(StrEnum):
    """Where the value of a setting came from."""

    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Resolved:
    """The value that counts; `place` is the variable or the place in the file, empty for a default."""

    value: Value
    source: ValueOrigin
    place: str = ""


def resolve(setting: Setting, environ: Mapping[str, str], given: Mapping[str, FileValue]) -> Resolved:
    """The value of one setting; a variable that is empty counts as not set. `given` is keyed by variable.

    Raises:
        SettingsError: the variable's value is not of its kind; a secret's value is not in the message.
    """
    found = given.get(setting.variable) if setting.key is not None else None
    if text := environ.get(setting.variable, "").strip():
        value = _read(setting, text)
        if value is None:
            shown = "(not shown)" if setting.secret else repr(text)
            raise SettingsError(f"{setting.variable}={shown} is {mismatch(setting)}")
        if setting.additive and found is not None and isinstance(value, tuple) and isinstance(found.value, tuple):
            more = tuple(name for name in found.value if name not in value)
            return Resolved(value + more, ValueOrigin.ENVIRONMENT, f"{setting.variable} and {found.place}")
        return Resolved(value, ValueOrigin.ENVIRONMENT, setting.variable)
    if found is not None:
        return Resolved(found.value, ValueOrigin.FILE, found.place)
    return Resolved(setting.default, ValueOrigin.DEFAULT)


def _read(setting: Setting, text: str) -> Value | None:
    """The value that a variable's text spells; None where it is not of the setting's kind."""
    match setting.kind:
        case ValueKind.FLAG:
            word = text.lower()
            return word in TRUE if word in TRUE | FALSE else None
        case ValueKind.NUMBER:
            digits = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
            return number if digits and setting.least <= (number := int(text)) <= setting.most else None
        case ValueKind.NAMES:
            return tuple(part.strip() for part in text.split(",") if part.strip())
        case ValueKind.CHOICE:
            return text.lower() if text.lower() in setting.choices else None
        case ValueKind.TEXT:
            return text if _is_spelled(setting, text) else None
        case _:
            assert_never(setting.kind)


def accepted(setting: Setting, value: object) -> Value | None:
    """The value that the configuration file gives, by the same rules; None where it is not of the setting's kind."""
    match setting.kind:
        case ValueKind.FLAG:
            return value if isinstance(value, bool) else None
        case ValueKind.NUMBER:
            number = isinstance(value, int) and not isinstance(value, bool)
            return _read(setting, str(value)) if number else None
        case ValueKind.NAMES:
            return _names(value) if isinstance(value, list) else None
        case ValueKind.CHOICE:
            return value if isinstance(value, str) and value in setting.choices else None
        case ValueKind.TEXT:
            return value if _is_line(value) and _is_spelled(setting, value) else None
        case _:
            assert_never(setting.kind)


def _names(items: list[object]) -> tuple[str, ...] | None:
    texts = tuple(item for item in items if _is_line(item) and "," not in item)
    return texts if len(texts) == len(items) else None


def _is_spelled(setting: Setting, text: str) -> bool:
    return setting.spelling is None or re.fullmatch(setting.spelling.pattern, text) is not None


def _is_line(value: object) -> TypeGuard[str]:
    """Whether a value is text that a variable could hold as well, unchanged."""
    return isinstance(value, str) and value.strip() == value != "" and value.isprintable()


def mismatch(setting: Setting) -> str:
    """What a value that is not of the setting's kind is, in words for a person."""
    match setting.kind:
        case ValueKind.FLAG:
            return "neither true nor false"
        case ValueKind.NUMBER:
            problem = "not a whole number above zero" if setting.least else "not a whole number from zero on"
            return problem if setting.most == UNBOUNDED else f"{problem}, up to {setting.most}"
        case ValueKind.NAMES:
            return "not a list of names"
        case ValueKind.CHOICE:
            return f"not one of: {', '.join(setting.choices)}"
        case ValueKind.TEXT:
            return f"not {setting.spelling.expected}" if setting.spelling else "not text on one line"
        case _:
            assert_never(setting.kind)
