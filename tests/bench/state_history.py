"""State branches of any size, made with `git fast-import` from the same documents that orch-gates writes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from orch_gates.engine.stages import DEFAULT, QUEUE
from orch_gates.model.ids import task_id, timestamp
from orch_gates.model.job import Job, JobStatus, Process
from orch_gates.model.root import Root
from orch_gates.model.task import MERGE_QUEUE, Enqueued, Task, TaskState
from orch_gates.state import codec, layout
from orch_gates.state.branch.repair import branch_files
from orch_gates.state.history import message
from orch_gates.state.refs import WITNESS
from orch_gates.state.store import Change
from tests.bench.history import Importer, git, init

BRANCH = "refs/heads/orch-state"
_START = 1_700_000_000
_AT = "2026-01-31T12:00:00Z"
_STAGES = DEFAULT.names


def branch(
    directory: Path, *, active: int, archived: int = 0, steps: int = 0, queued: int = 0, running: int = 0
) -> Path:
    """A bare repository whose state branch has so many tasks, and `steps` legal commits on top of them.

    `queued` more are pull requests in the merge queue; of the tasks, so many have a `running` job of another machine.
    """
    init(directory)
    with Importer(directory) as stream:
        files = dict(_files(active, archived, queued)) | dict(_jobs(running))
        _commit(stream, 1, "made", files, "init")
        for number in range(steps):
            _commit(stream, number + 2, f"hold {number}", _step(number, active), "hold")
    git(directory, "update-ref", WITNESS, BRANCH)
    git(directory, "config", "uploadpack.allowFilter", "true")
    git(directory, "repack", "-adq")
    return directory


def task(number: int, **changed: object) -> Task:
    """The task with a number."""
    name = f"T-{number}"
    values = {
        "id": task_id(name),
        "title": f"Make the service answer request number {number}",
        "stage": _STAGES[0],
        "state": TaskState.ACTIVE,
        "branch": f"task/{name}",
        "head": "",
        "reason": "new",
        "cause": "a-bencher",
        "created": _AT,
        "created_by": "a-bencher",
        "since": _AT,
        "updated": _AT,
        "available_at": None,
        "developer_retries": 0,
        "defers": 0,
        "feedback": None,
    }
    return Task.model_validate(values | changed)


def pull(number: int) -> Task:
    """The task of a queued pull request."""
    asked = Enqueued(target="main", pull=number, head=f"{number:040x}", by="ann", at=_AT)
    return task(
        number,
        id=task_id(f"PR-{number}"),
        stage=QUEUE.stages[-1].name,
        branch=f"change/{number}",
        head=asked.head,
        reason="its merge was asked for",
        pipeline=MERGE_QUEUE,
        asked=asked,
    )


def text(one: Task, lines: int = 1) -> str:
    """Its document, with a log of so many lines."""
    return codec.encode(one, f"\n# {one.id}\n\n" + f"- {_AT} something was done to it\n" * lines)


def _files(active: int, archived: int, queued: int) -> Iterator[tuple[str, str]]:
    yield from branch_files(_root(1)).items()
    for one in map(pull, range(1, queued + 1)):
        yield layout.task_path(one.id), text(one)
    for number in range(active):
        one = task(number)
        yield layout.task_path(one.id), text(one)
    for number in range(active, active + archived):
        one = task(number, stage="done", state=TaskState.DONE)
        yield f"{layout.archive_folder(2020 + number % 6, one.id)}/task.md", text(one)


def _jobs(running: int) -> Iterator[tuple[str, str]]:
    # A job that ran since January would be ended.
    at = timestamp(datetime.now(UTC))
    for number in range(running):
        job = Job(
            task=task_id(f"T-{number}"),
            stage=_STAGES[0],
            role="analyst",
            attempt=f"{number:016x}",
            number=1,
            status=JobStatus.RUNNING,
            reason="",
            by="a-bencher",
            head="",
            created=at,
            started=at,
            ended=None,
            exit_code=None,
            runner="a-bencher on another machine",
            process=Process(host="another machine", pid=7, started="99"),
            run=None,
            dispatch=None,
        )
        yield layout.job_path(job.task, job.attempt), codec.encode(job, "")


def _step(number: int, active: int) -> dict[str, str]:
    """Tasks in turn are held and resumed: legal whatever is configured."""
    held = (number // active) % 2 == 0
    one = task(number % active, state=TaskState.HELD if held else TaskState.ACTIVE)
    path = layout.task_path(one.id)
    return {path: text(one, 2 + number // active), layout.ROOT: branch_files(_root(number + 2))[layout.ROOT]}


def _root(generation: int) -> Root:
    return Root(generation=generation, created=_AT, stages=_STAGES, rework=DEFAULT.rework)


def _commit(stream: IO[bytes], generation: int, subject: str, files: dict[str, str], event: str) -> None:
    change = Change(event=event, task="-", subject=subject)
    output = message.compose(change, message.op_id(generation, f"{generation:032x}"), "a-bencher").encode()
    stream.write(f"commit {BRANCH}\ncommitter A Bencher <bencher@example.invalid> ".encode())
    stream.write(b"%d +0000\ndata %d\n%s\n" % (_START + generation, len(output), output))
    for path, content in files.items():
        data = content.encode()
        stream.write(b"M 644 inline %s\ndata %d\n%s\n" % (path.encode(), len(data), data))
