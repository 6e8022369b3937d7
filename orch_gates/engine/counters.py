"""The text format in which programs expose counters, and selectors of series in it: pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_PAIR = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*"((?:[^"\\\n]|\\.)*)"')
# Every blank has one place, or a hostile line is tried in more ways than anybody can wait for.
_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*\s*(?:=~|!~|!=|=)\s*"(?:[^"\\\n]|\\.)*"\s*'
_LABELS = rf"\{{\s*((?:{_LABEL}(?:,\s*{_LABEL})*,?)?)\s*\}}"
_SERIES = re.compile(rf"({_NAME})\s*(?:{_LABELS})?\s+(\S+)(?:\s+\S+)?\s*(?:#.*)?")
_SELECTOR = re.compile(rf"\s*({_NAME})\s*(?:{_LABELS})?\s*")
_ESCAPE = re.compile(r"\\(.)")

# A series by its name and labels.
Series = tuple[str, frozenset[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Selector:
    """Series of one name whose labels fit, spelled as in a query: `requests_total{code=~"5.."}`."""

    name: str
    wanted: tuple[tuple[str, str, str], ...] = ()

    def fits(self, series: Series) -> bool:
        """Whether a series is one of them."""
        name, labels = series
        known = dict(labels)
        return name == self.name and all(_fits(known.get(label, ""), how, value) for label, how, value in self.wanted)


def selector(text: str) -> Selector:
    """Read a selector.

    Raises:
        ValueError: it is none; `str()` says what is wrong.
    """
    found = _SELECTOR.fullmatch(text)
    if found is None:
        raise ValueError('is not a counter with labels, like http_requests_total{code=~"5.."}')
    wanted = tuple((pair[1], pair[2], _unescaped(pair[3])) for pair in _PAIR.finditer(found[2] or ""))
    for _, how, value in wanted:
        if how.endswith("~"):
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"has {value!r}, which is no regular expression: {error}") from error
    return Selector(found[1], wanted)


def parse(text: str) -> Mapping[Series, float]:
    """The series of an exposition; lines that are none are left out.

    Raises:
        ValueError: not a single line is a series, and some line is not empty: it is another format.
    """
    found: dict[Series, float] = {}
    strange = False
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        match = _SERIES.fullmatch(line)
        value = _number(match[3]) if match is not None else None
        if match is None or value is None:
            strange = True
            continue
        labels = frozenset((pair[1], _unescaped(pair[3])) for pair in _PAIR.finditer(match[2] or ""))
        found[match[1], labels] = value
    if strange and not found:
        raise ValueError("the answer is not in the text format of Prometheus")
    return found


def increase(before: Mapping[Series, float], now: Mapping[Series, float], wanted: Selector) -> float | None:
    """How much the series of a selector grew; None where there is none, or one is not a number.

    One that is lower than before began anew at zero, as one does that was not there before.
    """
    mine = {series: value for series, value in now.items() if wanted.fits(series)}
    if not mine or not all(math.isfinite(value) and value >= 0 for value in mine.values()):
        return None
    grown = 0.0
    for series, value in mine.items():
        was = before.get(series, 0.0)
        grown += value - was if value >= was else value
    return grown


def _fits(value: str, how: str, wanted: str) -> bool:
    match how:
        case "=":
            return value == wanted
        case "!=":
            return value != wanted
        case "=~":
            return re.fullmatch(wanted, value) is not None
        case _:
            return re.fullmatch(wanted, value) is None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda found: "\n" if found[1] == "n" else found[1], text)
