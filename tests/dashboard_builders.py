"""A dashboard with one of everything, and one of many tasks."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from orch_gates.engine.stages import DEFAULT, QUEUE
from orch_gates.engine.why import QueueContext, explain
from orch_gates.model.ids import timestamp
from orch_gates.model.queue import Freeze
from orch_gates.model.sweep import Alert, Memory, Tick, nothing
from orch_gates.model.task import Task
from orch_gates.model.watch import Watch
from orch_gates.report.html.values import Dashboard, LeaseRow, QueueOf, SweepState, TaskRow
from tests.deploy_builders import DIGEST, NEW, OLD_HEAD, make_deployed, make_environment, make_running, make_watch
from tests.tasks_builders import HEAD, NOW, make_attempt, make_job, make_lease, make_task

TIP = "a1" * 20
ALONE = QueueContext(1, 1, "")


def ago(**span: float) -> str:
    return timestamp(NOW - timedelta(**span))


def make_row(context: QueueContext = ALONE, **changes: Any) -> TaskRow:
    """A task with why it stands where it stands, and a log of two lines."""
    task: Task = make_task(**changes)
    lines = (f"- {task.created} made by ann", f"- {task.since} {task.stage}: {task.reason}")
    pipeline = QUEUE if task.enqueued is not None else DEFAULT
    why = None if task.state.finished else explain(task, pipeline, context, NOW)
    return TaskRow(task, why, lines)


def asked(pull: int, title: str, context: QueueContext, *, hours: float = 1, **changes: Any) -> TaskRow:
    """A pull request in the merge queue."""
    wanted = {
        "pull": pull,
        "target": "main",
        "head": HEAD,
        "by": changes.pop("by", "ann"),
        "at": ago(hours=hours),
        "priority": changes.pop("priority", "normal"),
    }
    values = {"id": f"PR-{pull}", "branch": f"change-{pull}", "stage": "queued", "since": ago(hours=hours)}
    return make_row(context, title=title, pipeline="merge-queue", enqueued=wanted, **values, **changes)


def a_sample(seconds: int, result: str, requests: int | None, errors: int | None) -> dict[str, Any]:
    why = "" if result == "ok" else "status 502"
    return {
        "at": timestamp(NOW - timedelta(minutes=20) + timedelta(seconds=seconds)),
        "control": "ok",
        "probes": [{"name": "https://shop.example/healthz", "result": result, "why": why}],
        "counted": [{"source": "access log", "requests": requests, "errors": errors, "why": ""}],
    }


def a_watch(*, ill: bool = False) -> Watch:
    """A quarter of an hour, of which two moments were not seen; `ill`: it fails towards its end."""
    samples = [
        a_sample(at, "failed" if ill and at > 700 else "ok", *((90, 30) if ill and at > 700 else (100, 0)))
        for at in range(0, 900, 30)
        if at not in {210, 240}
    ]
    samples[3] = a_sample(90, "not-made", None, None)
    changes: dict[str, Any] = {"armed": ago(minutes=20), "deadline": ago(minutes=5), "samples": samples}
    if not ill:
        return make_watch(**changes, state="over", verdict="HEALTHY", reason="29 of 30 moments were seen, all well")
    reaction = {"what": "done", "deploy": "4" * 16, "why": "rolled back to the verified deploy"}
    reason = "3 health failures in a row; 25 per cent of the requests failed"
    return make_watch(**changes, deploy="5" * 16, state="over", verdict="DEGRADED", reason=reason, reaction=reaction)


def a_memory() -> Memory:
    counters = {"ticks": 1312, "reaped": 3, "reclaimed": 1, "unblocked": 17, "dispatched": 240, "escalated": 2}
    ticks = tuple(
        Tick(started=ago(minutes=at), ended=ago(minutes=at - 0.1), by="orch-bot", generation=420) for at in (14, 9, 4)
    )
    alert = Alert(key="marker", since=ago(hours=5), line="main lost the marker `payments` of T-3; merge it again")
    return nothing().model_copy(update={"counters": counters, "ticks": ticks, "alerts": (alert,)})


def a_board(**changes: Any) -> Dashboard:
    """One of everything that the page shows."""
    holder = QueueContext(1, 3, "PR-41", "testing", "build-1", timestamp(NOW + timedelta(minutes=8)))
    queued = (
        asked(41, "Charge the card once, also where the bank answers late", holder, hours=0.5, priority="urgent"),
        asked(38, "Round prices the way the tax office does", replace(holder, position=2), hours=3, by="bob"),
        asked(40, "Show the basket on small screens", replace(holder, position=3), hours=2, by="carol"),
    )
    job = make_job(task="T-12", number=2, runner="https://ci.example/runs/77", started=ago(minutes=6))
    tasks = (
        *queued,
        replace(
            make_row(QueueContext(1, 2, ""), id="T-12", title="Send the invoice by mail", since=ago(days=1)),
            jobs=(job,),
        ),
        make_row(QueueContext(2, 2, ""), id="T-14", title="Search by customer number", since=ago(hours=7)),
        make_row(id="T-9", title="Log in with a passkey", stage="review", since=ago(hours=3), reason="2 files changed"),
        make_row(
            id="T-7", title="Export as CSV", stage="testing", state="held", since=ago(days=2), updated=ago(days=2),
            reason="the report tests-passed cannot be read",
        ),
        make_row(
            id="T-5", title="Faster start page", stage="development", state="escalated", since=ago(days=4),
            updated=ago(days=3), reason="sent back 3 times, which is the limit", developer_retries=3,
        ),
        make_row(
            id="T-8", title="Retry failed payments", stage="deploy-staging", state="deferred", since=ago(hours=1),
            available_at=timestamp(NOW + timedelta(minutes=12)), defers=1, reason="the lease on main is held by PR-41",
        ),
        make_row(id="T-1", title="Terms of use", stage="done", state="done", since=ago(days=9), reason="it landed"),
        make_row(id="T-2", title="Dark mode", stage="done", state="done", since=ago(days=6), reason="it landed"),
    )  # fmt: skip
    verified = make_deployed(task="T-1", digest=DIGEST, at=ago(days=9))
    current = make_deployed(deploy=NEW, task="T-2", revision=HEAD, digest=DIGEST, standing="watching", at=ago(hours=1))
    staging = make_environment(
        name="staging", running=make_running(task="T-9"), verified=None,
        current=make_deployed(standing="unwatched", revision=OLD_HEAD, task="T-2", at=ago(days=1)),
    )  # fmt: skip
    production = make_environment(current=current, verified=verified, history=(current, verified))
    lease = make_lease(
        holder="PR-41", granted=ago(minutes=9), expires=timestamp(NOW + timedelta(minutes=8)),
        attempt="0123456789abcdef", claims=1,
        claim={
            "number": 1, "runner": "build-1", "host": "build-1 boot", "pid": 7, "started": "99",
            "since": ago(minutes=2), "until": timestamp(NOW + timedelta(minutes=3)),
        },
    )  # fmt: skip
    attempt = make_attempt(task="PR-41", phase="testing", reason="the test command runs on the combined tree")
    values: dict[str, Any] = {
        "repository": "acme/shop",
        "now": NOW,
        "commit": TIP,
        "generation": 421,
        "version": "1.2.3",
        "stages": DEFAULT.names,
        "tasks": tasks,
        "queues": (QueueOf("main", None, queued),),
        "leases": (LeaseRow(lease, attempt), LeaseRow(make_lease(target="release/1", holder="", reason="merged T-1"))),
        "environments": (production, staging),
        "watches": (a_watch(ill=True), a_watch()),
        "sweep": SweepState(
            "on time", ago(minutes=4), f"the last sweep began 4 minutes ago, at {ago(minutes=4)}", a_memory()
        ),
        "unread": ("tasks/3f/T-6/task.md: stage: Field required",),
    }
    return Dashboard(**values | changes)


def an_empty_board(now: datetime = NOW) -> Dashboard:
    """What there is right after `state init`."""
    return Dashboard(
        repository="",
        now=now,
        commit=TIP,
        generation=1,
        version="1.2.3",
        stages=DEFAULT.names,
        tasks=(),
        queues=(QueueOf("main", None, ()),),
        leases=(),
        environments=(),
        watches=(),
        sweep=SweepState("never", "", "no sweep has run yet", nothing()),
    )


def a_frozen_queue() -> QueueOf:
    freeze = Freeze(reason="release day", by="ann", at=ago(hours=2), until=timestamp(NOW + timedelta(hours=6)))
    return QueueOf("release/1", freeze, ())


def many(tasks: int) -> Dashboard:
    """A board with so many tasks, three in four of them finished; each has its own title."""
    over = {"stage": "done", "state": "done", "reason": "it landed"}
    rows = []
    for number in range(tasks):
        changes = over if number % 4 else {"stage": DEFAULT.names[number % len(DEFAULT.names)]}
        task = make_task(id=f"T-{number}", title=f"work item {number:05}", since=ago(minutes=number), **changes)
        why = None if task.state.finished else explain(task, DEFAULT, QueueContext(1, 9, ""), NOW)
        log = (f"- {task.created} made by ann", f"- {task.since} {task.reason}")
        rows.append(TaskRow(task, why, log if number % 4 == 0 or number < 800 else None))
    return a_board(tasks=tuple(rows), queues=())
