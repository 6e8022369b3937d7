"""A verdict everywhere it is looked for: SARIF file, annotations, step summary, step outputs (GATE-4)."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from orch_gates.cli.boundary import say
from orch_gates.errors import GitError, UsageError
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.settings import Settings


@dataclass(frozen=True, slots=True)
class Outputs:
    """The files that a person named for a verdict, with no link on the way to them; None where none was named."""

    report: Path | None = None
    sarif: Path | None = None


def outputs(settings: Settings, directory: Path, report: Path | None = None, sarif: Path | None = None) -> Outputs:
    """Look at every file that is going to be written, before anything is judged (GATE-6).

    Raises:
        UsageError: one of them is in no place for a file, or two are one.
    """
    from orch_gates.report import output_path

    output_path.check_runner_files(settings.ci)
    if report is None and sarif is None:
        return Outputs()
    top = _work_tree(settings, directory)
    named = Outputs(
        report and output_path.resolve(report, top, "--report"),
        sarif and output_path.resolve(sarif, top, "--sarif"),
    )
    if named.report is not None and named.report == named.sarif:
        raise UsageError("--report and --sarif name the same file; give each its own")
    return named


def _work_tree(settings: Settings, directory: Path) -> Path | None:
    from orch_gates.workspace import repository

    try:
        return Path(repository(settings, directory).text("rev-parse", "--show-toplevel"))
    except GitError:
        return None


def publish(settings: Settings, verdict: Verdict, report: Path | None, sarif: Path | None, *, as_json: bool) -> None:
    """Publish a verdict; `report` and `sarif` are files, where there are such."""
    from orch_gates.documents import escape
    from orch_gates.report import files, github
    from orch_gates.report.sarif import sarif as as_sarif

    if sarif is not None:
        files.replace(sarif, as_sarif(verdict))
    if settings.ci.active:
        # Runners read commands from both streams; stdout is the JSON document's when it is asked for.
        say(github.annotation_lines(verdict), to=sys.stderr if as_json else None)
    github.append_summary(verdict, settings.ci)
    github.write_outputs(verdict, settings.ci, report=str(report or ""))
    if verdict.outcome is Outcome.SKIP:
        say(f"orch-gates: not judged: {escape.terminal_line(verdict.reason)}\n", to=sys.stderr)
