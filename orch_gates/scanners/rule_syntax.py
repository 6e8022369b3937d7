"""The regular expressions of `.gitleaks.toml`, in Go's syntax, spelled for the matcher (SEC-6).

The matcher is two engines, one that looks for candidates and one that confirms them, and both work
on bytes. What Go and both of them read alike is spelled in one plain form; what they would read
differently is an error, never a rule that silently misses. See docs/how-to/add-your-own-rules.md.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass, replace

MAX_LENGTH = 2000
MAX_DEPTH = 50
# Go's own limit, for one repetition and for the product of nested ones.
MAX_REPEAT = 1000
_PLAIN = frozenset(string.ascii_letters + string.digits + "_")
_CONTROLS = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_HEX = re.compile(r"([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,8})\}")
_COUNT = re.compile(r"\{([0-9]{1,9})(,([0-9]{0,9}))?\}")
_NAMES = "alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit"
_POSIX = re.compile(rf"\[:(\^?(?:{_NAMES})):\]")
_WORDY_NAMES = frozenset({"alnum", "alpha", "digit", "lower", "upper", "word", "xdigit"})
_WORDY_CLASSES = frozenset({r"\d", r"\w"})
_GROUP = re.compile(r"\((?:\?P?<[A-Za-z_][A-Za-z0-9_]*>)?(?!\?)")
_FLAGS = re.compile(r"\(\?([a-zA-Z]*)(-[a-zA-Z]+)?([:)])")
_LOOK_AROUND = re.compile(r"\(\?(?:=|!|<=|<!|>)")


class SyntaxProblem(Exception):
    """Why an expression cannot be used, in words that follow its name."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """An expression for the matcher: `text` captures the secret, or nothing; the source had `groups` groups."""

    text: str
    groups: int


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece in plain form: how many bytes it matches at least, how often it repeats something at most.

    `wordy`: where it matches something, that ends in a letter, digit or `_`. `hanging`: whether it
    matches may depend on the byte behind it. `edge`: whether it matches nothing but at the end of a line.
    """

    text: str
    least: int = 0
    repeat: int = 1
    repeatable: bool = True
    wordy: bool = True
    hanging: bool = False
    edge: bool = False

    @property
    def settled(self) -> bool:
        """Whether it is certain what follows the piece before it."""
        return self.least > 0 or self.edge


def translate(source: str, group: int | None = 0) -> Pattern:
    """An expression of Go for the matcher; `group` holds the secret.

    0 takes the only group or the whole match, None the whole match whatever groups there are.
    `^` and `$` mean the edges of a line: texts are scanned in pieces, whose own edges mean nothing.

    Raises:
        SyntaxProblem: it is not valid, would mean something else, or is not bounded.
    """
    if len(source) > MAX_LENGTH:
        raise SyntaxProblem(f"is longer than {MAX_LENGTH} characters")
    whole = _Reader(source, 0).read()
    if group is None:
        return whole
    groups = whole.groups
    if group > groups:
        raise SyntaxProblem(f"has no group {group}, which secretGroup names")
    if group == 0 and groups > 1:
        raise SyntaxProblem(f"has {groups} groups; name the secret's in secretGroup, or write the others as (?:...)")
    return _Reader(source, group or groups).read()


class _Reader:
    """Reads an expression once, from left to right; only group `kept` stays a capturing one."""

    def __init__(self, source: str, kept: int) -> None:
        self._source = source
        self._at = 0
        self._kept = kept
        self._groups = 0

    def read(self) -> Pattern:
        """The whole expression."""
        part = self._alternatives(0)
        if self._at < len(self._source):
            raise self._problem("has a ) without its (")
        if part.least == 0:
            raise SyntaxProblem("matches the empty text; it has to match at least one character")
        text = part.text
        if part.hanging:
            # A match is confirmed on the text up to its end, so it has to reach over the byte that it looks at.
            text = f"({'?:' if self._kept else ''}{text})(?:[\\s\\S]|$)"
        return Pattern(f"(?m){text}", self._groups)

    def _problem(self, why: str) -> SyntaxProblem:
        return SyntaxProblem(f"{why} (character {self._at + 1})")

    def _char(self) -> str:
        """The character at hand; empty at the end."""
        return self._source[self._at : self._at + 1]

    def _match(self, wanted: re.Pattern[str]) -> re.Match[str] | None:
        found = wanted.match(self._source, self._at)
        if found is not None:
            self._at = found.end()
        return found

    def _alternatives(self, depth: int) -> _Part:
        if depth > MAX_DEPTH:
            raise self._problem(f"is nested deeper than {MAX_DEPTH} levels")
        parts = [self._sequence(depth)]
        while self._char() == "|":
            self._at += 1
            parts.append(self._sequence(depth))
        return _Part(
            "|".join(part.text for part in parts),
            min(part.least for part in parts),
            max(part.repeat for part in parts),
            wordy=all(part.wordy for part in parts),
            hanging=any(part.hanging for part in parts),
            edge=all(part.settled for part in parts),
        )

    def _sequence(self, depth: int) -> _Part:
        done = _Part("")
        while self._char() not in {"", "|", ")"}:
            part = self._repeated(self._atom(depth))
            if part.text == "\\b":
                # Behind a letter the end of the text is as good a boundary as any.
                hanging = done.hanging or not (done.wordy and done.least)
            else:
                hanging = part.hanging or (done.hanging and not part.settled)
            done = _Part(
                done.text + part.text,
                done.least + part.least,
                max(done.repeat, part.repeat),
                wordy=part.wordy and (done.wordy or part.least > 0),
                hanging=hanging,
                edge=done.edge or part.edge,
            )
        return done

    def _repeated(self, part: _Part) -> _Part:
        start = self._at
        if (found := self._match(_COUNT)) is not None:
            low = int(found[1])
            high = low if found[2] is None else int(found[3]) if found[3] else None
        elif self._char() in {"*", "+", "?"}:
            low, high = (1 if self._char() == "+" else 0), (1 if self._char() == "?" else None)
            self._at += 1
        else:
            return part
        if not part.repeatable:
            raise self._problem("repeats what cannot be repeated; put one thing into (?:...)")
        if high is not None and high < low:
            raise self._problem("has a repetition whose least count is above its most")
        most = low if high is None else high
        if max(most, 1) * part.repeat > MAX_REPEAT:
            raise self._problem(f"repeats more than {MAX_REPEAT} times, counting nested repetitions")
        if self._char() == "?":
            self._at += 1
        quantifier = self._source[start : self._at]
        if self._char() in {"*", "+", "?"} or _COUNT.match(self._source, self._at):
            raise self._problem("repeats a repetition; put the inner one into (?:...)")
        least, repeat = part.least * low, max(most, 1) * part.repeat
        return replace(part, text=part.text + quantifier, least=least, repeat=repeat, edge=part.edge and low > 0)

    def _atom(self, depth: int) -> _Part:
        char = self._char()
        if char == "(":
            return self._group(depth)
        if char in {"*", "+", "?"} or _COUNT.match(self._source, self._at):
            raise self._problem("repeats nothing")
        self._at += 1
        if char == "[":
            return self._class()
        if char == "\\":
            return self._escape()
        if char == ".":
            return _Part(".", 1, wordy=False)
        if char in {"^", "$"}:
            return _Part(char, repeatable=False, edge=char == "$")
        return self._literal(char)

    def _group(self, depth: int) -> _Part:
        if self._match(_LOOK_AROUND):
            raise self._problem("looks ahead or behind, which no linear-time matcher does")
        if self._match(_GROUP):
            self._groups += 1
            opening = "(" if self._groups == self._kept else "(?:"
        elif (flags := self._match(_FLAGS)) is not None:
            opening = self._flags(flags)
            if flags[3] == ")":
                return _Part(opening, repeatable=False)
        else:
            raise self._problem("has a (? that is neither a group nor a flag")
        inner = self._alternatives(depth + 1)
        if self._char() != ")":
            raise self._problem("has a ( without its )")
        self._at += 1
        return replace(inner, text=f"{opening}{inner.text})", repeatable=True)

    def _flags(self, found: re.Match[str]) -> str:
        on, off, end = found[1], (found[2] or "")[1:], found[3]
        if unknown := sorted(set(on + off) - set("ims")):
            raise self._problem(f"has the flag {unknown[0]}; there are i, m and s")
        if "m" in off:
            raise self._problem("switches m off, but ^ and $ always mean the edges of a line; leave it out")
        if end == ")" and not on + off:
            raise self._problem("has an empty (?)")
        on = "".join(sorted(set(on) - set("m")))
        off = "-" + "".join(sorted(set(off))) if off else ""
        return f"(?{on}{off}{end}" if end == ":" or on or off else ""

    def _class(self) -> _Part:
        text = "["
        if self._char() == "^":
            self._at += 1
            text += "^"
        wordy, empty = text == "[", True
        # A ] that comes first is one of the characters.
        while empty or self._char() != "]":
            empty = False
            item = self._item()
            text, wordy = text + item.text, wordy and item.wordy
        self._at += 1
        return _Part(f"{text}]", 1, wordy=wordy)

    def _item(self) -> _Part:
        """One character, range or class of a class."""
        if (posix := self._match(_POSIX)) is not None:
            return _Part(posix[0], wordy=posix[1] in _WORDY_NAMES)
        if self._source.startswith("[:", self._at) and ":]" in self._source[self._at :]:
            raise self._problem("has an unknown class [:name:]")
        low = self._member()
        if len(low) > 1:
            return _Part(low, wordy=low in _WORDY_CLASSES)
        following = self._source[self._at : self._at + 2]
        if following[:1] != "-" or following[1:] in {"", "]"}:
            return self._literal(low)
        self._at += 1
        high = self._member()
        if len(high) > 1 or high < low:
            raise self._problem("has a range that runs backwards, or to a class")
        wordy = all(chr(point) in _PLAIN for point in range(ord(low), ord(high) + 1))
        return _Part(f"{self._spelled(low)}-{self._spelled(high)}", wordy=wordy)

    def _member(self) -> str:
        """One character of a class, or a whole class such as `\\d`."""
        char = self._char()
        if not char:
            raise self._problem("has a [ without its ]")
        self._at += 1
        if char != "\\":
            return char
        if self._char() and self._char() in "dDsSwW":
            self._at += 1
            return f"\\{self._source[self._at - 1]}"
        return self._escaped()

    def _escape(self) -> _Part:
        char = self._char()
        if char and char in "dDsSwW":
            self._at += 1
            return _Part(f"\\{char}", 1, wordy=f"\\{char}" in _WORDY_CLASSES)
        if char and char in "bB":
            self._at += 1
            return _Part(f"\\{char}", repeatable=False, hanging=char == "B")
        if char == "Q":
            end = self._source.find("\\E", self._at)
            quoted = self._source[self._at + 1 : end if end >= 0 else None]
            self._at = end + 2 if end >= 0 else len(self._source)
            # A quantifier after \E means the last character only, so it must not be read as one piece.
            wordy = quoted[-1:] in _PLAIN or not quoted
            text = "".join(map(self._spelled, quoted))
            return _Part(text, len(quoted), repeatable=len(quoted) == 1, wordy=wordy)
        return self._literal(self._escaped())

    def _escaped(self) -> str:
        """The one character that stands behind a backslash."""
        char = self._char()
        self._at += 1
        if not char:
            raise self._problem("ends with a backslash")
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char == "x" and (found := self._match(_HEX)) is not None:
            point = int(found[1] or found[2], 16)
            return self._ascii(chr(point) if point <= 0x10FFFF else "\U0010ffff")
        if char in {"A", "z", "Z"}:
            raise self._problem(f"has \\{char}, the edge of a text; use ^ or $, the edges of a line")
        if char in {"p", "P"}:
            raise self._problem(f"has \\{char}, a class of Unicode, but bytes are matched; name the characters")
        if char.isalnum() or not char.isascii():
            raise self._problem(f"has \\{self._ascii(char)}, which means nothing here; write \\xHH or leave it out")
        return char

    def _literal(self, char: str) -> _Part:
        return _Part(self._spelled(char), 1, wordy=char in _PLAIN)

    def _spelled(self, char: str) -> str:
        """A character that both engines take for itself, also inside of a class."""
        return char if char in _PLAIN else f"\\x{ord(self._ascii(char)):02x}"

    def _ascii(self, char: str) -> str:
        if not char.isascii():
            raise self._problem("has a character that is not ASCII, but bytes are matched; write . or a class")
        return char
