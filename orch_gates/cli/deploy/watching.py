"""What the commands about watches have in common: who watches, by which rules, and what may be rolled back (WCH-3)."""

from __future__ import annotations

from orch_gates import clock
from orch_gates.cli import own_repository
from orch_gates.cli.job import wrapped
from orch_gates.deploy.sources.observing import Observing, observing
from orch_gates.deploy.watch import Watching
from orch_gates.engine.watch_plan import EnvironmentPlan, WatchPlan
from orch_gates.engine.watching import WatchRules
from orch_gates.model.feedback import one_line
from orch_gates.model.ids import timestamp
from orch_gates.model.watch import Watcher
from orch_gates.sweep.look import Looking
from orch_gates.workspace import Workspace


def plan_of(workspace: Workspace, environment: str) -> EnvironmentPlan:
    """What is configured about an environment; nothing where nothing is."""
    return workspace.config.environments.get(environment) or EnvironmentPlan(environment)


def observing_of(plan: EnvironmentPlan) -> Observing:
    """What is asked about an environment; nothing where its watch was taken out of the configuration."""
    return observing(plan.watch or WatchPlan())


def watching_of(workspace: Workspace, environment: str) -> Watching:
    """The steps of watches in an environment, for this process."""
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
        rules=observing_of(plan).rules(plan.watch.rules if plan.watch is not None else WatchRules()),
        me=me,
        look=Looking(workspace.settings.tools.cache_dir, lambda: workspace.forge).watcher,
        by=workspace.by,
        pipeline_of=workspace.configured.pipeline_of,
        never=own_repository.why_alert_only(workspace),
        can_roll_back=plan.rollback != "",
    )
