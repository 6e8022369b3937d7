"""Tasks, verdicts, events and pipelines to decide on: single ones, and strategies for all of them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from orch_gates.engine import events
from orch_gates.engine.stages import DEFAULT, Caps, EdgeGate, OnRed, Pipeline, Stage
from orch_gates.forge.local.documents import Issue, Pull
from orch_gates.model.attempt import Attempt
from orch_gates.model.effect import IssueEffect, StatusEffect
from orch_gates.model.feedback import Feedback
from orch_gates.model.finding import Finding
from orch_gates.model.ids import timestamp
from orch_gates.model.job import Job
from orch_gates.model.lease import Lease
from orch_gates.model.root import Root
from orch_gates.model.task import DONE_STAGE, Task, TaskState
from orch_gates.model.verdict import Outcome, Verdict

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BEFORE = timestamp(NOW - timedelta(hours=1))
HEAD = "c" * 40
GREEN = (Outcome.PASS, Outcome.SKIP)
FINDING = Finding("f-1", "a-rule", "src/app.py", 3, HEAD, "a token", "take it out")
OLD_FEEDBACK = Feedback(gate="security", reason="a leak", next_step="mend it", findings_total=0, findings=())


def make_task(**changes: Any) -> Task:
    """An active task in `development` that nothing has been charged to; validated like one that was read."""
    values: dict[str, Any] = {
        "schema": "orch.task/1",
        "id": "T-1",
        "title": "a work item",
        "stage": "development",
        "state": "active",
        "branch": "task/T-1",
        "head": "",
        "reason": "new",
        "cause": "ann",
        "created": BEFORE,
        "created_by": "ann",
        "since": BEFORE,
        "updated": BEFORE,
        "available_at": None,
        "developer_retries": 0,
        "defers": 0,
        "feedback": None,
    }
    return Task.model_validate(values | changes)


def make_effect(**changes: Any) -> StatusEffect:
    """A planned status of `ci-green` on HEAD, from the commit with the generation of `root_of`."""
    values: dict[str, Any] = {
        "kind": "status",
        "generation": 7,
        "planned": BEFORE,
        "commit": HEAD,
        "context": "orch/ci-green",
        "state": "success",
        "reason": "12 of 12 statuses are success",
        "url": "",
        "replaces": "",
    }
    return StatusEffect.model_validate(values | changes)


def make_issue_effect(**changes: Any) -> IssueEffect:
    """What issue 5 is told of a task in `development`, from the commit with the generation of `root_of`."""
    values: dict[str, Any] = {
        "kind": "issue",
        "generation": 7,
        "planned": BEFORE,
        "issue": 5,
        "label": "orch/development",
        "text": "ISSUE-5 is in development: new",
    }
    return IssueEffect.model_validate(values | changes)


def make_job(**changes: Any) -> Job:
    """A running job of that task; with another `status`, what goes with that."""
    status = str(changes.get("status", "running"))
    over = status in {"succeeded", "failed", "cancelled"}
    values: dict[str, Any] = {
        "schema": "orch.job/1",
        "task": "T-1",
        "stage": "development",
        "role": "developer",
        "attempt": "0123456789abcdef",
        "number": 1,
        "status": "running",
        "reason": "",
        "by": "ann",
        "head": "",
        "created": BEFORE,
        "started": None if status == "queued" else BEFORE,
        "ended": timestamp(NOW) if over else None,
        "exit_code": 0 if status == "succeeded" else None,
        "runner": "",
        "process": None if status == "queued" else {"host": "one boot", "pid": 7, "started": "99"},
        "run": None,
        "dispatch": None,
    }
    return Job.model_validate(values | changes)


def make_attempt(**changes: Any) -> Attempt:
    """An attempt to merge T-1 that is validated, was up to date, and has generation 5."""
    values: dict[str, Any] = {
        "schema": "orch.attempt/1",
        "id": "0123456789abcdef",
        "task": "T-1",
        "branch": "task/T-1",
        "target": "main",
        "generation": 5,
        "phase": "validated",
        "closing": False,
        "outcome": None,
        "reason": "the test command passed",
        "next_step": "",
        "head": changes.get("commit") or HEAD,
        "earlier": [],
        "base": "d" * 40,
        "commit": HEAD,
        "tree": "e" * 40,
        "how": "up to date",
        "depends": "git version 2.39.5",
        "proven": "command",
        "runs": 1,
        "moved": False,
        "rounds": 1,
        "pull": 0,
        "merge": "",
        "proof": "",
        "findings": [],
        "started": BEFORE,
        "updated": BEFORE,
    }
    return Attempt.model_validate(values | changes)


def make_lease(**changes: Any) -> Lease:
    """A lease on `main` that T-1 holds."""
    values: dict[str, Any] = {
        "schema": "orch.lease/1",
        "target": "main",
        "generation": 5,
        "holder": "T-1",
        "granted": BEFORE,
        "expires": timestamp(NOW),
        "reason": "to merge",
    }
    return Lease.model_validate(values | changes)


def make_pull(**changes: Any) -> Pull:
    """An open pull request of T-1's branch."""
    values: dict[str, Any] = {
        "schema": "orch.pull/1",
        "number": 7,
        "title": "a change",
        "branch": "task/T-1",
        "target": "main",
        "state": "open",
        "author": "ann",
        "created": BEFORE,
        "first_head": HEAD,
        "last_head": "",
        "merge_commit": "",
        "reviews": [],
        "comments": [],
    }
    return Pull.model_validate(values | changes)


def make_issue(**changes: Any) -> Issue:
    """An open issue."""
    values: dict[str, Any] = {
        "schema": "orch.issue/1",
        "number": 6,
        "title": "a wish",
        "state": "open",
        "author": "ann",
        "created": BEFORE,
        "labels": [],
        "comments": [],
    }
    return Issue.model_validate(values | changes)


def root_of(pipeline: Pipeline, **changes: Any) -> Root:
    """The root document of a branch whose tasks move in this pipeline."""
    values: dict[str, Any] = {
        "schema": "orch.state/1",
        "generation": 7,
        "created": BEFORE,
        "stages": pipeline.names,
        "rework": pipeline.rework,
    }
    return Root.model_validate(values | changes)


def a_verdict(outcome: Outcome, **changes: Any) -> Verdict:
    """A verdict of `ci-green`."""
    return replace(Verdict("ci-green", outcome, f"it says {outcome}"), **changes)


def judged(stage: str, gate: str, outcome: Outcome, *, pipeline: Pipeline = DEFAULT, **changes: Any) -> list[Verdict]:
    """The verdicts of an edge: green up to `gate`, which says `outcome`; none after it, as `advance` stops there."""
    found = pipeline.stage(stage)
    assert found is not None
    names = [edge.name for edge in found.gates]
    before = [a_verdict(Outcome.PASS, gate=name) for name in names[: names.index(gate)]]
    return [*before, a_verdict(outcome, gate=gate, **changes)]


def green(stage: str, pipeline: Pipeline = DEFAULT) -> list[Verdict]:
    """A PASS of every gate on the edge out of a stage."""
    found = pipeline.stage(stage)
    return [a_verdict(Outcome.PASS, gate=edge.name) for edge in found.gates] if found is not None else []


# Bytes that are no UTF-8, and whatever could end a line or a document; a few, as drawing them is what takes time.
TEXTS = st.sampled_from(["", "a reason", " two\r\nlines ", "\0\u2028\x1b\ufeff", "\ud800 \udcff", "é" * 5000])
OUTCOMES = st.sampled_from(Outcome)
HEADS = st.sampled_from(["", HEAD, "d" * 64])
EVIDENCE = st.sampled_from([(), (), ("1" * 40,), ("1" * 40, "2" * 40)])
_STAGES = ("design", "build", "check", "ship")
_GATES = ("one", "two", "three")
RETIRED = "retired"
_REACTIONS = tuple(itertools.product(OnRed, OnRed))
_EDGES = st.sampled_from(
    [
        tuple(EdgeGate(name, *reaction) for name, reaction in zip(_GATES, reactions, strict=False))
        for count in range(len(_GATES) + 1)
        for reactions in itertools.product(_REACTIONS, repeat=count)
    ]
)
_CAPS = st.sampled_from([Caps(retries, defers) for retries in range(3) for defers in range(3)])
_SELDOM = st.sampled_from([False] * 4 + [True])


@st.composite
def pipelines(draw: st.DrawFn) -> Pipeline:
    """Pipelines of one to four stages, with up to three gates of any reaction on an edge."""
    names = _STAGES[: draw(st.integers(1, len(_STAGES)))]
    stages = tuple(Stage(name, "worker", draw(_EDGES), human=draw(_SELDOM)) for name in names)
    return Pipeline(stages, draw(st.sampled_from(names)), draw(_CAPS))


@st.composite
def sent_backs(draw: st.DrawFn) -> dict[str, Any]:
    """What a task was sent back on: any of the evidence, at any head."""
    gates = draw(st.lists(st.sampled_from([*_GATES, "approval"]), max_size=2, unique=True))
    head = draw(HEADS)
    return {
        "head": head,
        "at": BEFORE,
        "ready": draw(st.booleans()),
        "spent": draw(EVIDENCE),
        "charged": [f"{gate}@{head}" for gate in gates],
    }


@st.composite
def tasks(draw: st.DrawFn, pipeline: Pipeline) -> Task:
    """Tasks that a branch can hold: in any stage, also one that is not configured any more, and any state."""
    state = draw(st.sampled_from(TaskState))
    stage = DONE_STAGE if state is TaskState.DONE else draw(st.sampled_from([*pipeline.names, RETIRED]))
    at = timestamp(NOW + timedelta(seconds=draw(st.integers(-60, 60))))
    return make_task(
        stage=stage,
        state=state,
        head=draw(HEADS),
        available_at=at if state is TaskState.DEFERRED else None,
        developer_retries=draw(st.integers(0, 3)),
        defers=draw(st.integers(0, 3)),
        feedback=draw(st.sampled_from([None, OLD_FEEDBACK])),
        sent_back=draw(st.one_of(st.none(), st.none(), sent_backs())),
        extra="kept",
    )


@st.composite
def findings(draw: st.DrawFn) -> Finding:
    """Findings of any text."""
    texts = [draw(TEXTS) for _ in range(4)]
    return Finding("f-1", texts[0], texts[1], draw(st.integers(0, 9)), "", texts[2], texts[3])


def verdicts_of(gate: st.SearchStrategy[str], outcomes: st.SearchStrategy[Outcome] = OUTCOMES) -> Any:
    """Verdicts of a gate with any words."""
    return st.builds(
        Verdict,
        gate=gate,
        outcome=outcomes,
        reason=TEXTS,
        findings=st.lists(findings(), max_size=1).map(tuple),
        next_step=TEXTS,
        absent=st.booleans(),
        rests_on=EVIDENCE,
    )


@st.composite
def edges(draw: st.DrawFn, stage: str, pipeline: Pipeline) -> list[Verdict]:
    """Verdicts as they come from an edge: of its gates in order, up to the first that is not green."""
    made: list[Verdict] = []
    found = pipeline.stage(stage)
    for edge in found.gates if found is not None else ():
        # Mostly green, or no third gate would ever be reached.
        outcome = draw(st.sampled_from((*GREEN, *GREEN, *Outcome)))
        made.append(draw(verdicts_of(st.just(edge.name), st.just(outcome))))
        if outcome not in GREEN:
            break
    return made


@st.composite
def loose_edges(draw: st.DrawFn, stage: str, pipeline: Pipeline) -> list[Verdict]:
    """Verdicts as nobody should give them: too few, too many, or of other gates."""
    made = draw(edges(stage, pipeline))
    kept = made[: draw(st.integers(0, len(made)))]
    return kept + draw(st.lists(verdicts_of(st.sampled_from((*_GATES, "other"))), max_size=2))


def events_for(task: Task, pipeline: Pipeline) -> st.SearchStrategy[events.Event]:
    """Anything that can happen to the task; mostly with the task as it was seen."""
    seen = st.one_of(st.just(task), st.just(task), tasks(pipeline))
    by = st.just("ann")
    return st.one_of(
        st.builds(events.Evaluated, by, seen, HEADS, EVIDENCE),
        st.builds(events.Evaluated, by, seen, HEADS, EVIDENCE),
        st.builds(events.Approved, by, seen, HEADS, TEXTS, EVIDENCE),
        st.builds(events.Rejected, by, TEXTS, HEADS, EVIDENCE),
        st.builds(events.MarkedReady, by, TEXTS),
        st.builds(events.HoldRequested, by, TEXTS),
        st.builds(events.ResumeRequested, by, TEXTS),
        st.builds(events.RetryRequested, by, TEXTS),
        st.builds(events.CancelRequested, by, TEXTS),
    )


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that a decision is taken on."""

    pipeline: Pipeline
    task: Task
    event: events.Event
    verdicts: list[Verdict]
    now: datetime


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Anything that happens to any task, with verdicts both as they should be and not."""
    pipeline = draw(pipelines())
    task = draw(tasks(pipeline))
    event = draw(events_for(task, pipeline))
    verdicts = draw(st.one_of(edges(task.stage, pipeline), loose_edges(task.stage, pipeline)))
    return Case(pipeline, task, event, verdicts, NOW + timedelta(seconds=draw(st.integers(-90, 90))))


@st.composite
def judgements(draw: st.DrawFn) -> Case:
    """Active tasks in configured stages without a human, whose edge was judged as it should be."""
    pipeline = draw(pipelines())
    pipeline = replace(pipeline, stages=tuple(replace(stage, human=False) for stage in pipeline.stages))
    task = make_task(
        stage=draw(st.sampled_from(pipeline.names)),
        head=draw(HEADS),
        developer_retries=draw(st.integers(0, 3)),
        defers=draw(st.integers(0, 3)),
        feedback=draw(st.sampled_from([None, OLD_FEEDBACK])),
    )
    verdicts = draw(edges(task.stage, pipeline))
    return Case(pipeline, task, events.Evaluated("ann", task, draw(HEADS)), verdicts, NOW)
