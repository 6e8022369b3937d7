"""One run of the `security` gate: resolve, gather, judge, write the report and read it back (SEC-8)."""

from __future__ import annotations

import importlib
import threading
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from orch_gates import workspace
from orch_gates.config import file as config_file
from orch_gates.errors import ConfigError, OrchError, ReportError
from orch_gates.gates import range as ranges
from orch_gates.gates.range import Range
from orch_gates.gates.security import allowlist_file, gather, judge, scan
from orch_gates.gates.security.judge import SecurityFacts
from orch_gates.gates.security.scan import SecretFacts, Unproven, Watch, unwatched
from orch_gates.git.cli import Git
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.report import files
from orch_gates.scanners import early
from orch_gates.scanners.engine import Engine
from orch_gates.settings import Settings


@dataclass(frozen=True, slots=True)
class SecurityRun:
    """The gate on `base..head` of the repository of `directory`, or on all it has; `watch` sees how far it is."""

    settings: Settings
    directory: Path
    base: str
    head: str
    strict: bool
    everything: bool = False
    watch: Watch = unwatched

    def judged(self, report: Path | None, now: datetime) -> tuple[Verdict, Path | None]:
        """The verdict as it was read back from the report, and where the report is.

        A gate that is out of scope writes nothing (GATE-3), nor does one that had nothing to judge (GATE-5). `report`
        has been looked at by `publish.outputs`.

        Raises:
            GitError: the directory is in no repository.
            ReportError: something is at the report's place that is no report.
        """
        if (skip := judge.out_of_scope(self.settings)) is not None:
            return skip, None
        # Loading the report's models takes as long as a small scan, so it goes on beside it.
        threading.Thread(target=importlib.import_module, args=["orch_gates.report.security"]).start()
        with early.taken() as started:
            git = workspace.repository(self.settings, self.directory)
            try:
                run: SecurityRun | OrchError = self._configured(git)
            except OrchError as error:
                run = error
            if not isinstance(run, OrchError) and (skip := judge.out_of_scope(run.settings)) is not None:
                return skip, None
            if report is None:
                files.make_folder(allowlist_file.private_dir(git))
            path = report or allowlist_file.private_dir(git) / files.SECURITY_REPORT
            # A run that is killed half-way must not leave an older verdict to be believed.
            files.remove(path)
            facts, verdict = _judge(run, git, started, now)
        if verdict.outcome is Outcome.SKIP:
            return verdict, None
        from orch_gates.report import security as reports

        try:
            reports.write(path, verdict, head=facts.head, base=facts.base, target=facts.target, now=now)
        except ReportError as error:
            return replace(verdict, outcome=Outcome.FAIL, reason=f"the required report is not usable: {error}"), path
        return reports.verdict_of(path, head=facts.head), path

    def scanned(self, git: Git) -> SecretFacts | Unproven:
        """The scan alone, without exceptions, audit or report.

        Raises:
            ConfigError: the configuration file on the target branch is unusable.
            OrchError: it could not be read.
        """
        return self._configured(git).facts(git, None).secrets

    def _configured(self, git: Git) -> SecurityRun:
        """The same run by the settings that the trusted configuration file leads to (P5)."""
        if self.everything:
            trusted = ranges.newest(git, self.settings)
        else:
            trusted = ranges.trusted(git, self.settings, base=self.base, head=self.head)
        merged, _ = config_file.configured(self.settings, git, trusted)
        return replace(self, settings=merged)

    def facts(self, git: Git, started: Engine | None) -> SecurityFacts:
        """All that the gate judges, in a run that is configured."""
        git = replace(git, timeout=self.settings.security.budget.seconds)
        try:
            found = self._range(git)
        except OrchError as error:
            return SecurityFacts(Unproven(str(error)))
        facts = SecurityFacts(
            secrets=scan.prove(
                self.settings, git, lambda bounded: self._subject(bounded, found), found.trusted, started=started
            ),
            base=found.base or "0" * len(found.head),
            head=found.head,
            target=found.target,
            dependencies=gather.audit(self.settings, git, found, strict=self.strict) if found.head else None,
        )
        return gather.with_exceptions(self.settings, git, facts, found.trusted)

    def _range(self, git: Git) -> Range:
        if self.everything:
            return ranges.everything(git, self.settings)
        return ranges.resolve(git, self.settings, base=self.base, head=self.head)

    def _subject(self, git: Git, found: Range) -> scan.ScanSubject:
        excluded = [found.base] if found.base else []
        tips = [tip for tip in (found.head, *found.refs) if tip]
        subject = scan.pushed(git, tips, excluded, self.settings.security.budget, names=found.names)
        return replace(subject, watch=self.watch)


def _judge(
    run: SecurityRun | OrchError, git: Git, started: Engine | None, now: datetime
) -> tuple[SecurityFacts, Verdict]:
    """What a configured run finds; or what it means that it could not be configured."""
    if isinstance(run, SecurityRun):
        try:
            facts = run.facts(git, started)
            verdict = judge.nothing_to_judge(facts, whole=run.everything) or judge.judge(facts, now)
            return facts, judge.about_the_past(verdict) if run.everything else verdict
        except ConfigError as error:
            run = error
    facts = SecurityFacts(Unproven(str(run)))
    return facts, judge.undecided(str(run)) if isinstance(run, ConfigError) else judge.judge(facts, now)
