"""What an event means for tasks and jobs: a tick about just those, as a sweep does it for all (REC-3, SWP-1)."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace

from orch_gates.ci.event import Event, Reviewed
from orch_gates.cli.boundary import say
from orch_gates.cli.sweep import commands as sweep
from orch_gates.cli.sweep import view as sweep_view
from orch_gates.errors import ForgeRefused
from orch_gates.jobs import overview
from orch_gates.model.task import Task
from orch_gates.sweep.concern import KnownTasks, TickConcern, concern
from orch_gates.sweep.parts import TickScope
from orch_gates.sweep.tick import Ticking
from orch_gates.workspace import Workspace


def concern_of(workspace: Workspace, found: Event) -> TickConcern:
    """Which tasks and jobs an event is about.

    Raises:
        OrchError: the state, the branches or the pull request could not be read.
    """
    known = overview.read(workspace.store.load())
    tasks = [task for task in known.tasks.values() if not task.state.finished]
    runs = any(job.run is not None and not job.status.terminal for jobs in known.jobs.values() for job in jobs)
    return concern(found, KnownTasks(tasks, _heads(workspace, tasks), _pulls(workspace, found), runs))


def tick(workspace: Workspace, about: TickConcern, *, as_json: bool) -> int:
    """Run the tick, and tell what it did; the answer is its exit code.

    Raises:
        StateError: the state could not be read, or nothing be recorded.
        SettingsError: the job's own token is given.
    """
    scope = TickScope() if about.everything else TickScope(about.tasks, about.jobs)
    workspace = replace(workspace, tests=False)
    report = Ticking(sweep.parts_of(workspace), workspace.now, scope).run()
    say(sweep_view.as_json(report, dry_run=False) if as_json else sweep_view.as_text(report, dry_run=False))
    for problem in () if as_json else report.problems:
        say(f"orch-gates: {problem}\n", to=sys.stderr)
    return report.exit_code


def _heads(workspace: Workspace, tasks: Sequence[Task]) -> Mapping[str, str]:
    branches = sorted({task.branch for task in tasks})
    return workspace.heads.of_all(branches) if branches else {}


def _pulls(workspace: Workspace, found: Event) -> Mapping[int, str]:
    """The branch of the pull request that a review is about, which the event does not name."""
    if not isinstance(found, Reviewed) or workspace.forge is None:
        return {}
    try:
        pull = workspace.forge.pulls.get(found.number)
    except ForgeRefused:
        return {}
    return {} if pull.fork else {pull.number: pull.branch}
