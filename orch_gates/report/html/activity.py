"""What moves by itself: the jobs that run or wait, and the sweep with its counters and its schedule."""

from __future__ import annotations

from orch_gates.model.ids import moment
from orch_gates.model.job import Job
from orch_gates.model.sweep import Tick
from orch_gates.report.html.markup import Html, foreign, joined, link, tag
from orch_gates.report.html.parts import RenderContext, badge, count, empty, line, lines, section, span, table, when
from orch_gates.report.html.values import Dashboard

_JOBS = ("Task", "Role", "State", "Since", "Where", "Why")
_TICKS = ("Began", "Took", "By", "Generation seen")
# What each counter counts, in the order in which people ask for it.
_COUNTED = (
    ("ticks", "Sweeps"),
    ("reaped", "Dead jobs ended (reaper)"),
    ("reclaimed", "Leases taken back (reaper)"),
    ("unblocked", "Tasks moved on (reconciler)"),
    ("dispatched", "Jobs started"),
    ("escalated", "Times a person was asked"),
    ("lost-races", "Races lost"),
)


def active(board: Dashboard) -> list[Job]:
    """The jobs that are not over, those that run first, the oldest first."""
    found = [job for one in board.tasks for job in one.jobs if not job.status.terminal]
    return sorted(found, key=lambda job: (job.status.value != "running", job.started or job.created, job.attempt))


def jobs(board: Dashboard, page: RenderContext) -> Html:
    """What runs, and what is to be started."""
    found = active(board)
    if not found:
        return section("jobs", "Jobs", empty("No job runs, and none is queued."))
    return section("jobs", "Jobs", table("Jobs that run or wait", _JOBS, (_job(job, page) for job in found)))


def _job(job: Job, page: RenderContext) -> tuple[Html | str, ...]:
    role = lines(job.role, tag("span", f"run {job.number} in {job.stage}", class_="age"))
    since = when(job.started or job.created, page.now)
    runner = line(job.runner) if job.run is None else joined((link("CI run", job.run.url), " ", line(job.runner)))
    why = job.reason or (job.dispatch.reason if job.dispatch is not None else "")
    return page.task(job.task), role, badge(job.status.value), since, runner, line(why)


def sweep(board: Dashboard, page: RenderContext) -> Html:
    """Whether its schedule is late, what its ticks did together, and the last of them."""
    found = board.sweep
    word = "not known" if found.problem else found.schedule
    schedule = tag("p", badge(word), " ", foreign(found.problem or found.line))
    memory = found.memory
    known = dict(_COUNTED)
    counted = [(label, memory.counters.get(name, 0)) for name, label in _COUNTED]
    # One that a newer version counts is shown by its own name.
    counted += [(name, number) for name, number in sorted(memory.counters.items()) if name not in known]
    facts = [tag("div", tag("dt", label), tag("dd", f"{number:,}")) for label, number in counted]
    parts = [schedule, tag("dl", *facts, class_="counters")]
    if memory.streaks:
        seen = count(len(memory.streaks), "running job was", "running jobs were")
        parts.append(tag("p", f"{seen} found dead, but not yet in enough sweeps in a row to be ended."))
    if memory.ticks:
        rows = (_tick(tick, page) for tick in reversed(memory.ticks))
        parts.append(tag("details", tag("summary", "The last sweeps"), table("The last sweeps", _TICKS, rows)))
    return section("sweep", "Sweep", *parts)


def _tick(tick: Tick, page: RenderContext) -> tuple[Html | str, ...]:
    took = int((moment(tick.ended) - moment(tick.started)).total_seconds())
    return when(tick.started, page.now), span(max(0, took)), line(tick.by), str(tick.generation)
