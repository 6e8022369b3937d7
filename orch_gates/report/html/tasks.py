"""Every task by its stage, with why it stands where it stands and what happened to it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from orch_gates.documents.escape import plain
from orch_gates.model.job import Job
from orch_gates.model.task import DONE_STAGE
from orch_gates.report.html.markup import Child, Html, joined, link, tag
from orch_gates.report.html.parts import (
    RenderContext,
    advice,
    anchor,
    badge,
    commit,
    count,
    empty,
    line,
    lines,
    row,
    section,
    when,
)
from orch_gates.report.html.values import Dashboard, TaskRow

_HEADS = ("Task", "Title and history", "State", "Since", "What it waits for")
# A longer stage is opened by whoever wants to read it: a browser lays out what is open.
_OPEN = 200
_LOGGED = re.compile(r"- ([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}:[0-9]{2}):[0-9]{2}Z (.*)")


def tasks(board: Dashboard, page: RenderContext) -> Html:
    """The section of all tasks: the stages in a line, a filter, and a table for each stage."""
    found: dict[str, list[TaskRow]] = {stage: [] for stage in board.stages}
    # Those of the merge queue, and those that are configured no more, come after the pipeline.
    for one in sorted(board.tasks, key=lambda row: (row.task.stage, row.task.since, row.task.id)):
        found.setdefault(one.task.stage, []).append(one)
    found[DONE_STAGE] = found.pop(DONE_STAGE, [])
    if not board.tasks:
        return section("tasks", "Tasks by stage", empty("There is no task yet."))
    strip = tag("ol", *(_step(stage, rows) for stage, rows in found.items()), class_="strip")
    blocks = [_stage(stage, rows, page) for stage, rows in found.items() if rows]
    return section("tasks", "Tasks by stage", strip, _filter(len(board.tasks)), *blocks)


def _step(stage: str, rows: Sequence[TaskRow]) -> Html:
    number = tag("b", f"{len(rows):,}")
    inner = joined((tag("span", stage), number), " ")
    return tag("li", tag("a", inner, href=f"#stage-{stage}") if rows else tag("span", inner, class_="quiet-step"))


def _filter(total: int) -> Html:
    """Only of use to a script, which shows it."""
    shown = tag("output", count(total, "task"), id="shown", for_="filter", aria_live="polite")
    field = tag("input", id="filter", type="search", autocomplete="off", spellcheck="false")
    return tag("div", tag("label", "Show tasks with", for_="filter"), field, shown, class_="filter", hidden=True)


def _stage(stage: str, rows: Sequence[TaskRow], page: RenderContext) -> Html:
    states: dict[str, int] = {}
    for one in rows:
        states[one.task.state.value] = states.get(one.task.state.value, 0) + 1
    counts = ", ".join(f"{number:,} {state}" for state, number in sorted(states.items()))
    head = tag("summary", tag("h3", stage), " ", tag("span", f"{count(len(rows), 'task')}: {counts}", class_="age"))
    heads = tag("thead", tag("tr", *(tag("th", name, scope="col") for name in _HEADS)))
    caption = tag("caption", f"Tasks in {stage}", class_="quiet")
    body = tag("tbody", *(_task(one, page) for one in rows))
    opened = stage != DONE_STAGE and len(rows) <= _OPEN
    shown = tag("table", caption, heads, body, class_="tasks")
    return tag("details", head, shown, id=f"stage-{stage}", class_="stage", open=opened)


def _task(one: TaskRow, page: RenderContext) -> Html:
    task = one.task
    cells = (tag("code", task.id), _title(one, page), badge(task.state.value), when(task.since, page.now), waits(one))
    return row(_HEADS, cells, id=anchor(task.id))


def waits(one: TaskRow) -> Html:
    """What a task waits for, and why; of a finished one only why it is."""
    why = one.why
    if why is None or not why.next_action:
        return line(one.task.reason)
    place = f"place {why.position} of {why.waiting}" if why.position > 0 and why.waiting > 1 else ""
    holder = f"the merge lease is held by {why.holder}" if why.holder not in {"", why.task} else ""
    around = " · ".join(part for part in (place, holder, why.work, why.advice) if part)
    way = f"next: {why.next_action}, {why.when}"
    return lines(line(why.reason), *([line(around)] if around else []), tag("span", advice(way), class_="next"))


def _title(one: TaskRow, page: RenderContext) -> Html:
    task = one.task
    if one.log is None:
        return line(task.title)
    more = count(one.earlier, "earlier line")
    left = [tag("li", advice(f"{more} in `orch-gates task log {task.id}`"), class_="note")] if one.earlier else []
    history = tag("ol", *left, *(_logged(entry) for entry in one.log), class_="history")
    return tag(
        "details",
        tag("summary", line(task.title)),
        _facts(one),
        *(_job(job, page) for job in one.jobs),
        history if one.log else empty("Nothing is in its log."),
    )


def _facts(one: TaskRow) -> Html:
    task = one.task
    facts: dict[str, Child] = {"branch": tag("code", task.branch), "commit": commit(task.head)}
    if task.enqueued is not None:
        facts["pull request"] = f"#{task.enqueued.pull} into {task.enqueued.target}, asked for by {task.enqueued.by}"
    if task.issue:
        facts["issue"] = f"#{task.issue}"
    facts["made by"] = line(task.created_by)
    facts["decided by"] = line(task.cause)
    facts["used up"] = f"{count(task.developer_retries, 'retry', 'retries')}, {count(task.defers, 'defer')}"
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in facts.items()))


def _job(job: Job, page: RenderContext) -> Html:
    label = f"run {job.number} by the {job.role}"
    where = link(label, job.run.url) if job.run is not None else label
    code = f"exit code {job.exit_code}" if job.exit_code is not None else ""
    parts = [joined((where, badge(job.status.value), when(job.ended or job.started or job.created, page.now)), " ")]
    parts += [line(part) for part in (code, job.reason, job.runner) if part]
    return tag("p", joined(parts, " · "), class_="run")


def _logged(entry: str) -> Html:
    found = _LOGGED.fullmatch(entry)
    if found is None:
        return tag("li", line(plain(entry.removeprefix("- "))))
    return tag("li", tag("time", f"{found[1]} {found[2]}"), " ", line(plain(found[3])))
