"""One step of a task: what it was decided on is what there is when it is recorded (ENG-3, ENG-10)."""

from __future__ import annotations

import pytest

from orch_gates.engine import events, legality
from orch_gates.engine.decide import decide
from orch_gates.engine.decision import Move
from orch_gates.engine.stages import EdgeGate, Pipeline, Stage
from orch_gates.engine.why import QueueContext, explain
from orch_gates.errors import GitError, UsageError
from orch_gates.model.ids import TaskId
from orch_gates.model.verdict import Outcome
from orch_gates.state import layout
from orch_gates.state.store import Change
from orch_gates.tasks.create import create, new_task
from tests.step_rig import PIPELINE, A, B, Rig
from tests.tasks_builders import BEFORE, NOW, make_task, root_of


@pytest.fixture
def rig() -> Rig:
    return Rig()


def others_write(rig: Rig) -> None:
    """Somebody changes the branch, and nothing about the task."""
    rig.write("sweep/a-note.md", "---\nschema: orch.sweep/1\n---\n")


def test_a_lost_race_decides_again_and_asks_no_gate_again(rig: Rig) -> None:
    """What the verdicts rest on is the same, so they count."""
    rig.report("ci-green", "SUCCESS")
    rig.meanwhile = lambda: others_write(rig)
    assert rig.advance().decision.move is Move.ADVANCE
    assert rig.asked == ["ci-green"]


def test_a_head_that_moves_while_gates_are_judged_is_judged_again(rig: Rig) -> None:
    """A green report of the commit before lets nothing through."""
    rig.report("ci-green", "SUCCESS")

    def push() -> None:
        rig.head = B

    rig.meanwhile = push
    applied = rig.advance()
    assert (applied.decision.outcome, rig.task.stage) == (Outcome.FAIL, "development")
    assert rig.asked == ["ci-green", "ci-green"]


def test_a_report_that_changes_while_gates_are_judged_is_judged_again(rig: Rig) -> None:
    """Red after green: the green one is never acted on; absent before is no answer either."""
    rig.report("ci-green", "SUCCESS")
    rig.meanwhile = lambda: rig.report("ci-green", "FAILED")
    assert rig.advance().decision.outcome is Outcome.FAIL
    late = Rig()
    late.meanwhile = lambda: late.report("ci-green", "SUCCESS")
    assert late.advance().decision.move is Move.ADVANCE


def test_a_task_that_somebody_else_moves_is_left_alone(rig: Rig) -> None:
    """One call is one step, however many are called at once (P6)."""
    rig.report("ci-green", "SUCCESS")
    rig.report("review-approved", "APPROVED")
    rig.meanwhile = rig.advance
    applied = rig.advance()
    assert (applied.decision.outcome, applied.commit) == (Outcome.DEFER, "")
    assert rig.task.stage == "review"


def test_a_task_that_is_held_while_gates_are_judged_stays_held(rig: Rig) -> None:
    """A person's word is never overwritten by verdicts from before it."""
    rig.report("ci-green", "SUCCESS")
    rig.meanwhile = lambda: rig.ask(events.HoldRequested("bob", "wait"))
    applied = rig.advance()
    assert (applied.decision.outcome, rig.task.state, rig.task.reason) == (Outcome.DEFER, "held", "wait")


def test_a_rejection_holds_wherever_the_task_is_by_then(rig: Rig) -> None:
    """Somebody moves it on while the rejection is written: it is sent back all the same."""
    rig.report("ci-green", "SUCCESS")
    rig.advance()
    rig.report("review-approved", "APPROVED")
    rig.remote.before_push = rig.advance
    applied = rig.advance(reject="not like this")
    assert (applied.decision.move, applied.commit != "") == (Move.ROLLBACK, True)
    assert (rig.task.stage, rig.task.reason) == ("development", "not like this")


def test_what_never_stands_still_is_deferred_and_nothing_is_written(rig: Rig) -> None:
    """It is tried three times, then somebody has to call again."""
    heads = iter([A, B] * 9)
    step = rig.step()
    moving = type(step)(rig.store, rig.configured, step.gate, lambda _: next(heads), "ann", rig.now)
    before = rig.commits
    applied = moving.take("T-1")
    assert (applied.decision.outcome, applied.commit, rig.commits) == (Outcome.DEFER, "", before)
    assert "run the command again" in applied.decision.reason
    assert len(rig.asked) == 3


def test_the_head_is_looked_at_again_before_a_decision_is_taken_again(rig: Rig) -> None:
    """A push and another write of the state while ours is under way: the commit that was judged is not the head."""
    rig.report("ci-green", "SUCCESS")

    def lost() -> None:
        rig.head = B
        others_write(rig)

    rig.remote.before_push = lost
    assert rig.advance().decision.move is Move.STAY
    assert (rig.task.stage, rig.task.head) == ("development", B)


def test_a_head_that_cannot_be_asked_for_decides_nothing(rig: Rig) -> None:
    """Not the same as no branch (P2)."""

    def silent(_branch: str) -> str:
        raise GitError("the server did not answer")

    step = rig.step()
    before = rig.commits
    with pytest.raises(GitError, match="did not answer"):
        type(step)(rig.store, rig.configured, step.gate, silent, "ann", rig.now).take("T-1")
    assert rig.commits == before


def test_a_late_report_of_an_older_commit_replaces_nothing(rig: Rig) -> None:
    """Reports are kept for each commit, the newest of each gate."""
    rig.head = B
    rig.report("ci-green", "SUCCESS")
    rig.report("ci-green", "FAILED", head=A)
    assert rig.advance().decision.move is Move.ADVANCE


def test_a_report_of_before_they_were_kept_per_commit_counts_for_its_commit(rig: Rig) -> None:
    """Where it stood before, it is still read; one about another commit proves nothing."""
    rig.report("ci-green", "SUCCESS")
    text = rig.text(f"{rig.folder()}/reports/{A}/10-ci-report.md")
    assert text is not None
    old = Rig()
    old.write(f"{old.folder()}/10-ci-report.md", text)
    old.head = B
    assert "is about aaaaaaaaaa" in old.advance().decision.reason
    old.head = A
    assert old.advance().decision.move is Move.ADVANCE


def test_a_branch_deleted_after_its_merge_is_judged_at_the_recorded_commit() -> None:
    """A default of many forges; before the merge a missing branch proves nothing."""
    stages = (
        Stage("development", "developer", (EdgeGate("ci-green"),)),
        Stage("merging", "deployer", (EdgeGate("merge"),)),
        Stage("deploy", "deployer", (EdgeGate("deploy-status"),)),
    )
    rig = Rig(Pipeline(stages, "development"))
    rig.report("ci-green", "SUCCESS")
    rig.attempt(commit=A)
    rig.head = ""
    assert rig.advance().decision.outcome is Outcome.FAIL
    rig.head = A
    rig.advance()
    rig.advance()
    rig.head = ""
    assert "about aaaaaaaaaa" in rig.advance().decision.reason
    rig.report("deploy-status", "DEPLOYED", head=A)
    rig.advance()
    assert rig.task.state == "done"


def test_a_long_reason_is_read_back(rig: Rig) -> None:
    """One line for the gate, the whole text below it: what a command records no other finds malformed."""
    whole = "\n".join(f"ok test {number}" for number in range(2000))
    rig.report("ci-green", "SUCCESS", reason=whole)
    assert rig.advance().decision.move is Move.ADVANCE
    text = rig.text(f"{rig.folder()}/reports/{A}/10-ci-report.md")
    assert text is not None
    assert "ok test 1999" in text


@pytest.mark.parametrize("state", ["active", "deferred", "held", "escalated"])
def test_a_stage_that_is_gone_is_no_dead_end(state: str) -> None:
    """`why` names the command that leads out, whatever state the task is in; nothing is charged."""
    values = {"stage": "retired", "state": state, "developer_retries": 1}
    task = make_task(**values, available_at=BEFORE if state == "deferred" else None)
    root = root_of(PIPELINE)
    commands = []
    while task.stage == "retired":
        command = explain(task, PIPELINE, QueueContext(1, 1, ""), NOW).next_action.split("`")[1]
        event: events.Event
        match command:
            case "orch-gates advance T-1":
                event = events.Evaluated("ann", task, A)
            case "orch-gates task resume T-1":
                event = events.ResumeRequested("ann")
            case _:
                event = events.RetryRequested("ann")
        after = decide(task, event, (), NOW, PIPELINE).task
        assert after is not task
        assert legality.task_change(task, after, root) == ()
        task = after
        commands.append(command)
    assert len(commands) <= 2
    assert (task.stage, task.state) == ("development", "active")
    assert task.developer_retries <= 1


@pytest.mark.parametrize("years", [-3, 0, 3])
def test_an_archived_name_is_not_used_again_whatever_the_clock_says(rig: Rig, years: int) -> None:
    """It is looked for in every year that the archive has."""
    rig.ask(events.CancelRequested("ann", "not wanted"))
    folder = layout.archive_folder(NOW.year + years, TaskId("T-1"))
    rig.store.transact(lambda _: Change("archive", "T-1", "a test's", moves={rig.folder(): folder}))
    again = new_task("T-1", "another", branch="", by="bob", pipeline=rig.pipeline, now=NOW)
    with pytest.raises(UsageError, match=f"was finished and archived in archive/{NOW.year + years}"):
        create(rig.store, again, rig.configured, NOW)
