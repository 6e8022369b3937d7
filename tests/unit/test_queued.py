"""A pull request in the merge queue: what a person's asking does, and what takes it out again (MRG-13)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orch_gates.engine import events, legality
from orch_gates.engine.board import task_position, turn
from orch_gates.engine.decide import decide
from orch_gates.engine.decision import Decision, Move
from orch_gates.engine.stages import DEFAULT, QUEUE, Caps, pipeline_of
from orch_gates.model.task import MERGE_QUEUE, Priority, Task, TaskState
from orch_gates.model.verdict import Outcome, Verdict
from tests.tasks_builders import HEAD, NOW, a_verdict, edges, judged, make_task, root_of

PIPELINE = replace(QUEUE, caps=Caps(2, 2))
ROOT = root_of(DEFAULT)
OTHER = "ab" * 20


def pull_task(**changes: object) -> Task:
    """The task of pull request 7, which nobody asked to be merged yet."""
    return make_task(**{"id": "PR-7", "stage": "open", "pipeline": MERGE_QUEUE} | changes)


def say(task: Task, event: events.Event) -> Decision:
    decision = decide(task, event, (), NOW, PIPELINE)
    assert legality.task_change(task, decision.task, ROOT) == ()
    return decision


def ask(task: Task, head: str = HEAD) -> Task:
    return say(task, events.EnqueueRequested("ann", 7, "main", head)).task


def judge(task: Task, verdicts: list[Verdict], head: str = HEAD) -> Decision:
    decision = decide(task, events.Evaluated("bot", task, head), verdicts, NOW, PIPELINE)
    assert legality.task_change(task, decision.task, ROOT) == ()
    return decision


def red(gate: str = "ci-green", **changes: object) -> list[Verdict]:
    return judged("queued", gate, Outcome.FAIL, pipeline=PIPELINE, **changes)


def test_asking_binds_to_a_commit() -> None:
    """Who asks, when and for which commit is on the state branch; asking again for it changes nothing."""
    task = ask(pull_task())
    assert (task.stage, task.state, task.head) == ("queued", TaskState.ACTIVE, HEAD)
    assert task.enqueued is not None
    assert (task.enqueued.pull, task.enqueued.head, task.enqueued.by, task.enqueued.unlabel) == (7, HEAD, "ann", False)
    again = say(task, events.EnqueueRequested("bob", 7, "main", HEAD))
    assert (again.task is task, again.outcome) == (True, Outcome.PASS)
    assert say(task, events.EnqueueRequested("bob", 7, "main", OTHER)).refused


def test_a_red_gate_sends_it_back_and_asking_again_is_a_fresh_start() -> None:
    """As often as a person likes: nobody is charged, and the label is to be taken off each time."""
    task = ask(pull_task())
    for _ in range(5):
        back = judge(task, red(rests_on=("one answer",)))
        assert (back.move, back.task.stage, back.task.developer_retries) == (Move.ROLLBACK, "open", 0)
        assert back.task.enqueued is not None
        assert back.task.enqueued.unlabel
        gone = say(back.task, events.LabelSettled("bot")).task
        assert gone.reason == back.task.reason
        task = ask(gone)
        assert task.enqueued is not None
        assert not task.enqueued.unlabel


def test_an_old_attempt_is_not_the_answer_to_a_new_asking() -> None:
    """What an attempt found before is not found again without a new one; the queue makes it."""
    back = judge(ask(pull_task()), red("merge", rests_on=("attempt 1",))).task
    asked = ask(back)
    old = judge(asked, red("merge", rests_on=("attempt 1",)))
    assert (old.move, old.task is asked) == (Move.STAY, True)
    assert judge(asked, red("merge", rests_on=("attempt 2",))).move is Move.ROLLBACK


def test_waiting_costs_nothing_and_too_many_defers_end_it() -> None:
    """An attempt that could not be told is put off twice here, then a person has to ask again."""
    task = ask(pull_task())
    verdicts = judged("queued", "merge", Outcome.DEFER, pipeline=PIPELINE)
    for number in (1, 2):
        later = NOW + timedelta(hours=number)
        task = decide(task, events.Evaluated("bot", task, HEAD), verdicts, later, PIPELINE).task
        assert (task.state, task.defers, task.stage) == (TaskState.DEFERRED, number, "queued")
    ended = decide(task, events.Evaluated("bot", task, HEAD, due=True), verdicts, NOW, PIPELINE)
    assert (ended.move, ended.task.stage, ended.task.state) == (Move.ROLLBACK, "open", TaskState.ACTIVE)
    assert legality.task_change(task, ended.task, ROOT) == ()


@pytest.mark.parametrize("unlabel", [True, False])
def test_what_takes_it_out(unlabel: bool) -> None:
    """A push of the author's, or the label that was taken away: back to be asked for, also where it was put off."""
    task = ask(pull_task())
    deferred = judge(task, judged("queued", "merge", Outcome.DEFER, pipeline=PIPELINE)).task
    for one in (task, deferred):
        out = say(one, events.TakenOut("bob", "bob pushed", unlabel)).task
        assert (out.stage, out.state, out.defers, out.reason) == ("open", TaskState.ACTIVE, 0, "bob pushed")
        assert out.enqueued is not None
        assert out.enqueued.unlabel is unlabel


def test_one_that_is_held_waits_for_a_person_only() -> None:
    """Taking the label away frees no lease whose merge nobody can prove (ENG-6)."""
    held = judge(ask(pull_task()), judged("queued", "merge", Outcome.HOLD, pipeline=PIPELINE)).task
    for event in (events.TakenOut("bob", "left", unlabel=False), events.EnqueueRequested("bob", 7, "main", HEAD)):
        assert say(held, event).refused
    assert say(held, events.ResumeRequested("ann")).task.stage == "queued"


def test_only_pull_requests_are_asked_for_and_they_are_not_approved() -> None:
    """Each pipeline has its own word; the other one is refused with what to do."""
    own = make_task(stage="development")
    assert decide(own, events.EnqueueRequested("ann", 7, "main", HEAD), (), NOW, DEFAULT).refused
    approved = say(pull_task(), events.Approved("ann", pull_task(), HEAD))
    assert approved.refused
    assert "orch-gates queue add 7" in approved.reason


def test_a_task_names_its_pipeline() -> None:
    """Tasks of a repository's own stages and pull requests land side by side."""
    assert pipeline_of(make_task(), DEFAULT) is DEFAULT
    assert pipeline_of(pull_task(), DEFAULT).names == ("open", "queued")
    moved = make_task().model_copy(update={"pipeline": MERGE_QUEUE, "stage": "open"})
    assert legality.task_change(make_task(), moved, ROOT) != ()


def test_turns_are_by_priority_then_by_age_then_by_number() -> None:
    """Whatever else happens to it in the queue, its turn stays the same."""
    tasks = [ask(pull_task(id=f"PR-{number}")) for number in (2, 10, 9)]
    numbered = [
        task.model_copy(update={"enqueued": task.enqueued and task.enqueued.model_copy(update={"pull": number})})
        for task, number in zip(tasks, (2, 10, 9), strict=True)
    ]
    urgent = say(numbered[1], events.Prioritised("ann", Priority.URGENT)).task
    older = numbered[2].model_copy(update={"since": "2020-01-01T00:00:00Z"})
    order = sorted([numbered[0], urgent, older], key=turn)
    assert [task.id for task in order] == ["PR-10", "PR-9", "PR-2"]
    deferred = judge(urgent, judged("queued", "merge", Outcome.DEFER, pipeline=PIPELINE)).task
    assert (turn(deferred), task_position(deferred).turn) == (turn(urgent), turn(urgent))


WORDS = ("ask", "ask other", "take out", "label gone", "urgent", "hold", "resume", "reject", "retry", "ready")


@settings(max_examples=60)
@given(st.lists(st.sampled_from(("", "", "", *WORDS)), min_size=5, max_size=25), st.data())
def test_every_step_of_any_walk_is_legal(words: list[str], data: st.DataObject) -> None:
    """In any order of gates' answers and people's words; nothing is ever charged, and nothing lands unasked."""
    task = pull_task()
    assert legality.task_change(None, task, ROOT) == ()
    for word in words:
        head = data.draw(st.sampled_from((HEAD, OTHER)))
        output: dict[str, events.Event] = {
            "ask": events.EnqueueRequested("ann", 7, "main", HEAD),
            "ask other": events.EnqueueRequested("ann", 7, "main", OTHER),
            "take out": events.TakenOut("bob", "pushed", data.draw(st.booleans())),
            "label gone": events.LabelSettled("bot"),
            "urgent": events.Prioritised("ann", Priority.URGENT),
            "hold": events.HoldRequested("ann", "wait"),
            "resume": events.ResumeRequested("ann"),
            "reject": events.Rejected("ann", "no", head),
            "retry": events.RetryRequested("ann"),
            "ready": events.MarkedReady("ann", ""),
        }
        event = output.get(word) or events.Evaluated("bot", task, head)
        verdicts = [] if word else data.draw(edges(task.stage, PIPELINE))
        after = decide(task, event, verdicts, NOW, PIPELINE).task
        assert legality.task_change(task, after, ROOT) == ()
        assert after.developer_retries == 0
        assert after.state is not TaskState.ESCALATED
        if after.stage != "open":
            assert after.enqueued is not None
        task = after


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        (ask(pull_task()), ask(pull_task()).model_copy(update={"developer_retries": 1}), "developer_retries"),
        (pull_task(), pull_task(stage="queued"), "enqueued"),
        (ask(pull_task()), ask(pull_task(), OTHER), "enqueued.head"),
        (ask(pull_task()), pull_task(stage="open"), "enqueued"),
    ],
)
def test_what_the_guard_refuses(before: Task, after: Task, field: str) -> None:
    """Whoever writes the state: no charge, no queued task that nobody asked for, no other commit than asked for."""
    assert field in {violation.field for violation in legality.task_change(before, after, ROOT)}


def test_a_gate_that_only_lacks_something_sends_nobody_back() -> None:
    """CI that is still running, or a missing approval: it waits where it is."""
    task = ask(pull_task())
    decision = judge(task, [a_verdict(Outcome.FAIL, gate="ci-green", absent=True)])
    assert (decision.move, decision.task.stage) == (Move.STAY, "queued")
