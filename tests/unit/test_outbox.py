"""Performing effects: after the step, each apart from the others, and as often as one likes (P3, P7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orch_gates.effects.commit_status import commit_status
from orch_gates.effects.outbox import Outbox
from orch_gates.effects.performed import EffectResult
from orch_gates.engine import events
from orch_gates.errors import ForgeRefused, ForgeUnavailable, ForgeUnclear, SettingsError
from orch_gates.forge.port.checks import CommitStatus, StatusState
from orch_gates.model.effect import Effect, PostedState, StatusEffect
from orch_gates.model.task import TaskState
from orch_gates.state.outcome import Result as Written
from orch_gates.state.store import Decide, LookAgain
from orch_gates.tasks import pending
from tests.fakes.forge import MemoryForge
from tests.fakes.memory_store import MemoryRemote, MemoryStore
from tests.step_rig import A, B, Rig
from tests.tasks_builders import HEAD, make_effect

GREEN, RED = (
    commit_status("orch/ci-green", state, "as seen", "") for state in (PostedState.SUCCESS, PostedState.FAILURE)
)


def outbox(forge: MemoryForge) -> Outbox:
    return Outbox(lambda: forge, statuses=True)


def rig_with(forge: MemoryForge) -> Rig:
    return Rig(outbox=outbox(forge))


def results(forge: MemoryForge, *effects: Effect) -> list[EffectResult]:
    return [one.result for one in outbox(forge).perform(effects)]


# ---- one effect


def test_a_status_is_posted_once() -> None:
    """Performed again it changes nothing: what is there is not posted a second time."""
    forge = MemoryForge()
    assert [results(forge, make_effect()) for _ in range(3)] == [[EffectResult.DONE]] * 3
    assert [status.context for status in forge.statuses.heard] == ["orch/ci-green"]


def test_a_newer_status_of_somebody_else_stays() -> None:
    """GATE-5: a plan of before turns no red status green that came after it."""
    forge = MemoryForge()
    forge.statuses.post(HEAD, RED)
    (one,) = outbox(forge).perform([make_effect()])
    assert (one.result, one.settled) == (EffectResult.SUPERSEDED, True)
    assert forge.statuses.latest(HEAD) == (RED,)


def test_the_status_that_was_there_before_is_replaced() -> None:
    """It was seen when the verdict was judged, so the verdict is the newer word."""
    forge = MemoryForge()
    forge.statuses.post(HEAD, RED)
    effect = make_effect(replaces=seen(forge))
    assert results(forge, effect) == [EffectResult.DONE]
    assert forge.statuses.latest(HEAD)[0].state is StatusState.SUCCESS


def seen(forge: MemoryForge) -> str:
    """The id of the status that is there now."""
    posting = outbox(forge).posting(HEAD)
    assert posting is not None
    assert posting.present is not None
    return posting.present["orch/ci-green"]


def test_the_same_red_word_said_again_is_a_newer_one() -> None:
    """What was done and is performed again turns no red status green that came after it, however alike it looks."""
    forge = MemoryForge()
    forge.statuses.post(HEAD, RED)
    effect = make_effect(replaces=seen(forge))
    assert results(forge, effect) == [EffectResult.DONE]
    forge.statuses.post(HEAD, RED)
    assert results(forge, effect) == [EffectResult.SUPERSEDED]
    assert forge.statuses.latest(HEAD) == (RED,)


@pytest.mark.parametrize(
    ("there", "planned", "result"),
    [
        (None, "success", EffectResult.DONE),
        (GREEN, "failure", EffectResult.DONE),
        (RED, "pending", EffectResult.DONE),
        (RED, "success", EffectResult.SUPERSEDED),
    ],
)
def test_what_was_there_and_is_not_known_is_not_turned_green(
    there: CommitStatus | None, planned: str, result: EffectResult
) -> None:
    """The forge was down when it was planned: it is posted all the same, unless that might hide a newer red."""
    forge = MemoryForge()
    if there is not None:
        forge.statuses.post(HEAD, there)
    (one,) = outbox(forge).perform([make_effect(state=planned, reason="judged", replaces=None)])
    assert one.result is result
    if result is EffectResult.SUPERSEDED:
        assert "may be newer" in one.reason


@pytest.mark.parametrize(
    ("failure", "result"),
    [
        (ForgeRefused("403, the token lacks a scope"), EffectResult.REFUSED),
        (ForgeUnclear("connection reset"), EffectResult.UNKNOWN),
        (ForgeUnavailable("connection refused"), EffectResult.UNKNOWN),
        (TypeError("a bug of an adapter"), EffectResult.UNKNOWN),
    ],
)
def test_what_fails_stays_planned_and_says_why(failure: Exception, result: EffectResult) -> None:
    """A refusal, silence and a bug are told apart; none of them is raised (P2, P3)."""
    forge = MemoryForge()
    forge.breaks(failure)
    first, second = outbox(forge).perform([make_effect(), make_effect(context="orch/security")])
    assert (first.result, second.result, first.settled) == (result, result, False)
    assert str(failure) in first.reason


def test_a_forge_that_cannot_be_used_is_no_reason_to_stop() -> None:
    """Wrong settings are said with each effect; a place that has no forge performs nothing."""

    def wrong() -> MemoryForge:
        raise SettingsError("ORCH_FORGE_URL is no url")

    assert [one.reason for one in Outbox(wrong).perform([make_effect()])] == ["ORCH_FORGE_URL is no url"]
    assert Outbox().perform([make_effect()]) == ()


def test_statuses_are_planned_only_where_somebody_wants_them() -> None:
    """Nothing is planned without the switch or a forge; a forge that is down is no reason to plan nothing."""
    forge = MemoryForge()
    assert Outbox(lambda: forge).posting(HEAD) is None
    assert Outbox(statuses=True).posting(HEAD) is None
    assert outbox(forge).posting("") is None
    forge.down()
    posting = outbox(forge).posting(HEAD)
    assert posting is not None
    assert posting.present is None


# ---- steps of a task


def test_a_step_posts_what_it_judged() -> None:
    """One commit, then the status; the next step's commit takes it off the task."""
    forge = MemoryForge()
    rig = rig_with(forge)
    rig.report("ci-green", "SUCCESS", reason="12 checks")
    before = rig.commits
    applied = rig.advance()
    assert rig.commits == before + 1
    assert [one.result for one in applied.performed] == [EffectResult.DONE]
    assert forge.statuses.heard == [CommitStatus("orch/ci-green", StatusState.SUCCESS, "12 checks")]
    assert [effect.key for effect in rig.task.effects] == [f"status:orch/ci-green@{A}:{rig.commits}"]
    rig.report("review-approved", "APPROVED")
    rig.advance()
    assert [effect.key.partition("@")[0] for effect in rig.task.effects] == ["status:orch/review-approved"]


def test_called_again_nothing_is_written_and_nothing_posted() -> None:
    """Quiescence, also of a red gate that stays red, and after the end."""
    forge = MemoryForge()
    rig = rig_with(forge)
    rig.report("ci-green", "FAILED")
    rig.advance()
    written, heard = rig.commits, list(forge.statuses.heard)
    for _ in range(2):
        rig.advance()
    assert (rig.commits, forge.statuses.heard) == (written, heard)
    assert heard[0].state is StatusState.FAILURE


def test_a_finished_task_has_nothing_left() -> None:
    """No step of it follows, so the last one acknowledges in a commit of its own; then it can be archived."""
    forge = MemoryForge()
    rig = rig_with(forge)
    finish(rig)
    assert (rig.task.state, rig.task.effects) == (TaskState.DONE, ())
    written = rig.commits
    rig.advance()
    assert rig.commits == written


def test_a_forge_that_is_down_undoes_no_step() -> None:
    """The step stands; a person's word about the task, or the next step, posts what is left, in its order."""
    forge = MemoryForge()
    rig = rig_with(forge)
    rig.report("ci-green", "SUCCESS")
    forge.down("nobody answers")
    applied = rig.advance()
    assert (rig.task.stage, applied.performed[0].reason) == ("review", "nobody answers")
    forge.up()
    held = rig.ask(events.HoldRequested("ann", "wait"))
    assert [one.result for one in held.performed] == [EffectResult.DONE]
    assert [status.context for status in forge.statuses.heard] == ["orch/ci-green"]


def test_a_new_head_gets_a_status_of_its_own() -> None:
    """The plan about the commit before stays what it was until it is done."""
    forge = MemoryForge()
    rig = rig_with(forge)
    rig.report("ci-green", "FAILED")
    forge.down()
    rig.advance()
    rig.head = B
    rig.report("ci-green", "SUCCESS")
    rig.advance()
    left = [effect for effect in rig.task.effects if isinstance(effect, StatusEffect)]
    assert [(effect.commit, effect.state) for effect in left] == [(A, PostedState.FAILURE), (B, PostedState.SUCCESS)]
    forge.up()
    ran = pending.run(rig.store, pending.pending((rig.task,)), rig.outbox, drop_refused=False)
    assert [(one.performed.result, one.removed) for one in ran] == [(EffectResult.DONE, True)] * 2
    assert rig.task.effects == ()


def test_what_a_forge_refuses_can_be_given_up() -> None:
    """It stays planned until somebody says so, or no finished task could ever be archived."""
    forge = MemoryForge()
    rig = rig_with(forge)
    rig.report("ci-green", "SUCCESS")
    forge.breaks(ForgeRefused("there is no such commit"))
    rig.advance()
    for drop, left in ((False, 1), (True, 0)):
        ran = pending.run(rig.store, pending.pending((rig.task,)), rig.outbox, drop_refused=drop)
        assert [one.performed.result for one in ran] == [EffectResult.REFUSED]
        assert len(rig.task.effects) == left


# ---- killed anywhere


class Killed(BaseException):
    """The process is gone: nothing catches it."""


@dataclass
class Life:
    """Counts what processes do to the outside, before and after each; at these numbers one is killed."""

    deaths: frozenset[int]
    ticks: int = 0

    def tick(self) -> None:
        self.ticks += 1
        if self.ticks - 1 in self.deaths:
            raise Killed


@dataclass
class MortalForge:
    """A forge, used by a process that may be killed."""

    inner: MemoryForge
    life: Life

    @property
    def statuses(self) -> MortalForge:
        return self

    def latest(self, commit: str) -> tuple[CommitStatus, ...]:
        self.life.tick()
        return self.inner.statuses.latest(commit)

    def post(self, commit: str, status: CommitStatus) -> None:
        self.life.tick()
        self.inner.statuses.post(commit, status)
        self.life.tick()


class MortalStore(MemoryStore):
    """A store, used by a process that may be killed."""

    def __init__(self, remote: MemoryRemote, life: Life) -> None:
        super().__init__(remote)
        self._life = life

    def transact(self, decide: Decide, look_again: LookAgain | None = None, *, others_wait: bool = False) -> Written:
        self._life.tick()
        result = super().transact(decide, look_again)
        self._life.tick()
        return result


def persist(call: Callable[[], object]) -> None:
    """Run a command, again after each time that it is killed."""
    for _ in range(50):
        try:
            call()
        except Killed:
            continue
        return
    raise AssertionError("it never ends")


def finish(rig: Rig) -> None:
    """Walk the task to its end, whoever is killed on the way."""
    for gate, word in (("ci-green", "SUCCESS"), ("review-approved", "APPROVED"), ("tests-passed", "PASSED")):
        persist(partial(rig.report, gate, word))
        persist(rig.advance)
    persist(rig.advance)


@settings(max_examples=80)
@given(st.frozensets(st.integers(0, 45), max_size=12))
def test_killed_anywhere_it_ends_the_same(deaths: frozenset[int]) -> None:
    """P7: between any two effects, as often as one likes: the same stage, each status once, nothing left planned."""
    forge, life = MemoryForge(), Life(deaths)
    mortal = MortalForge(forge, life)
    rig = Rig(outbox=Outbox(lambda: mortal, statuses=True))
    rig.store = MortalStore(rig.remote, life)
    finish(rig)
    assert (rig.task.state, rig.task.effects) == (TaskState.DONE, ())
    told = [(status.context, status.state.value) for status in forge.statuses.heard]
    assert told == [(f"orch/{gate}", "success") for gate in ("ci-green", "review-approved", "tests-passed")]
