"""Asking the gates of tasks that may be stuck; read-only, one failing gate stops no other (REC-1, P3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from orch_gates.errors import ForgeRefused, ForgeUnavailable, GitError, OrchError
from orch_gates.jobs.overview import Overview
from orch_gates.model.task import Task
from orch_gates.model.verdict import Verdict
from orch_gates.state.snapshot import Snapshot
from orch_gates.sweep import reconciler
from orch_gates.sweep.parts import Parts
from orch_gates.sweep.plan import Unblocked
from orch_gates.sweep.unit_result import UnitResult

# A forge that is down is not asked about every task.
_MOST_SILENT = 3


@dataclass
class GateAnswers:
    """The tasks that move on, what keeps the others, the last one that was asked about, and what could not be told."""

    unblocked: list[Unblocked] = field(default_factory=list)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    last: str = ""
    problems: list[str] = field(default_factory=list)
    left: int = 0

    @property
    def result(self) -> UnitResult:
        """What could not be told."""
        return UnitResult(problems=tuple(self.problems))


def ask_gates(
    parts: Parts, snapshot: Snapshot, everything: Overview, due: Sequence[Task], late: Callable[[], bool]
) -> GateAnswers:
    """Ask the gates of each of these tasks, as long as there is time and the forge answers."""
    found = GateAnswers()
    if not due:
        return found
    try:
        heads = parts.heads([task.branch for task in due])
    except GitError as error:
        found.problems.append(str(error))
        return found
    step = replace(parts.step, head_of=lambda branch: heads.get(branch, ""))
    silent = 0
    for number, task in enumerate(due):
        if late() or silent >= _MOST_SILENT:
            found.left = len(due) - number
            break
        found.last = task.id
        try:
            judged = step.run_gates(snapshot, task)
            decided = step.decided(judged)
            pipeline = step.configured.pipeline_of(task)
            if reconciler.moves(judged, decided, everything.jobs.get(task.id, ())):
                found.unblocked.append(Unblocked(judged, step.posting(judged)))
            elif (red := reconciler.stopping(judged, decided, pipeline)) is not None:
                found.verdicts[task.id] = red
            silent = 0
        except OrchError as error:
            silent += isinstance(error, ForgeUnavailable) and not isinstance(error, ForgeRefused)
            found.problems.append(f"{task.id}: could not evaluate its gates: {error}")
        except Exception as error:  # noqa: BLE001 - the next task is still asked about, and the cause is told (P3)
            found.problems.append(f"{task.id}: could not evaluate its gates: {type(error).__name__}: {error}")
    _still_there(parts, found)
    return found


def _still_there(parts: Parts, found: GateAnswers) -> None:
    """Leave those alone whose branch was pushed to while gates were asked (ENG-10)."""
    try:
        now = parts.heads([one.judged.task.branch for one in found.unblocked])
    except GitError as error:
        found.problems.append(str(error))
        found.unblocked.clear()
        return
    pipeline_of = parts.step.configured.pipeline_of
    found.unblocked = [
        one
        for one in found.unblocked
        if one.judged.merge.head(lambda branch: now.get(branch, ""), pipeline_of(one.judged.task), one.judged.task)
        == one.judged.head
    ]
