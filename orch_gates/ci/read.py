"""The event that this workflow was started by, from what the runner says (MRG-13, REC-3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from orch_gates.ci import event_file, issues, pulls, runs
from orch_gates.ci.event import Event, Unreadable
from orch_gates.ci.received import Received
from orch_gates.errors import UsageError
from orch_gates.settings import Settings

READERS: Mapping[str, Callable[[Received], Event]] = {
    "push": runs.push,
    "pull_request": pulls.pull_request,
    "pull_request_target": pulls.pull_request,
    "pull_request_review": pulls.review,
    "pull_request_review_approved": pulls.review,
    "pull_request_review_rejected": pulls.review,
    "pull_request_review_comment": pulls.review_comment,
    "issues": issues.issue,
    "issue_label": issues.issue,
    "issue_comment": issues.comment,
    "pull_request_comment": issues.comment,
    "status": runs.status,
    "check_run": runs.checks,
    "check_suite": runs.checks,
    "workflow_run": runs.workflow_run,
    "workflow_dispatch": runs.dispatch,
    "repository_dispatch": runs.dispatch,
    "schedule": runs.schedule,
}


def read(settings: Settings) -> Event:
    """The event of this run; `Unreadable` where there is none, so that nobody takes that for one without news."""
    ci = settings.ci
    try:
        payload = event_file.payload(ci)
    except UsageError as error:
        return Unreadable("", str(error))
    if payload is None:
        return Unreadable("", "GITHUB_EVENT_PATH is not set, so the CI event is unknown; run this in a workflow")
    return parse(ci.event_name, payload, ref=ci.ref, sha=ci.sha)


def parse(name: str, payload: object, *, ref: str = "", sha: str = "") -> Event:
    """What an event's name and payload mean (pure; Gitea, Forgejo and GitHub alike).

    `ref` and `sha` are those of the job: a schedule's payload names neither.
    """
    if not name:
        return Unreadable("", "GITHUB_EVENT_NAME is not set, so the CI event is unknown; run this in a workflow")
    if not isinstance(payload, Mapping):
        return Unreadable("", f"event {name[:60]!a}: its payload is not an object")
    received = Received(name, payload, ref, sha)
    reader = READERS.get(name)
    return reader(received) if reader else received.ignored()
