"""`orch-gates status`: the tasks by stage, and what moves by itself (OBS-1)."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import click

from orch_gates.cli.boundary import exit_codes, open_for_reading, say, terminal_width, warn_quarantined
from orch_gates.cli.task import dashboard
from orch_gates.dashboard.gather import sweep_state
from orch_gates.engine.board import board
from orch_gates.engine.stages import QUEUE
from orch_gates.jobs import overview
from orch_gates.jobs.overview import Overview
from orch_gates.model.task import MERGE_QUEUE
from orch_gates.report import tasks as render
from orch_gates.report.activity import Activity
from orch_gates.state import layout
from orch_gates.tasks import book
from orch_gates.workspace import Workspace


@click.command()
@click.option("--repo", default=".", type=click.Path(path_type=Path), help="A clone, or the bare repository itself.")
@click.option(
    "--html", "folder", default=None, type=click.Path(path_type=Path), metavar="DIR", help="Write a page into DIR."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(repo: Path, folder: Path | None, as_json: bool) -> None:
    """Show the tasks by stage, those that wait for a person, leases, jobs, the merge queue, and how the sweep does.

    With --html it writes DIR/index.html instead: one page with all of it, for a browser. It needs no server and no
    network. Other files in DIR are kept. If the state cannot be read, the page that is there is kept, too.

    \b
    Examples:
      orch-gates status
      orch-gates status --json | jq .attention
      orch-gates status --html public
    """
    with exit_codes():
        if folder is not None:
            _page(repo, folder, as_json=as_json)
            return
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
        activity = _activity(workspace, everything)
        if as_json:
            say(render.board_json(shown, activity.as_value()))
        else:
            say(render.board_text(shown, terminal_width()) + activity.as_text())


def _page(repo: Path, folder: Path, *, as_json: bool) -> None:
    written = dashboard.write(open_for_reading(repo), folder)
    say(written.as_json() if as_json else written.as_text())


def _activity(workspace: Workspace, everything: Overview) -> Activity:
    """What moves by itself; where the sweep's memory cannot be read, the rest is shown all the same."""
    swept = sweep_state(workspace.store, workspace.now, timedelta(seconds=workspace.settings.sweep.every))
    jobs: dict[str, Counter[str]] = {}
    for job in (job for runs in everything.jobs.values() for job in runs if not job.status.terminal):
        jobs.setdefault(job.role, Counter())[job.status.value] += 1
    queued = [
        task
        for task in everything.tasks.values()
        if task.pipeline == MERGE_QUEUE and task.stage == QUEUE.names[-1] and not task.state.finished
    ]
    memory = swept.memory
    return Activity(
        jobs, len(queued), memory.counters, memory.alerts, swept.schedule, swept.last, swept.line, swept.problem
    )
