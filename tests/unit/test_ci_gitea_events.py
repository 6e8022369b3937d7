"""What a real Gitea's events mean: each payload in tests/recorded was sent to a workflow (MRG-13, REC-3)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orch_gates.ci.event import (
    Commented,
    Dispatched,
    Event,
    IssueAction,
    IssueChanged,
    Labelled,
    Nothing,
    PullAction,
    PullChanged,
    Pushed,
    Reviewed,
    ReviewState,
    Scheduled,
    WorkflowEnded,
)
from orch_gates.ci.read import parse

RECORDED = json.loads((Path(__file__).parents[1] / "recorded" / "events-gitea-1.26.4.json").read_text("utf-8"))
# Commits in the order in which they come up there; the second is what main was before.
MAIN, EARLIER, FIRST, SECOND, BOT, THEIRS, MERGE = (digit * 40 for digit in "1234567")


def pull(action: PullAction, head: str = SECOND, *, target: str = "main", merged: bool = False) -> PullChanged:
    return PullChanged("alice", 1, action, head, "feature", target, False, merged)


def labelled(actor: str, label: str, added: bool, head: str = FIRST) -> Labelled:
    return Labelled(actor, 1, label, added, head, "main", False)


def ended(commit: str, branch: str, event: str, pulls: tuple[int, ...] = (), actor: str = "alice") -> WorkflowEnded:
    return WorkflowEnded(actor, "CI", commit, branch, event, "success", pulls)


APPROVED, REJECTED, REVIEWED = (
    Reviewed("bob", 1, state, "", SECOND)
    for state in (ReviewState.APPROVED, ReviewState.CHANGES_REQUESTED, ReviewState.COMMENTED)
)
COMMENT = Commented("bob", 1, True, "/merge")
FORK = PullChanged("bob", 3, PullAction.OPENED, THEIRS, "theirs", "main", True, False)
WANTED: dict[str, Event] = {
    "main moved: push": Pushed("alice", "main", EARLIER, MAIN, False, False),
    "branch made: push": Pushed("alice", "feature", "", FIRST, False, False),
    "branch made: workflow_run of push": ended(FIRST, "feature", "push"),
    "opened: pull_request": pull(PullAction.OPENED, FIRST),
    "opened: pull_request_target": pull(PullAction.OPENED, FIRST),
    "opened: workflow_run of pull_request": ended(FIRST, "", "pull_request", (1,)),
    "opened: workflow_run of pull_request_target": ended(FIRST, "", "pull_request_target", (1,)),
    "labelled: pull_request": labelled("orch-bot", "queue", True),
    "labelled: pull_request_target": labelled("orch-bot", "queue", True),
    # One came, one went: no single one is named.
    "labels replaced: pull_request": labelled("bob", "", False),
    "labels replaced: pull_request_target": labelled("bob", "", False),
    "unlabelled: pull_request": labelled("bob", "now", False),
    "unlabelled: pull_request_target": labelled("bob", "now", False),
    "moved: push": Pushed("alice", "feature", FIRST, SECOND, False, False),
    "moved: pull_request": pull(PullAction.SYNCHRONIZE),
    "moved: workflow_run of push": ended(SECOND, "feature", "push"),
    "approved: pull_request_review": APPROVED,
    "approved: pull_request_review_approved": APPROVED,
    "rejected: pull_request_review": REJECTED,
    "rejected: pull_request_review_rejected": REJECTED,
    "labelled twice: pull_request": labelled("bob", "", False, SECOND),
    "labelled twice: pull_request_target": labelled("bob", "", False, SECOND),
    "reviewed: pull_request_review": REVIEWED,
    "reviewed: pull_request_review_comment": REVIEWED,
    "commented: issue_comment": COMMENT,
    "commented: pull_request_comment": COMMENT,
    "another branch: push": Pushed("alice", "other", "", MAIN, False, False),
    "another target: pull_request": pull(PullAction.EDITED, target="other"),
    "the target again: pull_request": pull(PullAction.EDITED),
    "closed: pull_request": pull(PullAction.CLOSED),
    "open again: pull_request": pull(PullAction.REOPENED),
    "issue: issues": IssueChanged("bob", 2, IssueAction.OPENED, ""),
    "issue labelled: issues": IssueChanged("bob", 2, IssueAction.LABELED, "queue"),
    "issue labelled: issue_label": IssueChanged("bob", 2, IssueAction.LABELED, "queue"),
    "issue commented: issue_comment": Commented("bob", 2, False, "text"),
    "issue closed: issues": IssueChanged("bob", 2, IssueAction.CLOSED, ""),
    "dispatched: workflow_dispatch": Dispatched("alice", {"who": "me"}, "", "main", MAIN),
    "dispatched: workflow_run of workflow_dispatch": ended(MAIN, "main", "workflow_dispatch"),
    "by the clock: schedule": Scheduled("", "0 3 * * 1", "main", MAIN),
    "pushed by a bot: push": Pushed("orch-bot", "by-bot", "", BOT, False, False),
    "opened from a fork: pull_request": FORK,
    "opened from a fork: pull_request_target": FORK,
    "opened from a fork: workflow_run of pull_request": ended(THEIRS, "", "pull_request", (3,), "bob"),
    "opened from a fork: workflow_run of pull_request_target": ended(THEIRS, "", "pull_request_target", (3,), "bob"),
    "merged: pull_request": pull(PullAction.CLOSED, merged=True),
    "merged: push": Pushed("alice", "main", MAIN, MERGE, False, False),
}


def read(scene: str) -> Event:
    told = RECORDED[scene]
    return parse(told["event"], told["payload"], ref=told["ref"], sha=told["sha"])


@pytest.mark.parametrize("scene", WANTED)
def test_what_a_recorded_event_means(scene: str) -> None:
    assert read(scene) == WANTED[scene]


def test_the_other_recorded_events_ask_for_nothing() -> None:
    """A new branch has its push besides, and a tag is no branch."""
    others = {scene: read(scene) for scene in RECORDED if scene not in WANTED}
    assert {scene.partition(": ")[2] for scene in others} == {"create", "delete", "push"}
    assert others["tagged: push"] == Nothing("alice", "event 'push': it changed no branch")
    assert all(isinstance(event, Nothing) and event.reason for event in others.values())
