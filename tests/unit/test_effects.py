"""Effects: planned with the step that causes them, kept until they are known to be done, never forged (P7)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from orch_gates.engine import events, legality
from orch_gates.engine.decide import decide
from orch_gates.engine.decision import Move
from orch_gates.engine.stages import DEFAULT, Pipeline, Stage
from orch_gates.engine.statuses import Posting, plan
from orch_gates.model.effect import MAX_EFFECTS, MAX_URL, PostedState, StatusEffect, merged, shown
from orch_gates.model.task import MAX_CHARGED, MAX_SPENT
from orch_gates.model.verdict import Outcome
from orch_gates.state import codec, layout
from orch_gates.state.kinds import TASK
from orch_gates.tasks import book, change
from tests.tasks_builders import (
    BEFORE,
    FINDING,
    HEAD,
    NOW,
    Case,
    a_verdict,
    green,
    judged,
    judgements,
    make_effect,
    make_task,
    root_of,
)

PIPELINE = Pipeline(tuple(Stage(name, "worker") for name in ("design", "build", "check")), "build")
ROOT = root_of(PIPELINE)
POSTING = Posting("https://ci.example/runs/7", {}, 7)
OTHER = "d" * 40


def fields(violations: tuple[legality.Violation, ...]) -> list[str]:
    return [violation.field for violation in violations]


# ---- planning


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Outcome.PASS, PostedState.SUCCESS),
        (Outcome.FAIL, PostedState.FAILURE),
        (Outcome.ERROR, PostedState.FAILURE),
        (Outcome.DEFER, PostedState.PENDING),
        (Outcome.HOLD, PostedState.PENDING),
        (Outcome.SKIP, None),
    ],
)
def test_what_a_verdict_is_shown_as(outcome: Outcome, state: PostedState | None) -> None:
    """GATE-4, for `--status` and for `advance` alike; a SKIP has no side effects."""
    assert shown(outcome) is state
    planned = plan([a_verdict(outcome)], HEAD, POSTING, NOW)
    assert [effect.state for effect in planned] == ([] if state is None else [state])


def test_only_what_was_judged_is_posted() -> None:
    """GATE-5: a FAIL because nothing is recorded yet judged nothing, and there is no status without a commit."""
    assert plan([a_verdict(Outcome.FAIL, absent=True)], HEAD, POSTING, NOW) == ()
    assert plan([a_verdict(Outcome.PASS)], "", POSTING, NOW) == ()


def test_an_effect_names_all_that_it_needs() -> None:
    """Performing it later, from another machine, asks for nothing more; its key names the step that caused it."""
    posting = replace(POSTING, present={"orch/ci-green": "1" * 64})
    (effect,) = plan([a_verdict(Outcome.PASS, reason=" green\nall over ")], HEAD, posting, NOW)
    assert (effect.context, effect.commit, effect.reason) == ("orch/ci-green", HEAD, "green all over")
    assert (effect.url, effect.replaces) == ("https://ci.example/runs/7", "1" * 64)
    assert effect.key == f"status:orch/ci-green@{HEAD}:7"
    assert effect.repeatable


def test_a_step_plans_the_statuses_of_its_verdicts() -> None:
    """In the order in which the gates were judged, the red one last."""
    task = make_task(stage="deploy-staging")
    verdicts = judged("deploy-staging", "security", Outcome.FAIL)
    decision = decide(task, events.Evaluated("ann", task, HEAD), verdicts, NOW, DEFAULT, POSTING)
    assert decision.move is Move.ROLLBACK
    assert [(effect.context, effect.state) for effect in decision.effects if isinstance(effect, StatusEffect)] == [
        ("orch/staging-status", PostedState.SUCCESS),
        ("orch/security", PostedState.FAILURE),
    ]


def test_what_makes_no_step_plans_nothing() -> None:
    """Quiescence: judged again with the same answer, nothing is posted; a person's word judges nothing."""
    task = make_task()
    event = events.Evaluated("ann", task, HEAD)
    red = [a_verdict(Outcome.FAIL)]
    first = decide(task, event, red, NOW, DEFAULT, POSTING)
    assert len(first.effects) == 1
    again = events.Evaluated("ann", first.task, HEAD)
    assert decide(first.task, again, red, NOW, DEFAULT, POSTING).effects == ()
    assert decide(task, events.HoldRequested("ann", "wait"), red, NOW, DEFAULT, POSTING).effects == ()
    assert decide(task, event, green("development"), NOW, DEFAULT).effects == ()


@settings(max_examples=60)
@given(judgements())
def test_every_plan_is_legal_and_can_be_recorded(case: Case) -> None:
    """Whatever gates say about whatever task: the guard takes the plan, and the document is read back the same."""
    root = root_of(case.pipeline)
    posting = replace(POSTING, generation=root.generation)
    decision = decide(case.task, case.event, case.verdicts, case.now, case.pipeline, posting)
    assert decision.task == decide(case.task, case.event, case.verdicts, case.now, case.pipeline).task
    after = change.with_effects(decision, case.task, ()).task
    assert legality.task_change(case.task, after, root) == ()
    assert decision.effects == () or decision.task != case.task
    text = codec.encode(after, "")
    assert codec.decode(TASK, layout.task_path(after.id), text) == (after, "")


# ---- merging


def test_a_later_status_of_the_same_subject_replaces_the_earlier() -> None:
    """Of one context on one commit the last word counts; other commits and contexts keep theirs."""
    old, elsewhere = make_effect(generation=5), make_effect(generation=5, commit=OTHER)
    new = make_effect(state="failure")
    assert merged((old, elsewhere), frozenset(), (new,), frozenset({new.subject})) == (elsewhere, new)
    assert merged((old, elsewhere), frozenset({elsewhere.key}), (), frozenset()) == (old,)


def test_effects_that_are_never_performed_do_not_grow_a_document_without_end() -> None:
    """The oldest are given up first, and that is written down."""
    many = tuple(make_effect(commit=f"{number:040x}") for number in range(MAX_EFFECTS))
    task = make_task(effects=many)
    step = decide(task, events.Evaluated("ann", task, HEAD), [a_verdict(Outcome.FAIL)], NOW, DEFAULT, POSTING)
    decided = change.with_effects(step, task, ())
    assert (decided.task.effects, decided.given_up) == ((*many[1:], *step.effects), many[:1])
    made = change.recorded(book.TaskPage("tasks/T-1/task.md", task, ""), decided, "ann", NOW)
    assert many[0].subject in str(made.writes["tasks/T-1/task.md"]).replace("\\", "")


def test_a_status_that_was_planned_before_is_out_of_date_when_the_gate_answers_anew() -> None:
    """Also where nothing can be posted from here: old truth is never posted over a newer answer."""
    task = make_task(effects=[make_effect(generation=5).model_dump(mode="json")])
    step = decide(task, events.Evaluated("ann", task, HEAD), [a_verdict(Outcome.FAIL)], NOW, DEFAULT)
    assert change.with_effects(step, task, ()).task.effects == ()


def test_the_loudest_gates_can_be_recorded() -> None:
    """As many effects as there may be, each as long as it may be, beside the longest feedback."""
    loud = "\U000e0001" * 2000
    found = tuple(replace(FINDING, id=str(n), path=loud, description=loud, fix=loud) for n in range(500))
    verdicts = [a_verdict(Outcome.FAIL, gate="tests-passed", reason=loud, next_step=loud, findings=found)]
    task = make_task(stage="testing")
    posting = Posting("https://ci.example/" + "x" * 300, {}, 7)
    decision = decide(task, events.Evaluated("ann", task, HEAD), verdicts, NOW, DEFAULT, posting)
    first = decision.effects[0]
    assert isinstance(first, StatusEffect)
    assert first.url == ""
    effects = tuple(
        first.model_copy(update={"commit": f"{number:064x}", "url": "x" * MAX_URL, "replaces": "1" * 64})
        for number in range(MAX_EFFECTS)
    )
    spent = {"spent": ("x" * 120,) * MAX_SPENT, "charged": ("x" * 120,) * MAX_CHARGED}
    assert decision.task.sent_back is not None
    after = decision.task.model_copy(
        update={"effects": effects, "sent_back": decision.task.sent_back.model_copy(update=spent)}
    )
    assert codec.decode(TASK, layout.task_path(after.id), codec.encode(after, "")) == (after, "")


# ---- legality


def changed(effects: tuple[StatusEffect, ...], planned: tuple[StatusEffect, ...], **changes: Any) -> list[str]:
    before = make_task(stage="build", effects=effects)
    after = make_task(**{"stage": "build", "effects": planned, "head": HEAD, "reason": "judged"} | changes)
    return fields(legality.task_change(before, after, ROOT))


def test_an_effect_comes_with_a_step() -> None:
    """Planned by the commit that records it, about the commit that was judged; and it may be replaced or done."""
    assert changed((), (make_effect(),)) == []
    assert changed((), (make_effect(),), stage="check") == []
    assert changed((make_effect(generation=5),), (make_effect(),)) == []
    assert changed((make_effect(generation=5),), ()) == []
    assert changed((make_effect(generation=5),), (), reason="new", head="") == []
    assert changed((make_effect(generation=5),), (make_effect(generation=5),)) == []


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ((), (make_effect(generation=6),), {}),
        ((), (make_effect(generation=8),), {}),
        ((), (make_effect(commit=OTHER),), {}),
        ((), (make_effect(), make_effect(state="failure")), {}),
        ((), (make_effect(),), {"reason": "new", "head": ""}),
        ((make_effect(generation=5),), (make_effect(generation=5, state="failure"),), {}),
    ],
    ids=["old", "future", "another commit", "one key twice", "no step", "changed"],
)
def test_no_effect_comes_otherwise(before: Any, after: Any, changes: dict[str, Any]) -> None:
    """A plan of another step or about another commit, without a step, or one that was changed."""
    assert set(changed(before, after, **changes)) == {"effects"}


def test_a_finished_task_only_loses_effects() -> None:
    """They are done after its last step; nothing else about it changes, and none is added or changed."""
    one, two = make_effect(generation=5), make_effect(generation=5, context="orch/security")
    done = make_task(stage="done", state="done", head=HEAD, effects=(one, two))
    for left in ((), (one,), (two,)):
        assert legality.task_change(done, done.model_copy(update={"effects": left}), ROOT) == ()
    for more in ((one, two, make_effect()), (make_effect(), two), (one, make_effect(context="orch/security"))):
        assert fields(legality.task_change(done, done.model_copy(update={"effects": more}), ROOT)) == ["effects"]
    moved = done.model_copy(update={"effects": (), "reason": "moved"})
    assert fields(legality.task_change(done, moved, ROOT)) == ["state"]


def test_a_new_task_has_none() -> None:
    """Nothing was judged yet."""
    assert fields(legality.task_change(None, make_task(stage="design", head=HEAD, effects=(make_effect(),)), ROOT)) == [
        "effects"
    ]


def test_a_document_of_before_is_written_as_it_was() -> None:
    """A task without effects has no such field (ST-1)."""
    assert "effects" not in make_task().fields()
    assert make_task(effects=[make_effect().model_dump(mode="json")]).effects == (make_effect(),)
    assert make_effect(planned=BEFORE).subject == f"orch/ci-green@{HEAD}"
