"""The merge queue and its runs as text, as JSON, and as a verdict for the job (GATE-4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from orch_gates.cli.queue.turns import QueueTurns
from orch_gates.documents.escape import clip, visible
from orch_gates.engine.why import Why
from orch_gates.merge.queue.plan import Action, Drop, Enqueue, Refuse, SetLabel, TakeOut, Unlabel, Unlabelled
from orch_gates.model.queue import Freeze
from orch_gates.model.task import Task
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.report import machine
from orch_gates.report.columns import columns

_REASON = 100
_TITLE, _SHORT_TITLE, _WIDE = 50, 20, 120
# What a run would record, in a word for programs.
PLANNED: dict[type[Action], str] = {
    Enqueue: "queue",
    Refuse: "refuse",
    TakeOut: "take out",
    Drop: "drop",
    Unlabel: "take label off",
    SetLabel: "set label",
    Unlabelled: "note that the label is gone",
}


@dataclass(frozen=True, slots=True)
class QueueView:
    """The queue of a target in its order, each entry with why it stands where it stands."""

    target: str
    rows: Sequence[tuple[Task, Why]]
    freeze: Freeze | None
    on: bool

    def as_text(self, width: int | None = None) -> str:
        """Each in columns, below what holds for all of them; titles are short where there is little room."""
        head = f"{visible(f'{self.target}: {self.freeze.said}')}\n" if self.freeze is not None else ""
        if not self.rows:
            hint = "" if self.on else "; `pipeline: merge-queue` in .orch-gates.yaml turns the queue on"
            return f"{head}nothing is queued for {self.target}{hint}\n"
        title = _TITLE if width is None or width >= _WIDE else _SHORT_TITLE
        cells: list[tuple[str, ...]] = [("", "PULL", "PRIORITY", "STATE", "SINCE", "TITLE", "WHY")]
        cells += [self._cells(task, why, title) for task, why in self.rows]
        return f"{head}{columns(cells, width)}"

    def _cells(self, task: Task, why: Why, title: int) -> tuple[str, ...]:
        assert task.enqueued is not None
        state = why.phase if why.holder == task.id and why.phase else task.state.value
        return (
            str(why.position or "-"),
            f"#{task.enqueued.pull}",
            task.enqueued.priority.value,
            state,
            task.since,
            clip(visible(task.title), title),
            clip(visible(why.reason), _REASON),
        )

    def as_json(self) -> str:
        """The same for programs."""
        value: dict[str, Any] = {
            "target": self.target,
            "on": self.on,
            "freeze": self.freeze.model_dump(mode="json") if self.freeze is not None else None,
            "entries": [_entry(task, why) for task, why in self.rows],
        }
        return machine.document("queue-list", value)


def _entry(task: Task, why: Why) -> dict[str, Any]:
    assert task.enqueued is not None
    return {
        **task.enqueued.model_dump(mode="json"),
        "task": task.id,
        "title": task.title,
        "state": task.state.value,
        "position": why.position,
        "phase": why.phase if why.holder == task.id else "",
        "reason": why.reason,
        "why": why.line,
    }


def planned(actions: Sequence[Action], order: Sequence[int], frozen: str) -> str:
    """What a run would record first, and whose turn would come then."""
    lines = [_planned(action) for action in actions]
    if frozen:
        lines.append(f"nothing would be merged: {frozen}")
    elif order:
        lines.append(f"their turns would come in this order: {', '.join(f'#{number}' for number in order)}")
    return "".join(f"{visible(line)}\n" for line in lines) or "nothing is queued, and nobody asked for a merge\n"


def planned_json(target: str, actions: Sequence[Action], order: Sequence[int], frozen: str) -> str:
    """The same for programs."""
    rows = [{"pull": _number(one), "what": PLANNED[type(one)], "line": _planned(one)} for one in actions]
    value = {"target": target, "actions": rows, "order": [] if frozen else list(order), "frozen": frozen}
    return machine.document("queue-plan", value)


def _number(action: Action) -> int:
    return action.pull.number if isinstance(action, Enqueue) else action.number


def _planned(action: Action) -> str:
    match action:
        case Enqueue(pull=pull):
            return f"#{pull.number} would be queued at {pull.head[:10]}: {pull.title}"
        case Refuse(number=number, reason=reason):
            return f"#{number} would be refused, and its label taken off: {reason}"
        case TakeOut(number=number, reason=reason):
            return f"#{number} would be removed from the queue: {reason}"
        case Drop(number=number, reason=reason):
            return f"#{number} would be removed from the queue: {reason}"
        case Unlabel(number=number):
            return f"#{number} would lose the label of an older request"
        case SetLabel(number=number):
            return f"#{number} would get the label, because `orch-gates queue add` asked for its merge"
        case Unlabelled(number=number):
            return f"#{number} could be queued again"


def change_json(target: str, line: str, facts: Mapping[str, object]) -> str:
    """What a command did to the queue of a target, for programs."""
    return machine.document("queue-change", {"target": target, **facts, "said": line})


def ran_text(ran: QueueTurns, problems: Sequence[str]) -> str:
    """What came of a run, one line for each pull request."""
    lines = [f"#{one.pull} {one.what}: {one.reason}" for one in ran.done]
    lines += [f"#{turn.pull} {turn.outcome}: {turn.reason}" for turn in ran.turns]
    lines += [f"nothing is merged: {ran.frozen}"] if ran.frozen else []
    lines += list(problems)
    return "".join(f"{visible(line)}\n" for line in lines) or "nothing is queued\n"


def ran_json(ran: QueueTurns, problems: Sequence[str]) -> str:
    """The same for programs."""
    value = {
        "done": [asdict(one) for one in ran.done],
        "turns": [{"pull": t.pull, "task": t.task, "outcome": t.outcome.value, "reason": t.reason} for t in ran.turns],
        "frozen": ran.frozen,
        "problems": list(problems),
        "exit_code": ran.exit_code,
    }
    return machine.document("queue-run", value)


def verdict(ran: QueueTurns, problems: Sequence[str]) -> Verdict:
    """A run for the step summary and the outputs of a job."""
    outcomes = {0: Outcome.PASS, Outcome.DEFER.exit_code: Outcome.DEFER}
    evidence = {f"#{one.pull}": f"{one.what}: {one.reason}" for one in ran.done}
    evidence |= {f"#{turn.pull}": f"{turn.outcome}: {turn.reason}" for turn in ran.turns}
    counts: dict[str, int] = {}
    for word in (*(one.what for one in ran.done), *(turn.outcome.value for turn in ran.turns)):
        counts[word] = counts.get(word, 0) + 1
    reason = ran.frozen or ", ".join(f"{count} {word}" for word, count in counts.items()) or "nothing is queued"
    return Verdict(
        "queue",
        outcomes.get(ran.exit_code, Outcome.HOLD),
        reason,
        notices=tuple(problems),
        evidence=evidence,
    )
