"""The steps of a watch on the state branch, whoever takes them and whenever: one end, one reaction (WCH-3, WCH-4)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from orch_gates.deploy import environments, watches
from orch_gates.deploy.watch import Watching
from orch_gates.engine.deploys import Refused
from orch_gates.engine.sighting import Life, Sighting
from orch_gates.engine.stages import DEFAULT
from orch_gates.engine.watch_assessment import Probe, Sample, WatchRules
from orch_gates.engine.watch_reaction import Finish, GoOn, Over, Record
from orch_gates.errors import JobWaits, UsageError
from orch_gates.model.environment import Environment, Standing
from orch_gates.model.ids import timestamp
from orch_gates.model.job import Process
from orch_gates.model.task import Task, TaskState
from orch_gates.model.watch import MAX_SAMPLES, Act, Probed, Watch, Watcher, WatchVerdict
from orch_gates.state import codec, layout
from orch_gates.state.store import Change
from orch_gates.tasks import book
from tests.deploy_builders import DIGEST, NEW, NEXT, OLD, make_deployed, make_environment, make_running, make_watch
from tests.fakes.memory_store import MemoryRemote, MemoryStore
from tests.tasks_builders import HEAD, NOW, make_task, root_of

SITE = "https://shop.example/"
OK, ILL = Probed.OK, Probed.FAILED
CURRENT = make_deployed(deploy=NEW, task="T-1", revision=HEAD, digest=DIGEST, standing="watching")
AFTER = NOW + timedelta(minutes=15)


def watcher(pid: int) -> Watcher:
    process = Process(host="build-1 boot pid:[1]", pid=pid, started="99")
    return Watcher(runner=f"ann as {pid}", process=process, run=None, since=timestamp(NOW))


def samples(*results: Probed, start: int = 0) -> tuple[Sample, ...]:
    return tuple(Sample(start + 30 * n, (Probe(SITE, one, "503"),)) for n, one in enumerate(results))


@dataclass
class Rig:
    """One environment whose deploy NEW is watched; OLD was verified before."""

    store: MemoryStore
    life: dict[int, Life] = field(default_factory=dict)

    def steps(self, pid: int = 1, **changes: Any) -> Watching:
        def look(other: Watcher) -> Sighting:
            return Sighting(self.life.get(other.process.pid, Life.UNKNOWN))

        made = Watching(
            self.store,
            "production",
            WatchRules(targets=(SITE,)),
            watcher(pid),
            look,
            "ann",
            lambda _: DEFAULT,
            can_roll_back=True,
        )
        return replace(made, **changes)

    @property
    def watch(self) -> Watch:
        page = watches.find(self.store.load(), NEW)
        assert page is not None
        return page.watch

    @property
    def environment(self) -> Environment:
        return environments.page(self.store.load(), "production").environment


def rig_of(environment: Environment | None = None, watch: Watch | None = None) -> Rig:
    found = environment or make_environment(current=CURRENT, history=(CURRENT, make_deployed()))
    files = {
        layout.ROOT: codec.encode(root_of(DEFAULT), ""),
        layout.environment_path("production"): codec.encode(found, ""),
        layout.watch_path(NEW): codec.encode(watch or make_watch(), ""),
    }
    store = MemoryStore(MemoryRemote())
    store.initialise(files)
    return Rig(store)


def test_a_watch_goes_on_records_and_ends() -> None:
    """Nothing is written while nothing happens; the first failure is recorded, and the end verifies."""
    rig = rig_of()
    steps = rig.steps()
    steps.take(NEW, NOW)
    before = rig.store.load().tip
    assert isinstance(steps.tick(NEW, samples(OK), 30, NOW).step, GoOn)
    assert rig.store.load().tip == before
    assert isinstance(steps.tick(NEW, samples(OK, ILL), 60, NOW).step, Record)
    assert len(rig.watch.samples) == 2
    assert isinstance(steps.tick(NEW, samples(OK, start=60), 90, NOW).step, GoOn)
    assert isinstance(steps.tick(NEW, samples(*[OK] * 14, start=60), 900, AFTER).step, Finish)
    assert (rig.watch.verdict, len(rig.watch.samples)) == (WatchVerdict.HEALTHY, 16)
    assert rig.environment.verified == rig.environment.current
    assert isinstance(steps.tick(NEW, samples(ILL, ILL, ILL), 900, AFTER).step, Over)


def test_what_was_hardly_observed_is_healthy_and_nothing_to_go_back_to() -> None:
    """faults.md T17: of 30 samples fifteen are enough for a later rollback to come back to it, fourteen are not."""
    rig = rig_of()
    rig.steps().take(NEW, NOW)
    rig.steps().tick(NEW, samples(*[OK] * 14), 900, AFTER)
    assert rig.watch.verdict is WatchVerdict.HEALTHY
    assert rig.environment.current is not None
    assert rig.environment.current.standing is Standing.UNOBSERVED
    assert rig.environment.verified is not None
    assert rig.environment.verified.deploy == OLD


def test_what_is_ill_at_the_end_is_nothing_to_go_back_to() -> None:
    """Healthy by the rule, and its log says why it is not verified all the same."""
    rig = rig_of()
    rig.steps().take(NEW, NOW)
    rig.steps().tick(NEW, samples(*[OK] * 28, ILL, ILL), 900, AFTER)
    assert rig.watch.verdict is WatchVerdict.HEALTHY
    assert "not verified: the last 3 samples must pass, but at 840 s" in rig.watch.reason
    page = watches.find(rig.store.load(), NEW)
    assert page is not None
    assert "not verified: the last 3 samples" in page.body
    assert rig.environment.current is not None
    assert rig.environment.current.standing is Standing.UNOBSERVED
    assert rig.environment.verified == make_deployed()


def test_what_failed_before_the_deploy_rolls_nothing_back() -> None:
    """As it was recorded with the deploy; a person is told."""
    before = watches.taken(Sample(0, (Probe(SITE, ILL, "503"),)), NOW)
    rig = rig_of(watch=make_watch(baseline=before))
    rig.steps().take(NEW, NOW)
    assert isinstance(rig.steps().tick(NEW, samples(*[ILL] * 9), 270, NOW).step, Record)
    rig.steps().tick(NEW, samples(*[ILL] * 9, start=300), 900, AFTER)
    assert (rig.watch.verdict, rig.watch.reaction.what) == (WatchVerdict.UNOBSERVED, Act.ALERT)
    assert "it failed before the deploy too" in rig.watch.reaction.why


def test_whoever_goes_on_sees_what_was_recorded() -> None:
    """Two failures of the one that was killed and one of the next are three in a row; the rollback is planned once."""
    rig = rig_of()
    rig.steps(1).take(NEW, NOW)
    rig.steps(1).tick(NEW, samples(ILL, ILL), 60, NOW)
    rig.life[1] = Life.DEAD
    rig.steps(2).take(NEW, NOW)
    found = rig.steps(2).tick(NEW, samples(ILL, start=60), 90, NOW)
    assert isinstance(found.step, Finish)
    assert rig.watch.reaction.what is Act.PLANNED
    with pytest.raises(UsageError, match="is over: DEGRADED"):
        rig.steps(2).order_rollback(NEW, "again", NOW)


@pytest.mark.parametrize(
    ("life", "at", "waits"),
    [
        (Life.ALIVE, AFTER + timedelta(hours=9), True),
        (Life.DEAD, NOW, False),
        (Life.UNKNOWN, AFTER + timedelta(seconds=179), True),
        (Life.UNKNOWN, AFTER + timedelta(seconds=180), False),
    ],
)
def test_a_watch_is_taken_over_from_the_dead_only(life: Life, at: datetime, waits: bool) -> None:
    """Where it cannot be told, once whoever watches must have ended."""
    rig = rig_of()
    rig.steps(1).take(NEW, NOW)
    rig.life[1] = life
    if waits:
        with pytest.raises(JobWaits, match="is watched by ann as 1"):
            rig.steps(2).take(NEW, at)
        assert rig.steps(2).finish(NEW, at) is None
    else:
        assert rig.steps(2).take(NEW, at).watcher == watcher(2)
        with pytest.raises(JobWaits, match="is now watched by ann as 2"):
            rig.steps(1).tick(NEW, (), 900, at)


def test_a_sweep_ends_what_was_left_by_what_was_recorded() -> None:
    """What nobody saw is unobserved; nothing is rolled back for that, and a second tick writes nothing."""
    rig = rig_of()
    assert rig.steps(9).finish(NEW, AFTER + timedelta(seconds=179)) is None
    assert rig.steps(9).finish(NEW, AFTER + timedelta(seconds=180)) is not None
    assert (rig.watch.verdict, rig.watch.reaction.what) == (WatchVerdict.UNOBSERVED, Act.ALERT)
    assert rig.environment.verified == make_deployed()
    tip = rig.store.load().tip
    assert rig.steps(9).finish(NEW, AFTER + timedelta(days=1)) is None
    assert rig.store.load().tip == tip


def test_a_sweep_reacts_to_what_a_dead_watcher_recorded() -> None:
    """It waits for no window to end."""
    rig = rig_of()
    rig.steps(1).take(NEW, NOW)
    rig.steps(1).tick(NEW, samples(ILL, ILL), 60, NOW)
    rig.life[1] = Life.DEAD
    assert (
        rig.steps(9, rules=WatchRules(targets=(SITE,), failures=2)).finish(NEW, NOW + timedelta(minutes=2)) is not None
    )
    assert (rig.watch.verdict, rig.watch.reaction.what) == (WatchVerdict.DEGRADED, Act.PLANNED)


@pytest.mark.parametrize("by_hand", ["stop", "order_rollback"])
def test_what_was_seen_before_a_person_ended_it_is_recorded_late(by_hand: str) -> None:
    """It changes nothing that was decided, and what was seen after the end is not of this watch."""
    rig = rig_of()
    rig.steps().take(NEW, NOW)
    rig.steps().tick(NEW, samples(ILL), 30, NOW)
    getattr(rig.steps(2), by_hand)(NEW, "a load test", NOW + timedelta(seconds=100))
    ended = rig.watch
    assert len(ended.samples) == 1
    pending = samples(OK, ILL, OK, start=30)
    found = rig.steps().tick(NEW, pending, 120, NOW + timedelta(seconds=120))
    assert isinstance(found.step, Over)
    assert [one.probes[0].result for one in rig.watch.samples] == [ILL, OK, ILL, OK]
    assert found.watch == rig.watch
    assert rig.watch == ended.model_copy(update={"samples": rig.watch.samples})
    page = watches.find(rig.store.load(), NEW)
    assert page is not None
    assert "3 samples that ann as 1 took before that are recorded late, and change nothing" in page.body
    after = samples(ILL, start=101)
    tip = rig.store.load().tip
    rig.steps().tick(NEW, (*pending, *after), 130, NOW + timedelta(seconds=130))
    rig.steps().leave(NEW, (*pending, *after), NOW + timedelta(seconds=131))
    assert rig.store.load().tip == tip


def test_what_was_seen_before_a_sweep_ended_it_is_recorded_late() -> None:
    """The sweep could not tell that somebody watches; its word stands, and the log shows what there was."""
    rig = rig_of()
    rig.steps(1).take(NEW, NOW)
    late = AFTER + timedelta(minutes=3)
    rig.steps(9).finish(NEW, late)
    rig.steps(1).tick(NEW, samples(*[OK] * 30), 1085, late + timedelta(seconds=5))
    assert (rig.watch.verdict, len(rig.watch.samples)) == (WatchVerdict.UNOBSERVED, 30)
    assert rig.environment.current is not None
    assert rig.environment.current.standing is Standing.UNOBSERVED


@pytest.mark.parametrize("step", ["tick", "leave"])
def test_what_was_seen_before_another_took_over_is_recorded(step: str) -> None:
    """Of the time when both watched it is the other's to tell, or every request would count twice."""
    rig = rig_of()
    rig.steps(1).take(NEW, NOW)
    rig.life[1] = Life.DEAD
    since = timestamp(NOW + timedelta(seconds=60))
    other = watcher(2).model_copy(update={"since": since})
    rig.steps(2, me=other).take(NEW, NOW + timedelta(seconds=61))
    pending = samples(ILL, ILL, ILL, ILL, ILL)
    if step == "tick":
        with pytest.raises(JobWaits, match="is now watched by ann as 2"):
            rig.steps(1).tick(NEW, pending, 120, NOW + timedelta(seconds=120))
    else:
        rig.steps(1).leave(NEW, pending, NOW + timedelta(seconds=120))
    assert (len(rig.watch.samples), rig.watch.watcher) == (3, other)
    # They count for whoever watches, and are judged at the next step.
    assert isinstance(rig.steps(2, me=other).tick(NEW, (), 121, NOW).step, Finish)


def test_a_sample_whose_commit_seemed_to_fail_is_recorded_once() -> None:
    """Two failures are no four, when the answer to a push was lost."""
    rig = rig_of()
    rig.steps().take(NEW, NOW)
    rig.steps().tick(NEW, samples(ILL, ILL), 60, NOW)
    assert isinstance(rig.steps().tick(NEW, samples(ILL, ILL), 61, NOW).step, GoOn)
    assert isinstance(rig.steps().tick(NEW, samples(ILL, ILL, OK), 900, AFTER).step, Finish)
    assert len(rig.watch.samples) == 3


def test_what_there_is_no_room_for_counts_against_production_only() -> None:
    """It is not recorded, so nobody can say that it was seen well; that production is ill is acted upon."""
    full = samples(*[OK] * MAX_SAMPLES)
    made = make_watch(every_s=1)
    kept = tuple(watches.recorded(made, replace(one, at=n)) for n, one in enumerate(full))
    for last, verdict in ((OK, WatchVerdict.HEALTHY), (ILL, WatchVerdict.DEGRADED)):
        rig = rig_of(watch=made.model_copy(update={"samples": kept}))
        rig.steps().take(NEW, NOW)
        found = rig.steps().tick(NEW, samples(last, last, last, start=600), 900, AFTER)
        assert (rig.watch.verdict, len(rig.watch.samples)) == (verdict, MAX_SAMPLES)
        assert found.judged.observed == (MAX_SAMPLES if verdict is WatchVerdict.HEALTHY else MAX_SAMPLES + 3)
        page = watches.find(rig.store.load(), NEW)
        assert page is not None
        assert "3 samples are not recorded: the record is full" in page.body


def test_a_rollback_is_claimed_once_and_settled_once() -> None:
    """The second that wants to begin it is refused; what others recorded of it is taken over."""
    rig = rig_of()
    rig.steps().take(NEW, NOW)
    rig.steps().tick(NEW, samples(ILL, ILL, ILL), 90, NOW)
    claim = rig.steps().claim(NEW, NOW)
    running = make_running(deploy=NEXT, rollback_of=NEW, revision="b" * 40, digest="")
    writes = claim(rig.store.load(), running)
    assert not isinstance(writes, Refused)
    rig.store.transact(lambda _: Change("deploy-begin", "T-1", "begins", writes))
    assert isinstance(claim(rig.store.load(), running), Refused)
    assert rig.watch.reaction.deploy == NEXT
    # Whoever was refused says nothing about it.
    rig.steps().reacted(NEW, "", well=False, why="production is being deployed to", now=NOW)
    assert rig.watch.reaction.what.value == "began"
    assert rig.steps().settle(NEW, NOW)
    assert rig.watch.reaction.what is Act.ALERT
    assert not rig.steps().settle(NEW, NOW)


def test_the_pipelines_own_repository_is_never_rolled_back() -> None:
    """Whatever is configured."""
    rig = rig_of()
    steps = rig.steps(never="this repository hosts the pipeline itself")
    steps.take(NEW, NOW)
    steps.tick(NEW, samples(ILL, ILL, ILL), 90, NOW)
    assert rig.watch.reaction.what is Act.ALERT
    assert "hosts the pipeline" in rig.watch.reaction.why


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_clock_that_is_set_moves_no_window(hours: int) -> None:
    """Whoever watches goes by a clock that nobody sets; the deadline stays as it was armed."""
    rig = rig_of()
    rig.steps().take(NEW, NOW)
    deadline = rig.watch.deadline
    set_clock = NOW + timedelta(hours=hours)
    assert isinstance(rig.steps().tick(NEW, samples(OK, OK), 60, set_clock).step, GoOn)
    assert isinstance(rig.steps().tick(NEW, samples(*[OK] * 10), 300, NOW).step, Record)
    assert isinstance(rig.steps().tick(NEW, samples(*[OK] * 19, start=300), 899, set_clock).step, GoOn | Record)
    assert isinstance(rig.steps().tick(NEW, samples(*[OK] * 20, start=300), 900, NOW).step, Finish)
    assert (rig.watch.verdict, rig.watch.deadline) == (WatchVerdict.HEALTHY, deadline)
    assert rig.environment.verified == rig.environment.current


def test_whoever_goes_on_begins_where_the_last_record_ended() -> None:
    """A clock that was set back gives nobody a fresh window, and one that was set forward takes what is left."""
    watch = make_watch()
    watch = watch.model_copy(update={"samples": (watches.recorded(watch, Sample(300)),)})
    assert watches.behind(watch, NOW - timedelta(hours=5)) == 300
    assert watches.behind(watch, NOW + timedelta(seconds=420.5)) == 420.5
    assert watches.behind(make_watch(), NOW - timedelta(hours=5)) == 0
    assert watches.behind(watch, NOW + timedelta(hours=5)) == 18_000


def test_nobody_rolls_back_by_hand_what_does_not_run() -> None:
    """The watch over it is left to close as superseded; what runs now is not touched."""
    other = make_deployed(deploy=NEXT, task="T-2")
    rig = rig_of(make_environment(current=other, history=(other, CURRENT.replaced, make_deployed(deploy=OLD))))
    with pytest.raises(UsageError, match=f"the environment runs deploy {NEXT}"):
        rig.steps().order_rollback(NEW, "customers cannot pay", NOW)
    assert (rig.watch.verdict, rig.watch.reaction.what) == (WatchVerdict.OPEN, Act.NONE)


def test_a_superseded_watch_closes_without_a_word_about_the_next_deploy() -> None:
    """The environment is left to the deploy that runs there."""
    other = make_deployed(deploy=NEXT, task="T-2")
    rig = rig_of(make_environment(current=other, history=(other, CURRENT.replaced, make_deployed(deploy=OLD))))
    found = rig.steps(9).finish(NEW, AFTER + timedelta(minutes=3))
    assert found is not None
    assert rig.watch.verdict is WatchVerdict.SUPERSEDED
    assert rig.environment.current == other


def held_rig(task: Task, watch: Watch | None = None) -> Rig:
    rig = rig_of(watch=watch)
    path = layout.task_path(task.id)
    rig.store.transact(lambda _: Change("task-new", task.id, "new", writes={path: codec.encode(task, "")}))
    return rig


@pytest.mark.parametrize("state", ["active", "deferred"])
def test_a_task_whose_deploy_is_ill_is_held(state: str) -> None:
    """What was taken back from production is not merged by the next sweep."""
    rig = held_rig(make_task(state=state))
    rig.steps().take(NEW, NOW)
    rig.steps().tick(NEW, samples(ILL, ILL, ILL), 90, NOW)
    page = book.need(rig.store.load(), "T-1")
    assert page.task.state is TaskState.HELD
    assert f"deploy {NEW} to production is DEGRADED" in page.task.reason


@pytest.mark.parametrize(
    ("task", "results", "changes"),
    [
        (make_task(), (OK, OK, OK), {}),
        (make_task(), (ILL, ILL, ILL), {"rollback_of": OLD}),
        (make_task(state="escalated"), (ILL, ILL, ILL), {}),
        (make_task(state="cancelled"), (ILL, ILL, ILL), {}),
    ],
)
def test_no_other_task_is_held(task: Task, results: tuple[Probed, ...], changes: dict[str, str]) -> None:
    """One that is well, that a rollback brought back, that waits for a person anyway, or that is over."""
    rig = held_rig(task, make_watch().model_copy(update=changes))
    rig.steps().take(NEW, NOW)
    rig.steps().tick(NEW, samples(*results), 900, AFTER)
    assert book.need(rig.store.load(), "T-1").task.state is task.state
