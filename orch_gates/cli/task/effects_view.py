"""Planned effects, and what came of performing them, for people and machines (P8, GATE-4)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, assert_never

from orch_gates.cli.boundary import say
from orch_gates.documents.escape import visible
from orch_gates.effects.performed import EffectResult, Performed
from orch_gates.model.effect import Effect
from orch_gates.report import machine
from orch_gates.report.columns import columns
from orch_gates.tasks.pending import EffectRun, Pending


def pending_text(found: Sequence[Pending], width: int | None = None) -> str:
    """One line for every effect, in columns."""
    rows = [("TASK", "KIND", "SINCE", "SUBJECT")]
    rows += [(one.task, one.effect.kind, one.effect.planned, one.effect.subject) for one in found]
    return columns(rows, width)


def pending_json(found: Sequence[Pending]) -> str:
    """The same for machines."""
    return machine.document("effects-list", {"effects": [_row(one.task, one.effect) for one in found]})


def ran_text(ran: Sequence[EffectRun]) -> str:
    """One line for every effect that was tried."""
    return "".join(f"{one.task}: {one.performed.effect.subject}: {_outcome(one)}\n" for one in ran)


def ran_json(ran: Sequence[EffectRun]) -> str:
    """The same for machines; `pending`: it is still on its task."""
    rows = []
    for one in ran:
        done = one.performed
        result = {"result": done.result.value, "reason": done.reason, "pending": not one.removed}
        rows.append(_row(one.task, done.effect) | result)
    return machine.document("effects-run", {"effects": rows})


def exit_code(ran: Sequence[EffectRun]) -> int:
    """0 nothing is left, 1 something was refused, 2 whether something is done is not known."""
    left = {one.performed.result for one in ran if not one.removed}
    return 2 if EffectResult.UNKNOWN in left else 1 if left else 0


def warn(task: str, performed: Sequence[Performed]) -> None:
    """Say on stderr what a step could not do; the step stands (P7)."""
    left = [one for one in performed if not one.settled]
    for one in left:
        what = f"{one.effect.kind} {one.effect.subject}"
        say(f"orch-gates: {what} is not done: {visible(one.reason)}\n", to=sys.stderr)
    if left:
        say(f"orch-gates: it stays pending; to try again, run `orch-gates effects run --task {task}`\n", to=sys.stderr)


def warn_given_up(effects: Sequence[Effect]) -> None:
    """Say on stderr what is not planned any more, as there is too much of it."""
    for effect in effects:
        why = "too many effects are pending; `orch-gates effects run` performs them"
        say(f"orch-gates: {effect.kind} {effect.subject} is dropped: {why}\n", to=sys.stderr)


def _row(task: str, effect: Effect) -> dict[str, Any]:
    return {
        "task": task,
        "key": effect.key,
        "kind": effect.kind,
        "subject": effect.subject,
        "since": effect.planned,
        "repeatable": effect.repeatable,
    }


def _outcome(one: EffectRun) -> str:
    reason = visible(one.performed.reason)
    match one.performed.result:
        case EffectResult.DONE:
            return "done"
        case EffectResult.SUPERSEDED:
            return f"not needed any more: {reason}"
        case EffectResult.REFUSED if one.removed:
            return f"refused, and dropped: {reason}"
        case EffectResult.REFUSED:
            return f"refused: {reason}"
        case EffectResult.UNKNOWN:
            return f"outcome unknown: {reason}"
        case _:
            assert_never(one.performed.result)
