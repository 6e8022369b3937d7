"""What becomes of a task, and how an answer about it is built (ENG-3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from orch_gates.model.effect import Effect
from orch_gates.model.feedback import one_line
from orch_gates.model.ids import timestamp
from orch_gates.model.task import Task
from orch_gates.model.verdict import Outcome


class Move(StrEnum):
    """What the decision does; the first six follow from gates, the others from a person's word."""

    ADVANCE = "advance"
    ROLLBACK = "rollback"
    DEFER = "defer"
    HOLD = "hold"
    ESCALATE = "escalate"
    STAY = "stay"
    RESUME = "resume"
    RETRY = "retry"
    CANCEL = "cancel"
    READY = "ready"
    QUEUE = "queue"
    TAKE_OUT = "take-out"
    LABEL = "label"
    PRIORITY = "priority"


_OUTCOMES = {
    Move.ADVANCE: Outcome.PASS,
    Move.ROLLBACK: Outcome.FAIL,
    Move.DEFER: Outcome.DEFER,
    Move.HOLD: Outcome.HOLD,
    Move.ESCALATE: Outcome.HOLD,
    Move.STAY: Outcome.FAIL,
    Move.RESUME: Outcome.PASS,
    Move.RETRY: Outcome.PASS,
    Move.CANCEL: Outcome.PASS,
    Move.READY: Outcome.PASS,
    Move.QUEUE: Outcome.PASS,
    Move.TAKE_OUT: Outcome.PASS,
    Move.LABEL: Outcome.PASS,
    Move.PRIORITY: Outcome.PASS,
}
_LEADS_ELSEWHERE = {Move.ADVANCE, Move.ROLLBACK}


@dataclass(frozen=True, slots=True)
class Decision:
    """The task as it shall be, and why.

    `outcome` says it in the words of a gate (GATE-2); `refused` is set where a person asked for
    what is not possible. `effects` are to be recorded with the task, and performed afterwards (P7);
    those planned before about `outdated` subjects are not any more, and of too many some are `given_up`.
    """

    move: Move
    task: Task
    reason: str
    outcome: Outcome
    refused: bool = False
    effects: tuple[Effect, ...] = ()
    outdated: frozenset[str] = frozenset()
    given_up: tuple[Effect, ...] = ()

    @property
    def step(self) -> str:
        """The move with the stage that it leads to, or in which the task is left."""
        return f"{self.move} {'to' if self.move in _LEADS_ELSEWHERE else 'in'} {self.task.stage}"


@dataclass(frozen=True, slots=True)
class Changing:
    """Builds decisions about one task."""

    task: Task
    now: datetime
    by: str

    def refuse(self, reason: str) -> Decision:
        """What was asked for is not possible."""
        return Decision(Move.STAY, self.task, one_line(reason), Outcome.FAIL, refused=True)

    def nothing(self, reason: str, outcome: Outcome) -> Decision:
        """Nothing follows, and nothing is to be written."""
        return Decision(Move.STAY, self.task, one_line(reason), outcome)

    def to(self, move: Move, why: str, *, cause: str = "", **values: object) -> Decision:
        """The task with these values; what is so already is not written again."""
        reason = one_line(why)
        update = {"reason": reason, "cause": one_line(cause or self.by)} | values
        if all(getattr(self.task, name) == value for name, value in update.items()):
            return Decision(move, self.task, reason, _OUTCOMES[move])
        at = timestamp(self.now)
        if update.get("stage", self.task.stage) != self.task.stage:
            update["since"] = at
        return Decision(move, self.task.model_copy(update=update | {"updated": at}), reason, _OUTCOMES[move])
