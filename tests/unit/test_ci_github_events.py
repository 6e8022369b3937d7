"""What GitHub's events mean, by the form that its documentation gives them; and those that are of no form."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates import settings as settings_module
from orch_gates.ci import event_file
from orch_gates.ci.event import (
    ChecksChanged,
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
    StatusChanged,
    Unreadable,
    WorkflowEnded,
)
from orch_gates.ci.read import READERS, parse, read

OLD, NEW = "a" * 40, "b" * 40
HERE = {"id": 1, "full_name": "acme/app"}
THERE = {"id": 2, "full_name": "eve/app"}
BOTH: dict[str, Any] = {"repository": HERE, "sender": {"login": "ann"}}
PULL: dict[str, Any] = {
    "number": 7,
    "merged": False,
    "head": {"ref": "topic", "sha": NEW, "repo": HERE},
    "base": {"ref": "main", "sha": OLD, "repo": HERE},
}
OPENED = PullChanged("ann", 7, PullAction.OPENED, NEW, "topic", "main", False, False)
LABELLED = Labelled("ann", 7, "queue", True, NEW, "main", False)
# A suite also lists the pull requests that go from here to the repository that this one is a fork of.
LISTED = [{"number": number, "base": {"repo": {"id": repo}}} for number, repo in ((7, 1), (7, 1), (9, 2), (0, 1))]
RUN = {"name": "CI", "head_sha": NEW, "head_branch": "topic", "event": "push", "conclusion": "failure"}
ENDED = WorkflowEnded("ann", "CI", NEW, "topic", "push", "failure", (7,))


def pull_event(action: str, **more: Any) -> dict[str, Any]:
    return {**BOTH, "action": action, "number": 7, "pull_request": PULL, **more}


def from_repository(head: object, **more: Any) -> dict[str, Any]:
    return pull_event("opened", pull_request={**PULL, "head": {**PULL["head"], "repo": head}, **more})


def review(state: str, action: str = "submitted") -> dict[str, Any]:
    return pull_event(action, review={"state": state, "commit_id": OLD})


def run_event(**more: Any) -> dict[str, Any]:
    run = {**RUN, "head_repository": HERE, "pull_requests": LISTED, **more}
    return {**BOTH, "action": "completed", "workflow_run": run}


def issue_event(action: str, **more: Any) -> dict[str, Any]:
    return {**BOTH, "action": action, "issue": {"number": 3}, **more}


def push_event(**more: Any) -> dict[str, Any]:
    return {**BOTH, "ref": "refs/heads/topic", "before": OLD, "after": NEW, "forced": False, "deleted": False, **more}


ON_PULL = {"number": 7, "pull_request": {"url": "https://example.invalid"}}
PUSHED = Pushed("ann", "topic", OLD, NEW, False, False)
TABLE: list[tuple[str, dict[str, Any], Event]] = [
    ("push", push_event(), PUSHED),
    ("push", push_event(forced=True), replace(PUSHED, forced=True)),
    ("push", push_event(before="0" * 40), replace(PUSHED, before="")),
    ("push", push_event(after="0" * 40, deleted=True), replace(PUSHED, after="", deleted=True)),
    ("push", push_event(deleted=True), replace(PUSHED, after="", deleted=True)),
    ("push", push_event(after="0" * 40), replace(PUSHED, after="", deleted=True)),
    ("push", {**BOTH, "before": OLD}, Pushed("ann", "main", OLD, NEW, False, False)),
    ("push", push_event(ref="refs/heads/-option"), replace(PUSHED, branch="")),
    ("push", push_event(before="c" * 64), replace(PUSHED, before="c" * 64)),
    ("pull_request", pull_event("opened"), OPENED),
    ("pull_request_target", pull_event("opened"), OPENED),
    ("pull_request", pull_event("synchronize"), replace(OPENED, action=PullAction.SYNCHRONIZE)),
    (
        "pull_request",
        pull_event("closed", pull_request={**PULL, "merged": True}),
        replace(OPENED, action=PullAction.CLOSED, merged=True),
    ),
    ("pull_request", from_repository(THERE), replace(OPENED, fork=True)),
    ("pull_request", from_repository({"full_name": "EVE/app"}), replace(OPENED, fork=True)),
    ("pull_request", from_repository({"full_name": "ACME/app"}), OPENED),
    # The repository of the head was deleted.
    ("pull_request", from_repository(None), replace(OPENED, fork=True)),
    ("pull_request", from_repository(HERE, base={"ref": "main"}), OPENED),
    # Nothing says that they are the same.
    ("pull_request", from_repository({"x": 1}, base={"ref": "main", "repo": {"x": 1}}), replace(OPENED, fork=True)),
    ("pull_request", pull_event("labeled", label={"name": "queue"}), LABELLED),
    ("pull_request", pull_event("unlabeled", label={"name": "queue"}), replace(LABELLED, added=False)),
    ("pull_request", pull_event("label_cleared"), replace(LABELLED, label="", added=False)),
    ("pull_request", pull_event("label_updated"), replace(LABELLED, label="", added=False)),
    ("pull_request_review", review("approved"), Reviewed("ann", 7, ReviewState.APPROVED, OLD, NEW)),
    (
        "pull_request_review",
        review("changes_requested"),
        Reviewed("ann", 7, ReviewState.CHANGES_REQUESTED, OLD, NEW),
    ),
    ("pull_request_review", review("commented"), Reviewed("ann", 7, ReviewState.COMMENTED, OLD, NEW)),
    ("pull_request_review", review("dismissed", "dismissed"), Reviewed("ann", 7, ReviewState.DISMISSED, OLD, NEW)),
    ("pull_request_review", review("approved", "dismissed"), Reviewed("ann", 7, ReviewState.DISMISSED, OLD, NEW)),
    ("pull_request", review("approved", "reviewed"), Reviewed("ann", 7, ReviewState.APPROVED, OLD, NEW)),
    (
        "pull_request_review_rejected",
        pull_event("reviewed", review=None),
        Reviewed("ann", 7, ReviewState.CHANGES_REQUESTED, "", NEW),
    ),
    (
        "pull_request_review_comment",
        pull_event("created", comment={"body": "a line"}),
        Commented("ann", 7, True, "a line"),
    ),
    ("issue_comment", issue_event("created", comment={"body": "hi"}), Commented("ann", 3, False, "hi")),
    ("issue_comment", issue_event("created", issue=ON_PULL, comment={"body": "/q"}), Commented("ann", 7, True, "/q")),
    ("issue_comment", issue_event("created", is_pull=True, comment={"body": ""}), Commented("ann", 3, True, "")),
    ("status", {**BOTH, "sha": NEW, "context": "ci", "state": "success"}, StatusChanged("ann", NEW, "ci", "success")),
    (
        "check_suite",
        {**BOTH, "check_suite": {"head_sha": NEW, "conclusion": "success", "pull_requests": LISTED}},
        ChecksChanged("ann", NEW, (7,), "success"),
    ),
    (
        "check_run",
        {**BOTH, "check_run": {"head_sha": NEW, "conclusion": None, "pull_requests": []}},
        ChecksChanged("ann", NEW, (), ""),
    ),
    ("workflow_run", run_event(), ENDED),
    # A fork calls its branch as it likes: also `main`.
    ("workflow_run", run_event(head_repository=THERE, head_branch="main"), replace(ENDED, branch="")),
    ("workflow_run", run_event(head_repository=None), replace(ENDED, branch="")),
    ("issues", issue_event("reopened"), IssueChanged("ann", 3, IssueAction.REOPENED, "")),
    ("issues", issue_event("labeled", label={"name": "bug"}), IssueChanged("ann", 3, IssueAction.LABELED, "bug")),
    (
        "issues",
        issue_event("label_updated", changes={"removed_labels": [{"name": "bug"}]}),
        IssueChanged("ann", 3, IssueAction.UNLABELED, "bug"),
    ),
    (
        "workflow_dispatch",
        {**BOTH, "inputs": {"who": "me", "dry": True, "count": 3, "odd": [1], "none": None}},
        Dispatched("ann", {"who": "me", "dry": "true", "count": "3", "odd": "", "none": ""}, "", "main", NEW),
    ),
    ("workflow_dispatch", {**BOTH, "inputs": None}, Dispatched("ann", {}, "", "main", NEW)),
    (
        "repository_dispatch",
        {**BOTH, "action": "go", "client_payload": {"unit": False}},
        Dispatched("ann", {"unit": "false"}, "go", "main", NEW),
    ),
    ("schedule", {"schedule": "0 3 * * 1"}, Scheduled("", "0 3 * * 1", "main", NEW)),
    ("schedule", {}, Scheduled("", "", "main", NEW)),
]


@pytest.mark.parametrize(("name", "payload", "wanted"), TABLE)
def test_what_an_event_means(name: str, payload: dict[str, Any], wanted: Event) -> None:
    """MRG-13, MRG-16, REC-3: forks are recognised, and only what the payload says for certain is taken from it."""
    assert parse(name, payload, ref="refs/heads/main", sha=NEW) == wanted


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("push", push_event(ref="refs/tags/v1")),
        ("pull_request", pull_event("assigned")),
        ("pull_request_review", review("approved", "invented")),
        ("issue_comment", issue_event("edited", comment={"body": "/merge"})),
        ("issue_comment", issue_event("deleted", comment={"body": "/merge"})),
        ("issues", issue_event("pinned")),
        ("issues", issue_event("opened", issue=ON_PULL)),
        ("workflow_run", {**run_event(), "action": "requested"}),
        ("create", BOTH),
        ("delete", BOTH),
        ("merge_group", BOTH),
    ],
)
def test_what_asks_for_nothing_says_so(name: str, payload: dict[str, Any]) -> None:
    """A comment counts once; the reason names the event, and what happened."""
    event = parse(name, payload)
    assert isinstance(event, Nothing)
    assert event.actor == "ann"
    assert name in event.reason
    assert str(payload.get("action", "")) in event.reason


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("", BOTH),
        ("push", BOTH),
        ("push", push_event(after="")),
        ("push", push_event(after="b" * 39)),
        ("pull_request", {**BOTH, "action": "opened"}),
        ("pull_request", {**BOTH, "number": 7, "pull_request": PULL}),
        ("pull_request", pull_event("opened", number=True, pull_request={**PULL, "number": True})),
        ("pull_request", pull_event("opened", number=-7, pull_request={**PULL, "number": "7"})),
        ("pull_request", pull_event("opened", number=10**30, pull_request=None)),
        ("pull_request_review", review("invented")),
        ("issue_comment", issue_event("created", comment=None)),
        ("issues", {**BOTH, "action": "opened", "issue": {}}),
        ("status", {**BOTH, "sha": NEW.upper(), "state": "success"}),
        ("status", {**BOTH, "sha": NEW}),
        ("check_run", {**BOTH, "check_suite": {"head_sha": NEW}}),
        ("workflow_run", run_event(head_sha=None)),
        ("workflow_dispatch", {**BOTH, "inputs": ["who"]}),
    ],
)
def test_what_cannot_be_told_is_not_nothing(name: str, payload: dict[str, Any]) -> None:
    """OWN-3: a payload without what its event is about proves nothing, not even that nothing happened."""
    event = parse(name, payload)
    assert isinstance(event, Unreadable)
    assert event.reason


def test_a_number_of_any_length_is_no_danger() -> None:
    """Python refuses to write one down."""
    event = parse("workflow_dispatch", {"inputs": {"count": 10**5000}})
    assert event == Dispatched("", {"count": ""}, "", "", "")


def test_long_and_broken_texts_can_be_written_down() -> None:
    event = parse("issue_comment", issue_event("created", comment={"body": "\ud800" + "x" * 100_000}))
    assert isinstance(event, Commented)
    assert event.body.encode() == b"?" + b"x" * 65_535


def test_what_is_taken_from_an_event_is_bounded() -> None:
    """OWN-3: an event of 25 MB makes no answer of 25 MB."""
    many = [{"number": number, "base": {"repo": HERE}} for number in range(1, 1000)]
    ended = parse("workflow_run", run_event(pull_requests=many))
    assert isinstance(ended, WorkflowEnded)
    assert ended.pulls == tuple(range(1, 101))
    started = parse("workflow_dispatch", {"inputs": {f"i{number}": "x" * 100_000 for number in range(200)}})
    assert isinstance(started, Dispatched)
    assert {len(value) for value in started.inputs.values()} == {65_536}
    assert len(started.inputs) == 100
    ignored = parse("x" * 1000, {"action": "y" * 1000})
    assert isinstance(ignored, Nothing)
    assert len(ignored.reason) < 200


KEYS = sorted(
    {
        *("action", "number", "ref", "before", "after", "deleted", "pull_request", "head", "base", "repo", "sha", "id"),
        *("repository", "sender", "login", "label", "name", "changes", "added_labels", "removed_labels", "review"),
        *("state", "type", "commit_id", "comment", "body", "issue", "check_run", "check_suite", "head_sha", "inputs"),
        *("pull_requests", "workflow_run", "head_repository", "path", "client_payload", "schedule", "full_name"),
    }
)
WORDS = [NEW, "0" * 40, "refs/heads/topic", "main", "labeled", "label_updated", "completed", "created", "submitted"]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([*WORDS, *PullAction, 10**30]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=25,
)


@given(
    name=st.sampled_from([*READERS, "", "create", "\x1b]0;\ud800"]),
    payload=JSON | st.dictionaries(st.sampled_from(KEYS), JSON, max_size=10),
    ref=st.text(max_size=5) | st.sampled_from(WORDS),
)
def test_no_payload_breaks_the_reader(name: str, payload: object, ref: str) -> None:
    """OWN-3: whatever a payload holds, one of the types comes of it, with texts that can be written down."""
    event = parse(name, payload, ref=ref, sha=ref)
    assert isinstance(event, get_args(Event))
    json.dumps(asdict(event), ensure_ascii=False).encode()


@pytest.mark.parametrize(("name", "payload", "wanted"), TABLE)
def test_a_damaged_payload_breaks_no_reader(name: str, payload: dict[str, Any], wanted: Event) -> None:
    """Each value in turn is another one."""
    for damaged in damages(payload):
        assert isinstance(parse(name, damaged), get_args(Event))


def damages(value: Any) -> list[Any]:
    found: list[Any] = [None, True, [], {}, "x", 7]
    if isinstance(value, dict):
        found += [{**value, key: other} for key, inner in value.items() for other in damages(inner)]
    return found


def environment(path: Path, **more: str) -> settings_module.Settings:
    return settings_module.load({"GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": str(path), **more})


def test_the_event_of_this_run_is_read_from_the_runners_file(tmp_path: Path) -> None:
    """What the payload does not say is what the job runs for."""
    file = tmp_path / "event.json"
    file.write_text(json.dumps(push_event()))
    assert read(environment(file)) == PUSHED
    file.write_text(json.dumps({"schedule": "@daily"}))
    told = environment(file, GITHUB_EVENT_NAME="schedule", GITHUB_REF="refs/heads/main", GITHUB_SHA=NEW)
    assert read(told) == Scheduled("", "@daily", "main", NEW)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "JSONDecodeError"),
        (b"\xff", "UnicodeDecodeError"),
        (b"[1]", "is not a JSON object"),
        (b"[" * 100_000, "RecursionError"),
        (b'{"number": ' + b"9" * 5000 + b"}", "ValueError"),
        (b" " * (event_file.MAX_BYTES + 1), "more than 25000000 bytes"),
    ],
)
def test_a_file_that_cannot_be_read_is_not_nothing(content: bytes, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    file.write_bytes(content)
    event = read(environment(file))
    assert isinstance(event, Unreadable)
    assert reason in event.reason


def test_without_a_file_there_is_no_telling(tmp_path: Path) -> None:
    """Outside CI, or where the file is gone or a folder."""
    answers = [read(settings_module.load({})), read(environment(tmp_path)), read(environment(tmp_path / "none"))]
    assert [type(answer) for answer in answers] == [Unreadable] * 3
