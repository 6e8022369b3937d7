"""What Plane's errors mean: the one place that reads its words (pure)."""

from __future__ import annotations

import math

from orch_gates.documents import escape
from orch_gates.forge.answer import Answer, Sort, Trouble, from_between

LIMITED = 429
_A_MINUTE = 60.0
_LONGEST = 300
_SAID = ("error", "detail", "error_message")


def trouble(answer: Answer) -> Trouble:
    """What an answer means that is not a good one."""
    if answer.status == LIMITED:
        words = f"429, too many requests; Plane takes more in {limit(answer):.0f} s, and the next run asks again"
        # Never waited for: a tick has more to do.
        return Trouble(Sort.LATER, words, math.inf)
    said = _said(answer)
    if said is None and 300 <= answer.status < 500:
        return from_between(answer)
    why = f" ({said})" if said else ""
    match answer.status:
        case 401:
            return Trouble(Sort.REFUSED, f"401, this needs a token; put one into ORCH_TRACKER_TOKEN{why}")
        case 403 if said and "token" in said.lower():
            return Trouble(Sort.REFUSED, f"403, the token is wrong or has expired; make a new one{why}")
        case 403:
            # Plane says the same of a project that there is not.
            words = "403, there is no such workspace or project, or whoever has the token is no member of it"
            return Trouble(Sort.REFUSED, f"{words}{why}")
        case 404:
            return Trouble(Sort.REFUSED, f"404, there is no such thing{why}")
        case status if 400 <= status < 500:
            return Trouble(Sort.REFUSED, f"{status}, this cannot be done as asked{why}")
        case status:
            return Trouble(Sort.FAILED, f"{status}{why}", answer.wait or 1.0)


def limit(answer: Answer) -> float:
    """Seconds for which Plane takes no more requests."""
    return _A_MINUTE if answer.wait is None else answer.wait


def _said(answer: Answer) -> str | None:
    """What Plane says went wrong, in one line; None where the answer is not in its words."""
    try:
        found = answer.document
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    told = next((found[name] for name in _SAID if isinstance(found.get(name), str)), None)
    if told is None:
        # What is wrong with the fields of a document is said by their names.
        fields = {name: rows for name, rows in found.items() if isinstance(rows, list) and rows}
        if not fields:
            return None
        told = "; ".join(f"{name}: {rows[0]}" for name, rows in fields.items())
    return escape.clip(escape.visible(" ".join(told.split())), _LONGEST)
