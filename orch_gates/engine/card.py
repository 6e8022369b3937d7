"""What the card of a task says, in whatever channel it is shown: stage, gates, why, next and links (NTF-1, pure)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from orch_gates.engine.stages import Pipeline, Stage
from orch_gates.engine.why import Why
from orch_gates.model.task import DONE_STAGE, Task

# As shown, so that an address can end neither an attribute nor a link.
_ADDRESS = re.compile(r"https?://[!#-;=?-\[\]_a-z{}~%]{1,1000}", re.IGNORECASE)


class GateState(StrEnum):
    """How a gate stands: behind the task, red, asked and not green yet, or still to come."""

    PASSED = "passed"
    RED = "red"
    WAITING = "waiting"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class GateMark:
    """A gate of a stage, and how it stands."""

    stage: str
    gate: str
    mark: GateState


@dataclass(frozen=True, slots=True)
class Link:
    """A page that belongs to the task."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Card:
    """One task as people follow it; `why.line` is the line of `orch-gates why` (ENG-8)."""

    title: str
    why: Why
    gates: tuple[GateMark, ...] = ()
    links: tuple[Link, ...] = ()


def card_of(task: Task, pipeline: Pipeline, why: Why, links: Sequence[Link] = ()) -> Card:
    """The card of a task; a link whose address is none of a web page is left out."""
    usable = tuple(link for link in links if _ADDRESS.fullmatch(link.url))
    return Card(task.title, why, tuple(_gates(task, pipeline)), usable)


def _gates(task: Task, pipeline: Pipeline) -> Iterator[GateMark]:
    names = pipeline.names
    done = task.stage == DONE_STAGE
    at = len(names) if done else names.index(task.stage) if task.stage in names else 0
    for number, stage in enumerate(pipeline.stages):
        for gate in stage.gates:
            mark = GateState.PASSED if number < at else _mark(task, stage, gate.name)
            yield GateMark(stage.name, gate.name, mark)


def _mark(task: Task, stage: Stage, gate: str) -> GateState:
    if task.feedback is not None and task.feedback.gate == gate:
        return GateState.RED
    return GateState.WAITING if task.cause == gate and task.stage == stage.name else GateState.OPEN
