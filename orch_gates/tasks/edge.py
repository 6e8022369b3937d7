"""What a step of a task rests on: the task, its branch's head, its reports, and what its gates answer about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from orch_gates.engine import spent
from orch_gates.engine.stages import BEFORE_MERGE, CI_GREEN, MERGE, Pipeline, Stage
from orch_gates.model.attempt import Attempt, Phase
from orch_gates.model.task import Task
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.state import codec, layout
from orch_gates.state.kinds import ATTEMPT, REPORT
from orch_gates.state.snapshot import Snapshot, TreeEntry

Reader = Callable[[str], str | None]
# Its name, the task, the commit, those that it caught up, and how reports about them are read.
Gate = Callable[[str, Task, str, tuple[str, ...], Reader], Verdict]
HeadOf = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Reports:
    """The reports about one commit of a task in one snapshot, by file name; `ids` are those of all its reports."""

    entries: dict[str, TreeEntry]
    ids: tuple[str, ...]

    def id_of(self, name: str) -> str:
        """The id of a report's content; empty where there is no such report."""
        entry = self.entries.get(name)
        return "" if entry is None else entry.oid


def reports(snapshot: Snapshot, task: Task, head: str, earlier: tuple[str, ...] = ()) -> Reports:
    """Every report about this commit of a task, or about one that it caught up, and the newest attempt to merge it.

    Reports of before they were kept per commit are among them. One about the commit itself counts first.
    """
    found: dict[str, dict[str, TreeEntry]] = {"": {}, **{one: {} for one in reversed(earlier)}, head: {}}
    ids: list[str] = []
    attempt = {}
    for entry in snapshot.files(layout.task_folder(task.id)):
        if entry.path.endswith(f"/{layout.ATTEMPT_FILE}"):
            attempt = {layout.ATTEMPT_FILE: entry}
        keys = REPORT.match(entry.path)
        if not isinstance(keys, Mapping):
            continue
        ids.append(entry.oid)
        if (about := str(keys.get("head", ""))) in found:
            found[about][f"{keys['report']}.md"] = entry
    entries: dict[str, TreeEntry] = {}
    for part in found.values():
        entries |= part
    return Reports(entries | attempt, tuple(ids))


@dataclass(frozen=True, slots=True)
class Merge:
    """What the newest attempt to merge a task says of its commits: which landed, and which ours made of others."""

    attempt: Attempt | None

    def head(self, head_of: HeadOf, pipeline: Pipeline, task: Task) -> str:
        """The commit that a task is judged by (MRG-16): what landed, else its branch's head.

        Of a branch that is gone, it is the recorded one, where the merge is on an earlier edge.
        """
        if (landed := self.landed(task)) != "":
            return landed
        return head_of(task.branch) or (task.head if pipeline.merged_before(task.stage) else "")

    def landed(self, task: Task) -> str:
        """The commit that landed; empty where none did, or the task was sent back since, to do more."""
        if self.attempt is None or self.attempt.phase is not Phase.LANDED:
            return ""
        back = task.sent_back is not None and task.sent_back.at >= self.attempt.updated
        return "" if back else self.attempt.commit

    def earlier(self, head: str) -> tuple[str, ...]:
        """The commits of which a commit is our catch-up (ENG-12)."""
        return self.attempt.stands_for(head) if self.attempt is not None else ()

    def told(self, verdict: Verdict, head: str) -> Verdict:
        """What is red on a commit that ours made of branch and target is so of both: the author has to know that."""
        attempt, red = self.attempt, verdict.outcome is Outcome.FAIL and not verdict.absent
        if attempt is None or not red or verdict.gate != CI_GREEN or head != attempt.commit:
            return verdict
        if attempt.outcome is Outcome.FAIL and attempt.reason.startswith(verdict.reason):
            return replace(verdict, reason=attempt.reason, next_step=attempt.next_step)
        return replace(verdict, reason=attempt.together(verdict.reason))


NO_MERGE = Merge(None)


def merge_of(snapshot: Snapshot, task: Task) -> Merge:
    """The newest attempt to merge a task.

    Raises:
        StateDocumentError: its document is malformed.
    """
    text = snapshot.text(path := layout.attempt_path(task.id))
    return Merge(None if text is None else codec.decode(ATTEMPT, path, text)[0])


@dataclass(frozen=True, slots=True)
class GateResults:
    """The verdicts on an edge, and the id of every report that was looked for, by its file name.

    `reports` are the ids of all that is recorded about the task, `merge` is the attempt that says which head it is.
    """

    task: Task
    head: str
    verdicts: tuple[Verdict, ...] = ()
    read: tuple[tuple[str, str], ...] = ()
    reports: tuple[str, ...] = ()
    merge: Merge = NO_MERGE

    def holds(self, task: Task, head: str, found: Reports) -> bool:
        """Whether all that the verdicts rest on is still the same."""
        return (task, head) == (self.task, self.head) and all(found.id_of(name) == oid for name, oid in self.read)


def run_gates(
    gate: Gate, snapshot: Snapshot, task: Task, head: str, pipeline: Pipeline, merge: Merge = NO_MERGE
) -> GateResults:
    """The verdicts on the edge out of the task's stage, up to the first that is not PASS or SKIP (ENG-3)."""
    stage = pipeline.stage(task.stage)
    earlier = merge.earlier(head)
    found = reports(snapshot, task, head, earlier)
    verdicts: list[Verdict] = []
    # Which commit is judged, and what counts for it, rests on the attempt.
    looked_for = {layout.ATTEMPT_FILE: found.id_of(layout.ATTEMPT_FILE)}

    touched: set[str] = set()

    def read(name: str) -> str | None:
        touched.add(name)
        looked_for[name] = found.id_of(name)
        entry = found.entries.get(name)
        return None if entry is None else snapshot.read(entry)

    # A gate that could move nothing is not asked.
    idle = stage is None or (not stage.human and spent.blocked(task, head) != "")
    moot = _before_merge(stage) if stage is not None and merge.landed(task) else frozenset()
    for edge in () if stage is None or idle else stage.gates:
        touched.clear()
        if edge.name in moot:
            verdicts.append(Verdict(edge.name, Outcome.SKIP, BEFORE_MERGE))
            continue
        verdict = merge.told(gate(edge.name, task, head, earlier, read), head)
        rests_on = (oid for name, oid in looked_for.items() if name in touched and oid)
        verdict = replace(verdict, rests_on=(*verdict.rests_on, *rests_on))
        verdicts.append(verdict)
        if verdict.outcome not in {Outcome.PASS, Outcome.SKIP}:
            break
    return GateResults(task, head, tuple(verdicts), tuple(looked_for.items()), found.ids, merge)


def _before_merge(stage: Stage) -> frozenset[str]:
    """The gates that an edge has before its merge: once that landed, what they ask may be gone, as open reviews are."""
    names = [gate.name for gate in stage.gates]
    return frozenset(names[: names.index(MERGE)] if MERGE in names else ())
