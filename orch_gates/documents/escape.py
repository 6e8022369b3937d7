"""Text from outside made safe to show: terminals, CI logs and Markdown (SEC-5, OWN-2).

File names, ref names and tool messages are chosen by whoever pushes. Each function is total: any
`str` comes out as one line (of `printable`, as many as it had). A character that could act instead
of being read is shown as its code: `\\x1b`, `\\u202e`.
"""

from __future__ import annotations

import itertools
import re
import unicodedata

_CONTROLS = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
# Invisible or reordering characters: they make a name read as another name.
_BIDI = r"\xad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
_NOT_TEXT = r"\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"

HOSTILE = re.compile(f"[{_CONTROLS}{_BIDI}{_NOT_TEXT}]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
# Letters and marks by their category, which nobody sees.
_EMPTY = re.compile(
    r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_MARKS = frozenset({"Mn", "Me"})
_MOST_MARKS = 3
# A runner executes log lines: `::command::` at the start of a line, `##[command]` anywhere.
_RUNNER_COMMAND = re.compile(r"(?<!\S)::|##\[")
_MARKDOWN_ACTIVE = re.compile(r"[\\`*_\[\]~$]")
_MENTION = re.compile(r"(?<![A-Za-z0-9])@(?=[A-Za-z0-9])")
# What Gitea, Forgejo and GitHub make a link of by themselves: urls, addresses of mail, issues (`owner/name#1`, `!1`,
# `GH-1`), commits.
_URL = r"[A-Za-z0-9._~:/?#%=+,;!-]*"
_LINKED = re.compile(
    rf"[A-Za-z][A-Za-z0-9+.-]{{0,30}}://{_URL}"
    rf"|(?:mailto|xmpp):{_URL}"
    rf"|www\.{_URL}"
    r"|(?<![A-Za-z0-9.+_-])[A-Za-z0-9.+_-]{1,64}@[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})+"
    r"|(?<![A-Za-z0-9._/-])[A-Za-z0-9._/-]{0,140}[#!][0-9]+"
    r"|[#!][0-9]+"
    r"|gh-[0-9]+"
    r"|(?<![A-Za-z0-9])[0-9a-f]{7,}(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;"}
_ELLIPSIS = "..."


def visible(text: str, *, keep: str = "") -> str:
    """One line without control, invisible or reordering characters, nor commands to a CI runner.

    Characters in `keep` are left as they are, for a caller which encodes them itself.
    """
    shown = HOSTILE.sub(lambda hit: hit[0] if hit[0] in keep else code(hit[0]), text)
    return _RUNNER_COMMAND.sub(lambda hit: hit[0][0] + code(hit[0][1]) + hit[0][2:], shown)


def printable(text: str) -> str:
    """Whole output for a terminal: line ends stay, and so do our own commands to a CI runner.

    Codes are spelled as JSON spells them, so that JSON stays JSON.
    """
    return HOSTILE.sub(lambda hit: hit[0] if hit[0] == "\n" else _json_code(hit[0]), text)


def _json_code(character: str) -> str:
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else code(character)


def terminal_line(text: str) -> str:
    """`visible`, with the letters of every script as they are.

    What a terminal would show as a blank or not at all is shown as its code, and so are unassigned and private
    characters, and marks that would paint over other lines.
    """
    shown = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in _MARKS else 0
        seen = character.isprintable() and marks <= _MOST_MARKS and not _EMPTY.match(character)
        shown.append(character if seen else code(character))
    return visible("".join(shown))


def well_formed(text: str) -> str:
    """The same text with undecodable bytes (lone surrogates) spelled out, so that it is UTF-8."""
    return _SURROGATE.sub(lambda hit: code(hit[0]), text)


def markdown(text: str) -> str:
    """Prose for Markdown, also inside a table: no markup, link, HTML, cell end or mention."""
    return _without_markup(visible(text))


def _without_markup(shown: str) -> str:
    shown = _MENTION.sub(lambda hit: code(hit[0]), shown)
    shown = _MARKDOWN_ACTIVE.sub(lambda hit: "\\" + hit[0], shown)
    return re.sub(r"[&<>|]", lambda hit: _ENTITIES[hit[0]], shown)


def comment(text: str) -> str:
    """`markdown` for what a forge shows below an issue or a pull request, where plain words become links as well.

    What would become one is a span of code: it can be read and copied, leads nowhere, and tells nobody.
    """
    shown = visible(text)
    linked = _linked(shown)
    runs = itertools.groupby(range(len(shown)), linked.__getitem__)
    parts = ((hit, "".join(shown[place] for place in places)) for hit, places in runs)
    return "".join(f"`{part}`" if hit else _beside(part) for hit, part in parts)


def _linked(text: str) -> list[bool]:
    """Which characters belong to a link; beside one that was taken out, what is left may have become one."""
    found = [False] * len(text)
    while True:
        runs = [list(places) for hit, places in itertools.groupby(range(len(text)), found.__getitem__) if not hit]
        hits = [(run[0], hit) for run in runs for hit in _LINKED.finditer(text[run[0] : run[-1] + 1])]
        if not hits:
            return found
        for start, hit in hits:
            found[start + hit.start() : start + hit.end()] = [True] * len(hit[0])


def _beside(text: str) -> str:
    # To some readers, a backtick beside a span of code belongs to it, escaped or not.
    return _without_markup(text).replace("\\`", "&#96;")


def plain(text: str) -> str:
    """What `markdown` was made of, as far as it may be shown: for a terminal, where nothing is markup."""
    shown = re.sub(r"\\([\\`*_\[\]~$])", r"\1", text)
    for character, entity in reversed(_ENTITIES.items()):
        shown = shown.replace(entity, character)
    return shown


def markdown_code(text: str) -> str:
    """A code span for Markdown, also inside a table; empty text gives empty text.

    Nothing can be escaped inside a code span, so what would end it or the cell is shown as code.
    """
    shown = re.sub(r"[`|]", lambda hit: code(hit[0]), visible(text))
    return f"`{shown}`" if shown.strip() else shown.strip()


def clip(text: str, limit: int) -> str:
    """At most `limit` characters (`limit` > 3); the middle goes, both ends of a path matter."""
    if len(text) <= limit:
        return text
    head = (limit - len(_ELLIPSIS)) // 2
    tail = limit - len(_ELLIPSIS) - head
    return text[:head] + _ELLIPSIS + text[len(text) - tail :]


def code(character: str) -> str:
    """How a character that is not shown is written; a byte that was not UTF-8 as that byte."""
    point = ord(character)
    if 0xDC80 <= point <= 0xDCFF:
        point -= 0xDC00
    if point < 0x100:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
