"""The end of a deploy, recorded in one commit: the environment, the task's report, the watch that is armed (DEP-1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from orch_gates.deploy import deploy_report, environments
from orch_gates.deploy.deploy_report import DeployResult
from orch_gates.engine import deploys
from orch_gates.engine.deploys import Conclusion, DeployEnd
from orch_gates.engine.sighting import Sighting
from orch_gates.errors import StateDenied
from orch_gates.model.environment import Environment, Running
from orch_gates.model.watch import Sample
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Change, Store


@dataclass(frozen=True, slots=True)
class Arming:
    """How long a deploy is watched, and how often it is looked at."""

    window: timedelta
    every: timedelta


@dataclass(frozen=True, slots=True)
class DeployOutput:
    """The end of what its command wrote, as Markdown without secrets, and what is to be said about that.

    `baseline`: what was seen of the environment before the command; `warning`: what a person should know of it then, as
    Markdown.
    """

    output: str = ""
    note: str = ""
    baseline: Sample | None = None
    warning: str = ""


@dataclass(frozen=True, slots=True)
class RecordedDeploy:
    """The environment after it, and what came of the deploy; not `ours` where somebody recorded otherwise before."""

    environment: Environment
    running: Running
    conclusion: Conclusion
    ours: bool


Look = Callable[[Running], Sighting]
NOTHING_KEPT = DeployOutput()


@dataclass(frozen=True, slots=True)
class DeployRecorder:
    """Records how deploys ended.

    `arming_of` says how an environment is watched, None where it is not. `forget` is told of a deploy whose end is
    recorded by what this machine kept of it.
    """

    store: Store
    arming_of: Callable[[str], Arming | None]
    forget: Callable[[str], None]

    def record(
        self, name: str, begun: Running, conclusion: Conclusion, kept: DeployOutput = NOTHING_KEPT
    ) -> RecordedDeploy:
        """Record what a deploy to an environment came to, unless that is settled by now.

        Raises:
            StateError: it could not be recorded.
        """
        try:
            return self._recorded(name, begun, conclusion, kept)
        except StateDenied:
            if not kept.output:
                raise
        # A server's own rules may find in the output what is no secret here; how it ended counts more.
        less = replace(kept, output="", note="the command's output is not saved: the server refused it")
        return self._recorded(name, begun, conclusion, less)

    def lost(self, name: str, look: Look, now: datetime) -> RecordedDeploy | None:
        """Record the end of a deploy of which nobody did, as one look at it tells; None where there is none.

        Raises:
            UsageError, StateError: as `environments.page`; or it could not be recorded.
        """
        running = environments.page(self.store.load(), name).environment.running
        if running is None or (conclusion := deploys.seen(running, look(running), now)) is None:
            return None
        recorded = self.record(name, running, conclusion)
        if not recorded.ours:
            return None
        self.forget(running.deploy)
        return recorded

    def _recorded(self, name: str, begun: Running, conclusion: Conclusion, kept: DeployOutput) -> RecordedDeploy:
        arming = self.arming_of(name) if conclusion.end is DeployEnd.DEPLOYED else None
        found: RecordedDeploy | None = None

        def decision(snapshot: Snapshot) -> Change | None:
            nonlocal found
            page = environments.page(snapshot, name)
            after = deploys.finished(page.environment, begun.deploy, conclusion, watched=arming is not None)
            # A sweep may have recorded the very same, by what this machine keeps of it.
            same = conclusion.end is DeployEnd.DEPLOYED and begun.deploy in {
                one.deploy for one in page.environment.history
            }
            found = RecordedDeploy(after or page.environment, begun, conclusion, ours=after is not None or same)
            if after is None:
                return None
            result = DeployResult(conclusion.end, conclusion.reason, _next_step(name, begun, conclusion.end))
            notes = "".join(f"\n{note}\n" for note in (kept.warning, kept.note) if note)
            result = replace(result, more=notes + kept.output)
            line = f"deploy {begun.deploy} of {begun.task} {conclusion.end}: {conclusion.reason}"
            writes = environments.changed(page, after, conclusion.at, line)
            writes |= deploy_report.written(snapshot, name, after.generation, begun, result, conclusion.at)
            if arming is not None:
                watch = deploys.armed(begun, name, conclusion.at, arming.window, arming.every, kept.baseline)
                writes |= environments.new_watch(watch, conclusion.at)
            return Change(
                event="deploy-end",
                task=begun.task,
                subject=f"{begun.task}: deploy {begun.deploy} to {name}: {conclusion.end}",
                body=conclusion.reason,
                writes=writes,
            )

        self.store.transact(decision, others_wait=conclusion.end is DeployEnd.DEPLOYED)
        assert found is not None
        return found


def _next_step(name: str, begun: Running, end: DeployEnd) -> str:
    resume = f"`orch-gates task resume {begun.task}`"
    match end:
        case DeployEnd.DEPLOYED:
            return ""
        case DeployEnd.FAILED:
            return "Fix what the command says, and push."
        case DeployEnd.REFUSED:
            return f"Fix why the command refused, then {resume}, and deploy again."
        case DeployEnd.UNKNOWN:
            settle = f"`orch-gates env settle {name} --runs DEPLOY|REVISION --reason TEXT`"
            return f"Check what {name} runs, and record it: {settle}; then {resume}."
