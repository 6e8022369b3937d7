"""The jobs on the state branch, decoded; what cannot be read is set apart and never stops the rest (ST-6)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from orch_gates.errors import StateDocumentError
from orch_gates.model.ids import TaskId
from orch_gates.model.job import Job
from orch_gates.state import codec, layout
from orch_gates.state.kinds import JOB
from orch_gates.state.snapshot import Snapshot
from orch_gates.tasks.book import Quarantined

_ATTEMPT = re.compile(r"[0-9a-f]{16}")
# As documents are written; whatever else stands there is decoded.
_OVER = re.compile(r"^status: \"?(?:succeeded|failed|cancelled)\"?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class JobPage:
    """One job with the text below its frontmatter."""

    path: str
    job: Job
    body: str


@dataclass(frozen=True, slots=True)
class Jobs:
    """Jobs, the oldest first, and the files set apart."""

    pages: tuple[JobPage, ...]
    quarantined: tuple[Quarantined, ...]


def read(snapshot: Snapshot, task: TaskId | None = None, *, active: bool = False) -> Jobs:
    """Every job of one task, or of all that are not archived; those that are not over where it is `active`."""
    folder = layout.TASKS if task is None else f"{layout.task_folder(task)}/{layout.JOBS}"
    pages: list[JobPage] = []
    quarantined: list[Quarantined] = []
    for entry in snapshot.files(folder):
        if not isinstance(JOB.path.match(entry.path), Mapping):
            continue
        try:
            text = snapshot.read(entry)
            if not (active and _OVER.search(text.partition("\n---\n")[0])):
                pages.append(_page(entry.path, text))
        except StateDocumentError as error:
            quarantined.append(Quarantined(entry.path, str(error)))
    found = (page for page in pages if not (active and page.job.status.terminal))
    return Jobs(tuple(sorted(found, key=_age)), tuple(quarantined))


def jobs_of(snapshot: Snapshot, task: TaskId) -> tuple[JobPage, ...]:
    """Every job of a task that can be read, the oldest first."""
    return read(snapshot, task).pages


def find(snapshot: Snapshot, task: TaskId, attempt: str) -> JobPage | None:
    """One job; None where there is none, or no such attempt could be.

    Raises:
        StateDocumentError: its document is malformed.
    """
    if not _ATTEMPT.fullmatch(attempt):
        return None
    text = snapshot.text(path := layout.job_path(task, attempt))
    return None if text is None else _page(path, text)


def new(job: Job) -> JobPage:
    """A job that is not on the branch yet."""
    return JobPage(layout.job_path(job.task, job.attempt), job, "")


def changed(page: JobPage, job: Job, now: datetime, *lines: str, more: str = "") -> dict[str, str]:
    """The file with a changed job, and with more lines in its log; `more` is Markdown that is written as it is."""
    body = page.body
    for line in lines:
        body = codec.append_line(body, now, line)
    return {page.path: codec.encode(job, body + more)}


def _page(path: str, text: str) -> JobPage:
    return JobPage(path, *codec.decode(JOB, path, text))


def _age(page: JobPage) -> tuple[str, int, str]:
    return page.job.created, page.job.number, page.job.attempt
