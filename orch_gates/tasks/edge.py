"""What a step of a task rests on: the task, its branch's head, its reports, and what its gates answer about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from orch_gates.engine import spent
from orch_gates.engine.stages import Pipeline
from orch_gates.model.task import Task
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.state import layout
from orch_gates.state.kinds import REPORT
from orch_gates.state.snapshot import Entry, Snapshot

Reader = Callable[[str], str | None]
Gate = Callable[[str, Task, str, Reader], Verdict]
HeadOf = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Reports:
    """The reports about one commit of a task in one snapshot, by file name; `ids` are those of all its reports."""

    entries: dict[str, Entry]
    ids: tuple[str, ...]

    def id_of(self, name: str) -> str:
        """The id of a report's content; empty where there is no such report."""
        entry = self.entries.get(name)
        return "" if entry is None else entry.oid


def reports(snapshot: Snapshot, task: Task, head: str) -> Reports:
    """Every report about this commit of a task, and those of before they were kept per commit."""
    found: dict[str, dict[str, Entry]] = {"": {}, head: {}}
    ids: list[str] = []
    for entry in snapshot.files(layout.task_folder(task.id)):
        keys = REPORT.match(entry.path)
        if not isinstance(keys, Mapping):
            continue
        ids.append(entry.oid)
        if (about := str(keys.get("head", ""))) in found:
            found[about][f"{keys['report']}.md"] = entry
    return Reports(found[""] | found[head], tuple(ids))


def current_head(head_of: HeadOf, pipeline: Pipeline, task: Task) -> str:
    """The commit that a task is judged by: its branch's head, or the recorded one of a branch that was merged."""
    return head_of(task.branch) or (task.head if pipeline.merged_before(task.stage) else "")


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdicts on an edge, and the id of every report that was looked for, by its file name.

    `reports` are the ids of all that is recorded about the task.
    """

    task: Task
    head: str
    verdicts: tuple[Verdict, ...] = ()
    read: tuple[tuple[str, str], ...] = ()
    reports: tuple[str, ...] = ()

    def holds(self, task: Task, head: str, found: Reports) -> bool:
        """Whether all that the verdicts rest on is still the same."""
        return (task, head) == (self.task, self.head) and all(found.id_of(name) == oid for name, oid in self.read)


def judge_edge(gate: Gate, snapshot: Snapshot, task: Task, head: str, pipeline: Pipeline) -> Judged:
    """The verdicts on the edge out of the task's stage, up to the first that is not PASS or SKIP (ENG-3)."""
    stage = pipeline.stage(task.stage)
    found = reports(snapshot, task, head)
    verdicts: list[Verdict] = []
    looked_for: dict[str, str] = {}

    def read(name: str) -> str | None:
        looked_for[name] = found.id_of(name)
        entry = found.entries.get(name)
        return None if entry is None else snapshot.read(entry)

    # A gate that could move nothing is not asked.
    idle = stage is None or (not stage.human and spent.blocked(task, head) != "")
    for edge in () if stage is None or idle else stage.gates:
        before = set(looked_for)
        verdict = gate(edge.name, task, head, read)
        rests_on = (oid for name, oid in looked_for.items() if name not in before and oid)
        verdict = replace(verdict, rests_on=(*verdict.rests_on, *rests_on))
        verdicts.append(verdict)
        if verdict.outcome not in {Outcome.PASS, Outcome.SKIP}:
            break
    return Judged(task, head, tuple(verdicts), tuple(looked_for.items()), found.ids)
