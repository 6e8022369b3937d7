"""`orch-gates status`: the tasks by stage, and what moves by itself (OBS-1)."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orch_gates.cli.boundary import exit_codes, open_for_reading, say, terminal_width, warn_quarantined

if TYPE_CHECKING:
    from orch_gates.jobs.overview import Overview
    from orch_gates.report.moving import Moving
    from orch_gates.workspace import Workspace


@click.command()
@click.option("--repo", default=".", type=click.Path(path_type=Path), help="A clone, or the bare repository itself.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(repo: Path, as_json: bool) -> None:
    """Show the tasks by stage, those that wait for a person, leases, jobs, the merge queue, and how the sweep does.

    \b
    Examples:
      orch-gates status
      orch-gates status --json | jq .attention
    """
    with exit_codes():
        from orch_gates.engine.board import board
        from orch_gates.jobs import overview
        from orch_gates.report import tasks as render
        from orch_gates.state import layout
        from orch_gates.tasks import book

        workspace = open_for_reading(repo)
        snapshot = workspace.store.load()
        everything, leases = overview.read(snapshot), book.read(snapshot, layout.LEASES)
        set_apart = (*leases.quarantined, *everything.quarantined)
        warn_quarantined(set_apart)
        shown = board(
            [task for _, task in sorted(everything.tasks.items())],
            leases.leases,
            book.root_of(snapshot).stages,
            quarantined=len(set_apart),
            generation=snapshot.generation,
        )
        moving = _moving(workspace, everything)
        if as_json:
            say(render.board_json(shown, moving.as_value()))
        else:
            say(render.board_text(shown, terminal_width()) + moving.as_text())


def _moving(workspace: Workspace, everything: Overview) -> Moving:
    """What moves by itself; where the sweep's memory cannot be read, the rest is shown all the same."""
    from orch_gates.engine.stages import QUEUE
    from orch_gates.errors import StateError
    from orch_gates.model.sweep import nothing
    from orch_gates.model.task import MERGE_QUEUE
    from orch_gates.report.moving import Moving
    from orch_gates.sweep.lag import lag

    problem = ""
    try:
        recalled = workspace.store.memory.read()
        memory, problem = recalled.memory or nothing(), recalled.problem
    except StateError as error:
        memory, problem = nothing(), str(error)
    gap = lag(memory.ticks, workspace.now, timedelta(seconds=workspace.settings.sweep.every))
    jobs: dict[str, Counter[str]] = {}
    for job in (job for runs in everything.jobs.values() for job in runs if not job.status.terminal):
        jobs.setdefault(job.role, Counter())[job.status.value] += 1
    queued = [
        task
        for task in everything.tasks.values()
        if task.pipeline == MERGE_QUEUE and task.stage == QUEUE.names[-1] and not task.state.finished
    ]
    return Moving(jobs, len(queued), memory.counters, memory.alerts, gap.schedule.value, gap.last, gap.line, problem)
