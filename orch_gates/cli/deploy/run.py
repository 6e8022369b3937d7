"""One deploy, from a command: take the environment, run the command, record what it came to, advance (DEP-1)."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from orch_gates import clock
from orch_gates.cli.boundary import say
from orch_gates.cli.deploy import deploy_context
from orch_gates.cli.job import wrapped
from orch_gates.cli.job.dispatch_now import start_due
from orch_gates.deploy.contract import Began, Claim, DeployRequest, Deploys, Stopped
from orch_gates.deploy.deploy_end import DeployOutput
from orch_gates.documents.escape import markdown, visible
from orch_gates.engine.deploys import Conclusion, DeployEnd, end_of
from orch_gates.errors import OrchError, ProcessError
from orch_gates.gates.security.redacting import Redactor
from orch_gates.jobs import command, output, spool
from orch_gates.jobs.command import CommandEnd
from orch_gates.model.feedback import one_line
from orch_gates.model.verdict import Outcome
from orch_gates.report import output_path
from orch_gates.workspace import Workspace

# What could not be recorded, nobody has decided.
_NOT_RECORDED = 2
_EXIT = {DeployEnd.DEPLOYED: 0, DeployEnd.FAILED: 1, DeployEnd.REFUSED: 2, DeployEnd.UNKNOWN: 2}


@dataclass(frozen=True, slots=True)
class DeployOptions:
    """How a deploy is made: `timeout` in seconds; `keep_token`: the command gets our secrets too."""

    timeout: float = deploy_context.DEFAULT_TIMEOUT_S
    advance: bool = True
    keep_token: bool = False
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What came of a rollback; without a `deploy` it did not begin."""

    deploy: str
    reason: str
    well: bool


@dataclass
class DeployRun:
    """One call of `deploy`; standard output is the command's alone."""

    workspace: Workspace
    wanted: DeployRequest
    options: DeployOptions
    _outputs: dict[str, str] = field(default_factory=dict)
    _rollback_image: str = ""

    def go(self, argv: Sequence[str]) -> int:
        """Deploy; the answer is the exit code.

        Raises:
            OrchError: it did not begin.
        """
        output_path.check_runner_files(self.workspace.settings.ci)
        deploys = self._deploys()
        redactor = Redactor(self.workspace.settings, wrapped.own_rules(self.workspace))
        with redactor.loading():
            begun = deploys.begin(self.wanted, clock.utc_now())
            if isinstance(begun, Stopped):
                return self._stopped(begun)
            running = begun.running
            self._about(f"deploy {running.deploy} of {running.revision[:10]} to {begun.environment} begins")
            with command.undisturbed():
                code = self._deployed(deploys, begun, argv, redactor)
        self._publish()
        return code

    def roll_back(self, deploy: str, claim: Claim, argv: Sequence[str]) -> RolledBack:
        """Bring back the last verified deploy in the place of another one, once that is claimed.

        Raises:
            OrchError: it did not begin.
        """
        deploys = self._deploys()
        redactor = Redactor(self.workspace.settings, wrapped.own_rules(self.workspace))
        with redactor.loading():
            begun = deploys.begin_rollback(self.wanted.environment, deploy, clock.utc_now(), claim)
            if isinstance(begun, Stopped):
                return RolledBack("", begun.reason, well=False)
            self._about(f"deploy {begun.running.deploy} of {begun.running.revision[:10]} rolls back {deploy}")
            with command.undisturbed():
                code = self._deployed(deploys, begun, argv, redactor)
        return RolledBack(begun.running.deploy, self._outputs["reason"], well=code == 0)

    def _stopped(self, stopped: Stopped) -> int:
        """Nothing is run; a deploy that was killed before its task moved on is made up for."""
        self._about(stopped.reason)
        status = DeployEnd.DEPLOYED.value if stopped.outcome is Outcome.PASS else ""
        deployed = stopped.deployed
        self._outputs = {
            "status": status,
            "exit-code": str(stopped.outcome.exit_code),
            "deploy": deployed.deploy if deployed is not None else "",
            "revision": deployed.revision if deployed is not None else "",
            "reason": stopped.reason,
        }
        # Of one that is lost, the task is held by its gate.
        ours = stopped.lost is not None and stopped.lost.task == self.wanted.task
        if self.options.advance and (ours or stopped.outcome is Outcome.PASS):
            self._advance()
        self._publish()
        return stopped.outcome.exit_code

    def _deployed(self, deploys: Deploys, begun: Began, argv: Sequence[str], redactor: Redactor) -> int:
        cache, deploy = self.workspace.settings.tools.cache_dir, begun.running.deploy
        # What a rollback is to mend is no measure for it.
        rollback = begun.running.rollback_of
        baseline = None if rollback else deploy_context.baseline_of(self.workspace, begun.environment, self._about)
        warning = self._look_for_rollback(begun)
        ended, conclusion, code = self._command(argv, begun)
        try:
            # Before anybody else is asked: a sweep on this machine can record the end by it.
            spool.write(cache, deploy, spool.ExitRecord(code, conclusion.reason, conclusion.at))
        except OrchError as failed:
            self._about(f"could not save the result on this machine: {failed}")
        shown, note = wrapped.kept(ended, redactor)
        line = f"deploy {deploy} {conclusion.end}: {conclusion.reason}"
        try:
            recorded = deploys.end(
                begun, conclusion, DeployOutput(output.block(shown), note, baseline, markdown(warning))
            )
        except OrchError as failed:
            self._about(f"{line}; could not record the result: {failed}; a sweep on this machine will record it")
            self._set_outputs(
                begun, conclusion, _NOT_RECORDED, status="", why=f"{conclusion.reason}; not recorded: {failed}"
            )
            return _NOT_RECORDED
        try:
            spool.remove(cache, deploy)
        except OrchError as failed:
            self._about(f"could not delete the local record: {failed}")
        if not recorded.ours:
            why = "a person or a sweep has already recorded the result"
            self._about(f"{line}; not recorded: {why}; see `orch-gates env show {begun.environment}`")
            self._set_outputs(begun, conclusion, _NOT_RECORDED, status="", why=why)
            return _NOT_RECORDED
        self._about(line + (f" ({note})" if note else ""))
        self._set_outputs(begun, conclusion, _EXIT[conclusion.end], status=conclusion.end.word, why=conclusion.reason)
        if self.options.advance:
            self._advance()
        return _EXIT[conclusion.end]

    def _look_for_rollback(self, begun: Began) -> str:
        """Say before the command runs what became of the image that it would be rolled back to."""
        found = deploy_context.rollback_image_of(self.workspace, begun)
        if found is None:
            return ""
        self._rollback_image = found.presence.value
        if found.warning:
            self._about(found.warning)
        return found.warning

    def _command(self, argv: Sequence[str], begun: Began) -> tuple[CommandEnd, Conclusion, int | None]:
        """How the command ended, what that means, and the exit code that a sweep would tell it by."""
        running = begun.running
        env = wrapped.inherited(self.workspace.settings, keep_token=self.options.keep_token) | {
            "EXPECTED_REVISION": running.revision,
            "EXPECTED_DIGEST": running.digest,
            "ORCH_ENVIRONMENT": begun.environment,
            "ORCH_DEPLOY": running.deploy,
            "ORCH_GENERATION": str(begun.generation),
            "ORCH_ROLLBACK_OF": running.rollback_of,
            "ORCH_TASK": running.task,
        }
        try:
            ended = command.run(argv, env=env, timeout=self.options.timeout, keep=output.KEPT)
        except ProcessError as error:
            # Nothing was begun, so nothing has changed.
            conclusion = Conclusion(DeployEnd.REFUSED, one_line(str(error)), clock.utc_now())
            return CommandEnd(wrapped.NO_PROGRAM), conclusion, _EXIT[DeployEnd.REFUSED]
        end = end_of(ended.returncode, timed_out=ended.timed_out)
        code = None if ended.timed_out else ended.returncode
        return ended, Conclusion(end, wrapped.how(ended, self.options.timeout), clock.utc_now()), code

    def _advance(self) -> None:
        self._outputs |= wrapped.advance(self.workspace, self.wanted.task, self._print_line, quiet=self.options.quiet)
        start_due(self.workspace, self._print_line)

    def _set_outputs(self, begun: Began, conclusion: Conclusion, code: int, *, status: str, why: str) -> None:
        self._outputs = {
            "status": status,
            "exit-code": str(code),
            "deploy": begun.running.deploy,
            "revision": begun.running.revision,
            "digest": begun.running.digest,
            "rollback-image": self._rollback_image,
            "reason": why or conclusion.reason,
        }

    def _publish(self) -> None:
        where = f"{self.wanted.task} to {self.wanted.environment}"
        missing = self._outputs.get("rollback-image") == "missing"
        gone = "the last verified image is no longer in its registry, so a rollback is impossible; push it again."
        lost = f" WARNING: {gone}" if missing else ""
        line = markdown(f"{where}: {self._outputs['status']} {self._outputs['reason']}{lost}")
        wrapped.publish(self.workspace, self._outputs, f"**Deploy** {line}", self._print_line)

    def _about(self, line: str) -> None:
        self._print_line(f"{self.wanted.task}: {line}")

    def _print_line(self, line: str) -> None:
        if not self.options.quiet:
            say(f"orch-gates: {visible(line)}\n", to=sys.stderr)

    def _deploys(self) -> Deploys:
        workspace = self.workspace
        return Deploys(
            store=workspace.store,
            configured=workspace.configured,
            recorder=deploy_context.recorder_of(workspace),
            look=deploy_context.look_of(workspace),
            head_of=workspace.heads.of,
            by=workspace.by,
            runner=wrapped.runner_of(workspace),
            process=wrapped.process_of(),
            ci=wrapped.ci_run_of(workspace.settings),
            nonce=lambda: secrets.token_hex(8),
            timeout=timedelta(seconds=self.options.timeout),
            declared=workspace.config.environments,
        )
