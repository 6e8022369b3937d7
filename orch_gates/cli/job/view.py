"""Jobs as text and as JSON (P8)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from orch_gates.jobs import output
from orch_gates.jobs.book import JobPage
from orch_gates.model.ids import moment
from orch_gates.model.job import Job
from orch_gates.report import machine
from orch_gates.report.columns import columns
from orch_gates.report.tasks import logged, shown

_WIDE = 120
_APART = {"schema", "process", "run", "dispatch"}


def list_text(jobs: Sequence[Job], now: datetime, width: int | None = None) -> str:
    """Each in columns; where there is little room, without its role and the id of its attempt."""
    if not jobs:
        return "no job runs or waits to run; `--all` shows those that are over\n"
    rows: list[tuple[str, ...]] = [("TASK", "STAGE", "ROLE", "RUN", "STATUS", "SINCE", "TOOK", "ATTEMPT", "BY")]
    rows += [
        (
            job.task,
            job.stage,
            job.role,
            str(job.number),
            job.status.value,
            job.started or job.created,
            _duration(job, now),
            job.attempt,
            shown(job.runner or job.by, 100),
        )
        for job in jobs
    ]
    if width is not None and width < _WIDE:
        rows = [(*row[:2], *row[3:7], row[8]) for row in rows]
    return columns(rows, width)


def list_json(jobs: Sequence[Job], now: datetime) -> str:
    """All that is recorded about each, and how long it took until now."""
    return machine.document("job-list", {"jobs": [_fields(job, now) for job in jobs]})


def page_text(page: JobPage, now: datetime) -> str:
    """All that is recorded about one, its log, and the end of its output."""
    job = page.job
    values = {
        **{name: value for name, value in job.fields().items() if name not in _APART},
        "took": _duration(job, now),
    }
    if job.process is not None:
        values["process"] = f"{job.process.pid} on {job.process.host.partition(' ')[0]}"
    if job.run is not None:
        values["run"] = f"{job.run.id} {job.run.url}".strip()
    if job.dispatch is not None:
        times = f"{job.dispatch.tries} time{'' if job.dispatch.tries == 1 else 's'}"
        values["dispatch"] = f"{job.dispatch.way}, requested {times}"
    width = max(map(len, values))
    lines = [
        f"{name:{width}}  {'' if value is None else shown(str(value), 1000)}".rstrip() for name, value in values.items()
    ]
    lines += [logged(line, 4000) for line in page.body.rstrip().splitlines()]
    return "".join(f"{line}\n" for line in lines)


def page_json(page: JobPage, now: datetime) -> str:
    """The same for machines; `output` is the end of what its command wrote."""
    return machine.document("job-show", {**_fields(page.job, now), "output": output.in_body(page.body)})


def _fields(job: Job, now: datetime) -> dict[str, Any]:
    recorded = {key: value for key, value in job.fields().items() if key != "schema"}
    return {**recorded, "seconds": _seconds(job, now)}


def _seconds(job: Job, now: datetime) -> int | None:
    if job.started is None:
        return None
    until = moment(job.ended) if job.ended is not None else now
    return max(0, int((until - moment(job.started)).total_seconds()))


def _duration(job: Job, now: datetime) -> str:
    seconds = _seconds(job, now)
    if seconds is None:
        return "-"
    minutes, left = divmod(seconds, 60)
    return (
        f"{minutes // 60} h {minutes % 60} min"
        if minutes >= 60
        else f"{minutes} min {left} s"
        if minutes
        else f"{left} s"
    )
