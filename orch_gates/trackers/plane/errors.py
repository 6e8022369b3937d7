"""What Plane's errors mean: the one place that reads its messages (pure)."""

from __future__ import annotations

import math

from orch_gates.documents import escape
from orch_gates.forge.answer import ForgeResponse, Trouble, TroubleKind, from_between

LIMITED = 429
_A_MINUTE = 60.0
_LONGEST = 300
_MESSAGE_FIELDS = ("error", "detail", "error_message")


def trouble(answer: ForgeResponse) -> Trouble:
    """What an error response means."""
    if answer.status == LIMITED:
        limited = f"429, too many requests; Plane takes more in {limit(answer):.0f} s, and the next run asks again"
        # Never waited for: a tick has more to do.
        return Trouble(TroubleKind.LATER, limited, math.inf)
    message = _message(answer)
    if message is None and 300 <= answer.status < 500:
        return from_between(answer)
    why = f" ({message})" if message else ""
    match answer.status:
        case 401:
            return Trouble(TroubleKind.REFUSED, f"401, this needs a token; put one into ORCH_TRACKER_TOKEN{why}")
        case 403 if message and "token" in message.lower():
            return Trouble(TroubleKind.REFUSED, f"403, the token is wrong or has expired; make a new one{why}")
        case 403:
            # Plane says the same of a project that there is not.
            missing = "403, the workspace or project does not exist, or the user of the token is not a member"
            return Trouble(TroubleKind.REFUSED, f"{missing}{why}")
        case 404:
            return Trouble(TroubleKind.REFUSED, f"404, not found; check the workspace and the project{why}")
        case status if 400 <= status < 500:
            return Trouble(TroubleKind.REFUSED, f"{status}, Plane cannot do this as requested{why}")
        case status:
            return Trouble(TroubleKind.FAILED, f"{status}{why}", answer.wait or 1.0)


def limit(answer: ForgeResponse) -> float:
    """Seconds for which Plane takes no more requests."""
    return _A_MINUTE if answer.wait is None else answer.wait


def _message(answer: ForgeResponse) -> str | None:
    """Plane's own error message, in one line; None where the response is not from Plane."""
    try:
        found = answer.document
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    message = next((found[name] for name in _MESSAGE_FIELDS if isinstance(found.get(name), str)), None)
    if message is None:
        # Errors of the fields of a document are listed by their names.
        fields = {name: rows for name, rows in found.items() if isinstance(rows, list) and rows}
        if not fields:
            return None
        message = "; ".join(f"{name}: {rows[0]}" for name, rows in fields.items())
    return escape.clip(escape.visible(" ".join(message.split())), _LONGEST)
