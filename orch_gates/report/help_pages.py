"""The pages of the documents that refusals point to: whoever is refused has no copy of the documents (UX-1).

`pages/` holds links to the documents themselves; what is built from the tree holds their text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True, slots=True)
class HelpPage:
    """A page by the name of its document, and what it is about in one line."""

    document: str
    about: str


PAGES: Mapping[str, HelpPage] = {
    "leak": HelpPage("remove-a-leaked-secret.md", "A push or a commit was refused because of a secret."),
    "allow": HelpPage("allow-a-finding.md", "A finding is not a secret."),
    "state": HelpPage(
        "repair-the-state-branch.md", "A push to the state branch was refused, or the branch is damaged."
    ),
    "merge": HelpPage("merge-through-the-gate.md", "A push to the target branch was refused."),
    "gates": HelpPage("gates.md", "What each gate reads, and how a report is recorded."),
}

_COMMENT = re.compile(r"^<!--.*?-->\n", re.M)
_CODE = re.compile(r"(^```.*?^```$)", re.S | re.M)
_LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")
_NAMES = {page.document: name for name, page in PAGES.items()}


def text_of(name: str) -> str:
    """The text of a page for a terminal: links name the commands that print where they lead."""
    raw = resources.files(__package__).joinpath("pages", f"{name}.md").read_text("utf-8")
    parts = _CODE.split(_COMMENT.sub("", raw))
    return "".join(part if part.startswith("```") else _LINK.sub(_linked, part) for part in parts)


def _linked(link: re.Match[str]) -> str:
    text, target = link.groups()
    if re.match(r"[a-z]+:", target):
        return f"{text} ({target})"
    name = _NAMES.get(target.partition("#")[0].rpartition("/")[2])
    return f"{text} (`orch-gates help {name}`)" if name else text
