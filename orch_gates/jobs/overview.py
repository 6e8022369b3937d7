"""All tasks and all jobs of one snapshot; what cannot be read is set apart and never stops the rest (ST-6, P3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orch_gates.errors import StateDocumentError
from orch_gates.model.job import Job
from orch_gates.model.task import Task
from orch_gates.state import codec, layout
from orch_gates.state.kinds import JOB, TASK
from orch_gates.state.snapshot import Snapshot
from orch_gates.tasks.book import Quarantined


@dataclass(frozen=True, slots=True)
class Overview:
    """The tasks by id, their jobs by the task's id, and the files set apart."""

    tasks: Mapping[str, Task]
    jobs: Mapping[str, tuple[Job, ...]]
    quarantined: tuple[Quarantined, ...]

    @property
    def unknown(self) -> frozenset[str]:
        """The tasks of which a job cannot be read: whether somebody works on them could not be told (P2)."""
        keys = (JOB.path.match(file.path) for file in self.quarantined)
        return frozenset(str(found["task"]) for found in keys if isinstance(found, Mapping))


def read(snapshot: Snapshot) -> Overview:
    """All of the hot tree."""
    tasks: dict[str, Task] = {}
    jobs: dict[str, list[Job]] = {}
    quarantined: list[Quarantined] = []
    for entry in snapshot.files(layout.TASKS):
        try:
            if TASK.path.match(entry.path):
                task = codec.decode(TASK, entry.path, snapshot.read(entry))[0]
                tasks[task.id] = task
            elif JOB.path.match(entry.path):
                job = codec.decode(JOB, entry.path, snapshot.read(entry))[0]
                jobs.setdefault(job.task, []).append(job)
        except StateDocumentError as error:
            quarantined.append(Quarantined(entry.path, str(error)))
    return Overview(tasks, {task: tuple(found) for task, found in jobs.items()}, tuple(quarantined))
