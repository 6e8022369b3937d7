"""Starting the work that is due, from a command: what `jobs/dispatching.py` is handed, and how its answer looks."""

from __future__ import annotations

import secrets
import sys
from typing import TYPE_CHECKING

from orch_gates import clock

if TYPE_CHECKING:
    from orch_gates.engine.work import Rules
    from orch_gates.jobs.dispatch import Facts
    from orch_gates.jobs.dispatching import Dispatched, Dispatching
    from orch_gates.jobs.starting import Starter
    from orch_gates.state.snapshot import Snapshot
    from orch_gates.workspace import Workspace


def dispatch_now(workspace: Workspace) -> Dispatched:
    """Start the work that is due and that can be started from here; nothing is asked where there is none.

    Raises:
        StateError: it could not be recorded.
    """
    from orch_gates.jobs import dispatching

    rules = rules_of(workspace)
    if not any(role.way in rules.ways for role in rules.roles.values()):
        from orch_gates.jobs.dispatch import Plan
        from orch_gates.jobs.dispatching import Dispatched

        return Dispatched(Plan())
    return dispatching.run(
        workspace.store,
        workspace.configured,
        dispatching_of(workspace, rules),
        starter_of(workspace),
        facts_of,
        clock.utc_now,
    )


def rules_of(workspace: Workspace) -> Rules:
    """How work is started from here: a CI job starts no command, which would end with it; a workflow needs a token."""
    from dataclasses import replace

    from orch_gates.config import file as config_file
    from orch_gates.errors import OrchError
    from orch_gates.model.job import Way

    rules = config_file.rules(workspace.config, workspace.settings)
    ways = set() if workspace.settings.ci.active else {Way.COMMAND}
    try:
        if any(role.way is Way.WORKFLOW for role in rules.roles.values()) and workspace.writable_forge is not None:
            ways.add(Way.WORKFLOW)
    except OrchError:
        # Whoever needs the forge says what is wrong with it; here it only cannot start anything.
        pass
    return replace(rules, ways=frozenset(ways))


def dispatching_of(workspace: Workspace, rules: Rules) -> Dispatching:
    """The plan's rules, and who asks."""
    from orch_gates.jobs.dispatching import Attempts, Dispatching

    return Dispatching(rules, workspace.configured.pipeline_of, Attempts(lambda: secrets.token_hex(8)), workspace.by)


def starter_of(workspace: Workspace) -> Starter:
    """Where jobs are started from."""
    import tempfile
    from pathlib import Path

    from orch_gates.jobs.starting import Starter

    cache = workspace.settings.tools.cache_dir or Path(tempfile.gettempdir())
    return Starter(
        forge=lambda: workspace.writable_forge,
        target=workspace.target,
        program=[sys.executable, "-m", "orch_gates"],
        folder=workspace.git.directory,
        logs=cache / "jobs",
        env=workspace.settings.inherited_env,
    )


def facts_of(snapshot: Snapshot) -> Facts:
    """The tasks and jobs of a snapshot, where no gate and no forge is asked."""
    from orch_gates.jobs import overview
    from orch_gates.jobs.dispatch import Facts

    found = overview.read(snapshot)
    return Facts(tuple(found.tasks.values()), found.jobs)


def lines(dispatched: Dispatched) -> list[str]:
    """What was done, one line for each thing."""
    from orch_gates.documents.escape import visible
    from orch_gates.jobs.starting import Came

    told = [f"{task.id} is held: {why}" for task, why in dispatched.planned.asks]
    told += [
        f"{job.task}: run {job.number} ({job.role}) is {job.status}: {job.reason}"
        for job in dispatched.planned.changed
        if job.status.terminal
    ]
    for asked in dispatched.asked:
        job = asked.job
        where = f"CI run {asked.run}" if asked.run else (job.dispatch.way.value if job.dispatch else "")
        came = {
            Came.STARTED: f"started as {where}" + (f"; {asked.reason}" if asked.reason else ""),
            Came.REFUSED: f"could not be started: {asked.reason}",
            Came.UNKNOWN: f"not known to be started: {asked.reason}; a sweep asks again",
        }[asked.came]
        told.append(f"{job.task}: run {job.number} ({job.role}) {came}")
    return [visible(line) for line in told]
