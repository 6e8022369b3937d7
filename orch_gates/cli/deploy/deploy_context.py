"""What the commands about deploys and watches have in common: who records, who is looked for, by which rules."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from orch_gates import clock
from orch_gates.cli import own_repository
from orch_gates.cli.job import wrapped
from orch_gates.deploy import rollback_image, watches
from orch_gates.deploy.contract import Began
from orch_gates.deploy.deploy_end import Arming, DeployRecorder, Look
from orch_gates.deploy.rollback_image import Presence, RollbackImage
from orch_gates.deploy.sources.sampler import Sampler, sampler_of
from orch_gates.deploy.watch import Watching
from orch_gates.engine.watch_assessment import WatchRules
from orch_gates.engine.watch_plan import EnvironmentPlan, WatchPlan
from orch_gates.errors import UsageError
from orch_gates.model.environment import DIGEST
from orch_gates.model.feedback import one_line
from orch_gates.model.ids import timestamp
from orch_gates.model.watch import Sample, Watcher
from orch_gates.sweep.look import Looking
from orch_gates.workspace import Workspace

DEFAULT_TIMEOUT_S = 1800.0


def plan_of(workspace: Workspace, environment: str) -> EnvironmentPlan:
    """What is configured about an environment; nothing where nothing is."""
    return workspace.config.environments.get(environment) or EnvironmentPlan(environment)


def recorder_of(workspace: Workspace) -> DeployRecorder:
    """Records how deploys ended."""
    return DeployRecorder(workspace.store, partial(_arming, workspace), _looking(workspace).forget)


def look_of(workspace: Workspace) -> Look:
    """Sees whether a deploy lives, as this machine and the forge tell."""
    looking = _looking(workspace)
    return lambda running: looking.deploy(running, workspace.now)


def baseline_of(workspace: Workspace, environment: str, tell: Callable[[str], None]) -> Sample | None:
    """What is seen of an environment before a deploy; None where it is not watched, or, which is told, not known."""
    plan = plan_of(workspace, environment)
    if plan.watch is None:
        return None
    sampler = sampler_for(plan)
    try:
        return watches.taken(sampler.before(plan.watch.rules.failures), clock.utc_now())
    except Exception as error:  # noqa: BLE001 - a deploy does not depend on what was seen before it (P3)
        tell(f"could not measure {environment} before the deploy, so every error counts: {error}")
        return None
    finally:
        sampler.close()


def sampler_for(plan: EnvironmentPlan) -> Sampler:
    """What is asked about an environment; nothing where its watch was taken out of the configuration."""
    return sampler_of(plan.watch or WatchPlan())


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
        rules=sampler_for(plan).rules(plan.watch.rules if plan.watch is not None else WatchRules()),
        me=me,
        look=Looking(workspace.settings.tools.cache_dir, lambda: workspace.forge).watcher,
        by=workspace.by,
        pipeline_of=workspace.configured.pipeline_of,
        never=own_repository.why_alert_only(workspace),
        can_roll_back=plan.rollback != "",
    )


def rollback_image_of(workspace: Workspace, begun: Began) -> RollbackImage | None:
    """What became of the image that a deploy would be rolled back to; None where that is none, or recorded nowhere."""
    try:
        found = rollback_image.looked_for(workspace.store.load(), begun.environment, begun.running)
        return None if found is None else rollback_image.ask(*found, workspace.settings.registry)
    except Exception as error:  # noqa: BLE001 - a deploy does not depend on whether it could be asked (P3)
        return RollbackImage(Presence.UNKNOWN, f"could not check whether the last verified image still exists: {error}")


def timeout_of(workspace: Workspace, environment: str) -> float:
    """How many seconds a deploy to an environment may take, where nobody says otherwise."""
    return float(plan_of(workspace, environment).deploy_timeout or DEFAULT_TIMEOUT_S)


def digest_named(text: str) -> str:
    """The image that an option names.

    Raises:
        UsageError: that is no digest.
    """
    if text and not DIGEST.fullmatch(text):
        raise UsageError("--digest must be `sha256:` and 64 hexadecimal digits, or `sha512:` and 128")
    return text


def _looking(workspace: Workspace) -> Looking:
    return Looking(workspace.settings.tools.cache_dir, lambda: workspace.forge)


def _arming(workspace: Workspace, environment: str) -> Arming | None:
    """How an environment is watched; None where it is not."""
    plan = workspace.config.environments.get(environment)
    if plan is None or plan.watch is None:
        return None
    rules = plan.watch.rules
    return Arming(timedelta(seconds=rules.window), timedelta(seconds=rules.every))
