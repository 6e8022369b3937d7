"""An attempt's steps, and which commits it speaks for (MRG-14, ENG-12)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from orch_gates.engine import events
from orch_gates.engine.decide import decide
from orch_gates.engine.stages import DEFAULT
from orch_gates.merge import steps
from orch_gates.merge.steps import AttemptEnd, CaughtUp
from orch_gates.merge.trailers import Validated
from orch_gates.model.attempt import MAX_EARLIER, Attempt, Phase
from orch_gates.model.feedback import ReportedFinding
from orch_gates.model.ids import timestamp
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.state import layout
from orch_gates.tasks import edge
from orch_gates.tasks.edge import Merge
from tests.step_rig import Rig
from tests.tasks_builders import BEFORE, NOW, make_attempt, make_task

A, B, C, V, T = ("a" * 40, "b" * 40, "c" * 40, "1" * 40, "2" * 40)
LATER = NOW + timedelta(minutes=1)
FOUND = CaughtUp(B, V, T, "rebase", "git version 2.39.5")
RED = ReportedFinding(id="x", rule="r", path="p", line=0, commit=V, description="d", fix="f", carrier="file")


def begun(before: Attempt | None = None, head: str = A) -> Attempt:
    return steps.begun(make_task(), "main", head, attempt="f" * 16, generation=9, before=before, now=NOW)


def read(attempt: Attempt) -> Attempt:
    """The attempt as it comes back from the branch."""
    return Attempt.model_validate_json(attempt.model_dump_json(by_alias=True))


def test_an_attempt_begins_with_nothing_proven() -> None:
    """For the branch's commit, under the generation that it was granted."""
    attempt = begun()
    assert read(attempt) == attempt
    assert (attempt.id, attempt.task, attempt.branch, attempt.target) == ("f" * 16, "T-1", "task/T-1", "main")
    assert (attempt.phase, attempt.generation, attempt.head, attempt.rounds) == (Phase.ACQUIRED, 9, A, 1)
    assert (attempt.outcome, attempt.closing, attempt.moved, attempt.runs, attempt.pull) == (None, False, False, 0, 0)
    assert {attempt.base, attempt.commit, attempt.tree, attempt.proven, attempt.merge, attempt.how} == {""}
    assert attempt.earlier == ()


def test_it_goes_from_phase_to_phase() -> None:
    """Each step says what it did, when, and keeps what was known before."""
    one = steps.caught_up(begun(), FOUND, LATER)
    assert (one.phase, one.base, one.commit, one.tree, one.how) == (Phase.CAUGHT_UP, B, V, T, "rebase")
    assert one.reason == "rebase on main at bbbbbbbbbb"
    assert steps.caught_up(begun(), CaughtUp(B, A, T, "up to date", ""), LATER).reason == (
        "task/T-1 has main at bbbbbbbbbb"
    )
    two = steps.testing(one, "it\nruns", LATER)
    assert (two.phase, two.reason) == (Phase.TESTING, "it runs")
    three = steps.validated(
        steps.ended(two, AttemptEnd(Outcome.HOLD, "stop", runs=2), LATER), "command", 3, "green", LATER
    )
    assert (three.phase, three.outcome, three.proven, three.runs, three.next_step) == (
        Phase.VALIDATED,
        None,
        "command",
        5,
        "",
    )
    four = steps.merging(three, 12, LATER)
    assert (four.phase, four.pull, four.reason) == (Phase.MERGING, 12, "merging pull request 12")
    five = steps.landed(steps.held(four, "a", "b"), C, "in main\n", LATER)
    assert (five.phase, five.outcome, five.merge, five.proof, five.next_step) == (
        Phase.LANDED,
        Outcome.PASS,
        C,
        "in main",
        "",
    )
    for made in (one, two, three, four, five):
        assert read(made) == made
        assert (made.updated, made.started) == (timestamp(LATER), timestamp(NOW))


def test_it_ends_with_what_is_red() -> None:
    """Its reason and its next step in one line each, for the task's own document."""
    ended = steps.ended(
        make_attempt(phase="testing"), AttemptEnd(Outcome.FAIL, "re\nd", "me\nnd", findings=(RED,), runs=2), LATER
    )
    assert (ended.outcome, ended.reason, ended.next_step, ended.findings, ended.runs, ended.moved) == (
        Outcome.FAIL,
        "re d",
        "me nd",
        (RED,),
        3,
        False,
    )
    assert ended.phase is Phase.TESTING
    assert read(ended) == ended
    assert steps.ended(ended, AttemptEnd(Outcome.DEFER, "x", moved=True), LATER).moved


def test_one_that_is_given_up_is_closed_first() -> None:
    """It goes on until it is proven what became of it; also where a person held it."""
    closing = steps.closing(make_attempt(phase="merging", outcome="HOLD"), "too\nlate", LATER)
    assert (closing.closing, closing.outcome, closing.phase, closing.reason) == (True, None, Phase.MERGING, "too late")
    assert steps.noted(make_attempt(outcome="HOLD"), "waits", LATER).outcome is None


def test_a_hold_keeps_how_far_it_got() -> None:
    """A landed one that regressed stays landed."""
    held = steps.held(make_attempt(phase="landed", outcome="PASS", merge=C, proof="p"), "gone\nlost", "bring it")
    assert (held.phase, held.outcome, held.merge, held.reason) == (Phase.LANDED, Outcome.HOLD, C, "gone lost")


def test_what_its_merge_says_is_what_was_validated() -> None:
    attempt = make_attempt(phase="merging")
    assert steps.validation(attempt) == Validated("T-1", 5, attempt.base, attempt.commit, attempt.tree)


@pytest.mark.parametrize("outcome", [None, *Outcome])
def test_only_a_hold_is_no_end(outcome: Outcome | None) -> None:
    """A person decides what becomes of a held one; whatever else it says, it never changes again."""
    assert make_attempt(outcome=outcome).over is (outcome not in {None, Outcome.HOLD})


def test_phases_have_an_order() -> None:
    assert [phase.number for phase in Phase] == [0, 1, 2, 3, 4, 5]
    assert sorted(Phase, key=lambda phase: phase.number) == list(Phase)


@pytest.mark.parametrize(
    "changes", [{"phase": "lost"}, {"id": "x"}, {"how": "squash"}, {"proven": "trust me"}, {"rounds": 0}]
)
def test_a_document_that_means_nothing_is_no_attempt(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        make_attempt(**changes)


# ---- which commits it speaks for


@pytest.mark.parametrize(
    ("changes", "commit", "found"),
    [
        ({"head": A, "commit": V, "how": "rebase"}, V, (A,)),
        ({"head": A, "commit": V, "how": "merge", "earlier": (C,)}, V, (A, C)),
        ({"head": A, "commit": V, "how": "rebase", "earlier": (C,)}, A, (C,)),
        ({"head": A, "commit": V, "how": "rebase"}, A, ()),
        ({"head": A, "commit": A, "how": "up to date"}, A, ()),
        ({"head": A, "commit": A, "how": "up to date", "earlier": (C,)}, A, (C,)),
        # a commit that was caught up to once, and again from itself
        ({"head": A, "commit": V, "how": "rebase", "earlier": (V, C)}, V, (A, C)),
        # not caught up yet
        ({"head": A, "commit": "", "how": "", "earlier": (C,)}, A, (C,)),
        ({"head": A, "commit": "", "how": "", "earlier": (C,)}, "", ()),
        # anybody else's commit
        ({"head": A, "commit": V, "how": "rebase", "earlier": (C,)}, B, ()),
        ({"head": A, "commit": V, "how": "rebase", "earlier": (C,)}, C, ()),
    ],
)
def test_what_was_said_about_a_commit_counts_for_its_catch_up(
    changes: dict[str, Any], commit: str, found: tuple[str, ...]
) -> None:
    """For no other commit: a person's push begins with nothing (ENG-12)."""
    assert make_attempt(**changes).stands_for(commit) == found


def test_an_attempt_is_about_its_head_and_its_catch_up() -> None:
    attempt = make_attempt(head=A, commit=V)
    assert [attempt.about(commit) for commit in (A, V, B, "")] == [True, True, False, False]
    assert not make_attempt(phase="acquired", commit="", head=A).about("")


def test_the_next_attempt_keeps_what_was_said_before() -> None:
    """Where it begins at the commit that the one before made; a person's new commit has nothing."""
    before = make_attempt(head=A, commit=V, how="rebase", earlier=(C,), outcome="DEFER")
    assert begun(before, V).earlier == (A, C)
    assert begun(before, A).earlier == (C,)
    assert begun(before, B).earlier == ()


@pytest.mark.parametrize(("moved", "rounds"), [(True, 4), (False, 1)])
def test_rounds_count_attempts_whose_target_moved(rounds: int, *, moved: bool) -> None:
    """In a row: nobody is charged for them, and they are bounded all the same."""
    assert begun(make_attempt(moved=moved, rounds=3, outcome="DEFER")).rounds == rounds


@given(st.integers(0, 60))
def test_what_is_kept_of_earlier_commits_is_bounded(catch_ups: int) -> None:
    """However often a target moves, the newest are kept, and the document stays one."""
    attempt = begun(head=f"{0:040x}")
    for number in range(1, catch_ups + 1):
        made = f"{number:040x}"
        attempt = steps.caught_up(attempt, CaughtUp(B, made, T, "rebase", ""), NOW)
        attempt = begun(steps.ended(attempt, AttemptEnd(Outcome.DEFER, "moved", moved=True), NOW), made)
    assert read(attempt) == attempt
    kept = [f"{number:040x}" for number in range(catch_ups - 1, -1, -1)]
    assert list(attempt.earlier) == kept[:MAX_EARLIER]


def test_what_a_newer_version_says_is_kept() -> None:
    """Fields of a newer version are kept, as with every document."""
    made = Attempt.model_validate({**make_attempt().model_dump(by_alias=True), "later": 1})
    assert made.model_dump()["later"] == 1


# ---- what a task is judged by


def test_a_task_is_judged_by_what_landed() -> None:
    """After the merge, whatever becomes of the branch (MRG-16)."""
    landed = Merge(make_attempt(phase="landed", outcome="PASS", commit=V, merge=C, proof="p"))
    task = make_task(head=A)
    assert landed.landed(task) == V
    for heads in ({"task/T-1": A}, {"task/T-1": B}, {"task/T-1": ""}):
        assert landed.head(heads.__getitem__, DEFAULT, task) == V
    for phase in ("validated", "merging"):
        assert Merge(make_attempt(phase=phase, commit=V)).landed(task) == ""
        assert Merge(make_attempt(phase=phase, commit=V)).head(lambda _: B, DEFAULT, task) == B


def test_of_a_branch_that_is_gone_the_recorded_commit_counts_only_after_a_merge() -> None:
    """Before, there is nothing to judge."""
    for stage in DEFAULT.names:
        wanted = A if DEFAULT.merged_before(stage) else ""
        for merge in (Merge(None), Merge(make_attempt(phase="merging", commit=V))):
            assert merge.head(lambda _: "", DEFAULT, make_task(stage=stage, head=A)) == wanted
    assert not DEFAULT.merged_before("development")
    assert DEFAULT.merged_before("deploy")


def test_without_an_attempt_nothing_else_counts() -> None:
    assert Merge(None).earlier(A) == ()
    assert Merge(make_attempt(head=A, commit=V, how="rebase")).earlier(V) == (A,)
    assert make_attempt().started == BEFORE


@pytest.mark.parametrize(
    ("changes", "head", "message"),
    [
        ({}, V, "x is red, on task/T-1 together with main at bbbbbbbbbb"),
        ({"outcome": "FAIL", "reason": "x is red, as it ended"}, V, "x is red, as it ended"),
        ({"outcome": "FAIL", "reason": "y was red"}, V, "x is red, on task/T-1 together with main at bbbbbbbbbb"),
        ({}, A, "x is red"),
    ],
)
def test_red_ci_is_told_of_the_commit_that_was_tested(changes: dict[str, Any], head: str, message: str) -> None:
    """Of one that ours made of branch and target both are named; what its attempt found about it says more."""
    merge = Merge(make_attempt(head=A, commit=V, base=B, how="rebase", phase="testing", **changes))
    red = Verdict("ci-green", Outcome.FAIL, "x is red")
    assert merge.told(red, head).reason == message
    for other in (replace(red, gate="security"), replace(red, absent=True), replace(red, outcome=Outcome.PASS)):
        assert merge.told(other, head) == other
    assert Merge(None).told(red, head) == red


def read_of(rig: Rig, head: str, earlier: tuple[str, ...] = ()) -> dict[str, str]:
    """What is read about a commit, by file name."""
    snapshot = rig.store.load()
    found = edge.reports(snapshot, rig.task, head, earlier)
    return {name: snapshot.read(entry) for name, entry in found.entries.items()}


def test_reports_about_commits_that_were_caught_up_count() -> None:
    """The newest first, and one about the commit itself before all; about any other commit, none (ENG-12)."""
    rig = Rig()
    task = rig.task.id
    rig.write(layout.report_path(task, "10-review-report.md"), "of before they were kept per commit")
    rig.write(layout.report_path(task, "10-review-report.md", C), "oldest")
    rig.write(layout.report_path(task, "12-test-report.md", C), "oldest tests")
    rig.write(layout.report_path(task, "10-review-report.md", A), "about the branch")
    rig.write(layout.report_path(task, "13-other-report.md", B), "about another commit")
    assert read_of(rig, V) == {"10-review-report.md": "of before they were kept per commit"}
    assert read_of(rig, V, (C,)) == {"10-review-report.md": "oldest", "12-test-report.md": "oldest tests"}
    assert read_of(rig, V, (A, C)) == {"10-review-report.md": "about the branch", "12-test-report.md": "oldest tests"}
    rig.write(layout.report_path(task, "10-review-report.md", V), "about the catch-up")
    assert read_of(rig, V, (A, C)) == {"10-review-report.md": "about the catch-up", "12-test-report.md": "oldest tests"}
    assert read_of(rig, A) == {"10-review-report.md": "about the branch"}


def test_the_newest_attempt_is_read_with_the_reports() -> None:
    """Whatever commit is asked about, as it says which commits count; every report's id is known."""
    rig = Rig()
    rig.attempt(head=A, commit=V, how="rebase")
    assert set(read_of(rig, B)) == {layout.ATTEMPT_FILE}
    rig.write(layout.report_path(rig.task.id, "12-test-report.md", B), "x")
    found = edge.reports(rig.store.load(), rig.task, V)
    assert (len(found.ids), found.id_of("12-test-report.md")) == (1, "")
    assert found.id_of(layout.ATTEMPT_FILE)
    merge = edge.merge_of(rig.store.load(), rig.task)
    assert merge.earlier(V) == (A,)


def test_who_was_let_go_on_in_the_same_second_is_not_as_it_was_found() -> None:
    """ENG-6: a merge that is held and recorded nowhere else holds its task; a person's word since is not undone."""
    task = make_task(head=A, updated=timestamp(NOW))
    held = steps.marked(begun().model_copy(update={"outcome": Outcome.HOLD}), task)
    assert held.held_as == steps.found_as(task)
    assert steps.marked(begun(), task).held_as is None
    for event in (events.HoldRequested("ann", "wait"), events.ResumeRequested("ann", "thawed")):
        task = decide(task, event, [], NOW, DEFAULT).task
    assert task.updated == timestamp(NOW)
    assert held.held_as != steps.found_as(task)
