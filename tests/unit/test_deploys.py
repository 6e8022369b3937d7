"""A deploy on the state branch: armed with its end, taken back once, and never without its claim (WCH-1, WCH-3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest

from orch_gates.deploy import environments
from orch_gates.deploy.contract import Began, DeployRequest, Deploys, Stopped
from orch_gates.deploy.deploy_end import NOTHING_KEPT, Arming, DeployRecorder
from orch_gates.engine.deploys import Conclusion, DeployEnd, Refused
from orch_gates.engine.sighting import UNKNOWN, Life, Sighting
from orch_gates.engine.stages import EdgeGate, Pipeline, Stage
from orch_gates.model.environment import Environment, Running
from orch_gates.model.ids import timestamp
from orch_gates.model.job import Process
from orch_gates.model.verdict import Outcome
from orch_gates.state import codec, layout
from orch_gates.state.deploy_kinds import WATCH
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Change
from tests.deploy_builders import NEW, OLD, OLD_HEAD, make_deployed, make_environment, make_running
from tests.step_rig import A, Rig
from tests.tasks_builders import HEAD, NOW

PIPELINE = Pipeline((Stage("deploy", "deployer", (EdgeGate("deploy-status"),)),), "deploy")
ARMING = Arming(timedelta(minutes=15), timedelta(seconds=30))
FIRST = make_deployed(task="T-1")
SECOND = make_deployed(deploy=NEW, task="T-1", revision=HEAD, digest=make_running().digest, standing="degraded")
DEGRADED = make_environment(current=SECOND, history=(SECOND, FIRST), verified=FIRST)
NOTE = "notes/claim.md"
Claim = Callable[[Snapshot, Running], Mapping[str, str] | Refused]


class Place:
    """A state branch in memory, on which one process deploys."""

    def __init__(self, arming: Arming | None = ARMING, seen: Sighting = UNKNOWN) -> None:
        self.rig = Rig(PIPELINE)
        self.forgotten: list[str] = []
        nonces = iter(f"{number:016x}" for number in range(1, 99))
        self.deploys = Deploys(
            store=self.rig.store,
            configured=self.rig.configured,
            recorder=DeployRecorder(self.rig.store, lambda _: arming, self.forgotten.append),
            look=lambda _: seen,
            head_of=lambda _: A,
            by="ann",
            runner="ann on build-1",
            process=Process(host="build-1", pid=7, started="99"),
            ci=None,
            nonce=lambda: next(nonces),
            timeout=timedelta(hours=1),
        )

    def put(self, environment: Environment) -> None:
        text = codec.encode(environment, "")
        writes = {layout.environment_path(environment.name): text}
        self.rig.store.transact(lambda _: Change("test", "-", "a test's", writes))

    def environment(self) -> Environment:
        return environments.page(self.rig.store.load(), "production").environment

    def begin(self) -> Began:
        begun = self.deploys.begin(DeployRequest("T-1", "production"), NOW)
        assert isinstance(begun, Began)
        return begun

    def roll_back(self, deploy: str = NEW, claim: Claim = lambda _snapshot, _running: {}) -> Began | Stopped:
        return self.deploys.begin_rollback("production", deploy, NOW, claim)

    def watch(self, deploy: str) -> str | None:
        return self.rig.store.load().text(layout.watch_path(deploy))


def test_a_watch_is_armed_with_the_end_of_the_deploy() -> None:
    """WCH-1: in one commit, so that nothing is deployed and not watched, whatever is killed."""
    place = Place()
    begun = place.begin()
    assert place.watch(begun.running.deploy) is None
    before = place.rig.store.load().generation
    place.deploys.end(begun, Conclusion(DeployEnd.DEPLOYED, "exit code 0", NOW), NOTHING_KEPT)
    assert place.rig.store.load().generation == before + 1
    text = place.watch(begun.running.deploy)
    assert text is not None
    watch, _ = codec.decode(WATCH, layout.watch_path(begun.running.deploy), text)
    assert (watch.revision, watch.deadline, watch.every_s) == (A, timestamp(NOW + timedelta(minutes=15)), 30)
    current = place.environment().current
    assert current is not None
    assert current.standing == "watching"


@pytest.mark.parametrize("end", [DeployEnd.FAILED, DeployEnd.REFUSED, DeployEnd.UNKNOWN])
def test_what_was_not_deployed_is_not_watched(end: DeployEnd) -> None:
    place = Place()
    begun = place.begin()
    place.deploys.end(begun, Conclusion(end, "no", NOW), NOTHING_KEPT)
    assert place.watch(begun.running.deploy) is None


def test_where_nothing_is_watched_nothing_is_armed() -> None:
    place = Place(arming=None)
    begun = place.begin()
    place.deploys.end(begun, Conclusion(DeployEnd.DEPLOYED, "exit code 0", NOW), NOTHING_KEPT)
    assert place.watch(begun.running.deploy) is None
    current = place.environment().current
    assert current is not None
    assert current.standing == "unwatched"


def test_a_rollback_is_begun_with_its_claim() -> None:
    """WCH-3: one commit has both, it brings back what was verified, and its end writes no task's report."""
    place = Place()
    place.put(DEGRADED)
    before = place.rig.store.load().generation
    begun = place.roll_back(claim=lambda _, running: {NOTE: running.deploy})
    assert isinstance(begun, Began)
    snapshot = place.rig.store.load()
    assert (snapshot.generation, snapshot.text(NOTE)) == (before + 1, begun.running.deploy)
    running = begun.running
    assert (running.rollback_of, running.revision, running.task) == (NEW, OLD_HEAD, "T-1")
    place.deploys.end(begun, Conclusion(DeployEnd.DEPLOYED, "exit code 0", NOW), NOTHING_KEPT)
    found = place.environment()
    assert found.current is not None
    assert (found.current.rollback_of, found.verified) == (NEW, FIRST)
    assert not [one for one in place.rig.store.load().files(layout.TASKS) if "20-deploy-report" in one.path]


def test_a_rollback_without_its_claim_does_not_begin() -> None:
    """Somebody else has claimed it: nothing is written."""
    place = Place()
    place.put(DEGRADED)
    before = place.rig.store.load().generation
    stopped = place.roll_back(claim=lambda _snapshot, _running: Refused("it was begun before"))
    assert stopped == Stopped(Outcome.HOLD, "it was begun before")
    assert place.rig.store.load().generation == before


def test_a_rollback_is_made_once_and_never_of_a_rollback() -> None:
    """T20: after it, what runs is the rollback."""
    place = Place()
    place.put(DEGRADED)
    begun = place.roll_back()
    assert isinstance(begun, Began)
    assert isinstance(busy := place.roll_back(), Stopped)
    assert busy.outcome is Outcome.DEFER
    place.deploys.end(begun, Conclusion(DeployEnd.DEPLOYED, "exit code 0", NOW), NOTHING_KEPT)
    for deploy in (NEW, OLD, begun.running.deploy):
        stopped = place.roll_back(deploy)
        assert isinstance(stopped, Stopped)
        assert stopped.outcome is Outcome.HOLD


def test_what_is_superseded_is_not_rolled_back() -> None:
    """T19: what production runs is read again in the very commit."""
    place = Place()
    place.put(make_environment())
    stopped = place.roll_back(NEW)
    assert isinstance(stopped, Stopped)
    assert "no longer runs" in stopped.reason


def test_a_lost_deploy_is_recorded_before_the_next_begins() -> None:
    """Of what this machine kept, the record is forgotten then; the environment is the next one's."""
    place = Place(seen=Sighting(Life.ENDED, "exit code 1", 1))
    lost = make_running(revision=A)
    place.put(make_environment(generation=3, running=lost))
    begun = place.begin()
    assert begun.generation == 4
    assert place.forgotten == [lost.deploy]


def test_the_own_end_after_the_same_was_recorded_is_no_contradiction() -> None:
    """A sweep was faster, by what the machine kept: whoever deployed is told that it is deployed."""
    place = Place()
    begun = place.begin()
    conclusion = Conclusion(DeployEnd.DEPLOYED, "exit code 0", NOW)
    assert place.deploys.end(begun, conclusion, NOTHING_KEPT).ours
    assert place.deploys.end(begun, conclusion, NOTHING_KEPT).ours
    assert not place.deploys.end(begun, Conclusion(DeployEnd.FAILED, "exit code 1", NOW), NOTHING_KEPT).ours
