"""The one comment on a pull request that says where it stands in the merge queue (MRG-13)."""

from __future__ import annotations

from orch_gates.documents import escape
from orch_gates.forge import own_comment
from orch_gates.forge.own_comment import Ours
from orch_gates.forge.port.forge import Forge

# Invisible where the comment is shown; with the author it tells ours from what others wrote.
MARK = "<!-- orch-gates: merge queue -->"
_LONGEST = 2000


def text(line: str) -> str:
    """What the comment says; what others wrote in it is shown as text, links nowhere and mentions nobody."""
    shown = escape.comment(escape.clip(escape.visible(line), _LONGEST))
    return f"{MARK}\n**Merge queue**: {shown}\n"


def put(forge: Forge, login: str, number: int, wanted: str, *, anew: bool = True) -> bool:
    """Let the comment say this, edited where it is there already; False where it says so by now.

    Without `anew` no second one is made beside what looks like one of another login.

    `login` is ours; empty for an app's token at GitHub, which does not know its own name.

    Raises:
        ForgeRefused, ForgeUnclear, ForgeUnavailable: it does not say so; the next run tries again.
    """
    comments = forge.issues.comments(number)
    found = own_comment.find(comments, MARK, Ours(login))
    if found is None and not anew and any(one.body.lstrip().startswith(MARK) for one in comments):
        return False
    if found is None:
        found = own_comment.make(forge.issues, number, MARK, Ours(login), wanted)
    if found is None:
        return True
    if found.body.strip() == wanted.strip():
        return False
    forge.issues.edit_comment(number, found.id, wanted)
    return True
