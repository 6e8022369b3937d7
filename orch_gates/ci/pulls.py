"""Events of pull requests: what happened to one, its labels, and reviews of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orch_gates.ci import fields
from orch_gates.ci.event import Commented, Event, Labelled, PullAction, PullChanged, Reviewed, ReviewState
from orch_gates.ci.received import LABEL_ACTIONS, Received

# Gitea and Forgejo say `synchronized` of what GitHub calls `synchronize`.
_ACTIONS = {**{action.value: action for action in PullAction}, "synchronized": PullAction.SYNCHRONIZE}
# GitHub has a state; Gitea and Forgejo have a type, which is `pull_request_review_` and one of these.
_STATES = {
    **{state.value: state for state in ReviewState},
    "rejected": ReviewState.CHANGES_REQUESTED,
    "comment": ReviewState.COMMENTED,
}
_REVIEW_ACTIONS = ("submitted", "edited", "dismissed", "reviewed")


def pull_request(received: Received) -> Event:
    """`pull_request` and `pull_request_target`."""
    number = _number(received)
    if not number:
        return received.unreadable("the payload has no pull request number")
    if received.action == "reviewed":
        return review(received)
    pull = fields.at(received.payload, "pull_request")
    head, target = fields.commit(pull, "head", "sha"), fields.branch(pull, "base", "ref")
    if received.action in LABEL_ACTIONS:
        label, added = received.label
        return Labelled(received.actor, number, label, added, head, target, is_of_fork(received.payload))
    if not received.action:
        return received.unreadable("the payload has no action")
    if received.action not in _ACTIONS:
        return received.ignored()
    return PullChanged(
        actor=received.actor,
        number=number,
        action=_ACTIONS[received.action],
        head=head,
        branch=fields.branch(pull, "head", "ref"),
        target=target,
        fork=is_of_fork(received.payload),
        merged=fields.at(pull, "merged") is True,
    )


def review(received: Received) -> Event:
    """`pull_request_review`, and the names that Gitea has for one besides."""
    number = _number(received)
    if not number:
        return received.unreadable("the payload has no pull request number")
    if received.action not in _REVIEW_ACTIONS:
        return received.ignored() if received.action else received.unreadable("the payload has no action")
    state = _state(received)
    if state is None:
        return received.unreadable("the payload has no review decision")
    return Reviewed(
        actor=received.actor,
        number=number,
        state=state,
        head=fields.commit(received.payload, "review", "commit_id"),
        pull_head=fields.commit(received.payload, "pull_request", "head", "sha"),
    )


def review_comment(received: Received) -> Event:
    """`pull_request_review_comment`: a comment on a line at GitHub, a review that only comments at Gitea."""
    if fields.at(received.payload, "comment") is None:
        return review(received)
    number = _number(received)
    if not number:
        return received.unreadable("the payload has no pull request number")
    if received.action != "created":
        return received.ignored() if received.action else received.unreadable("the payload has no action")
    body = fields.text(received.payload, "comment", "body", limit=fields.MAX_BODY)
    return Commented(received.actor, number, True, body)


def _number(received: Received) -> int:
    return fields.number(received.payload, "pull_request", "number") or fields.number(received.payload, "number")


def _state(received: Received) -> ReviewState | None:
    if received.action == "dismissed":
        return ReviewState.DISMISSED
    review: Any = fields.at(received.payload, "review")
    decision = fields.text(review, "state") or fields.text(review, "type") or received.name
    return _STATES.get(decision.lower().removeprefix("pull_request_review_"))


def is_of_fork(payload: Mapping[str, Any]) -> bool:
    """Whether a pull request comes from another repository; also where that is gone, or is not named."""
    pull = fields.at(payload, "pull_request")
    base = fields.at(pull, "base", "repo") or fields.at(payload, "repository")
    return not fields.same_repository(fields.at(pull, "head", "repo"), base)
