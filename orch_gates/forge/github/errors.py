"""What GitHub's errors mean: the one place that reads its messages (docs/reference/forges.md)."""

from __future__ import annotations

import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime

from orch_gates.documents import escape
from orch_gates.forge.answer import ForgeResponse, Trouble, TroubleKind, from_between
from orch_gates.forge.port.pulls import (
    Ambiguous,
    BaseMoved,
    Conflict,
    Forbidden,
    Gone,
    HeadMoved,
    Merged,
    MergeOutcome,
    NotReady,
    Scheduled,
    Transient,
)
from orch_gates.git.answers import base_moved

_UNRULED = {"Branch not protected", "Branch not found"}
_NOT_FOR_APPS = "Resource not accessible by integration"
_UNDER_WAY = 202
_TOO_SLOW = 408
# Where GitHub does not say how long to wait for a secondary limit, it asks for a minute.
_A_MINUTE = 60.0
_AN_HOUR = 3600.0
_LONGEST = 300
_MEANINGS = {
    401: ", the token is wrong or has expired; make a new one",
    404: ", not found, or the token may not see it",
    410: ", it is gone, or switched off for this repository",
    422: ", GitHub cannot do this as requested",
    451: ", it is blocked for legal reasons",
}
# What a refused merge is told, first match first; whatever is unknown, git has to decide.
_REFUSALS: tuple[tuple[str, Callable[[str], MergeOutcome]], ...] = (
    # A hook may say anything, so it comes first.
    (r"pre-receive hook", Forbidden),
    (r"base branch was modified", lambda _: BaseMoved()),
    (r"head branch was modified", lambda _: HeadMoved()),
    (r"is (already )?in the merge queue", lambda _: Scheduled()),
    (r"merge queue", lambda message: Forbidden(f"{message}; exempt who merges from the queue, or drop its rule")),
    (r"merge conflict", lambda _: Conflict()),
    (r"still a draft", NotReady),
    (r"is not mergeable", Ambiguous),
    (r"already in progress", Transient),
    (r"\block(ed)?\b", Forbidden),
    (r"required workflow|code scanning|merge freeze", NotReady),
    (r"not authorized to|not allowed|must not contain merge commits|linear history", Forbidden),
    (r"signature|signed commits", Forbidden),
    (r"status checks?\b|deployment", NotReady),
    (r"\breviews?\b|approv|requested changes|code owner|conversation", NotReady),
    (r"out[ -]of[ -]date|up[ -]to[ -]date|is behind", NotReady),
    (r"repository rule violations|protected branch", Forbidden),
)


def trouble(answer: ForgeResponse) -> Trouble:
    """What an answer means that is not a good one."""
    if (limit := _limit(answer)) is not None:
        return limit
    message = error_message(answer)
    why = f" ({message})" if message else ""
    match answer.status:
        # Its edge says this one without a word.
        case status if 300 <= status < 500 and status != _TOO_SLOW and not answer.of_a_forge:
            return from_between(answer)
        case 301 | 302 | 307 | 308:
            return Trouble(TroubleKind.REFUSED, f"has moved{_location(answer)}; name the new one")
        case 403:
            return Trouble(TroubleKind.REFUSED, _forbidden(answer, why))
        case status if status == _TOO_SLOW:
            return Trouble(TroubleKind.LATER, "408, the request arrived too slowly; try again later")
        case status if 400 <= status < 500:
            needed = _needed(answer) if status == 404 else ""
            return Trouble(TroubleKind.REFUSED, f"{status}{_MEANINGS.get(status, '')}{needed}{why}")
        case status:
            return Trouble(TroubleKind.FAILED, f"{status}{why}", answer.wait or 1.0)


def merge_outcome(answer: ForgeResponse) -> MergeOutcome:
    """What `PUT /pulls/N/merge` answered; a 5xx may come after the merge was made."""
    if answer.ok:
        return _done(answer)
    found = trouble(answer)
    if found.sort is TroubleKind.LATER:
        return Transient(found.message, found.wait)
    if found.sort is TroubleKind.FAILED:
        return Ambiguous(found.message)
    match answer.status:
        case 405 | 409:
            # Of an Enterprise Server on which our own hook runs.
            return BaseMoved() if base_moved(answer.raw_message) else _refusal(answer.status, error_message(answer))
        case 301 | 302 | 307 | 308 | 404 | 410:
            return Gone(found.message)
        case 422 | 400:
            return Ambiguous(found.message)
        case _:
            return Forbidden(found.message)


def error_message(answer: ForgeResponse) -> str:
    """GitHub's own error message, its `errors` included, in one line."""
    found = [answer.message.rstrip(".") if (details := _details(answer)) else answer.message, *details]
    return escape.clip(": ".join(message for message in found if message), _LONGEST)


def missing(answer: ForgeResponse) -> bool:
    """Whether it is definite that a branch has no protection rule, not merely that none may be seen."""
    return answer.status == 404 and answer.message in _UNRULED


def of_an_app(answer: ForgeResponse) -> bool:
    """Whether the token is an app's own (as a workflow's automatic one is), which is no user."""
    return answer.status == 403 and answer.message == _NOT_FOR_APPS


def _done(answer: ForgeResponse) -> MergeOutcome:
    try:
        found = answer.document
    except ValueError:
        found = None
    if answer.status == _UNDER_WAY and isinstance(found, dict):
        return Scheduled()
    if not isinstance(found, dict) or found.get("merged") is not True:
        return Ambiguous(f"{answer.status}, but the answer confirms no merge")
    commit = found.get("sha")
    return Merged(commit if isinstance(commit, str) else "")


def _refusal(status: int, message: str) -> MergeOutcome:
    # The name of a check may be like any of these.
    unnamed = re.sub(r'"[^"]*"', '""', message)
    for pattern, outcome in _REFUSALS:
        if re.search(pattern, unnamed, re.IGNORECASE):
            return outcome(message)
    return Ambiguous(f"{status} {message}".rstrip())


def _limit(answer: ForgeResponse) -> Trouble | None:
    """A limit of requests: nothing was done, whatever was asked."""
    if answer.status not in {403, 429}:
        return None
    message = answer.message.lower()
    if answer.headers.get("X-RateLimit-Remaining") == "0":
        wait = _until_reset(answer) if answer.wait is None else answer.wait
        return Trouble(
            TroubleKind.LATER, f"{answer.status}, this hour's requests are used up; more in {wait:.0f} s", wait
        )
    if answer.status == 429 or "rate limit" in message or "abuse detection" in message:
        wait = _A_MINUTE if answer.wait is None else answer.wait
        return Trouble(
            TroubleKind.LATER, f"{answer.status}, too many requests at once; try again in {wait:.0f} s", wait
        )
    return None


def _until_reset(answer: ForgeResponse) -> float:
    """Seconds until the limit is set anew, at most an hour, by the server's own clock (ST-7)."""
    reset = answer.headers.get("X-RateLimit-Reset", "")
    try:
        now = parsedate_to_datetime(answer.headers.get("Date", "")).timestamp()
    except (ValueError, OverflowError):
        return _A_MINUTE
    return min(max(1.0, float(reset) - now), _AN_HOUR) if reset.isdecimal() else _A_MINUTE


def _forbidden(answer: ForgeResponse, why: str) -> str:
    if "archived" in answer.message.lower():
        return "403, the repository is archived; unarchive it to change anything"
    if "required" in answer.headers.get("X-GitHub-SSO", ""):
        return f"403, the organisation wants the token to be authorised for its single sign-on{why}"
    return f"403, the token or its user lacks a permission{_needed(answer)}{why}"


def _needed(answer: ForgeResponse) -> str:
    """What the request needs, where GitHub names it: a header for each kind of token."""
    named = answer.headers.get("X-Accepted-GitHub-Permissions") or answer.headers.get("X-Accepted-OAuth-Scopes") or ""
    return f"; needed: {escape.clip(escape.visible(named), _LONGEST)}" if named.strip() else ""


def _location(answer: ForgeResponse) -> str:
    location = escape.visible(answer.headers.get("Location", ""))
    return f" to {location}" if location else ""


def _details(answer: ForgeResponse) -> list[str]:
    try:
        found = answer.document
    except ValueError:
        return []
    errors = found.get("errors") if isinstance(found, dict) else None
    rows = errors if isinstance(errors, list) else [errors]
    return [message for row in rows if (message := _detail(row))]


def _detail(row: object) -> str:
    if isinstance(row, dict):
        row = row.get("message") or " ".join(str(row[name]) for name in ("field", "code") if row.get(name))
    return escape.visible(" ".join(row.split())) if isinstance(row, str) else ""
