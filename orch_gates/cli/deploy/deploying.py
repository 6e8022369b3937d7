"""What the commands about deploys have in common: how the ends of deploys are recorded, and who is looked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from orch_gates import clock
from orch_gates.cli.deploy import watching
from orch_gates.deploy import rollback_image, watches
from orch_gates.deploy.contract import Began
from orch_gates.deploy.ending import Arming, Endings, Look
from orch_gates.deploy.rollback_image import Presence, RollbackImage
from orch_gates.errors import UsageError
from orch_gates.model.environment import DIGEST
from orch_gates.model.watch import Sample
from orch_gates.sweep.look import Looking
from orch_gates.workspace import Workspace

DEFAULT_TIMEOUT_S = 1800.0


def endings_of(workspace: Workspace) -> Endings:
    """Records how deploys ended."""
    return Endings(workspace.store, partial(_arming, workspace), _looking(workspace).forget)


def look_of(workspace: Workspace) -> Look:
    """Sees whether a deploy lives, as this machine and the forge tell."""
    looking = _looking(workspace)
    return lambda running: looking.deploy(running, workspace.now)


def baseline_of(workspace: Workspace, environment: str, tell: Callable[[str], None]) -> Sample | None:
    """What is seen of an environment before a deploy; None where it is not watched, or, which is told, not known."""
    plan = watching.plan_of(workspace, environment)
    if plan.watch is None:
        return None
    observing = watching.observing_of(plan)
    try:
        return watches.taken(observing.before(plan.watch.rules.failures), clock.utc_now())
    except Exception as error:  # noqa: BLE001 - a deploy does not depend on what was seen before it (P3)
        tell(f"could not measure {environment} before the deploy, so every error counts: {error}")
        return None
    finally:
        observing.close()


def rollback_image_of(workspace: Workspace, begun: Began) -> RollbackImage | None:
    """What became of the image that a deploy would be rolled back to; None where that is none, or recorded nowhere."""
    try:
        found = rollback_image.looked_for(workspace.store.load(), begun.environment, begun.running)
        return None if found is None else rollback_image.ask(*found, workspace.settings.registry)
    except Exception as error:  # noqa: BLE001 - a deploy does not depend on whether it could be asked (P3)
        return RollbackImage(Presence.UNKNOWN, f"could not check whether the last verified image still exists: {error}")


def timeout_of(workspace: Workspace, environment: str) -> float:
    """How many seconds a deploy to an environment may take, where nobody says otherwise."""
    return float(watching.plan_of(workspace, environment).deploy_timeout or DEFAULT_TIMEOUT_S)


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
