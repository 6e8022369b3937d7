"""Which label says what: each word has one of its own, and none of them is one that we set (TRK-1)."""

from __future__ import annotations

import pytest

from orch_gates.ci.event import IssueAction, IssueChanged
from orch_gates.errors import SettingsError
from orch_gates.model.effect import TrackerState
from orch_gates.settings import load
from orch_gates.sweep.concern import of_issue
from orch_gates.trackers.names import names_of


def test_every_word_has_a_label() -> None:
    assert names_of(load({"ORCH_TRACKER_BLOCKED": "on hold"}).tracker) == {
        TrackerState.IN_PROGRESS: "in progress",
        TrackerState.APPROVED: "approved",
        TrackerState.REJECTED: "rejected",
        TrackerState.BLOCKED: "on hold",
        TrackerState.NEEDS_INPUT: "needs input",
    }


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"ORCH_TRACKER_APPROVED": "Rejected"}, "are the same"),
        ({"ORCH_TRACKER_BLOCKED": "orch/held"}, "begins with orch/"),
        ({"ORCH_TRACKER_BLOCKED": "Orch/mine"}, "begins with orch/"),
    ],
)
def test_labels_that_contradict_each_other_are_refused(given: dict[str, str], words: str) -> None:
    """Capitals do not tell them apart, as they do not at GitHub."""
    with pytest.raises(SettingsError, match=words):
        names_of(load(given).tracker)


@pytest.mark.parametrize(
    ("action", "label", "runs"),
    [
        (IssueAction.LABELED, "approved", True),
        (IssueAction.LABELED, "Approved", True),
        (IssueAction.UNLABELED, "blocked", True),
        # Several labels at once, or all of them taken off: the event names none.
        (IssueAction.LABELED, "", True),
        (IssueAction.LABELED, "orch/review", False),
        (IssueAction.UNLABELED, "bug", False),
        (IssueAction.OPENED, "", True),
        (IssueAction.REOPENED, "", True),
        (IssueAction.CLOSED, "", True),
        (IssueAction.EDITED, "", True),
        (IssueAction.DELETED, "", False),
        (IssueAction.TRANSFERRED, "", False),
    ],
)
def test_which_events_are_worth_a_look(action: IssueAction, label: str, runs: bool) -> None:
    """What we set ourselves wakes nobody; the reason names the issue or the label."""
    answer = of_issue(IssueChanged("ann", 5, action, label), ("in progress", "approved", "blocked"))
    assert answer.runs is runs
    assert ("5" in answer.reason) or (label in answer.reason)
