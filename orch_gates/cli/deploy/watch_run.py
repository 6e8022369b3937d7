"""One watch, from a command: samples when they are due, records, the end, and the one reaction (WCH-1..4)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from orch_gates import clock
from orch_gates.cli.boundary import say
from orch_gates.cli.deploy import deploy_context
from orch_gates.cli.deploy.deploy_context import timeout_of
from orch_gates.cli.deploy.run import DeployOptions, DeployRun, RolledBack
from orch_gates.deploy import watches
from orch_gates.deploy.contract import DeployRequest
from orch_gates.deploy.sources.sampler import Sampler
from orch_gates.deploy.watch import Ticked, Watching
from orch_gates.documents.escape import markdown, visible
from orch_gates.engine.watch_assessment import Sample
from orch_gates.engine.watch_reaction import Finish, Over
from orch_gates.errors import JobWaits, OrchError, StateError
from orch_gates.model.watch import Act, Watch, WatchState, WatchVerdict
from orch_gates.report import github
from orch_gates.workspace import Workspace

# Whoever asks a watch to end waits no longer than this.
_LOOKS_EVERY_S = 0.5
# A state branch that is not reached is tried again for so long behind the window.
_GRACE_S = 120
_EXIT = {WatchVerdict.HEALTHY: 0, WatchVerdict.DEGRADED: 1}


@dataclass
class WatchRun:
    """One call of `watch`; `ended` says that it is to come to its end, and to leave the rest to others."""

    workspace: Workspace
    environment: str
    ended: Callable[[], bool]
    quiet: bool = False
    _pending: list[Sample] = field(default_factory=list)
    _printed: tuple[str, int] = ("", 0)

    def go(self, deploy: str) -> Watch:
        """Watch a deploy to the end of its window, react, and watch the rollback if there is one.

        Raises:
            OrchError: it is not to be watched from here, or its end could not be recorded.
        """
        sampler = deploy_context.sampler_for(deploy_context.plan_of(self.workspace, self.environment))
        steps = deploy_context.watching_of(self.workspace, self.environment)
        watch = steps.take(deploy, clock.utc_now())
        if watch.state is not WatchState.OVER:
            try:
                watch = self._watched(steps, sampler, watch)
            except StateError:
                self._print_line(f"{watch.task}: could not record {len(self._pending)} samples")
                raise
            finally:
                sampler.close()
        if watch.reaction.what is Act.PLANNED:
            watch = self._roll_back(steps, watch)
        return watch

    def _watched(self, steps: Watching, sampler: Sampler, watch: Watch) -> Watch:
        """Sample after sample; what is not sampled in time is not made up for."""
        begun, behind = clock.monotonic(), watches.behind(watch, clock.utc_now())
        window = watches.window(watch)
        sampler.begin()
        due = behind
        while True:
            elapsed = round(behind + clock.monotonic() - begun)
            if elapsed < window:
                self._pending.append(sampler.sample(elapsed))
            ticked = self._tick(steps, watch.deploy, elapsed, window)
            if ticked is not None:
                watch = ticked.watch
                self._print_progress(ticked, elapsed, window)
                if isinstance(ticked.step, Finish | Over):
                    return watch
            due = max(due + watch.every_s, elapsed - elapsed % watch.every_s + watch.every_s)
            if elapsed < window:
                due = min(window, due)
            if not self._sleep(begun + due - behind):
                steps.leave(watch.deploy, self._pending, clock.utc_now())
                raise JobWaits(
                    f"{watch.task}: the watch of deploy {watch.deploy} was stopped here; a sweep continues it"
                )

    def _print_progress(self, ticked: Ticked, elapsed: int, window: int) -> None:
        """How far it is, as often as a person wants to read it: what is new, and each tenth of the window."""
        verdict, tenth = str(ticked.judged.verdict), 10 * elapsed // window
        if ticked.watch.state is WatchState.OVER or (verdict, tenth) != self._printed:
            self._printed = (verdict, tenth)
            self._print_line(f"{ticked.watch.task}: {self._line(ticked, elapsed, window)}")

    def _tick(self, steps: Watching, deploy: str, elapsed: int, window: int) -> Ticked | None:
        """One step; None where the state branch is not reached, which may pass."""
        try:
            ticked = steps.tick(deploy, self._pending, elapsed, clock.utc_now())
        except StateError as error:
            if elapsed >= window + _GRACE_S:
                raise
            self._print_line(f"could not reach the state branch; trying again: {error}")
            return None
        if watches.last_recorded(ticked.watch) >= max((one.at for one in self._pending), default=0):
            self._pending.clear()
        return ticked

    def _sleep(self, until: float) -> bool:
        """Wait; False where it is asked to end meanwhile."""
        while (left := until - clock.monotonic()) > 0:
            if self.ended():
                return False
            clock.sleep(min(left, _LOOKS_EVERY_S))
        return not self.ended()

    def _line(self, ticked: Ticked, elapsed: int, window: int) -> str:
        if ticked.watch.state is WatchState.OVER:
            return f"{ticked.watch.verdict}, {ticked.judged.coverage} observed: {ticked.watch.reason}"
        seen = {WatchVerdict.HEALTHY: "healthy", WatchVerdict.DEGRADED: "unhealthy"}
        so_far = seen.get(ticked.judged.verdict, "not healthy yet") if ticked.judged.observed else "nothing observed"
        why = "" if ticked.judged.verdict is WatchVerdict.HEALTHY else f": {ticked.judged.reason}"
        return f"{elapsed} of {window} s, {so_far} so far, {ticked.judged.coverage} observed{why}"

    def _roll_back(self, steps: Watching, watch: Watch) -> Watch:
        """The rollback that is planned: claimed, run under the contract of deploys, and watched in its turn."""
        done = roll_back(self.workspace, steps, watch)
        self._print_line(f"{watch.task}: the rollback {'is deployed' if done.well else 'failed'}: {done.reason}")
        if done.deploy and done.well:
            self._pending.clear()
            try:
                again = self.go(done.deploy)
                self._print_line(f"{watch.task}: the rollback {done.deploy} is {again.verdict}: {again.reason}")
            except OrchError as error:
                self._print_line(f"{watch.task}: the rollback {done.deploy} is not watched: {error}")
        page = watches.find(self.workspace.store.load(), watch.deploy)
        return page.watch if page is not None else watch

    def _print_line(self, line: str) -> None:
        if not self.quiet:
            say(f"orch-gates: {visible(line)}\n", to=sys.stderr)


def roll_back(workspace: Workspace, steps: Watching, watch: Watch) -> RolledBack:
    """Run the configured rollback of a watch that planned it, and record what came of it."""
    plan = deploy_context.plan_of(workspace, watch.environment)
    how = DeployOptions(timeout_of(workspace, watch.environment), advance=False)
    run = DeployRun(workspace, DeployRequest(watch.task, watch.environment), how)
    if not plan.rollback:
        done = RolledBack(
            "", "no rollback command is configured any more; set `rollback` of the environment", well=False
        )
    else:
        done = run.roll_back(watch.deploy, steps.claim(watch.deploy, clock.utc_now()), ["sh", "-c", plan.rollback])
    steps.reacted(watch.deploy, done.deploy, well=done.well, why=done.reason, now=clock.utc_now())
    return done


def exit_code(watch: Watch) -> int:
    """0 healthy, 1 degraded, 2 not known."""
    return _EXIT.get(watch.verdict, 2)


def publish(workspace: Workspace, watch: Watch) -> None:
    """The verdict for the steps after this one and for the run's page.

    Raises:
        OrchError: the runner's files cannot be written.
    """
    ci = workspace.settings.ci
    outputs = {"verdict": watch.verdict.value, "reason": watch.reason, "deploy": watch.deploy}
    outputs |= {"reaction": watch.reaction.what.value, "rollback": watch.reaction.deploy}
    github.set_outputs({name: visible(value) for name, value in outputs.items()}, ci)
    line = f"{watch.task} in {watch.environment}: {watch.verdict}: {watch.reason}"
    github.add_to_summary(f"**Watch** {markdown(line)}\n\n", ci)
