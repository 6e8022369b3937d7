"""The merge queues, and the leases with the attempts that they belong to."""

from __future__ import annotations

from orch_gates.documents.escape import clip
from orch_gates.report.html.markup import Html, foreign, joined, tag
from orch_gates.report.html.parts import (
    NONE,
    RenderContext,
    advice,
    badge,
    count,
    empty,
    line,
    lines,
    section,
    table,
    when,
)
from orch_gates.report.html.tasks import waits
from orch_gates.report.html.values import Dashboard, LeaseRow, QueueOf, TaskRow

_QUEUE = ("Place", "Pull request", "Task", "Priority", "State", "Queued since", "What it waits for")
_LEASE = ("Target", "Holder", "Phase", "Until", "Who works on it", "Why")
_TITLE = 80


def queues(board: Dashboard, page: RenderContext) -> Html:
    """Who waits for a merge, in the order in which it is done."""
    shown = [_queue(one, page) for one in board.queues if one.rows or one.freeze is not None]
    return section("queue", "Merge queue", *(shown or [empty("Nothing is queued for a merge.")]))


def _queue(one: QueueOf, page: RenderContext) -> Html:
    head = tag("h3", "into ", foreign(one.target))
    frozen = []
    if one.freeze is not None:
        frozen = [tag("p", badge("frozen"), " ", line(one.freeze.said), " since ", when(one.freeze.at, page.now))]
    if not one.rows:
        return joined((head, *frozen, empty("Nothing is queued.")))
    shown = table(f"Merge queue into {one.target}", _QUEUE, (_entry(row, page) for row in one.rows), kind="queue")
    return joined((head, *frozen, shown))


def _entry(row: TaskRow, page: RenderContext) -> tuple[Html | str, ...]:
    task, why = row.task, row.why
    assert task.enqueued is not None
    position = why.position if why is not None else 0
    phase = why.phase if why is not None and why.holder == task.id and why.phase else task.state.value
    pull = lines(
        joined((f"#{task.enqueued.pull} ", foreign(clip(task.title, _TITLE)))), foreign(f"by {task.enqueued.by}")
    )
    since = when(task.since, page.now)
    return str(position or "-"), pull, page.task(task.id), task.enqueued.priority.value, badge(phase), since, waits(row)


def leases(board: Dashboard, page: RenderContext) -> Html:
    """Who may merge into which target, and how far the attempt is."""
    if not board.leases:
        return section("leases", "Leases and attempts", empty("No lease was ever granted."))
    rows = (_lease(one, page) for one in board.leases)
    return section("leases", "Leases and attempts", table("Merge leases", _LEASE, rows))


def _lease(one: LeaseRow, page: RenderContext) -> tuple[Html | str, ...]:
    lease, attempt = one.lease, one.attempt
    target = lines(foreign(lease.target), tag("span", f"generation {lease.generation}", class_="age"))
    if not lease.holder:
        return target, badge("free"), NONE, NONE, NONE, line(lease.reason)
    until = badge("held") if lease.held else when(lease.expires, page.now)
    holder = lines(page.task(lease.holder), tag("span", "since ", when(lease.granted, page.now), class_="since"))
    worker = NONE
    if (claim := lease.claim) is not None:
        worker = lines(line(claim.runner), tag("span", "until ", when(claim.until, page.now), class_="since"))
    if attempt is None or attempt.id != lease.attempt:
        return target, holder, NONE, until, worker, line(lease.held or lease.reason)
    facts = f"{count(attempt.rounds, 'round')}, {count(attempt.runs, 'test run')}"
    phase = lines(badge(attempt.phase.value), tag("span", facts, class_="age"))
    way_on = [tag("span", advice(attempt.next_step), class_="next")] if attempt.next_step else []
    why = lines(line(attempt.reason), *way_on)
    return target, holder, phase, until, worker, why
