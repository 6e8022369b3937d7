"""What an event is about, one row for each kind (REC-3)."""

from __future__ import annotations

import pytest

from orch_gates.ci import event as events
from orch_gates.ci.event import Event, IssueAction, PullAction, ReviewState
from orch_gates.sweep.concern import KnownTasks, concern
from tests.tasks_builders import HEAD, make_task

OTHER = "ab" * 20
KNOWN = KnownTasks(
    tasks=(make_task(), make_task(id="T-2", branch="task/T-2"), make_task(id="T-3", branch="task/T-2")),
    heads={"task/T-1": HEAD, "task/T-2": OTHER},
    pulls={7: "task/T-1", 8: "topic"},
)


def pull(branch: str, *, fork: bool = False) -> Event:
    return events.PullChanged("ann", 7, PullAction.SYNCHRONIZE, HEAD, branch, "main", fork, False)


def ended(commit: str) -> Event:
    return events.WorkflowEnded("ann", "ci", commit, "", "push", "success", ())


@pytest.mark.parametrize(
    ("event", "tasks"),
    [
        (events.Pushed("ann", "task/T-1", OTHER, HEAD, False, False), {"T-1"}),
        (events.Pushed("ann", "main", OTHER, HEAD, False, False), set()),
        (events.Pushed("ann", "", OTHER, HEAD, False, False), set()),
        (pull("task/T-1"), {"T-1"}),
        (pull("task/T-1", fork=True), set()),
        (events.Reviewed("ann", 7, ReviewState.APPROVED, "", HEAD), {"T-1"}),
        (events.Reviewed("ann", 8, ReviewState.APPROVED, "", HEAD), set()),
        (events.Reviewed("ann", 9, ReviewState.APPROVED, "", HEAD), set()),
        (events.StatusChanged("ann", HEAD, "ci / test", "success"), {"T-1"}),
        (events.StatusChanged("ann", OTHER, "ci / test", "success"), set()),
        (events.StatusChanged("ann", "", "ci / test", "success"), set()),
        (events.ChecksChanged("ann", HEAD, (), "success"), {"T-1"}),
        (ended(HEAD), {"T-1"}),
        (ended("cd" * 20), set()),
        (events.Labelled("ann", 7, "merge", True, HEAD, "main", False), set()),
        (events.Commented("ann", 7, True, "hello"), set()),
        (events.Nothing("", "a star"), set()),
    ],
)
def test_an_event_is_about_the_task_that_it_names(event: Event, tasks: set[str]) -> None:
    """By its branch, its pull request, or its commit; a commit of two tasks is resolved to none (REC-3)."""
    found = concern(event, KNOWN)
    assert found.tasks == tasks
    assert found.runs is bool(tasks)
    assert found.reason


def test_a_schedule_is_about_everything() -> None:
    """So is a start by hand: it is how a person or another scheduler runs a sweep."""
    assert concern(events.Scheduled("", "5 * * * *", "main", HEAD), KNOWN).everything
    assert concern(events.Dispatched("ann", {}, "", "main", HEAD), KNOWN).everything


def test_an_issue_means_nothing_without_a_tracker() -> None:
    """With one it is followed before tasks are looked at."""
    found = concern(events.IssueChanged("ann", 12, IssueAction.LABELED, "approved"), KNOWN)
    assert not found.runs
    assert "no tracker is turned on" in found.reason


def test_the_end_of_a_run_may_be_that_of_a_job() -> None:
    """Events name no run, so the jobs that run in one are looked at."""
    known = KnownTasks(KNOWN.tasks, KNOWN.heads, KNOWN.pulls, runs=True)
    assert concern(ended("cd" * 20), known).jobs
    assert not concern(ended("cd" * 20), KNOWN).runs
