"""Whose clock counts while an attempt is driven: the forge's for others, its own for a process (ST-7, MRG-4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orch_gates import settings
from orch_gates.errors import LeaseLost
from orch_gates.forge.port.server import About, ForgeKind
from orch_gates.git.cli import Git
from orch_gates.git.remote import Remote
from orch_gates.merge import ledger, steps
from orch_gates.merge.attempt_worker import AttemptWorker
from orch_gates.merge.context import MergeContext
from orch_gates.model.ids import moment, timestamp
from orch_gates.model.lease import Lease
from orch_gates.model.verdict import Outcome
from tests.step_rig import Rig
from tests.tasks_builders import HEAD, NOW

PHASE = timedelta(seconds=settings.load({}).lease.phase)


@dataclass
class Machine:
    """A machine whose clock is wrong, and a forge whose answers are slow."""

    wrong: timedelta = timedelta(0)
    slow: float = 0.0
    kind: ForgeKind = ForgeKind.GITEA
    elapsed: float = 0.0
    rig: Rig = field(default_factory=Rig)

    @property
    def true(self) -> datetime:
        return NOW + timedelta(seconds=self.elapsed)

    def about(self) -> About:
        output = self.true
        self.elapsed += self.slow
        return About(self.kind, "1", output)

    def worker(self) -> AttemptWorker:
        forge: Any = SimpleNamespace(server=self)
        context = MergeContext(
            settings=settings.load({}),
            store=self.rig.store,
            configured=self.rig.configured,
            git=Git(Path("/nonexistent"), {}, 1),
            remote=Remote.at("/nonexistent", {}),
            local=None,
            forge=forge,
            target="main",
            by="ann",
            runner_name="ann",
            now=lambda: self.true + self.wrong,
            monotonic=lambda: 1000 + self.elapsed,
            sleep=lambda _: None,
        )
        return AttemptWorker(context, self.rig.task, self.rig.store.load(), lambda: "0123456789abcdef")

    @property
    def lease(self) -> Lease:
        return ledger.page(self.rig.store.load(), "main", "T-1").lease


@pytest.mark.parametrize("wrong", [timedelta(0), timedelta(hours=-3), timedelta(hours=3)])
def test_what_is_written_down_is_the_forges_time(wrong: timedelta) -> None:
    """Also when a claim is renewed: others compare it with the forge's clock, not with this machine's."""
    machine = Machine(wrong=wrong)
    worker = machine.worker()
    worker.acquire(HEAD)
    assert machine.lease.expires == timestamp(NOW + PHASE)
    machine.elapsed += 60
    worker.record(lambda one: steps.noted(one, "still here", NOW), "noted")
    assert machine.lease.expires == timestamp(NOW + PHASE + timedelta(seconds=60))
    worker.wait("waits", lambda one: one)
    assert machine.lease.renewed == timestamp(NOW + timedelta(seconds=60))


@pytest.mark.parametrize("kind", [ForgeKind.GITEA, ForgeKind.LOCAL])
@pytest.mark.parametrize("slow", [0.0, 40.0])
@pytest.mark.parametrize("renewed", [True, False])
def test_a_process_stops_itself_before_others_may_take_over(kind: ForgeKind, slow: float, *, renewed: bool) -> None:
    """However slow the answer about the time was, from the moment when it was asked for."""
    machine = Machine(slow=slow, kind=kind)
    worker = machine.worker()
    worker.acquire(HEAD)
    began = 0.0
    if renewed:
        machine.elapsed = began = 100.0
        worker.record(lambda one: steps.noted(one, "still here", NOW), "noted")
    machine.elapsed = began + PHASE.total_seconds() - 6
    worker.clock.check()
    machine.elapsed = began + PHASE.total_seconds() - 5
    with pytest.raises(LeaseLost, match="too slow"):
        worker.clock.check()
    assert machine.lease.claim is not None
    assert machine.true <= moment(machine.lease.claim.until) - timedelta(seconds=5)


def waiting(machine: Machine) -> None:
    """An attempt that waits for CI, as another process left it."""
    worker = machine.worker()
    worker.acquire(HEAD)
    found = steps.CaughtUp(base="b" * 40, commit=HEAD, tree="d" * 40, how="up to date", depends="")
    worker.record(lambda one: steps.caught_up(one, found, NOW), "caught-up")
    worker.wait("waits for CI", lambda one: steps.testing(one, "waits for CI", NOW))


def test_of_two_that_heard_of_ci_the_first_to_record_it_has_the_attempt() -> None:
    """Asking is free for both; the other one is told, and records nothing (MRG-4)."""
    machine = Machine()
    waiting(machine)
    first, second = machine.worker(), machine.worker()
    for one in (first, second):
        one.acquire(HEAD)
    assert machine.lease.claim is None
    first.record(lambda one: steps.validated(one, "statuses", 0, "green", NOW), "validated")
    assert (machine.lease.claims, machine.lease.claim is not None) == (2, True)
    with pytest.raises(LeaseLost, match="somebody else works"):
        second.record(lambda one: steps.validated(one, "statuses", 0, "green", NOW), "validated")
    assert machine.lease.claims == 2


def test_an_attempt_whose_lease_ended_while_ci_was_asked_is_left_alone() -> None:
    """A person may have released it meanwhile."""
    machine = Machine()
    waiting(machine)
    late, other = machine.worker(), machine.worker()
    late.acquire(HEAD)
    other.acquire(HEAD)
    other.end(Outcome.DEFER, "released")
    with pytest.raises(LeaseLost):
        late.record(lambda one: steps.validated(one, "statuses", 0, "green", NOW), "validated")
    assert machine.lease.holder == ""
