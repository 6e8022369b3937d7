"""Which events start a run of the merge queue, as Gitea and GitHub send them (MRG-13, REC-3)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orch_gates.ci.event import ChecksChanged, Event, Nothing, PullAction, StatusChanged, Unreadable
from orch_gates.ci.read import parse
from orch_gates.merge.queue.events import KnownQueue, QueueConcern, concern
from orch_gates.merge.queue.plan import LabelEvent, QueueEntry
from orch_gates.model.attempt import Attempt
from orch_gates.model.task import MERGE_QUEUE, Task
from orch_gates.model.verdict import Outcome
from tests.tasks_builders import BEFORE, make_attempt, make_task

RECORDED = json.loads((Path(__file__).parents[1] / "recorded" / "events-gitea-1.26.4.json").read_text("utf-8"))
# As in the recorded ones: main, what it was before, two commits of `feature`, of pull request 1.
MAIN, EARLIER, FIRST, SECOND = (digit * 40 for digit in "1234")
CAUGHT_UP = "cd" * 20
PUSHED = "5e" * 20
HERE = {"id": 1, "full_name": "acme/app"}
LABEL = {"name": "merge"}
BOTH: dict[str, Any] = {"repository": HERE, "sender": {"login": "ann"}}


def task_of(number: int = 1, head: str = FIRST, **changes: Any) -> Task:
    """The task of a pull request of `feature`, which is queued for a commit."""
    asked = {"target": "main", "pull": number, "head": head, "by": "ann", "at": BEFORE}
    values = {"id": f"PR-{number}", "stage": "queued", "branch": "feature", "pipeline": MERGE_QUEUE, "enqueued": asked}
    return make_task(**values | changes)


def attempt_of(task: Task, commit: str = CAUGHT_UP, **changes: Any) -> Attempt:
    """An attempt that caught it up."""
    assert task.enqueued is not None
    values = {"task": task.id, "branch": task.branch, "head": task.enqueued.head, "commit": commit, "how": "rebase"}
    return make_attempt(**values | changes)


QUEUED = QueueEntry(task_of(), None)
WORKS = QueueEntry(task_of(), attempt_of(task_of()))
BACK = QueueEntry(task_of(stage="open"), None)
DONE = QueueEntry(task_of(stage="done", state="done"), None)
KNOWN = KnownQueue("main", MAIN, "merge", ("ci", "build / *"), False, ())


def known(*entries: QueueEntry, **changes: Any) -> KnownQueue:
    return replace(KNOWN, entries=entries, **changes)


def recorded(scene: str) -> Event:
    told = RECORDED[scene]
    return parse(told["event"], told["payload"], ref=told["ref"], sha=told["sha"])


def github(name: str, **payload: Any) -> Event:
    return parse(name, {**BOTH, **payload})


def pull(action: str, head: str = FIRST, number: int = 1, **more: Any) -> Event:
    """Of GitHub's kind."""
    of = {
        "number": number,
        "head": {"ref": "feature", "sha": head, "repo": HERE},
        "base": {"ref": "main", "repo": HERE},
    }
    return github("pull_request", action=action, number=number, pull_request=of, **more)


def push(branch: str, after: str) -> Event:
    return github("push", ref=f"refs/heads/{branch}", before=EARLIER, after=after)


def status(state: str, context: str = "ci", commit: str = FIRST) -> Event:
    return github("status", sha=commit, context=context, state=state)


def checks(conclusion: str | None, commit: str = FIRST, kind: str = "check_run") -> Event:
    return github(kind, action="completed", **{kind: {"head_sha": commit, "conclusion": conclusion}})


def ended(commit: str, conclusion: str = "success") -> Event:
    return github(
        "workflow_run",
        action="completed",
        workflow_run={"name": "CI", "head_sha": commit, "head_branch": "feature", "conclusion": conclusion},
    )


def answer(event: Event, *entries: QueueEntry, **changes: Any) -> QueueConcern:
    """What it means; the reason is always there."""
    found = concern(event, known(*entries, **changes))
    assert found.reason
    return found


# Event, what is queued, and whether it starts a run.
TABLE: list[tuple[str, Event, QueueEntry | None, bool]] = [
    ("the clock", recorded("by the clock: schedule"), None, True),
    ("by hand", recorded("dispatched: workflow_dispatch"), None, True),
    ("the clock, of GitHub", github("schedule", schedule="0 3 * * 1"), None, True),
    ("by another workflow", github("repository_dispatch", action="queue"), None, True),
    # Pushes.
    ("the target moved", recorded("main moved: push"), None, True),
    ("the target moved, of GitHub", push("main", SECOND), None, True),
    ("a branch of nobody", recorded("another branch: push"), QUEUED, False),
    ("a branch that is not queued any more", recorded("moved: push"), BACK, False),
    ("a branch that is done", recorded("moved: push"), DONE, False),
    ("the author's push", recorded("moved: push"), QUEUED, True),
    ("the author's push, while it is tested", recorded("moved: push"), WORKS, True),
    ("what was asked for itself", recorded("branch made: push"), QUEUED, False),
    ("our own push", push("feature", CAUGHT_UP), WORKS, False),
    ("the same without our attempt", push("feature", CAUGHT_UP), QUEUED, True),
    ("the branch is deleted", push("feature", "0" * 40), QUEUED, True),
    ("a tag", recorded("tagged: push"), QUEUED, False),
    # Pull requests.
    ("opened", recorded("opened: pull_request"), None, True),
    ("opened from a fork", recorded("opened from a fork: pull_request"), None, True),
    ("closed", recorded("closed: pull_request"), QUEUED, True),
    ("merged", recorded("merged: pull_request"), QUEUED, True),
    ("re-targeted", recorded("another target: pull_request"), QUEUED, True),
    ("a draft now", pull("converted_to_draft"), QUEUED, True),
    ("ready now", pull("ready_for_review"), None, True),
    ("opened again", recorded("open again: pull_request"), None, True),
    ("moved, and not queued", recorded("moved: pull_request"), None, False),
    ("moved, and sent back", recorded("moved: pull_request"), BACK, False),
    ("moved by the author", recorded("moved: pull_request"), QUEUED, True),
    ("moved by the author, of GitHub", pull("synchronize", SECOND), WORKS, True),
    ("moved by us", pull("synchronize", CAUGHT_UP), WORKS, False),
    ("moved, without a commit", pull("synchronize", ""), WORKS, True),
    ("a reviewer is asked", pull("review_requested"), QUEUED, False),
    ("a reviewer is asked no more", pull("review_request_removed"), QUEUED, False),
    ("assigned", pull("assigned"), QUEUED, False),
    # Reviews.
    ("approved, and not queued", recorded("approved: pull_request_review"), None, False),
    ("approved", recorded("approved: pull_request_review"), QUEUED, True),
    ("approved, as Gitea says it besides", recorded("approved: pull_request_review_approved"), QUEUED, True),
    ("rejected", recorded("rejected: pull_request_review"), QUEUED, True),
    # Commits alone.
    ("green", status("success"), QUEUED, True),
    ("red", status("failure"), QUEUED, True),
    ("it could not be told", status("error"), QUEUED, True),
    ("pending", status("pending"), QUEUED, False),
    ("green, of the catch-up", status("success", commit=CAUGHT_UP), WORKS, True),
    ("green, and not queued", status("success"), BACK, False),
    ("of nobody", status("success", commit=SECOND), QUEUED, False),
    ("of the target", status("failure", commit=MAIN), None, True),
    ("of what the target was", status("failure", commit=EARLIER), None, False),
    ("of another context", status("success", "lint"), QUEUED, False),
    ("of another context, on the target", status("failure", "lint", MAIN), None, False),
    ("of a context by pattern", status("success", "build / linux"), QUEUED, True),
    ("patterns mind capitals", status("success", "CI"), QUEUED, False),
    ("a check is green", checks("success"), QUEUED, True),
    ("a check is cancelled", checks("cancelled"), QUEUED, True),
    ("a suite is green", checks("success", kind="check_suite"), QUEUED, True),
    ("a check runs", checks(None), QUEUED, False),
    ("a check of nobody", checks("success", SECOND), QUEUED, False),
    ("a workflow ended", recorded("branch made: workflow_run of push"), QUEUED, True),
    ("a workflow ended, of the pull request", recorded("opened: workflow_run of pull_request"), QUEUED, True),
    ("a workflow ended, of GitHub", ended(CAUGHT_UP, "failure"), WORKS, True),
    ("a workflow of a fork ended", recorded("opened from a fork: workflow_run of pull_request"), QUEUED, False),
    ("a workflow of a later commit ended", recorded("moved: workflow_run of push"), QUEUED, False),
    # What asks for nothing.
    ("a comment", recorded("commented: pull_request_comment"), QUEUED, False),
    ("an issue", recorded("issue: issues"), QUEUED, False),
    ("an issue with the label", github("issues", action="labeled", issue={"number": 1}, label=LABEL), None, False),
    ("what nobody knows", github("gollum"), QUEUED, False),
]  # fmt: skip


@pytest.mark.parametrize(("event", "entry", "runs"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_which_events_start_a_run(event: Event, entry: QueueEntry | None, runs: bool) -> None:
    found = answer(event, *([entry] if entry else []))
    assert (found.runs, found.label_events) == (runs, {})


@pytest.mark.parametrize("name", ["merge", "Merge"])
def test_the_label_asks_with_who_and_where(name: str) -> None:
    """GitHub does not tell capitals apart, and sends the label as it was made first."""
    event = pull("labeled", label={"name": name})
    assert answer(event) == QueueConcern(True, "pull request 1 was labelled", {1: LabelEvent("ann", FIRST)})
    assert answer(event, BACK).label_events == {1: LabelEvent("ann", FIRST)}
    assert answer(recorded("labelled: pull_request"), label="queue").label_events == {1: LabelEvent("orch-bot", FIRST)}


def test_an_event_of_the_label_says_for_which_commit_it_was_set() -> None:
    """Also of one that is queued: what follows from a late or repeated one is the plan's to say."""
    assert answer(pull("labeled", SECOND, label={"name": "merge"}), QUEUED) == QueueConcern(
        True, "pull request 1 was labelled", {1: LabelEvent("ann", SECOND)}
    )


@pytest.mark.parametrize(
    ("event", "entry", "runs"),
    [
        (pull("labeled", label={"name": "bug"}), None, False),
        (pull("unlabeled", label={"name": "bug"}), QUEUED, False),
        (pull("unlabeled", label={"name": "merge"}), QUEUED, True),
        (pull("unlabeled", label={"name": "merge"}), None, False),
        (pull("unlabeled", label={"name": "merge"}), BACK, False),
        # Of several at once none is named: it is looked at.
        (recorded("labelled twice: pull_request"), None, True),
        (recorded("labels replaced: pull_request"), QUEUED, True),
        (pull("label_cleared"), None, True),
        (recorded("unlabelled: pull_request"), QUEUED, False),
    ],
)
def test_what_other_labels_mean(event: Event, entry: QueueEntry | None, runs: bool) -> None:
    """Without a name nobody asked at a commit: whoever looks finds out."""
    found = answer(event, *([entry] if entry else []))
    assert (found.runs, found.label_events) == (runs, {})


def test_an_approval_may_ask() -> None:
    """Where approvals ask, each of them is worth a look."""
    assert answer(recorded("approved: pull_request_review"), on_approval=True).runs


@pytest.mark.parametrize("context", ["ci", "lint", "", "a" * 300])
def test_where_no_contexts_are_named_every_status_counts(context: str) -> None:
    assert answer(status("success", context), QUEUED, contexts=()).runs
    assert not answer(status("pending", context), QUEUED, contexts=()).runs


def test_a_commit_of_two_pull_requests_is_news_for_both() -> None:
    """REC-3: whoever waits for it is named; those that do not wait any more are not."""
    other, gone = QueueEntry(task_of(2), None), QueueEntry(task_of(3, stage="open"), None)
    found = answer(status("success"), QUEUED, other, gone)
    assert found.runs
    assert found.reason.endswith("for PR-1, PR-2")


@pytest.mark.parametrize("tip", ["", MAIN])
def test_no_commit_is_nobodys(tip: str) -> None:
    """What an event does not say matches nothing, least of all what is not known here either."""
    gone = QueueEntry(task_of(), attempt_of(task_of(), "", how="", phase="acquired"))
    events = (StatusChanged("ann", "", "ci", "success"), ChecksChanged("ann", "", (), "success"))
    for event in events:
        assert not answer(event, gone, tip=tip).runs


def test_an_attempt_that_ended_still_tells_our_own_push() -> None:
    """The event may come after the attempt is over."""
    over = QueueEntry(task_of(), attempt_of(task_of(), outcome=Outcome.FAIL))
    assert not answer(push("feature", CAUGHT_UP), over).runs
    assert not answer(pull("synchronize", CAUGHT_UP), over).runs


def test_another_branch_of_the_same_name_in_a_fork() -> None:
    """A pull request that is new is worth a look; one that is not queued moves as it likes."""
    assert answer(recorded("opened from a fork: pull_request"), QUEUED).runs
    assert not answer(pull("synchronize", SECOND, number=3), QUEUED).runs


@pytest.mark.parametrize("event", [Nothing("ann", "a tag"), Unreadable("", "no number")])
def test_what_asks_for_nothing_says_why(event: Nothing | Unreadable) -> None:
    assert answer(event) == QueueConcern(False, event.reason, {})


@pytest.mark.parametrize("action", PullAction)
def test_every_action_has_an_answer(action: PullAction) -> None:
    quiet = {PullAction.REVIEW_REQUESTED, PullAction.REVIEW_REQUEST_REMOVED}
    assert answer(pull(action.value, SECOND), QUEUED).runs is (action not in quiet)


def test_ci_on_an_authors_push_wakes_the_queue() -> None:
    """No event of the push itself starts a run; the end of CI names the pull request that it was for (MRG-13)."""
    path = "ci.yml@refs/pull/1/head"
    run = {"name": "ci", "head_sha": PUSHED, "event": "pull_request", "conclusion": "success", "path": path}
    event = parse("workflow_run", BOTH | {"action": "completed", "workflow_run": run})
    assert concern(event, known(WORKS)).runs
    assert not concern(event, known(BACK)).runs
