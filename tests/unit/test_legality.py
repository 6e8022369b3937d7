"""Which changes of a document are legal: each rule with what it allows and what it refuses (ST-6, OWN-3)."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orch_gates.engine import legality, merge_legality
from orch_gates.engine.legality import Violation
from orch_gates.engine.stages import Pipeline, Stage
from orch_gates.forge.local import kinds
from orch_gates.model.ids import timestamp
from orch_gates.model.job import JobStatus
from orch_gates.model.task import Task, TaskState
from tests.tasks_builders import (
    BEFORE,
    HEAD,
    NOW,
    OLD_FEEDBACK,
    make_issue,
    make_job,
    make_lease,
    make_pull,
    make_task,
    pipelines,
    root_of,
    tasks,
)

LATER = timestamp(NOW)
PIPELINE = Pipeline(tuple(Stage(name, "worker") for name in ("design", "spec", "build", "check", "ship")), "build")
ROOT = root_of(PIPELINE)
Changes = dict[str, Any]


def fields(violations: tuple[Violation, ...]) -> list[str]:
    return [violation.field for violation in violations]


# ---- tasks


@pytest.mark.parametrize(
    "changes",
    [
        {"stage": "ship", "state": "active"},
        {"stage": "done", "state": "done"},
        {"stage": "ship", "state": "cancelled"},
        {"state": "deferred", "available_at": LATER},
        {"state": "held"},
    ],
)
def test_a_task_may_stand_so(changes: Changes) -> None:
    """Whatever it was before."""
    assert legality.task_alone(make_task(**changes)) == ()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"stage": "done", "state": "active"}, "state"),
        ({"stage": "done", "state": "cancelled"}, "state"),
        ({"stage": "ship", "state": "done"}, "state"),
        ({"state": "deferred"}, "available_at"),
        ({"state": "active", "available_at": LATER}, "available_at"),
        ({"state": "held", "available_at": LATER}, "available_at"),
        ({"stage": "done", "state": "done", "available_at": LATER}, "available_at"),
    ],
)
def test_no_task_may_stand_so(changes: Changes, field: str) -> None:
    """`done` is both a stage and a state; a waiting time belongs to deferred tasks. Also where nothing else changes."""
    task = make_task(**changes)
    assert fields(legality.task_alone(task)) == [field]
    assert fields(legality.task_change(task, task, ROOT)) == [field]


def test_a_task_begins_in_the_first_stage_with_nothing_used_up() -> None:
    """What it holds besides is free."""
    assert legality.task_change(None, make_task(stage="design", feedback=OLD_FEEDBACK, reason="any"), ROOT) == ()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"stage": "spec"}, "stage"),
        ({"stage": "retired"}, "stage"),
        ({"state": "held"}, "state"),
        ({"state": "deferred", "available_at": LATER}, "state"),
        ({"state": "cancelled"}, "state"),
        ({"developer_retries": 1}, "developer_retries"),
        ({"defers": 1}, "defers"),
    ],
)
def test_no_task_begins_otherwise(changes: Changes, field: str) -> None:
    """In the middle, stopped, or charged already."""
    assert fields(legality.task_change(None, make_task(**{"stage": "design"} | changes), ROOT)) == [field]


DEFERRED = {"state": "deferred", "available_at": LATER}
HELD, ESCALATED, CANCELLED = {"state": "held"}, {"state": "escalated"}, {"state": "cancelled"}
DONE = {"stage": "done", "state": "done"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {}),
        ({}, {"title": "better", "branch": "other", "reason": "any", "extra": 1, "feedback": OLD_FEEDBACK}),
        # one stage on
        ({"stage": "design"}, {"stage": "spec"}),
        ({"stage": "spec"}, {"stage": "build"}),
        ({"stage": "ship"}, DONE),
        ({"stage": "check", "defers": 4, **DEFERRED}, {"stage": "ship"}),
        # back, charged
        ({"stage": "check"}, {"stage": "build", "developer_retries": 1}),
        ({"stage": "ship", "developer_retries": 2, "defers": 1}, {"stage": "build", "developer_retries": 3}),
        ({"stage": "retired"}, {"stage": "build", "developer_retries": 1}),
        ({"stage": "build"}, {"stage": "build", "developer_retries": 1}),
        # put off
        ({"stage": "check"}, {"stage": "check", "defers": 1, **DEFERRED}),
        ({"defers": 3, **DEFERRED}, {"defers": 4, **DEFERRED}),
        ({"defers": 3, **DEFERRED}, {"defers": 3}),
        ({"defers": 3, **DEFERRED}, {"defers": 0}),
        # a retry, as a person gives it
        ({"developer_retries": 3, "defers": 2, **ESCALATED}, {"developer_retries": 0, "defers": 0}),
        ({"developer_retries": 3, **ESCALATED}, {"developer_retries": 3}),
        # in a stage that is not configured any more
        ({"stage": "retired"}, {"stage": "retired", **HELD}),
    ],
)
def test_a_task_may_change_so(before: Changes, after: Changes) -> None:
    """Everything that a decision or a careful hand does."""
    assert legality.task_change(
        make_task(**{"stage": "build"} | before), make_task(**{"stage": "build"} | after), ROOT
    ) == (())


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        # who it is
        ({}, {"id": "T-2"}, ["id"]),
        ({}, {"created": LATER}, ["created"]),
        ({}, {"created_by": "bob"}, ["created_by"]),
        # where it goes
        ({"stage": "design"}, {"stage": "build"}, ["stage"]),
        ({"stage": "design"}, {"stage": "check"}, ["stage"]),
        ({"stage": "check"}, {"stage": "spec"}, ["stage"]),
        ({"stage": "check"}, {"stage": "retired"}, ["stage"]),
        ({"stage": "check"}, DONE, ["stage"]),
        ({"stage": "retired"}, {"stage": "ship"}, ["stage"]),
        ({"stage": "retired"}, DONE, ["stage"]),
        ({"stage": "check", **HELD}, {"stage": "ship"}, ["stage"]),
        ({"stage": "check", **ESCALATED}, {"stage": "ship"}, ["stage"]),
        ({"stage": "check", **HELD}, {"stage": "build", "developer_retries": 1}, ["stage"]),
        # developer retries
        ({"stage": "check"}, {"stage": "build"}, ["developer_retries"]),
        ({"stage": "check"}, {"stage": "build", "developer_retries": 2}, ["developer_retries"]),
        ({"stage": "retired"}, {"stage": "build"}, ["developer_retries"]),
        ({"stage": "check"}, {"stage": "check", "developer_retries": 1}, ["developer_retries"]),
        ({"stage": "check"}, {"stage": "ship", "developer_retries": 1}, ["developer_retries"]),
        ({"stage": "spec"}, {"stage": "build", "developer_retries": 1}, ["developer_retries"]),
        ({}, {"developer_retries": 2}, ["developer_retries"]),
        ({"developer_retries": 2}, {"developer_retries": 1}, ["developer_retries"]),
        ({"developer_retries": 2}, {"developer_retries": 0}, ["developer_retries"]),
        ({"developer_retries": 2, **DEFERRED}, {"developer_retries": 0}, ["developer_retries"]),
        ({"developer_retries": 3, **ESCALATED}, {"developer_retries": 1}, ["developer_retries"]),
        ({"developer_retries": 3, **ESCALATED}, {"developer_retries": 0, **HELD}, ["developer_retries"]),
        # defers
        ({}, {"defers": 1}, ["defers"]),
        ({}, {"defers": 1, **HELD}, ["defers"]),
        ({}, {"defers": 2, **DEFERRED}, ["defers"]),
        ({"defers": 3}, {"defers": 1}, ["defers"]),
        ({"defers": 3, **DEFERRED}, {"defers": 2, **DEFERRED}, ["defers"]),
        # the end
        (DONE, {**DONE, "title": "better"}, ["state"]),
        ({"stage": "check", **CANCELLED}, {"stage": "check", **CANCELLED, "reason": "why"}, ["state"]),
        ({"stage": "check", **CANCELLED}, {"stage": "check"}, ["state"]),
        # more than one
        ({"stage": "check", **HELD}, {"stage": "spec", "defers": 1, "id": "T-2"}, ["id", "stage", "stage", "defers"]),
    ],
)
def test_no_task_may_change_so(before: Changes, after: Changes, found: list[str]) -> None:
    """Each breaks the one rule whose field is named; the last breaks several, and each is told."""
    old, new = make_task(**{"stage": "build"} | before), make_task(**{"stage": "build"} | after)
    assert fields(legality.task_change(old, new, ROOT)) == found


MAY_BECOME = {
    "active": {"active", "deferred", "held", "escalated", "cancelled"},
    "deferred": {"active", "deferred", "held", "escalated", "cancelled"},
    "held": {"held", "active", "cancelled"},
    "escalated": {"escalated", "active", "held", "cancelled"},
    "cancelled": set(),
}


@pytest.mark.parametrize(("old", "new"), list(itertools.product(MAY_BECOME, repeat=2)))
def test_what_a_state_may_become(old: str, new: str) -> None:
    """All pairs within a stage; a task that waits for a person is not put off or escalated behind their back."""
    waiting = {"deferred": LATER}
    before = make_task(state=old, available_at=waiting.get(old))
    after = make_task(state=new, available_at=waiting.get(new), reason="another")
    wanted = [] if new in MAY_BECOME[old] else ["state"]
    assert fields(legality.task_change(before, after, ROOT)) == wanted


def test_every_state_is_in_that_table() -> None:
    """`done` is reached by leaving the last stage only."""
    assert {*MAY_BECOME, "done"} == {state.value for state in TaskState}


def test_a_violation_says_what_would_be_right() -> None:
    """Field and rule, for whoever edits by hand (P8)."""
    (found,) = legality.task_change(make_task(stage="check"), make_task(stage="design"), ROOT)
    assert found == Violation("stage", "may change from 'check' to build, ship only")
    (found,) = legality.task_change(make_task(stage="design"), make_task(stage="build"), ROOT)
    assert found.rule == "may change from 'design' to spec only"


@settings(max_examples=50)
@given(pipelines(), st.data())
def test_any_two_tasks_get_an_answer(pipeline: Pipeline, data: st.DataObject) -> None:
    """For any change and any root, also one whose rework stage is not there; the same task is always legal."""
    before, after = data.draw(tasks(pipeline)), data.draw(tasks(pipeline))
    for root in (root_of(pipeline), root_of(pipeline, rework="other"), root_of(pipeline, stages=("done",))):
        legality.task_change(before, after, root)
        legality.task_change(None, after, root)
        assert legality.task_change(before, before, root) == ()


# ---- jobs


@pytest.mark.parametrize("status", list(JobStatus))
def test_a_job_begins_queued_or_running(status: JobStatus) -> None:
    """Nothing begins at its end."""
    made = legality.job_change(None, make_job(status=status))
    assert fields(made) == ([] if status.value in {"queued", "running"} else ["status"])


MAY_END = {
    "queued": {"queued", "running", "cancelled", "failed"},
    "running": {"running", "succeeded", "failed", "cancelled"},
    "succeeded": {"succeeded"},
    "failed": {"failed"},
    "cancelled": {"cancelled"},
}


@pytest.mark.parametrize(("old", "new"), list(itertools.product(MAY_END, repeat=2)))
def test_what_a_status_may_become(old: str, new: str) -> None:
    """All pairs: a job that never ran did not succeed, and an end is the end (REAP-2)."""
    found = legality.job_change(make_job(status=old), make_job(status=new))
    assert ("status" in fields(found)) is (new not in MAY_END[old])


def test_every_status_is_in_that_table() -> None:
    """A new one cannot be forgotten here."""
    assert MAY_END.keys() == {status.value for status in JobStatus}


@pytest.mark.parametrize(
    "changes",
    [
        {"task": "T-2"},
        {"stage": "review"},
        {"role": "tester"},
        {"attempt": "f" * 16},
        {"created": LATER},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_a_job_is_never_changes(changes: Changes) -> None:
    """Whoever ends a job names the attempt that was seen running (REAP-2)."""
    assert fields(legality.job_change(make_job(), make_job(**changes))) == list(changes)


def test_a_job_may_tell_how_it_goes_until_it_is_over() -> None:
    """Its reason, times and exit code are new with its status, and never after."""
    end: Changes = {"status": "failed", "reason": "killed", "ended": LATER, "exit_code": 137}
    assert legality.job_change(make_job(status="queued", started=None), make_job()) == ()
    assert legality.job_change(make_job(), make_job(**end)) == ()
    assert fields(legality.job_change(make_job(**end), make_job(**end | {"exit_code": 0}))) == ["status"]
    assert legality.job_change(make_job(**end), make_job(**end)) == ()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"status": "queued", "started": BEFORE}, "started"),
        ({"process": None}, "process"),
        ({"started": None}, "process"),
        ({"exit_code": 0}, "exit_code"),
        ({"ended": LATER}, "ended"),
        ({"status": "failed", "ended": None}, "ended"),
        ({"status": "succeeded", "exit_code": None}, "exit_code"),
        ({"status": "succeeded", "exit_code": 3}, "exit_code"),
    ],
)
def test_what_no_job_may_be(changes: Changes, field: str) -> None:
    """Who runs it is known while it runs, and how it ended once it is over (JOB-1)."""
    assert fields(legality.job_alone(make_job(**changes))) == [field]


@pytest.mark.parametrize("changes", [{"started": LATER}, {"runner": "bob"}, {"process": None, "run": None}])
def test_a_running_job_is_nobody_elses(changes: Changes) -> None:
    """A dispatch that arrives twice does not take the job over (JOB-1)."""
    assert set(fields(legality.job_change(make_job(), make_job(**changes)))) & changes.keys()


# ---- leases


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {}),
        ({}, {"expires": LATER, "reason": "renewed"}),
        ({}, {"holder": "", "granted": None, "expires": None, "reason": "released"}),
        ({}, {"generation": 6, "holder": "T-2", "granted": LATER}),
        ({}, {"generation": 6, "granted": LATER, "reason": "granted again"}),
        ({"holder": "", "granted": None}, {"generation": 6, "granted": LATER}),
        ({"holder": "", "granted": None}, {"holder": "", "granted": None, "generation": 6}),
    ],
)
def test_a_lease_may_change_so(before: Changes, after: Changes) -> None:
    """Renewed, released, reclaimed, granted with a new generation (MRG-4)."""
    assert merge_legality.lease_change(make_lease(**before), make_lease(**after)) == ()
    assert merge_legality.lease_change(None, make_lease(**after)) == ()


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        ({}, {"target": "release"}, "target"),
        ({}, {"generation": 4}, "generation"),
        ({}, {"generation": 4, "holder": "", "granted": None}, "generation"),
        ({}, {"generation": 4, "holder": "T-2", "granted": LATER}, "generation"),
        ({}, {"holder": "T-2"}, "generation"),
        ({}, {"granted": LATER}, "generation"),
        ({"holder": "", "granted": None}, {}, "generation"),
    ],
)
def test_no_lease_may_change_so(before: Changes, after: Changes, field: str) -> None:
    """Two holders never share a generation, and no generation comes back (MRG-4, MRG-5)."""
    assert fields(merge_legality.lease_change(make_lease(**before), make_lease(**after))) == [field]


# ---- pull requests and issues


CLOSED: Changes = {"state": "closed", "last_head": HEAD}
MERGED: Changes = {"state": "merged", "last_head": HEAD, "merge_commit": "d" * 40}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"title": "Another", "comments": [{"by": "bob", "at": LATER, "text": "Noted."}]}),
        ({}, CLOSED),
        ({}, MERGED),
        (CLOSED, CLOSED | {"title": "Another"}),
        (CLOSED, MERGED),
        (MERGED, MERGED | {"title": "Another"}),
    ],
)
def test_a_pull_request_may_change_so(before: Changes, after: Changes) -> None:
    """A merge may land while somebody closes it: what git has done is written down all the same (MRG-9)."""
    assert kinds.PULL.change(make_pull(**before), make_pull(**after), ROOT) == ()


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        (CLOSED, {}, "state"),
        (MERGED, {}, "merge_commit last_head state"),
        (MERGED, CLOSED, "merge_commit state"),
        (MERGED, MERGED | {"merge_commit": "e" * 40}, "merge_commit"),
        (MERGED, MERGED | {"last_head": "e" * 40}, "last_head"),
        ({}, {"state": "closed"}, "last_head"),
        ({}, {"state": "merged", "last_head": HEAD}, "merge_commit"),
        ({}, {"merge_commit": HEAD}, "merge_commit"),
        ({}, {"branch": "another"}, "branch"),
        ({}, {"target": "another"}, "target"),
        ({}, {"author": "me"}, "author"),
        ({}, {"created": LATER}, "created"),
        ({}, {"first_head": "e" * 40}, "first_head"),
    ],
)
def test_no_pull_request_may_change_so(before: Changes, after: Changes, field: str) -> None:
    """None is opened again, and a merge is never taken back."""
    assert fields(kinds.PULL.change(make_pull(**before), make_pull(**after), ROOT)) == field.split()


@pytest.mark.parametrize(
    ("after", "allowed"),
    [
        ([0, 1, 2], True),
        ([0, 1], True),
        ([1], False),
        ([0], False),
        ([1, 0], False),
        ([], False),
    ],
)
def test_no_comment_goes_away(after: list[int], allowed: bool) -> None:
    """Its place is its id: whoever edits the second one must never meet another one there (NTF-1)."""
    rows = [{"by": name, "at": LATER, "text": "Noted."} for name in ("ann", "bob", "eve")]
    kept = [rows[number] | {"text": ""} for number in after]
    expected = [] if allowed else ["comments"]
    pulls = make_pull(comments=rows[:2]), make_pull(comments=kept)
    assert fields(kinds.PULL.change(*pulls, ROOT)) == expected
    issues = make_issue(comments=rows[:2]), make_issue(comments=kept)
    assert fields(kinds.ISSUE.change(*issues, ROOT)) == expected


def test_a_pull_request_without_labels_is_written_as_before() -> None:
    """A document of an earlier release is not changed by reading and writing it (ST-1)."""
    assert "labels" not in make_pull().fields()
    assert make_pull(labels=["red"]).fields()["labels"] == ["red"]


def test_a_pull_request_begins_open() -> None:
    assert kinds.PULL.change(None, make_pull(), ROOT) == ()
    assert fields(kinds.PULL.change(None, make_pull(**MERGED), ROOT)) == ["state"]


def test_an_issue_stays_whose_it_is() -> None:
    """Open or closed is for people to say, as often as they like."""
    assert kinds.ISSUE.change(None, make_issue(state="closed"), ROOT) == ()
    assert kinds.ISSUE.change(make_issue(state="closed"), make_issue(labels=["task"]), ROOT) == ()
    for changes in ({"author": "me"}, {"created": LATER}, {"number": 8}):
        assert fields(kinds.ISSUE.change(make_issue(), make_issue(**changes), ROOT)) == list(changes)


# ---- the root document


@pytest.mark.parametrize(("by_hand", "generation"), [(False, 8), (True, 7)])
def test_the_generation_tells_our_commits_from_a_hand_edit(generation: int, *, by_hand: bool) -> None:
    """One more with each of ours, the same by hand; anything else is a lost or repeated commit (ST-4)."""
    for other in range(1, 11):
        found = legality.root_change(ROOT, root_of(PIPELINE, generation=other), by_hand=by_hand)
        assert fields(found) == ([] if other == generation else ["generation"])
        assert other == generation or f"{generation} is expected, not {other}" in found[0].rule


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"stages": ("build",)}, []),
        ({"stages": ("a", "b"), "rework": "b"}, []),
        ({"extra": "any"}, []),
        ({"created": LATER}, ["created"]),
        ({"stages": ("a", "b")}, ["stages"]),
        ({"stages": ("build", "done")}, ["stages"]),
        ({"stages": ("build", "check", "build")}, ["stages"]),
    ],
)
def test_the_stages_may_change_to_any_pipeline(changes: Changes, found: list[str]) -> None:
    """Distinct, with the rework stage, without `done`; when the branch was made stays (ENG-2)."""
    changed = root_of(PIPELINE, generation=8, **changes)
    assert fields(legality.root_change(ROOT, changed, by_hand=False)) == found


A, B = "a" * 40, "b" * 40
ONE = (f"one@{A}",)
SENT: Changes = {"head": A, "at": BEFORE, "ready": False, "spent": ("1" * 40,), "charged": ONE}
CHARGED = ["sent_back.charged"]


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        # The way on: a new commit, or the word that it was done again.
        ({}, {"stage": "check", "head": A}, ["stage"]),
        ({}, {"stage": "check", "head": B}, []),
        ({}, {"stage": "check", "head": ""}, ["stage"]),
        ({}, {"ready": True}, []),
        ({"ready": True}, {"stage": "check", "head": A, "ready": True}, []),
        # Charged once for one gate and commit; at another commit or by another gate again.
        ({"stage": "check", "head": A, "ready": True}, {"cause": "one", "head": A}, []),
        ({"stage": "check", "head": A, "ready": True}, {"cause": "two", "head": A}, ["developer_retries"]),
        ({"stage": "check"}, {"cause": "one", "head": B}, ["developer_retries"]),
        ({"stage": "check"}, {"head": B, "charged": (*ONE, f"one@{B}"), "developer_retries": 1}, []),
        ({"stage": "check"}, {"head": B, "charged": (*ONE, f"one@{A}"), "developer_retries": 1}, CHARGED * 2),
        ({"stage": "check"}, {"head": B, "developer_retries": 1}, CHARGED),
        # A commit that was sent back before waits for the word as well, and that is kept.
        ({}, {"sent": {"head": B}}, ["sent_back.earlier"]),
        ({}, {"sent": {"head": B, "earlier": (A,)}}, []),
        ({"sent": {"head": B, "earlier": (A,)}}, {"sent": {"head": B}}, ["sent_back.earlier"]),
        ({"sent": {"head": B, "earlier": (A,)}}, {"sent": {"head": B}, "ready": True}, []),
        ({"sent": {"head": B, "earlier": (A,)}}, {"sent": {"head": B, "earlier": (A,)}, "stage": "check"}, ["stage"]),
        # What is spent stays spent.
        ({}, {"spent": ()}, ["sent_back.spent"]),
        ({}, {"charged": ()}, CHARGED),
        ({}, {"at": timestamp(NOW), "ready": True}, ["sent_back.ready"]),
    ],
)
def test_what_was_spent_stays_spent(before: Changes, after: Changes, found: list[str]) -> None:
    """The rules of ENG-9, stated without the engine's own words."""
    old, new = (_sent(values) for values in (before, after))
    assert fields(legality.task_change(old, new, ROOT)) == found


def test_that_a_task_was_sent_back_is_never_taken_away() -> None:
    """Or the next call would charge for the same again."""
    old = _sent({})
    new = old.model_copy(update={"sent_back": None, "reason": "other"})
    assert fields(legality.task_change(old, new, ROOT)) == ["sent_back"]


def _sent(values: Changes) -> Task:
    own = {name: value for name, value in values.items() if name in SENT and name != "head"}
    sent = {**SENT, **own, **values.get("sent", {})}
    rest = {name: value for name, value in values.items() if name not in {*SENT, "sent"} or name == "head"}
    return make_task(**{"stage": "build", "head": A, "sent_back": sent} | rest)
