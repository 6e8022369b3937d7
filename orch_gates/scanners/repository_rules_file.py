"""Reading `.gitleaks.toml`: every problem with its line, in one go."""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Collection, Iterable
from typing import Any

from orch_gates.documents import escape, toml_lines
from orch_gates.errors import RepositoryRulesError
from orch_gates.scanners import rule_syntax
from orch_gates.scanners.repository_rules import PATH, RepositoryRule, RepositoryRules, problem

MAX_BYTES = 256_000
MAX_RULES = 200
MAX_KEYWORDS = 100
MAX_ENTROPY = 8.0
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_AT_LINE = re.compile(r" \(at line (\d+), column \d+\)$| \(at end of document\)$")
# What is read and changes no verdict.
_IGNORED = {"title": str, "description": str, "minVersion": str}
_KEYS = {
    "id": str,
    "description": str,
    "regex": str,
    "path": str,
    "secretGroup": int,
    "entropy": float,
    "keywords": list,
    "tags": list,
}
_KINDS = {str: "text", int: "a whole number", float: "a number", list: "a list of texts"}
_EXCEPTIONS = "is not supported: write exceptions with `orch-gates secrets allow`"
_COMPOSITE = "is not supported: a rule cannot depend on another"
_REFUSED = {
    "allowlist": _EXCEPTIONS,
    "allowlists": _EXCEPTIONS,
    "extend": "is not supported: these rules are always added to those that orch-gates has",
    "disabledRules": "is not supported: no rule can be switched off",
    "required": _COMPOSITE,
    "skipReport": _COMPOSITE,
}


def parse(data: bytes, *, taken: Collection[str] = ()) -> RepositoryRules:
    """The rules that a file adds; `taken` are the ids of the bundle, today's and former ones.

    Raises:
        RepositoryRulesError: anything in it is wrong; every problem is named with its line.
    """
    if len(data) > MAX_BYTES:
        raise RepositoryRulesError([f"{PATH}: it has {len(data)} bytes, more than the {MAX_BYTES} that it may have"])
    text, document = _toml(data)
    return _Reading(toml_lines.lines(text), {name.lower() for name in taken}).rules(document)


def _toml(data: bytes) -> tuple[str, dict[str, Any]]:
    try:
        text = data.decode("utf-8")
        return text, tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise RepositoryRulesError([problem(line, "", "this is not UTF-8")]) from error
    except tomllib.TOMLDecodeError as error:
        found = _AT_LINE.search(str(error))
        line = int(found[1]) if found and found[1] else data.count(b"\n") + 1
        why = _AT_LINE.sub("", str(error))
        raise RepositoryRulesError([problem(line, "", f"this is not TOML: {why}")]) from error
    except RecursionError as error:
        raise RepositoryRulesError([f"{PATH}: it is nested too deeply"]) from error


class _Reading:
    """Collects problems, so that a person mends a file in one go."""

    def __init__(self, lines: dict[toml_lines.Path, int], taken: Collection[str]) -> None:
        self._lines = lines
        self._taken = taken
        self._problems: list[tuple[int, str]] = []
        self._seen: dict[str, int] = {}

    def rules(self, document: dict[str, Any]) -> RepositoryRules:
        """All rules.

        Raises:
            RepositoryRulesError: there was a problem.
        """
        self._check_keys((), document, {**_IGNORED, "rules": list}, "")
        found = document.get("rules", [])
        if not isinstance(found, list):
            self._add(("rules",), "", "rules is not a list of tables; begin each rule with [[rules]]")
            found = []
        if len(found) > MAX_RULES:
            self._add(("rules", MAX_RULES), "", f"there are {len(found)} rules, more than the {MAX_RULES} there may be")
        read = [self._rule(("rules", number), table) for number, table in enumerate(found[:MAX_RULES])]
        if self._problems:
            raise RepositoryRulesError([text for _, text in sorted(self._problems)])
        return RepositoryRules(tuple(rule for rule in read if rule is not None))

    def _add(self, path: toml_lines.Path, rule: str, why: str) -> None:
        while path not in self._lines and path:
            path = path[:-1]
        line = self._lines.get(path, 1)
        self._problems.append((line, problem(line, rule, why)))

    def _check_keys(self, path: toml_lines.Path, table: dict[str, Any], known: dict[str, Any], rule: str) -> None:
        for key, value in table.items():
            here = (*path, key)
            if key in _REFUSED and key not in known:
                self._add(here, rule, f"{key} {_REFUSED[key]}")
                if key == "extend" and isinstance(value, dict) and "disabledRules" in value:
                    self._add((*here, "disabledRules"), rule, f"disabledRules {_REFUSED['disabledRules']}")
            elif key not in known:
                self._add(here, rule, f"unknown key {_suggestion(key, known)}")
            elif key != "rules" and not _is(value, known[key]):
                self._add(here, rule, f"{key} is not {_KINDS[known[key]]}")

    def _rule(self, path: toml_lines.Path, table: object) -> RepositoryRule | None:
        if not isinstance(table, dict):
            self._add(path, "", "a rule is not a table; begin each rule with [[rules]]")
            return None
        name = self._id(path, table)
        self._check_keys(path, table, _KEYS, name)
        values = {key: value for key, value in table.items() if key in _KEYS and _is(value, _KEYS[key])}
        group, entropy = int(values.get("secretGroup", 0)), float(values.get("entropy", 0))
        if group < 0:
            self._add((*path, "secretGroup"), name, "secretGroup is less than 0")
            group = 0
        if not (math.isfinite(entropy) and 0 <= entropy <= MAX_ENTROPY):
            self._add((*path, "entropy"), name, f"entropy is not between 0 and {MAX_ENTROPY:.0f}")
        if not table.get("regex"):
            self._add((*path, "regex"), name, "regex is missing; a rule about nothing but a path is not supported")
        return RepositoryRule(
            id=name,
            description=str(values.get("description") or f"rule {name} of this repository"),
            regex=str(values.get("regex", "")),
            keywords=self._keywords(path, name, values.get("keywords", [])),
            entropy=entropy,
            secret_group=group,
            path=str(values.get("path", "")),
            pattern=self._pattern((*path, "regex"), name, values.get("regex", ""), group),
            path_pattern=self._pattern((*path, "path"), name, values.get("path", ""), None),
            line=self._lines.get((*path, "regex"), 1),
        )

    def _id(self, path: toml_lines.Path, table: dict[str, Any]) -> str:
        name = table.get("id")
        here = (*path, "id")
        if not isinstance(name, str) or _ID.fullmatch(name) is None:
            self._add(here, "", "id is missing, or not of up to 80 letters, digits, `.`, `_` and `-`")
            return ""
        if name.lower() in self._taken:
            self._add(here, name, "orch-gates has a rule with this id; choose another")
        elif name.lower() in self._seen:
            self._add(here, name, f"the rule in line {self._seen[name.lower()]} has this id, too")
        self._seen.setdefault(name.lower(), self._lines.get(here, 1))
        return name

    def _keywords(self, path: toml_lines.Path, name: str, words: Iterable[str]) -> tuple[str, ...]:
        found = tuple(str(word).lower() for word in words)
        if not all(word and word.isascii() and len(word) <= MAX_KEYWORDS for word in found):
            self._add(
                (*path, "keywords"), name, f"keywords has one that is empty, longer than {MAX_KEYWORDS}, or not ASCII"
            )
        if len(found) > MAX_KEYWORDS:
            self._add((*path, "keywords"), name, f"keywords are more than {MAX_KEYWORDS}")
        return found

    def _pattern(self, path: toml_lines.Path, name: str, source: str, group: int | None) -> str:
        """A pattern for the matcher; a group of None takes the whole match, whatever groups there are."""
        if not source:
            return ""
        try:
            return rule_syntax.translate(source, group).text
        except rule_syntax.SyntaxProblem as error:
            self._add(path, name, f"{path[-1]} {error}")
            return ""


def _is(value: object, kind: type) -> bool:
    if kind is list:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, kind) and not isinstance(value, bool)


def _suggestion(key: str, known: Iterable[str]) -> str:
    """The key in quotes, and what it is close to; if to nothing, what there is."""
    names = sorted(known)
    close = difflib.get_close_matches(key, names, 1, 0.5)
    shown = escape.clip(escape.visible(key), 60)
    hint = f"did you mean {close[0]}?" if close else f"known are: {', '.join(names)}"
    return f"'{shown}'; {hint}"
