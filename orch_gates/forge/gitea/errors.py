"""What the errors of Gitea and Forgejo mean: the one place that reads their words (docs/reference/forges.md)."""

from __future__ import annotations

from orch_gates.documents import escape
from orch_gates.forge.answer import Answer, Sort, Trouble


def trouble(answer: Answer) -> Trouble:
    """What an answer means that is not a good one."""
    said = f" ({answer.message})" if answer.message else ""
    match answer.status:
        case 301 | 302 | 307 | 308:
            moved = escape.visible(answer.headers.get("Location", ""))
            return Trouble(Sort.REFUSED, f"has moved to {moved or 'another place'}; name the new one")
        case 401:
            return Trouble(Sort.REFUSED, "401, the token is wrong or has expired; make a new one")
        case 403:
            return Trouble(Sort.REFUSED, f"403, the token lacks a scope, or its user the permission{said}")
        case 404:
            return Trouble(Sort.REFUSED, f"404, there is no such thing, or the token may not see it{said}")
        case 423:
            return Trouble(Sort.REFUSED, "423, the repository is archived; unarchive it to change anything")
        case 429:
            return Trouble(Sort.LATER, "429, too many requests; try again later", answer.wait or 1.0)
        case status if 400 <= status < 500:
            return Trouble(Sort.REFUSED, f"{status}{said}")
        case status:
            return Trouble(Sort.FAILED, f"{status}{said}", answer.wait or 1.0)
