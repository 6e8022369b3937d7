"""The lease on a target: one attempt at a time, one process on it, and nobody comes back (MRG-4, ST-7)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orch_gates.engine import merge_legality
from orch_gates.errors import LeaseLost
from orch_gates.merge import lease as leases
from orch_gates.merge import ledger
from orch_gates.merge.lease import GRACE, Availability, LeaseProof, Runner, Sight
from orch_gates.merge.ledger import LeasePage
from orch_gates.model.ids import moment, timestamp
from orch_gates.model.lease import Lease
from tests.tasks_builders import NOW, make_attempt, make_lease

ANN = Runner("ann", "host-1 boot-1", 101, "5001")
BOB = Runner("bob", "host-2 boot-2", 101, "5001")
MOST = 3600.0
PHASE = 600.0
SECOND = timedelta(seconds=1)


def granted(lease: Lease, *, task: str = "T-1", by: Runner = ANN, now: datetime = NOW) -> tuple[Lease, LeaseProof]:
    return leases.granted(lease, task, "0123456789abcdef", by, now, PHASE, "to merge")


def read(lease: Lease) -> Lease:
    """The lease as it comes back from the branch."""
    return Lease.model_validate_json(lease.model_dump_json(by_alias=True))


# ---- grant, claim, renew, wait, hold, release


def test_a_grant_raises_the_generation_and_claims_it_for_the_runner() -> None:
    """The generation is the fencing token: nobody had it before."""
    lease, proof = granted(leases.free("main"))
    assert read(lease) == lease
    assert (lease.generation, lease.holder, lease.attempt, lease.claims) == (1, "T-1", "0123456789abcdef", 1)
    assert lease.claim is not None
    assert (lease.claim.host, lease.claim.pid, lease.claim.started) == (ANN.host, ANN.pid, ANN.started)
    assert (lease.granted, lease.renewed, lease.expires) == (
        timestamp(NOW),
        timestamp(NOW),
        timestamp(NOW + timedelta(seconds=PHASE)),
    )
    assert proof == LeaseProof("main", "0123456789abcdef", 1, 1, PHASE)
    assert leases.proves(proof, lease)


@pytest.mark.parametrize("held", ["", "not proven"])
def test_a_grant_begins_with_nothing_of_the_one_before(held: str) -> None:
    """No hold and no count of claims outlive it; the broken glass does, for people to see (MRG-15)."""
    glass = {"tip": "a" * 40, "expires": timestamp(NOW), "by": "ann", "reason": "fire", "acknowledged": False}
    before = make_lease(held=held, claims=7, break_glass=glass)
    lease, _ = granted(before)
    assert (lease.held, lease.claims, lease.generation) == ("", 1, before.generation + 1)
    assert lease.break_glass == before.break_glass


def test_the_same_process_goes_on_under_its_own_claim() -> None:
    """Its proof stays good, as nobody else was there in between."""
    lease, proof = granted(leases.free("main"))
    again, newer = leases.claimed(lease, ANN, NOW + SECOND, PHASE, MOST)
    assert (again.generation, again.claims, newer.claim) == (1, 1, 1)
    assert leases.proves(proof, again)
    assert leases.proves(newer, again)


@pytest.mark.parametrize(
    "by",
    [
        BOB,
        replace(ANN, host="host-1 boot-2"),
        replace(ANN, pid=102),
        replace(ANN, started="5002"),
    ],
)
def test_any_other_process_gets_a_claim_of_its_own(by: Runner) -> None:
    """Another machine, another boot, another process, the same number given again: each is another one."""
    lease, proof = granted(leases.free("main"))
    taken, newer = leases.claimed(lease, by, NOW + SECOND, PHASE, MOST)
    assert (taken.generation, taken.claims, newer.claim) == (1, 2, 2)
    assert leases.proves(newer, taken)
    assert not leases.proves(proof, taken)


@pytest.mark.parametrize("unknown", [{"started": ""}, {"host": ""}, {"host": "", "started": ""}])
def test_a_machine_that_does_not_tell_its_processes_apart_knows_none_again(unknown: dict[str, str]) -> None:
    """Two of them may have given the same number: neither takes the other's claim for its own."""
    nameless = replace(ANN, **unknown)  # type: ignore[arg-type]
    lease, proof = granted(leases.free("main"), by=nameless)
    assert leases.availability(lease, "T-1", nameless, Sight(NOW, NOW)) is Availability.CLAIMED
    taken, _ = leases.claimed(lease, nameless, NOW, PHASE, MOST)
    assert not leases.proves(proof, taken)


def test_a_claim_that_was_given_up_never_comes_back() -> None:
    """Not for the very process that gave it up: what it knew before it waited is old."""
    lease, proof = granted(leases.free("main"))
    waits = leases.waiting(lease, NOW, MOST, "waits for CI")
    assert waits.claim is None
    assert not leases.proves(proof, waits)
    again, newer = leases.claimed(waits, ANN, NOW, PHASE, MOST)
    assert newer.claim == 2
    assert not leases.proves(proof, again)


def test_a_renewal_keeps_the_runner_and_its_number() -> None:
    """Only the time is new."""
    lease, proof = granted(leases.free("main"))
    later = NOW + timedelta(seconds=100)
    renewed, newer = leases.renewed(lease, later, 50, MOST)
    assert renewed.claim is not None
    assert lease.claim is not None
    assert renewed.claim.model_copy(update={"since": lease.claim.since, "until": lease.claim.until}) == lease.claim
    assert (renewed.claim.since, renewed.expires) == (timestamp(later), timestamp(later + timedelta(seconds=50)))
    assert (newer.claim, newer.seconds) == (1, 50)
    assert leases.proves(proof, renewed)


def test_a_lease_that_waits_ends_by_itself() -> None:
    """`max_hold` after its grant, however often it was renewed in between."""
    lease, _ = granted(leases.free("main"))
    later, _ = leases.renewed(lease, NOW + timedelta(seconds=500), PHASE, MOST)
    waits = leases.waiting(later, NOW + timedelta(seconds=900), MOST, "waits for CI")
    assert (waits.granted, waits.renewed) == (timestamp(NOW), timestamp(NOW + timedelta(seconds=900)))
    assert waits.expires == timestamp(NOW + timedelta(seconds=MOST))
    assert leases.waiting(make_lease(granted=None), NOW, MOST, "waits").expires == timestamp(NOW)


def test_a_lease_that_is_held_keeps_its_holder_and_ends_for_nobody() -> None:
    """Only a person ends it (ENG-6)."""
    lease, proof = granted(leases.free("main"))
    held = leases.held(lease, "not proven")
    assert (held.holder, held.held, held.reason, held.claim) == ("T-1", "not proven", "not proven", None)
    assert not leases.proves(proof, held)
    years = timedelta(days=1000)
    assert leases.availability(held, "T-2", BOB, Sight(NOW + years, NOW + years, years, dead=True)) is Availability.HELD
    assert leases.availability(held, "T-1", BOB, Sight(NOW, NOW)) is Availability.OURS


def test_a_released_lease_is_free_and_keeps_its_generation() -> None:
    """What was granted under it is of no use any more, and the next grant has another number."""
    lease, proof = granted(leases.free("main"))
    free = leases.released(lease, "landed")
    assert merge_legality.lease_change(lease, free) == ()
    assert (free.generation, free.holder, free.reason) == (1, "", "landed")
    assert free.model_copy(update={"reason": "", "generation": 0}) == leases.free("main").model_copy(
        update={"reason": ""}
    )
    assert not leases.proves(proof, free)
    assert granted(free)[0].generation == 2


@pytest.mark.parametrize(
    ("most", "wanted"),
    [(3600, 600.0), (700, 600.0), (699, 599.0), (101, 1.0), (100, 600.0), (99, 600.0), (0, 600.0)],
)
def test_no_phase_outlasts_the_longest_hold(most: int, wanted: float) -> None:
    """But for a process that takes over after it, to end the attempt: that gets a whole phase."""
    lease = make_lease(granted=timestamp(NOW), attempt="0123456789abcdef")
    later = NOW + timedelta(seconds=100)
    taken, proof = leases.claimed(lease, BOB, later, PHASE, most)
    assert proof.seconds == wanted
    assert taken.expires == timestamp(later + timedelta(seconds=wanted))


@pytest.mark.parametrize(
    "changes",
    [{"target": "other"}, {"attempt": "f" * 16}, {"generation": 2}, {"claim": 2}, {"claim": 0}],
    ids=lambda changes: next(iter(changes)),
)
def test_a_proof_is_of_one_target_attempt_generation_and_claim(changes: dict[str, Any]) -> None:
    """Any other value and it proves nothing, and the step that rests on it is not recorded."""
    lease, proof = granted(leases.free("main"))
    other = replace(proof, **changes)
    assert not leases.proves(other, lease)
    attempt = make_attempt(id=proof.attempt, generation=1)
    assert ledger.under(proof, LeasePage(lease, attempt)) is attempt
    with pytest.raises(LeaseLost, match=r"this process no longer holds the lease on .*: to merge"):
        ledger.under(other, LeasePage(lease, attempt))


@pytest.mark.parametrize("attempt", [None, make_attempt(id="f" * 16, generation=1)])
def test_a_proof_is_of_no_use_without_its_attempt(attempt: Any) -> None:
    """The document may have been taken away, or be another attempt's."""
    lease, proof = granted(leases.free("main"))
    with pytest.raises(LeaseLost):
        ledger.under(proof, LeasePage(lease, attempt))


# ---- when time is over


UNTIL = timestamp(NOW + timedelta(seconds=PHASE))
END = NOW + timedelta(seconds=PHASE) + GRACE


@pytest.mark.parametrize(
    ("sight", "past"),
    [
        # By the forge's clock, to the second, whatever this machine has seen or thinks.
        (Sight(NOW, END - SECOND), False),
        (Sight(NOW, END), True),
        (Sight(NOW, END + SECOND), True),
        (Sight(END + SECOND, END - SECOND, timedelta(days=9)), False),
        (Sight(NOW - timedelta(days=9), END, timedelta(0)), True),
        # Without one, by how long it was seen unchanged: this machine's own date is not asked.
        (Sight(END + timedelta(days=9)), False),
        (Sight(NOW, unchanged=timedelta(seconds=PHASE) + GRACE - timedelta(milliseconds=1)), False),
        (Sight(NOW, unchanged=timedelta(seconds=PHASE) + GRACE), True),
    ],
)
def test_a_span_is_over_after_its_end_and_the_grace(sight: Sight, *, past: bool) -> None:
    """A runner that stops itself does so before: clocks are not read at one moment."""
    assert sight.past(timestamp(NOW), UNTIL) is past


def test_a_span_that_nobody_wrote_down_is_over() -> None:
    """A lease of an older version is never in the way for ever."""
    for span in ((None, UNTIL), (timestamp(NOW), None), (None, None)):
        assert Sight(NOW, NOW).past(*span)


@pytest.mark.parametrize("by_forge", [True, False])
def test_who_may_work_on_an_attempt_and_when(*, by_forge: bool) -> None:
    """Its own process always, another of the same task after the claim's end, another task's after the lease's."""
    lease, _ = granted(leases.free("main"))

    def at(when: datetime, *, dead: bool = False) -> Sight:
        return Sight(when, when, dead=dead) if by_forge else Sight(NOW, None, when - NOW, dead=dead)

    early, late = at(END - SECOND), at(END)
    assert leases.availability(leases.free("main"), "T-1", BOB, early) is Availability.FREE
    assert leases.availability(lease, "T-1", ANN, early) is Availability.OURS
    assert leases.availability(lease, "T-1", BOB, early) is Availability.CLAIMED
    assert leases.availability(lease, "T-1", BOB, late) is Availability.OURS
    assert leases.availability(lease, "T-1", BOB, at(NOW, dead=True)) is Availability.OURS
    assert leases.availability(lease, "T-2", BOB, early) is Availability.BUSY
    assert leases.availability(lease, "T-2", BOB, late) is Availability.OVERDUE
    # Nobody waits for a process that is known to be gone.
    assert leases.availability(lease, "T-2", BOB, at(NOW, dead=True)) is Availability.OVERDUE
    assert leases.availability(lease, "T-2", BOB, at(END, dead=True)) is Availability.OVERDUE


def test_a_lease_that_waits_is_its_tasks_and_overdue_at_its_own_end() -> None:
    """Nobody works on it, so its task may go on at once; others wait for `max_hold`."""
    lease, _ = granted(leases.free("main"))
    waits = leases.waiting(lease, NOW, MOST, "waits for CI")
    end = NOW + timedelta(seconds=MOST) + GRACE
    assert leases.availability(waits, "T-1", BOB, Sight(NOW, NOW)) is Availability.OURS
    assert leases.availability(waits, "T-2", BOB, Sight(NOW, end - SECOND)) is Availability.BUSY
    assert leases.availability(waits, "T-2", BOB, Sight(NOW, end)) is Availability.OVERDUE


def test_a_claim_that_outlasts_its_lease_is_waited_for() -> None:
    """A hand edit of the lease's end does not take it from who works on it."""
    lease, _ = granted(leases.free("main"))
    edited = lease.model_copy(update={"expires": timestamp(NOW)})
    assert leases.availability(edited, "T-2", BOB, Sight(NOW, END - SECOND)) is Availability.BUSY
    assert leases.availability(edited, "T-2", BOB, Sight(NOW, END)) is Availability.OVERDUE


# ---- whatever happens, in any order


@dataclass
class World:
    """A lease, the time, and every proof that anybody ever had, by who has it."""

    lease: Lease = field(default_factory=lambda: leases.free("main"))
    now: datetime = NOW
    proofs: list[tuple[Runner, LeaseProof]] = field(default_factory=list)
    spent: list[LeaseProof] = field(default_factory=list)
    generations: list[int] = field(default_factory=list)

    def step(self, what: str, task: str, by: Runner, seconds: int) -> None:
        before = self.lease
        sight = Sight(self.now, self.now)
        stands = leases.availability(before, task, by, sight)
        mine = [proof for who, proof in self.proofs if who == by and leases.proves(proof, before)]
        match what:
            case "wait a while":
                self.now += timedelta(seconds=seconds)
            case "grant" if stands in {Availability.FREE, Availability.OURS} or stands is Availability.OVERDUE:
                name = f"{len(self.generations):016x}"
                self.lease, proof = leases.granted(before, task, name, by, self.now, seconds, "granted")
                self.proofs.append((by, proof))
                self.generations.append(self.lease.generation)
            case "claim" if stands in {Availability.OURS, Availability.OVERDUE}:
                self.lease, proof = leases.claimed(before, by, self.now, seconds, MOST)
                self.proofs.append((by, proof))
            case "renew" if mine:
                self.lease, proof = leases.renewed(before, self.now, seconds, MOST)
                self.proofs.append((by, proof))
            case "let it wait" if mine:
                self.lease = leases.waiting(before, self.now, MOST, "waits")
            case "hold" if mine:
                self.lease = leases.held(before, "a person")
            case "release" if mine:
                self.lease = leases.released(before, "released")
            case "break the glass":
                freed = leases.released(before, "broken")
                self.lease = freed.model_copy(update={"generation": freed.generation + 1})
            case _:
                return
        assert read(self.lease) == self.lease
        assert merge_legality.lease_change(before, self.lease) == ()
        self._check()

    def _check(self) -> None:
        assert not any(leases.proves(proof, self.lease) for proof in self.spent)
        self.spent += [proof for _, proof in self.proofs if not leases.proves(proof, self.lease)]
        self.proofs = [(who, proof) for who, proof in self.proofs if leases.proves(proof, self.lease)]
        assert len({who for who, _ in self.proofs}) <= 1


STEPS = st.tuples(
    st.sampled_from(
        ["grant", "claim", "renew", "let it wait", "hold", "release", "wait a while", "wait a while", "break the glass"]
    ),
    st.sampled_from(["T-1", "T-2"]),
    st.sampled_from([ANN, BOB, replace(ANN, started="5002")]),
    st.sampled_from([1, 60, 600, 5000]),
)


@settings(max_examples=200)
@given(st.lists(STEPS, max_size=25))
def test_nobody_comes_back_and_no_two_work_at_once(steps: list[tuple[str, str, Runner, int]]) -> None:
    """A proof that failed once fails for ever, one process has good ones, and no grant has another's generation.

    Every change on the way is one that the server's guard takes.
    """
    world = World()
    for step in steps:
        world.step(*step)
    assert len(set(world.generations)) == len(world.generations)
    assert world.generations == sorted(world.generations)


@pytest.mark.parametrize("then", list(itertools.permutations(["take over", "wait", "release", "re-grant"])))
def test_a_zombie_stays_dead(then: tuple[str, ...]) -> None:
    """A process that was stopped and wakes up: whatever others did, in whatever order, it merges nothing."""
    lease, zombie = granted(leases.free("main"))
    now = END
    for what in then:
        match what:
            case "take over":
                lease, _ = leases.claimed(lease, BOB, now, PHASE, MOST) if lease.holder else (lease, zombie)
            case "wait":
                lease = leases.waiting(lease, now, MOST, "waits") if lease.holder else lease
            case "release":
                lease = leases.released(lease, "released")
            case _:
                lease, _ = granted(lease, by=BOB, now=now)
        assert not leases.proves(zombie, lease)


@given(st.integers(0, 10_000), st.integers(1, 10_000))
def test_a_proof_lasts_no_longer_than_what_others_wait_for(late: int, most: int) -> None:
    """Its own seconds end before the recorded end and the grace, to the fraction."""
    lease = make_lease(granted=timestamp(NOW), attempt="0123456789abcdef")
    now = NOW + timedelta(milliseconds=late * 7)
    taken, proof = leases.claimed(lease, BOB, now, PHASE, most)
    assert taken.claim is not None
    assert 0 < proof.seconds <= PHASE
    assert now + timedelta(seconds=proof.seconds) < moment(taken.claim.until) + GRACE
