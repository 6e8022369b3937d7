"""What a look at issues comes to, for people and machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orch_gates.documents.escape import visible
from orch_gates.model.effect import TrackerState
from orch_gates.report import machine
from orch_gates.tasks.tracked import Synced
from orch_gates.trackers.plan import Action, TrackerPlan, task_of
from orch_gates.trackers.plane.states import States


def synced_text(synced: Synced) -> str:
    """A line for each issue of which something came."""
    lines = [f"#{one.issue} {one.task}: {one.what}: {visible(one.reason)}" for one in synced.done]
    return _text(lines, synced.stopped)


def synced_json(synced: Synced) -> str:
    """The same for machines."""
    rows = [
        {"issue": one.issue, "task": one.task, "what": one.what, "reason": one.reason, "problem": one.problem}
        for one in synced.done
    ]
    return _json(rows, synced.stopped)


def exit_code(synced: Synced) -> int:
    """2 where something could not be told or done."""
    return 2 if any(one.problem for one in synced.done) else 0


def planned_text(plan: TrackerPlan) -> str:
    """A line for each issue of which something would come."""
    lines = [f"#{one.number} {task_of(one.number)}: {_verb(one)}{visible(_about(one))}" for one in plan.actions]
    return _text(lines, plan.stopped)


def planned_json(plan: TrackerPlan) -> str:
    """The same for machines."""
    rows = [
        {
            "issue": one.number,
            "task": task_of(one.number),
            "what": _verb(one),
            "reason": _about(one).removeprefix(": "),
            "problem": False,
        }
        for one in plan.actions
    ]
    return _json(rows, plan.stopped)


def states_text(states: States) -> str:
    """A line for each word, with the state that says it."""
    lines = [_state(states, word) for word in states.names]
    more = "\n`orch-gates tracker states --create` makes what is missing" if states.missing else ""
    return "\n".join(lines) + more + "\n"


def states_json(states: States) -> str:
    """The same for machines."""
    rows = [
        {"word": word.value, "state": name, "there": word not in states.missing} for word, name in states.names.items()
    ]
    return machine.document("tracker-states", {"states": rows})


def _state(states: States, word: TrackerState) -> str:
    found = states.of(word)
    return f"{word}: {visible(found.name) if found else f'missing: no state is called {states.names[word]!r}'}"


def _verb(action: Action) -> str:
    return type(action).__name__.lower()


def _about(action: Action) -> str:
    about = getattr(action, "reason", "") or getattr(action, "title", "")
    return f": {about}" if about else ""


def _text(lines: Sequence[str], stopped: frozenset[str]) -> str:
    told = [*lines, *(f"{task}: stopped by a person; nothing automatic touches it" for task in sorted(stopped))]
    return "".join(f"{line}\n" for line in told) or "nothing to do\n"


def _json(rows: Sequence[dict[str, Any]], stopped: frozenset[str]) -> str:
    return machine.document("tracker-sync", {"done": list(rows), "stopped": sorted(stopped)})
