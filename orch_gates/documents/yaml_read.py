"""Reads the part of YAML that documents use: safe, bounded, without implicit typing (OWN-3).

Mappings, lists, and scalars of which only plain `true`, `false`, `null` and decimal whole numbers
have a type; `no`, `0o17`, `1.0` and `2026-01-01` are strings. Refused: aliases, anchors, tags,
directives, further documents, merge keys, missing values and repeated keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml

from orch_gates.documents import escape
from orch_gates.documents.yaml_write import INT64, MAX_DEPTH, MAX_KEY, MAX_NODES
from orch_gates.errors import MalformedYaml

Value: TypeAlias = "str | int | bool | list[Value] | dict[str, Value] | None"

# libyaml where it was built in, ten times as fast; both give the same answers (tested).
PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_WORDS = {"true": True, "false": False, "null": None}
_WHOLE_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,18}")
_TOO_BIG_NUMBER = re.compile(r"-?[1-9][0-9]{18,}")
# Line ends other than \n, and what the two parsers do not agree on.
_FORBIDDEN = re.compile(r"[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Position:
    """Where something starts, both from 1; columns count characters."""

    line: int
    column: int


Path: TypeAlias = "tuple[str | int, ...]"


@dataclass(frozen=True, slots=True)
class Placed:
    """A mapping, and where each of its values and keys stands, by the keys and indices that lead there."""

    mapping: dict[str, Value]
    values: Mapping[Path, Position]
    keys: Mapping[Path, Position]


def parse(raw: str, *, first_line: int = 1, parser: Any = PARSER) -> dict[str, Value]:
    """The mapping that `raw` spells; `first_line` is the line number of its first line.

    Raises:
        MalformedYaml: anything but the subset above; the message starts with the line number.
    """
    return _document(_Reader(raw, first_line, parser), raw, first_line)


def parse_placed(raw: str, *, parser: Any = PARSER) -> Placed:
    """As `parse`, with the position of every value and key.

    Raises:
        MalformedYaml: as `parse`.
    """
    reader = _PositionReader(raw, 1, parser)
    mapping = _document(reader, raw, 1)
    values: dict[Path, Position] = {}
    keys: dict[Path, Position] = {}
    _assign(mapping, (), iter(reader.positions), values, keys)
    return Placed(mapping, values, keys)


def _assign(
    value: Value, path: Path, positions: Iterator[Position], values: dict[Path, Position], keys: dict[Path, Position]
) -> None:
    """Hand out the positions in the order in which the reader met keys and values."""
    values[path] = next(positions)
    if isinstance(value, dict):
        for key, inner in value.items():
            keys[(*path, key)] = next(positions)
            _assign(inner, (*path, key), positions, values, keys)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _assign(inner, (*path, index), positions, values, keys)


def _document(reader: _Reader, raw: str, first_line: int) -> dict[str, Value]:
    if found := _FORBIDDEN.search(raw):
        line = first_line + raw.count("\n", 0, found.start())
        column = found.start() - raw.rfind("\n", 0, found.start())
        raise MalformedYaml(line, column, f"character {escape.visible(found[0])} is not allowed here")
    try:
        return reader.document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (0, 0) if mark is None else (mark.line, mark.column)
        raise MalformedYaml(first_line + line, column + 1, escape.visible(str(error.problem))) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # PyYAML's own parser answers impossible \U escapes with a bare ValueError.
        raise reader.refusal(f"not YAML: {escape.visible(str(error))}") from error


class _Reader:
    def __init__(self, raw: str, first_line: int, parser: Any) -> None:
        self._events: Iterator[yaml.Event] = iter(yaml.parse(raw, Loader=parser))
        self._first_line = first_line
        self._nodes = 0
        self._mark: Any = None

    def document(self) -> dict[str, Value]:
        self._next()
        start = self._next()
        if isinstance(start, yaml.StreamEndEvent):
            raise self.refusal("a mapping is expected")
        if getattr(start, "explicit", False):
            raise self.refusal("directives and further documents are not allowed")
        top = self._next()
        value = self._value(top, 1) if isinstance(top, yaml.MappingStartEvent) else None
        if not isinstance(value, dict):
            raise self.refusal("a mapping is expected")
        if getattr(self._next(), "explicit", False) or not isinstance(self._next(), yaml.StreamEndEvent):
            raise self.refusal("only one document is allowed")
        return value

    def _value(self, event: yaml.Event, depth: int) -> Value:
        if getattr(event, "anchor", None) is not None:
            raise self.refusal("anchors and aliases are not allowed")
        if getattr(event, "tag", None) is not None:
            raise self.refusal("tags are not allowed")
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise self.refusal(f"more than {MAX_NODES} values")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if depth > MAX_DEPTH:
            raise self.refusal(f"nested deeper than {MAX_DEPTH} levels")
        return self._mapping(depth) if isinstance(event, yaml.MappingStartEvent) else self._list(depth)

    def _mapping(self, depth: int) -> dict[str, Value]:
        found: dict[str, Value] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise self.refusal("a key must be text")
            self._value(event, depth)
            key = str(event.value)
            if not event.style and key == "<<":
                raise self.refusal("merge keys are not allowed")
            if len(key) > MAX_KEY:
                raise self.refusal(f"a key has more than {MAX_KEY} characters")
            if key in found:
                raise self.refusal(f"key {escape.visible(key)!r} is repeated")
            found[key] = self._value(self._next(), depth + 1)
        return found

    def _list(self, depth: int) -> list[Value]:
        found: list[Value] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            found.append(self._value(event, depth + 1))
        return found

    def _scalar(self, event: yaml.ScalarEvent) -> Value:
        text = str(event.value)
        if event.style:
            if escape.well_formed(text) != text:
                raise self.refusal("a surrogate is not text")
            return text
        if not text:
            raise self.refusal('a value or key is missing: write null or ""')
        if text in _WORDS:
            return _WORDS[text]
        if _TOO_BIG_NUMBER.fullmatch(text) and (len(text) > 20 or int(text) not in INT64):
            raise self.refusal("the number is too big: quote it")
        return int(text) if _WHOLE_NUMBER.fullmatch(text) else text

    def _next(self) -> yaml.Event:
        event = next(self._events)
        if event.start_mark is not None:
            self._mark = event.start_mark
        return event

    def refusal(self, why: str) -> MalformedYaml:
        """The error at the event that was read last."""
        line, column = (0, 0) if self._mark is None else (self._mark.line, self._mark.column)
        return MalformedYaml(self._first_line + line, column + 1, why)


class _PositionReader(_Reader):
    """Also keeps where each key and value starts, in the order of the text."""

    def __init__(self, raw: str, first_line: int, parser: Any) -> None:
        super().__init__(raw, first_line, parser)
        self.positions: list[Position] = []

    def _value(self, event: yaml.Event, depth: int) -> Value:
        mark: Any = event.start_mark
        self.positions.append(Position(self._first_line + mark.line, mark.column + 1))
        return super()._value(event, depth)
