"""What the commands about watches have in common: who watches, by which rules, and what may be rolled back (WCH-3)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from orch_gates import __version__, clock
from orch_gates.errors import GitError

if TYPE_CHECKING:
    from orch_gates.deploy.sources.observing import Observing
    from orch_gates.deploy.watch import Watching
    from orch_gates.engine.watch_plan import EnvironmentPlan
    from orch_gates.workspace import Workspace

OWN = "this repository hosts the pipeline itself, which never rolls itself back"
_COMMIT = re.compile(r"\+g([0-9a-f]{7,40})")


def plan_of(workspace: Workspace, environment: str) -> EnvironmentPlan:
    """What is configured about an environment; nothing where nothing is."""
    from orch_gates.engine.watch_plan import EnvironmentPlan

    return workspace.config.environments.get(environment) or EnvironmentPlan(environment)


def observing_of(plan: EnvironmentPlan) -> Observing:
    """What is asked about an environment; nothing where its watch was taken out of the configuration."""
    from orch_gates.deploy.sources.observing import observing
    from orch_gates.engine.watch_plan import WatchPlan

    return observing(plan.watch or WatchPlan())


def watching_of(workspace: Workspace, environment: str) -> Watching:
    """The steps of watches in an environment, for this process."""
    from orch_gates.cli import wrapped
    from orch_gates.deploy.watch import Watching
    from orch_gates.engine.watching import Rules
    from orch_gates.model.feedback import one_line
    from orch_gates.model.ids import timestamp
    from orch_gates.model.watch import Watcher
    from orch_gates.sweep.look import Looking

    plan = plan_of(workspace, environment)
    me = Watcher(
        runner=one_line(wrapped.runner_of(workspace)),
        process=wrapped.process_of(),
        run=wrapped.ci_run_of(workspace.settings),
        since=timestamp(clock.utc_now()),
    )
    return Watching(
        store=workspace.store,
        environment=environment,
        rules=observing_of(plan).rules(plan.watch.rules if plan.watch is not None else Rules()),
        me=me,
        look=Looking(workspace.settings.tools.cache_dir, lambda: workspace.forge).watcher,
        by=workspace.by,
        never=OWN if hosts_the_pipeline(workspace) else "",
        can_roll_back=plan.rollback != "",
    )


def hosts_the_pipeline(workspace: Workspace) -> bool:
    """Whether what is deployed is this very program: by what it is made of, never by a setting (faults.md T20)."""
    package = Path(__file__).resolve().parent.parent
    try:
        if not workspace.git.is_bare():
            top = Path(workspace.git.text("rev-parse", "--show-toplevel"))
            # A virtual environment in a checkout is not the checkout's own program.
            if (top / package.name).resolve() == package:
                return True
        built_from = _COMMIT.search(__version__)
        if built_from is None:
            return False
        return workspace.git.blob(built_from[1], f"{package.name}/__init__.py") is not None
    except GitError:
        return False
