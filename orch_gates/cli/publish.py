"""A verdict everywhere it is looked for: SARIF file, annotations, step summary, step outputs (GATE-4)."""

from __future__ import annotations

import sys
from pathlib import Path

from orch_gates.cli.boundary import say
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.settings import Settings


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
        say(f"orch-gates: not judged: {escape.ascii_line(verdict.reason)}\n", to=sys.stderr)
