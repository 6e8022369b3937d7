"""A tick on a state branch in memory: scopes, races, silence, and a fixpoint from whatever state (SWP-1, P6, REC-5)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orch_gates.effects.outbox import Outbox
from orch_gates.engine.sighting import UNKNOWN, Life, Sighting
from orch_gates.engine.work import Role, WorkRules
from orch_gates.errors import ForgeUnavailable, GitError, StateExhausted, StateUnreachable
from orch_gates.jobs.dispatch_plan import MOST_TRIES
from orch_gates.jobs.dispatcher import Dispatcher, RunNames
from orch_gates.jobs.starter import StartOutcome, StartResult
from orch_gates.model.ids import TaskId, timestamp
from orch_gates.model.job import Job, Way
from orch_gates.model.sweep import Memory
from orch_gates.model.task import Task, TaskState
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.state import codec, layout
from orch_gates.state.branch.memory import Recalled, Replaced
from orch_gates.state.store import Change
from orch_gates.sweep import reconciler
from orch_gates.sweep.look import JobLook
from orch_gates.sweep.parts import Followed, Parts, SweepRules, TickScope, TickView, Unit
from orch_gates.sweep.tick import Ticking, TickReport
from orch_gates.sweep.unit_result import UnitResult
from orch_gates.tasks import book
from tests.step_rig import PIPELINE, A, B, Rig
from tests.tasks_builders import BEFORE, NOW, make_job, make_task, tasks

PASS = Verdict("ci-green", Outcome.PASS, "it is green")


@dataclass
class Memo:
    """A memory as the server would keep it; `fails` is raised by reading, `lost` loses every race."""

    memory: Memory | None = None
    count: int = 0
    fails: Exception | None = None
    lost: bool = False

    def read(self) -> Recalled:
        if self.fails is not None:
            raise self.fails
        return Recalled(self.memory, str(self.count) if self.count else "")

    def replace(self, memory: Memory, expected: str) -> Replaced:
        if self.lost or expected != (str(self.count) if self.count else ""):
            return Replaced(done=False, lost=True)
        self.memory, self.count = memory, self.count + 1
        return Replaced(done=True, oid=str(self.count))


@dataclass
class World:
    """Tasks and jobs, what a look sees of them, and a tick at any moment."""

    rig: Rig = field(default_factory=lambda: Rig(by_forge=lambda _gate, _head: PASS))
    memo: Memo = field(default_factory=Memo)
    seen: dict[str, Sighting] = field(default_factory=dict)
    heads: dict[str, str] = field(default_factory=dict)
    later: timedelta = timedelta(hours=1)
    started: list[str] = field(default_factory=list)

    def put(self, *found: Task | Job) -> None:
        writes = {}
        for one in found:
            path = layout.job_path(one.task, one.attempt) if isinstance(one, Job) else layout.task_path(one.id)
            writes[path] = codec.encode(one, "\n- begun\n")
        self.rig.store.transact(lambda _: Change("test", "-", "a test's", writes))

    def parts(self, **changed: Any) -> Parts:
        made = Parts(
            store=self.rig.store,
            memory=lambda: self.memo,
            step=replace(self.rig.step(), now=NOW + self.later, by="a sweep"),
            look=lambda jobs, _now, _late: JobLook({job.attempt: self.seen.get(job.attempt, UNKNOWN) for job in jobs}),
            heads=self._heads,
            monotonic=lambda: 0.0,
            clock=lambda: NOW + self.later,
            by="a sweep",
        )
        return replace(made, **changed)

    def tick(self, scope: TickScope | None = None, *, dry_run: bool = False, **changed: Any) -> TickReport:
        self.later += timedelta(seconds=11)
        return Ticking(self.parts(**changed), NOW + self.later, scope).run(dry_run=dry_run)

    def task(self, name: str = "T-1") -> Task:
        return book.need(self.rig.store.load(), name).task

    def _heads(self, branches: Sequence[str]) -> Mapping[str, str]:
        return {branch: self.heads.get(branch, A) for branch in branches}


# ---- one look, and races


def test_a_lost_race_is_decided_again_from_the_same_look() -> None:
    """P6: the gates are asked once, and what the winner changed is not overwritten."""
    world = World()
    world.put(make_task(id="T-2"), make_task(id="T-3"))

    class Racing:
        """Somebody else holds T-2 between the decision and the push."""

        def __init__(self) -> None:
            self.raced = False

        def __getattr__(self, name: str) -> Any:
            return getattr(world.rig.store, name)

        def transact(self, decide: Any, *_: Any, **__: Any) -> Any:
            if not self.raced:
                self.raced = True
                decide(world.rig.store.load())
                world.put(world.task("T-2").model_copy(update={"state": TaskState.HELD, "reason": "wait"}))
            return world.rig.store.transact(decide)

    report = world.tick(store=Racing())
    assert {name: world.task(name).stage for name in ("T-1", "T-2", "T-3")} == {
        "T-1": "review",
        "T-2": "development",
        "T-3": "review",
    }
    assert report.counts["unblocked"] == 2
    assert world.rig.asked == ["ci-green"] * 3


def test_a_push_while_gates_were_asked_is_left_to_the_next_tick() -> None:
    """ENG-10: the verdicts are about a commit that is not the branch's any more."""
    world = World()

    def pushed() -> None:
        world.heads["task/T-1"] = B

    world.rig.meanwhile = pushed
    assert not world.tick().lines
    assert world.task().stage == "development"
    assert world.tick().counts["unblocked"] == 1


def test_a_state_that_is_busy_all_the_time_is_told_and_the_look_is_kept() -> None:
    """75; the streaks of this tick count all the same, so that it is made up for."""
    world = World()
    world.put(make_job(task="T-1"))
    world.seen = {make_job().attempt: Sighting(Life.DEAD, "gone")}
    world.tick()

    class Busy:
        def __getattr__(self, name: str) -> Any:
            return getattr(world.rig.store, name)

        def transact(self, *_: Any, **__: Any) -> Any:
            raise StateExhausted("others were faster")

    report = world.tick(store=Busy())
    assert (report.exit_code, report.busy) == (75, True)
    assert world.memo.memory is not None
    assert [one.ticks for one in world.memo.memory.streaks] == [2]
    assert world.tick().counts["reaped"] == 1


def test_a_memory_that_cannot_be_read_or_kept_stops_no_tick() -> None:
    world = World()
    world.memo.fails = StateUnreachable("gone")
    report = world.tick()
    assert (report.counts["unblocked"], report.exit_code) == (1, 2)
    world = World(memo=Memo(lost=True))
    assert world.tick().exit_code == 0


# ---- who is stopped


def test_a_task_that_a_person_stopped_is_skipped_silently() -> None:
    """REC-5: Blocked and Needs Input; its gates are not even asked."""
    world = World()
    report = world.tick(follow=lambda _act: Followed(frozenset({"T-1"})))
    assert not report.lines
    assert world.rig.asked == []


def test_where_it_cannot_be_told_who_is_stopped_tasks_with_an_issue_are() -> None:
    """A failed lookup touches nothing, and stops nobody else."""
    world = World()
    world.put(make_task(id="ISSUE-7", issue=7))

    def broken(_act: bool) -> Followed:
        raise ForgeUnavailable("down")

    report = world.tick(follow=broken)
    assert world.task("T-1").stage == "review"
    assert world.task("ISSUE-7").stage == "development"
    assert report.problems == ("could not read the issues: down",)


@pytest.mark.parametrize(
    ("scope", "dry_run", "acts"), [(None, False, True), (None, True, False), (TickScope(), True, False)]
)
def test_people_are_followed_by_a_sweep_only(scope: TickScope | None, *, dry_run: bool, acts: bool) -> None:
    told: list[bool] = []

    def follow(act: bool) -> Followed:
        told.append(act)
        return Followed()

    World().tick(scope, dry_run=dry_run, follow=follow)
    World().tick(TickScope(frozenset({"T-1"})), follow=follow)
    assert told == [acts, False]


# ---- silence


def test_a_forge_that_is_down_is_not_asked_about_every_task() -> None:
    """Bounded in time; the cursor goes on behind those that were asked, so that nobody starves."""
    world = World()
    world.put(*(make_task(id=f"T-{number}") for number in range(2, 9)))

    def down(_gate: str, _head: str) -> Verdict:
        raise ForgeUnavailable("no answer")

    world.rig.by_forge = down
    report = world.tick()
    assert len(report.problems) == 3
    assert world.rig.asked == ["ci-green"] * 3
    assert world.memo.memory is not None
    assert world.memo.memory.cursor == "T-3"


def test_one_gate_that_breaks_stops_no_other() -> None:
    """P3: also where nobody thought of it; the cause is told."""
    world = World()
    world.put(make_task(id="T-2"))
    asked: list[str] = []

    def odd(gate: str, _head: str) -> Verdict:
        asked.append(gate)
        if len(asked) == 1:
            raise KeyError("odd")
        return PASS

    world.rig.by_forge = odd
    report = world.tick()
    assert report.problems == ("T-1: could not evaluate its gates: KeyError: 'odd'",)
    assert world.task("T-2").stage == "review"


def test_heads_that_cannot_be_asked_for_touch_nothing() -> None:
    def broken(_branches: Sequence[str]) -> Mapping[str, str]:
        raise GitError("no answer")

    world = World()
    assert world.tick(heads=broken).problems == ("no answer",)
    assert world.task().stage == "development"


# ---- duties


def test_a_duty_that_breaks_stops_no_other_and_no_unit() -> None:
    def broken(_seen: TickView) -> list[Unit]:
        def raises() -> UnitResult:
            raise GitError("no")

        return [Unit("one", raises), Unit("two", lambda: UnitResult(lines=("two is done",)))]

    def worse(_seen: TickView) -> list[Unit]:
        raise RuntimeError("worse")

    last: list[TickView] = []

    def third(seen: TickView) -> list[Unit]:
        last.append(seen)
        return []

    report = World().tick(duties=(broken, worse, third))
    assert report.problems == ("one: no", "RuntimeError: worse")
    assert "two is done" in report.lines
    assert last[0].overview.tasks["T-1"].stage == "review"


def test_no_unit_begins_when_the_time_is_over_or_the_end_was_asked_for() -> None:
    """TERM ends it after the unit at hand, without a complaint; a tick that takes too long says what is left."""
    ended: list[int] = []
    done: list[str] = []

    def duty(_seen: TickView) -> list[Unit]:
        def first() -> UnitResult:
            ended.append(1)
            done.append("first")
            return UnitResult()

        def second() -> UnitResult:
            done.append("second")
            return UnitResult()

        return [Unit("first", first), Unit("second", second)]

    report = World().tick(duties=(duty,), ended=lambda: bool(ended))
    assert (done, report.problems) == (["first"], ())
    clock = iter([0.0] + [1e6] * 20)
    late = World().tick(duties=(duty,), monotonic=lambda: next(clock))
    assert done == ["first"]
    assert "first: the sweep ran out of time (sweep.timeout_s)" in late.problems


# ---- events


def test_a_tick_about_an_event_looks_at_its_task_at_once_and_at_no_other() -> None:
    """One way in: the same guards, without the grace; the schedule, the cursor and the duties are the sweep's."""
    world = World(later=timedelta(0))
    world.put(make_task(id="T-2", updated=timestamp(NOW)))
    rules = SweepRules(reconciler=reconciler.ReconcilerRules(grace=timedelta(hours=9)))
    assert not world.tick(rules=rules).lines
    before = world.memo.memory

    def never(_seen: TickView) -> list[Unit]:
        raise AssertionError("a duty of the sweep")

    report = world.tick(TickScope(frozenset({"T-2"}), jobs=False), rules=rules, duties=(never,))
    assert report.counts["unblocked"] == 1
    assert (world.task("T-1").stage, world.task("T-2").stage) == ("development", "review")
    assert before is not None
    assert world.memo.memory is not None
    assert (world.memo.memory.ticks, world.memo.memory.cursor) == (before.ticks, before.cursor)


# ---- a fixpoint


def dispatcher(world: World) -> dict[str, Any]:
    roles = {name: Role(name, Way.COMMAND, command="true") for name in ("developer", "reviewer", "tester", "worker")}
    attempts = RunNames(lambda: secrets.token_hex(8))
    made = Dispatcher(WorkRules(roles, most=50), lambda _: world.rig.pipeline, attempts, "a sweep")

    def start(job: Job) -> StartResult:
        world.started.append(job.attempt)
        return StartResult(job, StartOutcome.STARTED)

    return {"dispatcher": made, "start": start}


lives = st.sampled_from(
    [Sighting(Life.ALIVE), Sighting(Life.DEAD, "gone"), Sighting(Life.UNKNOWN), Sighting(Life.ENDED, "it ended", 0)]
)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), outcome=st.sampled_from(Outcome), count=st.integers(0, 4))
def test_from_any_state_ticks_come_to_rest(data: st.DataObject, outcome: Outcome, count: int) -> None:
    """With no new input a fixpoint is reached: what is started and never begins is asked for again, and given up."""
    world = World()
    world.rig.by_forge = lambda gate, _head: Verdict(gate, outcome, "said so")
    for number in range(count):
        named = {"id": TaskId(f"X-{number}"), "branch": f"task/X-{number}"}
        task = data.draw(tasks(PIPELINE)).model_copy(update=named)
        world.put(task)
        if data.draw(st.booleans()) and not task.state.finished:
            job = make_job(task=task.id, stage=task.stage, attempt=f"{number + 7:016x}", created=BEFORE)
            world.put(job)
            world.seen[job.attempt] = data.draw(lives)
    quiet = 0
    problems: list[str] = []
    for _ in range(60):
        before = world.rig.commits
        world.later += timedelta(minutes=20)
        report = world.tick(
            rules=SweepRules(reconciler=reconciler.ReconcilerRules(grace=timedelta(0))), **dispatcher(world)
        )
        problems += report.problems
        quiet = quiet + 1 if world.rig.commits == before else 0
        if quiet == 3:
            break
    assert quiet == 3
    assert all(world.started.count(attempt) <= MOST_TRIES for attempt in world.started)
    assert not problems


def test_an_outbox_that_cannot_connect_is_told_and_changes_nothing() -> None:
    def down() -> Any:
        raise ForgeUnavailable("down")

    world = World()
    assert world.tick(step=replace(world.parts().step, outbox=Outbox(down))).counts["unblocked"] == 1
    assert datetime.fromisoformat(world.task().updated) <= NOW + world.later
