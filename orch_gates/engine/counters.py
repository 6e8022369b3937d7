"""The text format in which programs expose counters, and selectors of series in it: pure."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_PAIR = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*"((?:[^"\\\n]|\\.)*)"')
# Every blank has one place, or a hostile line is tried in more ways than anybody can wait for.
_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*\s*(?:=~|!~|!=|=)\s*"(?:[^"\\\n]|\\.)*"\s*'
_LABELS = rf"\{{\s*((?:{_LABEL}(?:,\s*{_LABEL})*,?)?)\s*\}}"
_SERIES = re.compile(rf"({_NAME})\s*(?:{_LABELS})?\s+(\S+)(?:\s+\S+)?\s*(?:#.*)?")
_SELECTOR = re.compile(rf"\s*({_NAME})\s*(?:{_LABELS})?\s*")
_ESCAPE = re.compile(r"\\(.)")
# In a query a counter stands before the time that it is counted in.
_COUNTED = re.compile(rf"({_NAME}\s*(?:{_LABELS})?)\s*\[")
# How a label spells the status of an answer, and how it would spell those of server errors.
_STATUSES = (
    (re.compile(r"[1-5][0-9]{2}"), tuple(str(status) for status in range(500, 600))),
    (re.compile(r"[1-5]xx"), ("5xx",)),
    (re.compile(r"[1-5]XX"), ("5XX",)),
)
_MOST_SHOWN, _LONGEST_SHOWN = 4, 30
_MOST_COMPARED, _LONGEST_COMPARED = 1000, 100

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


def selectors_in(query: str) -> tuple[Selector, ...]:
    """The counters that a query counts, as `x` and `y{code="500"}` of `increase(x[5m]) + increase(y{code="500"}[5m])`.

    Raises:
        ValueError: as `selector`.
    """
    return tuple(selector(found[1]) for found in _COUNTED.finditer(query))


def parse(text: str) -> Mapping[Series, float]:
    """The series of an exposition; names in quotes, which no selector here can name, are left out.

    Raises:
        ValueError: it is malformed: what is missing in it could be any series.
    """
    found: dict[Series, float] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith(("#", "{")):
            continue
        match = _SERIES.fullmatch(line)
        value = _number(match[3]) if match is not None else None
        if match is None or value is None:
            raise ValueError(f"the answer is not in the text format of Prometheus, line {number}")
        pairs = [(pair[1], _unescaped(pair[3])) for pair in _PAIR.finditer(match[2] or "")]
        series = match[1], frozenset(pairs)
        if series in found or len({label for label, _ in pairs}) < len(pairs):
            raise ValueError(f"the answer is not in the text format of Prometheus: line {number} repeats a name")
        found[series] = value
    return found


def unproven(wanted: Selector, there: Iterable[Series]) -> str:
    """Why what is `there` does not show that a selector is spelled right; empty where it does.

    It does where a series fits, or one has all of its labels and would fit with the status of a server error. That
    there is none with such a status is a fact then, and no mistake.
    """
    every = list(there)
    mine = [dict(labels) for name, labels in every if name == wanted.name]
    if not mine:
        return f"there is no counter {wanted.name}{_instead(wanted.name, {name for name, _ in every})}"
    for label, how, value in wanted.wanted:
        if any(_understood(labels, label, how, value) for labels in mine):
            continue
        seen = {labels[label] for labels in mine if label in labels}
        if not seen:
            labelled = {name for labels in mine for name in labels}
            return f"{wanted.name} has no label {label}{_instead(label, labelled)}"
        return f"label {label} of {wanted.name} is never {value}{_instead(value, seen)}"
    if any(all(_understood(labels, *one) for one in wanted.wanted) for labels in mine):
        return ""
    return f"no series of {wanted.name} has all of these labels: {', '.join(label for label, _, _ in wanted.wanted)}"


def _understood(labels: Mapping[str, str], label: str, how: str, value: str) -> bool:
    """Whether a label of a series fits, or would with the status of a server error."""
    there = labels.get(label)
    if _fits(there or "", how, value):
        return True
    if there is None:
        return False
    # Whatever else it may be fits.
    if how.startswith("!"):
        return True
    return any(
        spelling.fullmatch(there) is not None and any(_fits(error, how, value) for error in errors)
        for spelling, errors in _STATUSES
    )


def _instead(wanted: str, there: Collection[str]) -> str:
    """What is there, the most alike first."""
    # Whatever compares texts takes long over long ones.
    short = sorted(one for one in there if len(one) <= _LONGEST_COMPARED)[:_MOST_COMPARED]
    alike = difflib.get_close_matches(wanted[:_LONGEST_COMPARED], short, _MOST_SHOWN, 0.5)
    shown = [*alike, *(one for one in sorted(there) if one not in alike)][:_MOST_SHOWN]
    more = ", …" if len(there) > _MOST_SHOWN else ""
    return f", but {', '.join(one[:_LONGEST_SHOWN] for one in shown)}{more}" if shown else ""


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
