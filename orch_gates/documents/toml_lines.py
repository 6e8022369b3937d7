"""On which line a valid TOML document says what; the reader of the standard library does not tell."""

from __future__ import annotations

import re
import tomllib
from collections import Counter

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_KEY = re.compile(r"[ \t]*(?:([A-Za-z0-9_-]+)|(\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'))[ \t]*")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?!")"{0,2}' + r"|'''.*?'''(?!')'{0,2}" + r'|"(?:[^"\\\n]|\\.)*"' + r"|'[^'\n]*'", re.DOTALL
)
_PLAIN = re.compile(r"[^,\]\}#\n]*")


def lines(text: str) -> dict[Path, int]:
    """The line, from 1, of every key and every table of a document that the standard library has read.

    Tables of an array are told apart by their number from 0: `("rules", 2, "id")`.
    """
    return _Walk(text.replace("\r\n", "\n")).document()


class _Walk:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._found: dict[Path, int] = {}
        self._line = 1
        self._counted = 0
        self._arrays: Counter[Path] = Counter()

    def document(self) -> dict[Path, int]:
        table: Path = ()
        while self._skip():
            if self._text[self._at] != "[":
                self._pair(table)
                continue
            array = self._text.startswith("[[", self._at)
            line = self._here()
            self._at += 2 if array else 1
            table = self._table(self._keys(), array=array)
            self._at += 2 if array else 1
            self._note(table, line)
        return self._found

    def _here(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _note(self, path: Path, line: int) -> None:
        """Note where something is said for the first time, and with it every table around it."""
        for length in range(1, len(path) + 1):
            self._found.setdefault(path[:length], line)

    def _skip(self) -> bool:
        """Go to the next thing that is said; False at the end."""
        self._at = _matched(_BLANK, self._text, self._at).end()
        return self._at < len(self._text)

    def _keys(self) -> tuple[str, ...]:
        keys = []
        while True:
            found = _matched(_KEY, self._text, self._at)
            keys.append(found[1] or next(iter(tomllib.loads(f"{found[2]} = 0"))))
            self._at = found.end()
            if self._text[self._at] != ".":
                return tuple(keys)
            self._at += 1

    def _table(self, keys: tuple[str, ...], *, array: bool) -> Path:
        """The place of a table: in the newest element of every array on the way."""
        path: Path = ()
        for number, key in enumerate(keys, 1):
            path += (key,)
            if array and number == len(keys):
                self._arrays[path] += 1
            if path in self._arrays:
                path += (self._arrays[path] - 1,)
        return path

    def _pair(self, table: Path) -> None:
        line = self._here()
        path = table + self._keys()
        self._note(path, line)
        self._at += 1
        self._value(path)

    def _value(self, path: Path) -> None:
        self._skip()
        char = self._text[self._at]
        if char == "[":
            self._items(path)
        elif char == "{":
            self._inline(path)
        else:
            string = _STRING.match(self._text, self._at)
            self._at = (string or _matched(_PLAIN, self._text, self._at)).end()

    def _items(self, path: Path) -> None:
        self._at += 1
        number = 0
        while self._skip() and self._text[self._at] != "]":
            if self._text[self._at] == ",":
                self._at += 1
                continue
            self._found[(*path, number)] = self._here()
            self._value((*path, number))
            number += 1
        self._at += 1

    def _inline(self, path: Path) -> None:
        self._at += 1
        while self._skip() and self._text[self._at] != "}":
            if self._text[self._at] == ",":
                self._at += 1
                continue
            self._pair(path)
        self._at += 1


def _matched(pattern: re.Pattern[str], text: str, at: int) -> re.Match[str]:
    found = pattern.match(text, at)
    assert found is not None
    return found
