"""Evidence is spent once: nothing new charges nothing, moves nothing and writes nothing (ENG-9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from orch_gates.engine import events, legality
from orch_gates.engine.decision import Move
from orch_gates.engine.why import QueueContext, explain
from orch_gates.forge.port.checks import Review, ReviewState
from orch_gates.gates import policy, review_approved
from orch_gates.model.task import Task
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.tasks import book, record
from tests.step_rig import PIPELINE, A, B, C, Rig

WORDS = {
    "ci-green": ("SUCCESS", "FAILED"),
    "review-approved": ("APPROVED", "CHANGES_REQUESTED"),
    "tests-passed": ("PASSED", "FAILED"),
}


@pytest.fixture
def rig() -> Rig:
    """A task that waits in `review`, its CI green."""
    made = Rig()
    made.report("ci-green", "SUCCESS")
    made.advance()
    return made


def quiet(rig: Rig, times: int = 5) -> Outcome:
    """Call `advance` with nothing new: nothing is written; answers its outcome."""
    before = rig.commits
    outcomes = {rig.advance().decision.outcome for _ in range(times)}
    assert rig.commits == before
    [outcome] = outcomes
    return outcome


def in_testing(rig: Rig) -> None:
    rig.report("review-approved", "APPROVED")
    rig.report("tests-passed", "PASSED")
    rig.advance()
    assert rig.task.stage == "testing"


def test_one_red_report_is_charged_once(rig: Rig) -> None:
    """However often a schedule calls; `why` says what leads on."""
    rig.report("review-approved", "CHANGES_REQUESTED", reason="rename it")
    assert rig.advance().decision.move is Move.ROLLBACK
    assert quiet(rig) is Outcome.FAIL
    assert (rig.task.stage, rig.task.developer_retries) == ("development", 1)
    line = explain(rig.task, PIPELINE, QueueContext(1, 1, ""), rig.now).line
    assert "push a new commit to task/T-1" in line
    assert "`orch-gates task ready T-1 --reason TEXT`" in line


def test_old_reports_do_not_undo_a_rejection(rig: Rig) -> None:
    """The person's words stay until there is a new commit, and the way past is judged anew."""
    in_testing(rig)
    rig.advance(reject="the customer hates it")
    assert (quiet(rig), rig.task.stage, rig.task.reason) == (Outcome.FAIL, "development", "the customer hates it")
    rig.head = B
    rig.report("ci-green", "SUCCESS")
    assert rig.advance().decision.move is Move.ADVANCE
    assert rig.advance().decision.outcome is Outcome.FAIL
    assert (rig.task.stage, quiet(rig)) == ("review", Outcome.FAIL)


def test_a_commit_that_was_sent_back_does_not_come_back_as_a_new_one(rig: Rig) -> None:
    """Who sets the branch back to an earlier rejected commit has brought nothing new, until somebody says it is."""
    rig.advance(reject="it leaks")
    rig.head = B
    rig.report("ci-green", "SUCCESS")
    rig.advance()
    rig.advance(reject="it is slow")
    for head in (A, B):
        rig.head = head
        rig.now += timedelta(minutes=1)
        rig.report("ci-green", "SUCCESS")
        assert (quiet(rig), rig.task.stage) == (Outcome.FAIL, "development")
    rig.head = A
    rig.ask(events.MarkedReady("bob", "the scanner was wrong"))
    rig.now += timedelta(minutes=1)
    rig.report("ci-green", "SUCCESS")
    assert rig.advance().decision.move is Move.ADVANCE


@pytest.mark.parametrize("meanwhile", ["", C])
@pytest.mark.parametrize("by", ["a person", "a gate"])
def test_a_branch_that_is_elsewhere_for_a_moment_brings_nothing_new(rig: Rig, meanwhile: str, by: str) -> None:
    """What was judged before is old, wherever the branch stood when the task was sent back."""
    in_testing(rig)
    rig.head = meanwhile
    if by == "a person":
        rig.advance(reject="not what was asked")
    else:
        rig.by_forge = lambda gate, _head: Verdict(gate, Outcome.FAIL, "red")
        rig.advance()
        rig.by_forge = lambda _gate, _head: None
    assert rig.task.stage == "development"
    rig.head = A
    rig.now += timedelta(minutes=1)
    rig.report("ci-green", "SUCCESS")
    assert (quiet(rig), rig.task.stage) == (Outcome.FAIL, "development")
    rig.ask(events.MarkedReady("bob", "it is mended elsewhere"))
    assert rig.advance().decision.move is Move.ADVANCE
    assert (quiet(rig), rig.task.stage) == (Outcome.FAIL, "review")


def test_a_deleted_branch_is_no_new_commit() -> None:
    """Also where no gate is in the way."""
    free = replace(PIPELINE, stages=(replace(PIPELINE.stages[0], gates=()), *PIPELINE.stages[1:]))
    rig = Rig(pipeline=free)
    rig.advance()
    rig.report("review-approved", "CHANGES_REQUESTED")
    assert rig.advance().decision.move is Move.ROLLBACK
    for head in ("", A):
        rig.head = head
        assert (quiet(rig), rig.task.stage) == (Outcome.FAIL, "development")


def test_a_commit_that_went_on_once_is_no_new_one_later(rig: Rig) -> None:
    """The word that the work was done again was about another time."""
    rig.report("review-approved", "CHANGES_REQUESTED")
    rig.advance()
    rig.ask(events.MarkedReady("bob", "done"))
    rig.now += timedelta(minutes=1)
    rig.report("ci-green", "SUCCESS")
    rig.advance()
    rig.head = B
    rig.report("review-approved", "CHANGES_REQUESTED")
    assert rig.advance().decision.move is Move.ROLLBACK
    rig.head = A
    assert (quiet(rig), rig.task.stage) == (Outcome.FAIL, "development")


def test_a_job_that_writes_the_same_file_again_has_reported_anew(rig: Rig, tmp_path: Path) -> None:
    """Only its content is the same; a third time with nothing new in between it is recorded already."""
    file = tmp_path / "report.md"
    file.write_text(f"---\nschema: orch.report/1\ngate: ci-green\nci_status: SUCCESS\nhead: {A}\n---\n")

    def again() -> str:
        rig.now += timedelta(minutes=1)
        return record.from_file(rig.store, "T-1", file, rig.configured, now=rig.now).commit

    again()
    for _ in range(2):
        rig.advance(reject="not like that")
        rig.ask(events.MarkedReady("bob", "done"))
        assert (quiet(rig), rig.task.stage) == (Outcome.FAIL, "development")
        assert again()
        assert not again()
        assert rig.advance().decision.move is Move.ADVANCE


def test_a_report_that_lands_while_a_task_is_rejected_is_from_before(rig: Rig) -> None:
    """It was recorded before the rejection, so it does not count after it."""
    in_testing(rig)

    def head_of(_task: str) -> str:
        rig.report("ci-green", "SUCCESS", reason="a moment before")
        return A

    replace(rig.step(reject="no"), head_of=head_of).take("T-1")
    rig.ask(events.MarkedReady("bob", "done"))
    assert (quiet(rig), rig.task.stage) == (Outcome.FAIL, "development")


def test_done_again_without_a_commit_needs_a_word_and_new_reports(rig: Rig) -> None:
    """The word alone lets no old report count; new ones do."""
    in_testing(rig)
    rig.advance(reject="try it on the other machine")
    rig.now += timedelta(minutes=1)
    assert rig.ask(events.MarkedReady("bob", "it was the machine")).decision.move is Move.READY
    assert (quiet(rig), rig.task.stage) == (Outcome.FAIL, "development")
    for gate, words in WORDS.items():
        rig.report(gate, words[0])
        assert rig.advance().decision.move is Move.ADVANCE
    assert rig.task.state == "done"


def test_a_report_before_the_word_counts_when_it_is_newer_than_the_rejection(rig: Rig) -> None:
    """Only what was recorded before the task was sent back is spent."""
    in_testing(rig)
    rig.advance(reject="no")
    rig.now += timedelta(minutes=1)
    rig.report("ci-green", "SUCCESS")
    assert quiet(rig) is Outcome.FAIL
    rig.ask(events.MarkedReady("bob", "done"))
    assert rig.advance().decision.move is Move.ADVANCE


def test_sent_back_again_at_the_same_commit_costs_nothing(rig: Rig) -> None:
    """One gate, one commit, one charge (ENG-9)."""
    for number in range(3):
        rig.now += timedelta(minutes=1)
        rig.report("review-approved", "CHANGES_REQUESTED", reason=f"no {number}")
        assert rig.advance().decision.move is Move.ROLLBACK
        rig.ask(events.MarkedReady("bob", "done"))
        rig.now += timedelta(minutes=1)
        rig.report("ci-green", "SUCCESS")
        assert rig.advance().decision.move is Move.ADVANCE
    assert rig.task.developer_retries == 1


def test_a_retry_is_a_word_and_the_red_gate_answers_anew(rig: Rig) -> None:
    """The report that escalated the task does not send it back when a person lets it go on."""
    rig.pipeline = PIPELINE.__class__(PIPELINE.stages, "development", type(PIPELINE.caps)(0))
    rig.report("review-approved", "CHANGES_REQUESTED")
    assert rig.advance().decision.move is Move.ESCALATE
    rig.ask(events.RetryRequested("bob", "go on"))
    assert (quiet(rig), rig.task.stage, rig.task.state) == (Outcome.FAIL, "review", "active")
    rig.now += timedelta(minutes=1)
    rig.report("review-approved", "APPROVED")
    assert rig.advance().decision.move is Move.ADVANCE


def test_an_objection_from_before_is_not_charged_at_a_new_commit(rig: Rig) -> None:
    """A reviewer who has not looked again says nothing new; one who has, does."""
    given = [Review("bob", ReviewState.CHANGES_REQUESTED, A)]

    def forge(gate: str, head: str) -> Verdict | None:
        if gate != "review-approved":
            return None
        return review_approved.judge(
            review_approved.ReviewFacts("acme/app", head, tuple(given)), policy.REVIEW_APPROVED
        )

    rig.by_forge = forge
    assert rig.advance().decision.move is Move.ROLLBACK
    rig.head = B
    rig.report("ci-green", "SUCCESS")
    rig.advance()
    assert (quiet(rig), rig.task.stage, rig.task.developer_retries) == (Outcome.FAIL, "review", 1)
    given[0] = Review("bob", ReviewState.CHANGES_REQUESTED, B)
    assert rig.advance().decision.move is Move.ROLLBACK
    assert rig.task.developer_retries == 2


def test_a_rejection_before_there_is_code_waits_for_a_word(rig: Rig) -> None:
    """In a stage without gates nothing else would keep the next call from moving it on."""
    early = Rig(head="")
    early.advance(reject="not yet")
    assert quiet(early) is Outcome.FAIL


def test_nobody_is_ready_who_was_not_sent_back(rig: Rig) -> None:
    """A refusal, and nothing is written."""
    before = rig.commits
    assert rig.ask(events.MarkedReady("bob", "done")).decision.refused
    assert rig.commits == before


class Interleaved(RuleBasedStateMachine):
    """Anything, in any order: one charge for a gate and a commit, and calls with nothing new write nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.rig = Rig()
        self.charges: set[tuple[str, str]] = set()
        self.before = self.rig.task

    @rule(head=st.sampled_from([A, B, C]))
    def push(self, head: str) -> None:
        self.rig.head = head

    @rule(gate=st.sampled_from(sorted(WORDS)), red=st.booleans(), head=st.sampled_from([A, B, C, ""]))
    def report(self, gate: str, red: bool, head: str) -> None:
        self.rig.now += timedelta(minutes=1)
        self.rig.report(gate, WORDS[gate][red], head=head)

    @rule()
    def advance(self) -> None:
        for _ in range(len(PIPELINE.stages) + 1):
            before = self.rig.commits
            self.rig.advance()
            self.look()
            if self.rig.commits == before:
                break
        quiet(self.rig, 2)

    @rule()
    def reject(self) -> None:
        self.rig.advance(reject="no")
        self.look()

    @rule(word=st.sampled_from([events.MarkedReady("bob", "done"), events.RetryRequested("bob", "again")]))
    def say(self, word: events.Event) -> None:
        self.rig.ask(word)
        self.look()

    def look(self) -> None:
        after = self.rig.task
        root = book.root_of(self.rig.store.load())
        assert legality.task_change(self.before, after, root) == ()
        if after.developer_retries > self.before.developer_retries:
            charge = (after.cause, after.head)
            assert charge not in self.charges
            self.charges.add(charge)
        self.before = after

    @invariant()
    def is_readable(self) -> None:
        assert Task.model_validate(self.rig.task.fields()) == self.rig.task


TestInterleaved = Interleaved.TestCase
TestInterleaved.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
