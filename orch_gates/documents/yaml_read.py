"""Reads the part of YAML that documents use: safe, bounded, without implicit typing (OWN-3).

Mappings, lists, and scalars of which only plain `true`, `false`, `null` and decimal whole numbers
have a type; `no`, `0o17`, `1.0` and `2026-01-01` are strings. Refused: aliases, anchors, tags,
directives, further documents, merge keys, missing values and repeated keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeAlias

import yaml

from orch_gates.documents import escape
from orch_gates.documents.yaml_limits import INT64, MAX_DEPTH, MAX_NODES
from orch_gates.errors import ReportError

Value: TypeAlias = "str | int | bool | list[Value] | dict[str, Value] | None"

# libyaml where it was built in, ten times as fast; both give the same answers (tested).
PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_WORDS = {"true": True, "false": False, "null": None}
_WHOLE_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,18}")
_TOO_BIG_NUMBER = re.compile(r"-?[1-9][0-9]{18,}")
# Line ends other than \n, and what the two parsers do not agree on.
_FORBIDDEN = re.compile(r"[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


def parse(raw: str, *, first_line: int = 1, parser: Any = PARSER) -> dict[str, Value]:
    """The mapping that `raw` spells; `first_line` is the line number of its first line.

    Raises:
        ReportError: anything but the subset above; the message starts with the line number.
    """
    if found := _FORBIDDEN.search(raw):
        line = first_line + raw.count("\n", 0, found.start())
        raise ReportError(f"line {line}: character {escape.visible(found[0])} is not allowed here")
    reader = _Reader(raw, first_line, parser)
    try:
        return reader.document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = first_line if mark is None else first_line + mark.line
        raise ReportError(f"line {where}: {escape.visible(str(error.problem))}") from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # PyYAML's own parser answers impossible \U escapes with a bare ValueError.
        raise ReportError(f"line {reader.line}: not YAML: {escape.visible(str(error))}") from error


class _Reader:
    def __init__(self, raw: str, first_line: int, parser: Any) -> None:
        self._events: Iterator[yaml.Event] = iter(yaml.parse(raw, Loader=parser))
        self._first_line = first_line
        self._nodes = 0
        self.line = first_line

    def document(self) -> dict[str, Value]:
        self._next()
        start = self._next()
        if isinstance(start, yaml.StreamEndEvent):
            raise self._refuse("a mapping is expected")
        if getattr(start, "explicit", False):
            raise self._refuse("directives and further documents are not allowed")
        top = self._next()
        value = self._value(top, 1) if isinstance(top, yaml.MappingStartEvent) else None
        if not isinstance(value, dict):
            raise self._refuse("a mapping is expected")
        if getattr(self._next(), "explicit", False) or not isinstance(self._next(), yaml.StreamEndEvent):
            raise self._refuse("only one document is allowed")
        return value

    def _value(self, event: yaml.Event, depth: int) -> Value:
        if getattr(event, "anchor", None) is not None:
            raise self._refuse("anchors and aliases are not allowed")
        if getattr(event, "tag", None) is not None:
            raise self._refuse("tags are not allowed")
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise self._refuse(f"more than {MAX_NODES} values")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if depth > MAX_DEPTH:
            raise self._refuse(f"nested deeper than {MAX_DEPTH} levels")
        return self._mapping(depth) if isinstance(event, yaml.MappingStartEvent) else self._list(depth)

    def _mapping(self, depth: int) -> dict[str, Value]:
        found: dict[str, Value] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise self._refuse("a key must be text")
            self._value(event, depth)
            key = str(event.value)
            if not event.style and key == "<<":
                raise self._refuse("merge keys are not allowed")
            if key in found:
                raise self._refuse(f"key {escape.visible(key[:100])!r} is repeated")
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
                raise self._refuse("a surrogate is not text")
            return text
        if not text:
            raise self._refuse('a value or key is missing: write null or ""')
        if text in _WORDS:
            return _WORDS[text]
        if _TOO_BIG_NUMBER.fullmatch(text) and (len(text) > 20 or int(text) not in INT64):
            raise self._refuse("the number is too big: quote it")
        return int(text) if _WHOLE_NUMBER.fullmatch(text) else text

    def _next(self) -> yaml.Event:
        event = next(self._events)
        if event.start_mark is not None:
            self.line = self._first_line + event.start_mark.line
        return event

    def _refuse(self, why: str) -> ReportError:
        return ReportError(f"line {self.line}: {why}")
