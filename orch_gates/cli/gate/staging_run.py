"""One run of the staging verdict: run the checks where asked to, gather, judge, write the report and read it back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from orch_gates import clock
from orch_gates import settings as settings_module
from orch_gates.cli.job import wrapped
from orch_gates.cli.options import ForgeOptions
from orch_gates.documents.frontmatter import MAX_DOCUMENT
from orch_gates.errors import ConfigError, OrchError, ProcessError
from orch_gates.gates import gate, recorded
from orch_gates.gates.security import allowlist_file
from orch_gates.gates.security.redacting import Redactor
from orch_gates.gates.staging import gather, judge, ran
from orch_gates.gates.staging.gather import Fresh
from orch_gates.gates.staging.judge import Before, Judged, StagingFacts
from orch_gates.gates.staging.redacted import redacted
from orch_gates.git.cli import Git
from orch_gates.jobs import command
from orch_gates.model.verdict import Outcome, Scalar
from orch_gates.report import files
from orch_gates.report import recorded as reports
from orch_gates.results.model import Format
from orch_gates.tasks.record import newest_report
from orch_gates.workspace import Workspace, open_workspace

_WORDS = {Outcome.PASS: "SUCCESS", Outcome.FAIL: "FAILED"}


@dataclass(frozen=True, slots=True)
class StagingRequest:
    """What the command line asks: either the `exit_code` of a run that is over, or the `argv` of one to make.

    `previous` is a report to compare with; `task` takes the newest one that is recorded for it.
    """

    files: tuple[str, ...]
    exit_code: int | None
    argv: tuple[str, ...] = ()
    format: Format | None = None
    strict: bool = False
    timeout: float | None = None
    previous: Path | None = None
    task: str = ""
    to_stderr: bool = False


@dataclass(frozen=True, slots=True)
class _Ended:
    """How the run that is judged ended; `broken` says why it proves nothing."""

    exit_code: int
    broken: tuple[str, ...] = ()
    fresh: Fresh | None = None
    about: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Previous:
    """The run before this one: `doubt` is shown where nothing is known of it, `broken` where its report is none."""

    before: Before = field(default_factory=Before)
    doubt: str = ""
    broken: str = ""


@dataclass(frozen=True, slots=True)
class StagingAnswer:
    """What was judged, where the report is, and the workspace, where one could be opened."""

    judged: Judged
    report: Path | None = None
    workspace: Workspace | None = None


def answer(
    directory: Path, head: str, request: StagingRequest, report: Path | None, options: ForgeOptions, git: Git
) -> StagingAnswer:
    """The verdict on the commit `head`, as it was read back from the report; `report` was looked at before.

    A gate that is out of scope runs and writes nothing (GATE-3).

    Raises:
        ReportError: something is at the report's place that is no report.
    """
    if (skip := gate.out_of_scope(judge.GATE, settings_module.load(overrides=options.overrides))) is not None:
        return StagingAnswer(Judged(skip, ran.ChecksRun()))
    if report is None:
        files.make_folder(allowlist_file.private_dir(git))
    path = report or allowlist_file.private_dir(git) / files.STAGING_REPORT
    previous = _of_file(request.previous)
    # A run that is killed half-way must not leave an older verdict to be believed.
    files.remove(path)
    try:
        workspace = open_workspace(directory, options.overrides, options.observe, before_push=True)
    except ConfigError as error:
        return StagingAnswer(Judged(judge.undecided(str(error)), ran.ChecksRun()))
    except OrchError as error:
        return StagingAnswer(
            _written(path, Judged(judge.broken(str(error)), ran.ChecksRun()), head, clock.utc_now()), path
        )
    if (skip := gate.out_of_scope(judge.GATE, workspace.settings)) is not None:
        return StagingAnswer(Judged(skip, ran.ChecksRun()), None, workspace)
    try:
        redactor = Redactor(workspace.settings, wrapped.own_rules(workspace))
    except OrchError as error:
        return StagingAnswer(
            _written(path, Judged(judge.broken(str(error)), ran.ChecksRun()), head, clock.utc_now()), path
        )
    with redactor.loading():
        found = redacted(_Run(workspace, head, request).judged(previous), redactor.redact_all)
    return StagingAnswer(_written(path, found, head, clock.utc_now()), path, workspace)


@dataclass(frozen=True, slots=True)
class _Run:
    workspace: Workspace
    head: str
    request: StagingRequest

    def judged(self, previous: _Previous) -> Judged:
        """What is found of the run; whatever goes wrong on the way is a verdict too (P3)."""
        try:
            if self.request.task:
                previous = self._of_task()
            ended = self._ended()
            facts = StagingFacts(
                gather.results(self.request.files, self.request.format, ended.fresh),
                ended.exit_code,
                gather.rules(self.workspace.settings.staging, strict=self.request.strict),
                before=previous.before,
                broken=(*ended.broken, *([previous.broken] if previous.broken else [])),
                doubts=(previous.doubt,) if previous.doubt else (),
                about={"head": self.head, **ended.about},
            )
            facts = gather.with_list(self.workspace.git, facts, self.workspace.config.revision)
            return judge.judge(facts, clock.utc_now().date())
        except OrchError as error:
            return Judged(judge.broken(str(error)), previous.before.ran)
        except Exception as error:  # noqa: BLE001 - whatever hostile results provoke is FAILED (STG-1, P3)
            return Judged(judge.broken(f"{type(error).__name__}: {error}"), previous.before.ran)

    def _ended(self) -> _Ended:
        if not self.request.argv:
            assert self.request.exit_code is not None
            return _Ended(self.request.exit_code)
        settings, git = self.workspace.settings, self.workspace.git
        env = wrapped.inherited(settings, keep_token=False)
        timeout = settings.staging.timeout if self.request.timeout is None else self.request.timeout
        before_it, began = git.text("rev-parse", "HEAD"), clock.monotonic()
        fresh = gather.remembered(self.request.files, int(clock.utc_now().timestamp() * 1e9))
        try:
            done = command.run(self.request.argv, env=env, timeout=timeout, keep=1, to_stderr=self.request.to_stderr)
        except ProcessError as error:
            return _Ended(wrapped.NO_PROGRAM, (str(error),), fresh)
        broken = [f"the command did not finish within {timeout:g} s"] if done.timed_out else []
        if git.text("rev-parse", "HEAD") != before_it:
            broken.append("the command moved HEAD, so the checked commit is unknown")
        return _Ended(done.exit_code, tuple(broken), fresh, {"seconds": round(clock.monotonic() - began)})

    def _of_task(self) -> _Previous:
        text = newest_report(self.workspace.store.load(), self.request.task, gather.report_record().file)
        if text is None:
            return _Previous(doubt=f"no staging report is recorded for {self.request.task} yet, so nothing is compared")
        return _parsed(text, f"the newest staging report of {self.request.task}")


def _of_file(path: Path | None) -> _Previous:
    """What a named report keeps; an absent one is the first run's."""
    if path is None:
        return _Previous()
    if not os.path.lexists(path):
        return _Previous(doubt=f"there is no {path} yet, so nothing is compared with the last run")
    try:
        return _parsed(files.read(path, MAX_DOCUMENT), str(path))
    except OrchError as error:
        return _Previous(broken=str(error))


def _parsed(text: str, name: str) -> _Previous:
    try:
        return _Previous(gather.previous_run(text))
    except OrchError as error:
        return _Previous(broken=f"{name} cannot be compared with: {error}")


def _written(path: Path, judged: Judged, head: str, now: datetime) -> Judged:
    """The verdict as the gate on an edge reads it from the report; without a report it is FAILED."""
    verdict, record = judged.verdict, gather.report_record()
    try:
        word = {record.field: _WORDS[verdict.outcome]}
        text = reports.write(path, verdict, word=word, head=head, now=now, more=ran.text(judged.ran))
        _, outcome = recorded.read(record, text)
    except OrchError as error:
        failed = replace(verdict, outcome=Outcome.FAIL, reason=f"the required report is not usable: {error}")
        return replace(judged, verdict=failed)
    return judged if outcome is verdict.outcome else replace(judged, verdict=replace(verdict, outcome=Outcome.FAIL))
