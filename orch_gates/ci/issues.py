"""Events of issues, and comments on them; to the forges a pull request is an issue too, when it is commented on."""

from __future__ import annotations

from collections.abc import Mapping

from orch_gates.ci import fields
from orch_gates.ci.event import Commented, Event, IssueAction, IssueChanged
from orch_gates.ci.received import LABEL_ACTIONS, Received

_ACTIONS = {
    **{action.value: action for action in IssueAction},
    "label_updated": IssueAction.LABELED,
    "label_cleared": IssueAction.UNLABELED,
}


def issue(received: Received) -> Event:
    """`issues`, and the names that Gitea has for one besides."""
    number = _number(received)
    if not number:
        return received.unreadable("the payload has no issue number")
    if _is_pull(received):
        return received.nothing("it is about a pull request, which has its own events")
    if received.action not in _ACTIONS:
        return received.ignored() if received.action else received.unreadable("the payload has no action")
    action = _ACTIONS[received.action]
    if received.action not in LABEL_ACTIONS:
        return IssueChanged(received.actor, number, action, "")
    label, added = received.label
    if received.action == "label_updated" and label and not added:
        action = IssueAction.UNLABELED
    return IssueChanged(received.actor, number, action, label)


def comment(received: Received) -> Event:
    """`issue_comment`, and Gitea's `pull_request_comment`; a comment counts once, as it was written first."""
    number = _number(received) or fields.number(received.payload, "pull_request", "number")
    if not number:
        return received.unreadable("the payload has no number of an issue or a pull request")
    if received.action != "created":
        return received.ignored() if received.action else received.unreadable("the payload has no action")
    if not isinstance(fields.at(received.payload, "comment", "body"), str):
        return received.unreadable("the payload has no comment")
    body = fields.text(received.payload, "comment", "body", limit=fields.MAX_BODY)
    return Commented(received.actor, number, received.name == "pull_request_comment" or _is_pull(received), body)


def _number(received: Received) -> int:
    return fields.number(received.payload, "issue", "number")


def _is_pull(received: Received) -> bool:
    of_pull = isinstance(fields.at(received.payload, "issue", "pull_request"), Mapping)
    return of_pull or fields.at(received.payload, "is_pull") is True
