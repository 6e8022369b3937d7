"""One run of a task's work, from a command: begin, run the command, end, and advance through the gate (JOB-1)."""

from __future__ import annotations

import secrets
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from orch_gates import clock
from orch_gates.cli.boundary import say
from orch_gates.cli.job import wrapped
from orch_gates.cli.job.dispatch_now import start_due
from orch_gates.cli.task.why import stopped_by_person
from orch_gates.config import file as config_file
from orch_gates.documents.escape import markdown, visible
from orch_gates.errors import JobWaits, OrchError, ProcessError, SettingsError
from orch_gates.gates.security.redacting import Redactor
from orch_gates.jobs import command, environment, output, spool
from orch_gates.jobs.command import CommandEnd
from orch_gates.jobs.run import Began, CommandOutcome, NotQueued, RecordedEnd, RunRequest, Runs, took
from orch_gates.model.job import Job
from orch_gates.report import output_path
from orch_gates.settings import Settings
from orch_gates.tasks import book
from orch_gates.workspace import Workspace


@dataclass(frozen=True, slots=True)
class JobOptions:
    """How a run is made: `timeout` in seconds, 0 for no bound; `keep_token`: the command gets our secrets too.

    `most_output`: how many bytes of each stream are passed on; None for all.
    """

    timeout: float
    advance: bool = True
    keep_token: bool = False
    quiet: bool = False
    most_output: int | None = None


@dataclass
class JobRun:
    """One call of `job run`; standard output is the command's alone."""

    workspace: Workspace
    wanted: RunRequest
    options: JobOptions
    _outputs: dict[str, str] = field(default_factory=dict)

    def go(self, argv: Sequence[str]) -> int:
        """Make the run; the answer is the exit code.

        Raises:
            OrchError: it did not begin.
        """
        output_path.check_runner_files(self.workspace.settings.ci)
        # What a person starts by hand is that person's word; a dispatch is not (REC-5).
        if self.wanted.attempt and (why := self._stopped()):
            raise JobWaits(f"{self.wanted.task}: {why}, so no job starts automatically")
        runs, redactor = self._runs(), Redactor(self.workspace.settings, wrapped.own_rules(self.workspace))
        with redactor.loading():
            began = runs.begin(self.wanted, clock.utc_now())
            if isinstance(began, NotQueued):
                self._print_line(f"{began.job.task}: {began.reason}")
                self._outputs = {"status": "", "exit-code": "0", "attempt": began.job.attempt, "reason": began.reason}
                self._publish(f"{began.job.task}: {began.reason}")
                return 0
            job = began.job
            self._print_line(f"{job.task}: run {job.number} of {job.role} begins (attempt {job.attempt})")
            with command.undisturbed():
                ended, error = self._command(argv, began)
                code, recorded = self._end(runs, began, ended, error, redactor)
        if recorded is not None and recorded.ours and ended.exit_code == 0 and self.options.advance:
            self._advance()
            start_due(self.workspace, self._print_line)
        self._publish(f"{job.task}: {job.role}, run {job.number}: {self._outputs['reason']}")
        return code

    def _command(self, argv: Sequence[str], began: Began) -> tuple[CommandEnd, str]:
        """How the command ended; and why it could not be started, if that was so."""
        settings = self.workspace.settings
        try:
            head = self.workspace.heads.of(began.task.branch)
        except OrchError:
            head = began.job.head
        with tempfile.TemporaryDirectory(prefix="orch-gates-", ignore_cleanup_errors=True) as folder:
            file = Path(folder) / "feedback.md"
            file.write_text(environment.feedback(began.task.feedback, began.task.id), "utf-8")
            env = wrapped.inherited(settings, keep_token=self.options.keep_token)
            env |= environment.variables(began.task, began.job, head, str(file))
            try:
                how = self.options
                most = how.most_output
                return command.run(argv, env=env, timeout=how.timeout, keep=output.KEPT, most=most), ""
            except ProcessError as error:
                return CommandEnd(wrapped.NO_PROGRAM), str(error)

    def _end(
        self, runs: Runs, began: Began, ended: CommandEnd, error: str, redactor: Redactor
    ) -> tuple[int, RecordedEnd | None]:
        """Record how it ended: the exit code of this command, and what was recorded, if that was possible."""
        cache, job, now = self.workspace.settings.tools.cache_dir, began.job, clock.utc_now()
        known = None if ended.timed_out and ended.returncode == 0 else ended.returncode
        reason = error or wrapped.how(ended, self.options.timeout)
        try:
            # Before anybody else is asked: a sweep on this machine can end the job by it.
            spool.write(cache, job.attempt, spool.ExitRecord(known, reason, now))
        except OrchError as failed:
            self._print_line(f"could not save the result on this machine: {failed}")
        shown, note = wrapped.kept(ended, redactor)
        outcome = CommandOutcome(known, reason, now, shown, note)
        try:
            recorded = runs.end(began, outcome, self.workspace.heads.of)
        except OrchError as failed:
            self._print_line(f"{job.task}: {reason}; could not record the result: {failed}; a sweep ends the job later")
            self._outputs = _outputs_of(
                job, "", ended.exit_code or failed.exit_code, f"{reason}; not recorded: {failed}"
            )
            return ended.exit_code or 2, None
        if recorded.ours:
            assert recorded.job is not None
            note = f" ({note})" if note else ""
            self._print_line(
                f"{job.task}: run {job.number} {recorded.job.status}: {reason}, after {took(recorded.job)}{note}"
            )
            if recorded.ready:
                self._print_line(f"{job.task}: marked as ready again")
            self._outputs = _outputs_of(job, recorded.job.status, ended.exit_code, reason)
        else:
            self._print_line(f"{job.task}: {reason}; not recorded: {recorded.reason}")
            status = recorded.job.status if recorded.job is not None else ""
            self._outputs = _outputs_of(job, status, ended.exit_code, recorded.reason)
        try:
            spool.remove(cache, job.attempt)
        except OrchError as failed:
            self._print_line(f"could not delete the local record: {failed}")
        return ended.exit_code, recorded

    def _advance(self) -> None:
        """One step through the gate: what it says changes no exit code, a sweep asks it again (REAP-3)."""
        if why := self._stopped():
            self._print_line(f"{self.wanted.task}: not advanced: {why}; a later sweep judges its gate")
            self._outputs |= {"verdict": "", "verdict-reason": why}
            return
        self._outputs |= wrapped.advance(self.workspace, self.wanted.task, self._print_line, quiet=self.options.quiet)

    def _stopped(self) -> str:
        """Why nothing automatic touches the task, as its issue says or could not be asked; empty where that is not so.

        Raises:
            UsageError: there is no such task.
            StateError: it cannot be read.
        """
        return stopped_by_person(self.workspace, book.need(self.workspace.store.load(), self.wanted.task).task)[0]

    def _publish(self, line: str) -> None:
        wrapped.publish(self.workspace, self._outputs, f"**Job** {markdown(line)}", self._print_line)

    def _print_line(self, line: str) -> None:
        if not self.options.quiet:
            say(f"orch-gates: {visible(line)}\n", to=sys.stderr)

    def _runs(self) -> Runs:
        workspace = self.workspace
        # A role has its bound also where nobody dispatches it.
        rules = replace(config_file.rules(workspace.config, workspace.settings), roles=workspace.config.roles)
        return Runs(
            store=workspace.store,
            configured=workspace.configured,
            rules=rules,
            by=workspace.by,
            runner=wrapped.runner_of(workspace),
            process=wrapped.process_of(),
            ci=wrapped.ci_run_of(workspace.settings),
            nonce=lambda: secrets.token_hex(8),
        )


def timeout_of(settings: Settings, given: float | None) -> float:
    """The time that a command has: as given, else until a sweep would end the job anyway."""
    if given is not None:
        return given
    return float(settings.sweep.max_running) if settings.sweep.reaper_enabled else 0.0


def wanted_of(settings: Settings, task: str, role: str, attempt: str) -> RunRequest:
    """The work to begin, by the command line or as a dispatch hands it over.

    Raises:
        SettingsError: the task or the role is not named.
    """
    given = settings.handed_over
    ours = not task or task == given.task
    for name, value in (("--task (ORCH_TASK)", task or given.task), ("--role (ORCH_ROLE)", role or given.role)):
        if not value:
            raise SettingsError(f"{name} is missing: name the task and role")
    # An attempt belongs to its task: a command of one task may start the work of another.
    return RunRequest(task or given.task, role or given.role, attempt or (given.attempt if ours else ""))


def _outputs_of(job: Job, status: str, code: int, reason: str) -> dict[str, str]:
    return {"status": str(status), "exit-code": str(code), "attempt": job.attempt, "reason": reason}
