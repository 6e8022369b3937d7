"""The one comment on a work item that shows the state of its task: its HTML, and how it is read back (pure).

Plane removes HTML comments and unknown attributes. So all that we read back is text.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from html.parser import HTMLParser

from orch_gates.documents import escape

SOURCE = "orch-gates"
_FIRST = "orch-gates, state "
_NOTE = "Not done: "
_LONGEST = 2000
_READ = re.compile(rf"{re.escape(_FIRST)}([0-9]{{1,18}})(?:: (.*))?")
_BLOCKS = {"p", "div", "li", "br", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre"}


@dataclass(frozen=True, slots=True)
class TaskComment:
    """Where a task stands at a generation, and why a person's word was not followed: one line each."""

    generation: int = 0
    standing: str = ""
    note: str = ""

    @property
    def html(self) -> str:
        """The whole comment; what others wrote in a reason is shown as text, and mentions nobody."""
        first = f"{_FIRST}{self.generation}" + (f": {self.standing}" if self.standing else "")
        lines = [first, *([f"{_NOTE}{self.note}"] if self.note else [])]
        return "".join(f"<p>{html.escape(line)}</p>" for line in lines)


def line(text: str) -> str:
    """A text as one line of the comment."""
    return escape.clip(escape.visible(" ".join(text.split())), _LONGEST)


def read(body: str) -> TaskComment:
    """Read a comment of ours; one that somebody else changed counts as empty."""
    lines = lines_of(body)
    found = _READ.fullmatch(lines[0]) if lines else None
    if found is None or len(lines) > 2 or (len(lines) == 2 and not lines[1].startswith(_NOTE)):
        return TaskComment()
    return TaskComment(int(found[1]), found[2] or "", lines[1].removeprefix(_NOTE) if len(lines) == 2 else "")


def lines_of(body: str) -> list[str]:
    """The lines of text in HTML that have any."""
    parser = _Text()
    parser.feed(body)
    parser.close()
    return [text for part in "".join(parser.parts).split("\n") if (text := " ".join(part.split()))]


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, _attrs: object) -> None:
        self._block(tag)

    def handle_endtag(self, tag: str) -> None:
        self._block(tag)

    def handle_data(self, data: str) -> None:
        self.parts.append(data.replace("\n", " "))

    def _block(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.parts.append("\n")
