"""What the errors of Gitea and Forgejo mean: the one place that reads their messages (docs/reference/forges.md)."""

from __future__ import annotations

import re

from orch_gates.documents import escape
from orch_gates.forge.answer import ForgeResponse, Trouble, TroubleKind, from_between
from orch_gates.forge.port.pulls import (
    AlreadyMerged,
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

_SCOPE = re.compile(r"required scope\(s\), required=\[([^\]]*)\], token scope=(.*)")
_REPOSITORY = re.compile(r"/repos/([^/]+/[^/?]+)")
_NO_RIGHT = "permission to write to a repo"
_NO_ADMIN = "admin write of a repository"
# Texts of 405: a rule of the repository that is not met yet.
_NOT_READY = (
    "Work in progress PRs cannot be merged",
    "Not all required status checks successful",
    "Does not have enough approvals",
    "There are requested changes",
    "There are official review requests",
    "The head branch is behind the base branch",
    "Changed protected files",
    "the branch requires signed commits but not all head commits are verified",
)
# Texts of 405: asking again does not help.
_NOT_ALLOWED = (
    "User not allowed to merge PR",
    "is not allowed an allowed merge style for this repository",
    "wont sign",
)
_REJECTED = re.compile(r"PushRejected with(?:out remote error message| remote message: ?)")
_WRONG_TOKEN = "the token is wrong or has expired; make a new one"
_TOO_SLOW = 408
_TOO_MANY = 429
# Of the server's own hook, which asks the server; what other hooks say is theirs.
_OWN_TROUBLE = "Internal Server"
# Of the script that runs all hooks, when one of them was ended by the system.
_ENDED = re.compile(r"^hooks/pre-receive: line \d+: .*\b(Killed|Terminated)\b")
_NOT_YET = re.compile(r"^Not allowed to push to protected branch \S+ and pr #\d+ is not ready to be merged")
_LOCKED = "cannot lock ref '"
_LOST_RACE = re.compile(r"cannot lock ref '[^']*': is at [0-9a-f]+ but expected [0-9a-f]+")
_SILENT = ("", "push is rejected")


def trouble(answer: ForgeResponse) -> Trouble:
    """What an answer means that is not a good one."""
    return _own(answer) if _is_own(answer) else from_between(answer)


def _own(answer: ForgeResponse) -> Trouble:
    why = f" ({answer.message})" if answer.message else ""
    match answer.status:
        case 301 | 302 | 307 | 308:
            return Trouble(TroubleKind.REFUSED, f"has moved to {_moved(answer)}; name the new one")
        case 401:
            missing = answer.message == "token is required"
            return Trouble(
                TroubleKind.REFUSED,
                f"401, {'this needs a token; put one into ORCH_FORGE_TOKEN' if missing else _WRONG_TOKEN}",
            )
        case 403:
            return Trouble(TroubleKind.REFUSED, f"403, {_forbidden(answer)}")
        case 404:
            return Trouble(TroubleKind.REFUSED, f"404, not found, or the token may not see it{why}")
        case 423:
            return Trouble(TroubleKind.REFUSED, "423, the repository is archived; unarchive it to change anything")
        case 429:
            return Trouble(TroubleKind.LATER, "429, too many requests; try again later", answer.wait or 1.0)
        case status if 400 <= status < 500 and status != _TOO_SLOW:
            return Trouble(TroubleKind.REFUSED, f"{status}{why}")
        case status:
            return Trouble(TroubleKind.FAILED, f"{status}{why}", answer.wait or 1.0)


def scopes(answer: ForgeResponse) -> tuple[str, ...] | None:
    """The scopes of the token, which a refusal for want of one tells; None where it tells nothing."""
    found = _SCOPE.search(answer.message) if answer.status == 403 else None
    return tuple(sorted(filter(None, found[2].split(",")))) if found else None


def merge_outcome(answer: ForgeResponse) -> MergeOutcome:
    """What the answer to a merge means; an unknown message is neither a merge nor a refusal."""
    if not _is_own(answer):
        return Ambiguous(from_between(answer).message)
    match answer.status:
        # A merge is answered without a body: a page with words is not the server's.
        case 200 | 201 if not answer.body.strip():
            return Merged() if answer.status == 200 else Scheduled()
        case 405:
            return _not_allowed(answer.message)
        case 409:
            return _in_the_way(answer)
        case 301 | 302 | 307 | 308 | 404:
            return Gone(trouble(answer).message)
        case 401 | 403 | 422 | 423:
            return Forbidden(trouble(answer).message)
        case 429:
            found = trouble(answer)
            return Transient(found.message, found.wait)
        case _:
            return Ambiguous(trouble(answer).message)


def _is_own(answer: ForgeResponse) -> bool:
    """Whether a refusal is the server's own: it leads elsewhere on itself only, and says everything else in JSON."""
    match answer.status:
        case 301 | 302 | 307 | 308:
            location = answer.headers.get("Location", "")
            return location.startswith("/") and _REPOSITORY.search(location) is not None
        case status:
            return not 300 <= status < 500 or status == _TOO_MANY or answer.of_a_forge


def _not_allowed(message: str) -> MergeOutcome:
    if message == "The PR is already merged":
        return AlreadyMerged()
    if any(known in message for known in _NOT_READY):
        return NotReady(message)
    if any(known in message for known in _NOT_ALLOWED):
        return Forbidden(message)
    return Ambiguous(f"405{f' ({message})' if message else ''}")


def _in_the_way(answer: ForgeResponse) -> MergeOutcome:
    message = answer.message
    if message == "head out of date":
        return HeadMoved()
    if message == "merge push out of date":
        return BaseMoved()
    if rejected := _REJECTED.match(message):
        hook_output = _REJECTED.sub("", answer.raw_message, count=1)
        return BaseMoved() if base_moved(hook_output) else _rejected(message[rejected.end() :])
    if "already scheduled to auto merge" in message:
        return Scheduled()
    if not message and _is_conflict(answer):
        return Conflict()
    return Ambiguous(trouble(answer).message)


def _rejected(message: str) -> MergeOutcome:
    """What the server's own push into the target came to: the message is git's, its own hook's, or another hook's."""
    if _LOST_RACE.match(message):
        return BaseMoved()
    if message.startswith(_LOCKED):
        return Transient(f"another push to the target runs: {message}")
    if message in _SILENT:
        return Transient("a hook or rule of the server refused it without a message, or was killed")
    if message.startswith(_OWN_TROUBLE) or _ENDED.search(message):
        return Transient(f"a hook of the server failed: {message}")
    return NotReady(message) if _NOT_YET.search(message) else Forbidden(message)


def _is_conflict(answer: ForgeResponse) -> bool:
    """Git's own words in place of a message: a conflict, or histories that have nothing in common."""
    try:
        found = answer.document
    except ValueError:
        return False
    return isinstance(found, dict) and {"Style", "StdOut", "StdErr"} <= found.keys()


def _forbidden(answer: ForgeResponse) -> str:
    message = answer.message
    if scope := _SCOPE.search(message):
        wanted = " or ".join(scope[1].split())
        return f"the token lacks the scope {wanted} (it has {scope[2] or 'none'}); create a token with that scope"
    if _NO_RIGHT in message:
        return "the token's user may not write to the repository; give them that right"
    if _NO_ADMIN in message:
        return "the token's user does not administer the repository; ask somebody who does"
    return f"the token lacks a scope, or its user the permission{f' ({message})' if message else ''}"


def _moved(answer: ForgeResponse) -> str:
    location = answer.headers.get("Location", "")
    repository = _REPOSITORY.search(location)
    return escape.visible(repository[1] if repository else location) or "another place"
