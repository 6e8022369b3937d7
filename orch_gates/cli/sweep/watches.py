"""What a tick does about watches: it finishes those that nobody watches any more, with what follows (WCH-1)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from orch_gates.cli.deploy.deploy_context import watching_of
from orch_gates.cli.deploy.watch_run import roll_back
from orch_gates.deploy import environments
from orch_gates.deploy.watches import find, left, of_environment
from orch_gates.engine.watch_reaction import Finish
from orch_gates.model.environment import Environment
from orch_gates.model.watch import Act, Watch, WatchState
from orch_gates.sweep.parts import TickView, Unit
from orch_gates.sweep.unit_result import UnitResult
from orch_gates.workspace import Workspace

_KEY = "watch "


def watches(workspace: Workspace, seen: TickView) -> Iterator[Unit]:
    """Finish the watches of each environment that are over or were left; one that somebody watches is left alone."""
    if not workspace.settings.sweep.reaper_enabled:
        return
    for place in environments.read(seen.snapshot).pages:
        name = place.environment.name
        yield Unit(f"the watches of {name}", partial(_of_environment, workspace, seen, place.environment))


def _of_environment(workspace: Workspace, seen: TickView, environment: Environment) -> UnitResult:
    now = seen.now
    lines: list[str] = []
    problems: list[str] = []
    alerts: dict[str, str] = {}
    steps = watching_of(workspace, environment.name)
    for page in of_environment(seen.snapshot, environment.name):
        watch = page.watch
        if watch.state is WatchState.WATCHING:
            ticked = steps.finish(watch.deploy, now)
            if ticked is None or not isinstance(ticked.step, Finish):
                continue
            watch = ticked.watch
            lines.append(f"{watch.task}: the watch over deploy {watch.deploy} is {watch.verdict}: {watch.reason}")
        elif watch.reaction.what in {Act.PLANNED, Act.BEGAN} and steps.settle(watch.deploy, now):
            settled = find(steps.store.load(), watch.deploy)
            watch = settled.watch if settled is not None else watch
            lines.append(f"{watch.task}: the rollback of deploy {watch.deploy} is settled: {watch.reaction.why}")
        if watch.reaction.what is Act.PLANNED and left(page.body, now):
            done = roll_back(workspace, steps, watch)
            (lines if done.well else problems).append(f"{watch.task}: deploy {watch.deploy}: {done.reason}")
        runs = environment.current is not None and environment.current.deploy == watch.deploy
        if runs and watch.reaction.what is Act.ALERT:
            alerts[f"{_KEY}{environment.name} {watch.deploy}"] = _alert(watch)
    return UnitResult(tuple(lines), tuple(problems), alerts=alerts, looked=(f"{_KEY}{environment.name} ",))


def _alert(watch: Watch) -> str:
    what = f"deploy {watch.deploy} of {watch.task}, which is {watch.verdict}"
    return f"{watch.environment} runs {what}: {watch.reaction.why}"
