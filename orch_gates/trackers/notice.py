"""The one comment on an issue that says where its task stands: its text, and how it is read back (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from orch_gates.documents import escape

# Invisible where the comment is shown; with the author it tells ours from what others wrote.
MARK = "<!-- orch-gates: task "
_NOTE = "<!-- orch-gates: note -->"
_READ = re.compile(rf"\s*{re.escape(MARK)}([0-9]{{1,18}}) -->\n(.*?)(?:{re.escape(_NOTE)}\n(.*))?", re.DOTALL)
_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Notice:
    """What the comment says: where the task stands, as of a generation of the state, and what is in a word's way.

    Both are Markdown.
    """

    generation: int = 0
    standing: str = ""
    note: str = ""

    @property
    def text(self) -> str:
        """The whole comment."""
        note = f"{_NOTE}\n{self.note}\n" if self.note else ""
        standing = f"{self.standing}\n\n" if self.standing else ""
        return f"{MARK}{self.generation} -->\n{standing}{note}"


def read(body: str) -> Notice:
    """What a comment of ours says; one that somebody changed says nothing that counts."""
    found = _READ.fullmatch(body.replace("\r\n", "\n"))
    return Notice(int(found[1]), found[2].strip(), (found[3] or "").strip()) if found else Notice()


def standing(text: str) -> str:
    """Where a task stands, as Markdown; what others wrote is shown as text, links nowhere, mentions nobody."""
    return f"**orch-gates**: {_shown(text)}".strip()


def note(text: str) -> str:
    """What is in a word's way, as Markdown."""
    return f"**Not done**: {_shown(text)}".strip()


def _shown(text: str) -> str:
    return escape.comment(escape.clip(escape.visible(text), _LONGEST))
