"""The queue in a simulated world, where people, CI, the clock, events and kills come in any order (MRG-13, P7)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orch_gates.engine import events
from orch_gates.forge.port.pulls import PullState
from orch_gates.model.task import Priority, TaskState
from tests.queue_world import World

_MOST_PULLS = 4
_SECOND = timedelta(seconds=1)
# A word, which pull request it is about, and a number for whatever the word needs.
Step: TypeAlias = tuple[str, int, int]
_PEOPLE = (
    "go", "go", "go", "label", "unlabel", "push", "close", "open again", "draft", "ready", "urgent", "low",
    "freeze", "thaw", "hold", "resume", "breaks", "ci", "ci", "ci", "ci of main", "clock",
)  # fmt: skip
_RUNS = ("run", "run", "run", "event", "event", "dies", "dies", "meanwhile")
_WORDS = _PEOPLE + _RUNS
_NUMBERS = st.integers(0, _MOST_PULLS - 1)
_STEPS = st.lists(st.tuples(st.sampled_from(_WORDS), _NUMBERS, st.integers(0, 30)), min_size=4, max_size=40)


def act(world: World, word: str, which: int, more: int) -> None:  # noqa: C901, PLR0912 - one for each word
    """One step of the schedule; what cannot be done now is left out."""
    number = which % len(world.pulls) + 1
    pull = world.pulls[number]
    match word:
        case "label":
            world.label(number)
        case "go":
            world.toggle(number, PullState.OPEN)
            world.answer(world.pulls[number].head)
            world.label(number)
        case "unlabel":
            world.unlabel(number)
        case "push" if pull.state is PullState.OPEN:
            world.push(number)
        case "close" | "open again":
            world.toggle(number, PullState.CLOSED if word == "close" else PullState.OPEN)
        case "draft" | "ready":
            world.change(number, draft=word == "draft")
        case "urgent" | "low":
            world.say(number, events.Prioritised("ann", Priority(word)))
        case "freeze" | "thaw":
            world.frozen = word == "freeze"
        case "hold":
            world.say(number, events.HoldRequested("ann", "wait"))
        case "resume":
            world.say(number, events.ResumeRequested("ann"))
        case "breaks":
            world.breaks(number, more % len(world.pulls) + 1)
        case "ci" if waiting := world.waiting_for_ci():
            world.answer(waiting[more % len(waiting)])
        case "ci of main":
            world.ci[world.main] = more % 3 != 0
        case "clock":
            world.now += timedelta(minutes=more)
        case "run":
            world.run()
        case "event":
            world.event(more)
        case "dies":
            world.dies_at = more + 1
            world.run()
        case _:
            pass


def play(steps: Sequence[Step]) -> World:
    """The whole schedule; `meanwhile` lets the next step happen within a run."""
    world, left = World(), list(steps)
    for _ in range(_MOST_PULLS):
        world.open()
    while left:
        word, which, more = left.pop(0)
        world.now += _SECOND
        if word == "meanwhile" and left and left[0][0] in _PEOPLE:
            step = left.pop(0)
            world.meanwhile[more + 1] = partial(act, world, *step)
            word = "run"
        act(world, word, which, more)
    return world


def ends_well(steps: Sequence[Step]) -> None:
    """What is never to happen is asserted where it would happen; here, that it comes to rest as it should."""
    world = play(steps)
    # What a run finds out last is recorded by the next one, and there is nothing new for a third.
    for _ in range(2):
        world.run()
    before = world.facts()
    world.run()
    assert (world.effects, world.facts()) == (0, before), "nothing is new, and something is written"
    world.heal()
    world.settle()
    for task in world.tasks.values():
        assert task.state is not TaskState.ESCALATED
        assert task.stage != "queued", "it neither lands nor is sent back"
        assert task.enqueued is not None
        assert not task.enqueued.unlabel
    assert world.free
    landed = [number for number, _ in world.merged]
    assert {f"PR-{number}" for number in landed} == {t.id for t in world.tasks.values() if t.state is TaskState.DONE}
    for number in world.labels:
        assert world.pulls[number].state is not PullState.OPEN, "it was asked for, and nobody answers"


@settings(max_examples=60, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(_STEPS)
def test_any_schedule(steps: list[Step]) -> None:
    """Short ones, which are made as simple as they can be where they fail."""
    ends_well(steps)


@pytest.mark.parametrize("seed", range(8))
def test_long_schedules(seed: int) -> None:
    """Hundreds of long ones, the same each time."""
    chance = random.Random(seed)
    for _ in range(150):
        steps = [(chance.choice(_WORDS), chance.randrange(_MOST_PULLS), chance.randrange(31)) for _ in range(50)]
        try:
            ends_well(steps)
        except AssertionError as error:
            error.add_note(f"{steps}")
            raise
