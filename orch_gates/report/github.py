"""What a CI runner shows of a verdict: annotations, step summary and step outputs (GATE-4, OWN-1).

Outside CI nothing is written. Gitea and Forgejo runners read the same files and lines.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

from orch_gates.documents.escape import clip, visible, well_formed
from orch_gates.model.finding import Finding
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.report import files, markdown
from orch_gates.settings import CiContext

_TEXT_SHOWN = 1000
_LINE_ENDS = "\r\n"


def annotation_lines(verdict: Verdict, *, limit: int = 50) -> str:
    """Workflow commands to print: one line for each of at most `limit` findings, then "+k more".

    A verdict that does not pass and lists no finding is one line with its reason; each notice is
    a warning. Empty when there is nothing to say.
    """
    title = f"orch-gates {verdict.gate}"
    lines = [_finding(finding) for finding in verdict.findings[:limit]]
    if len(verdict.findings) > limit:
        lines.append(_command("error", f"+{len(verdict.findings) - limit} more", title=title))
    if not verdict.findings and verdict.outcome.exit_code != 0:
        level = "warning" if verdict.outcome is Outcome.DEFER else "error"
        message = f"{verdict.reason}\n{verdict.next_step}".strip()
        lines.append(_command(level, message, title=f"{title} {verdict.outcome}"))
    lines += [_command("warning", notice, title=title) for notice in verdict.notices[:limit]]
    return "".join(f"{line}\n" for line in lines)


def append_summary(verdict: Verdict, ci: CiContext) -> None:
    """Add the verdict to the step summary; nothing outside CI.

    Raises:
        ReportError: the runner's file cannot be written.
    """
    add_to_summary(markdown.body(verdict, limit=30) + "\n", ci)


def add_to_summary(text: str, ci: CiContext) -> None:
    """Add Markdown to the step summary; nothing outside CI.

    Raises:
        ReportError: the runner's file cannot be written.
    """
    if ci.active and ci.summary_file:
        files.append(Path(ci.summary_file), text)


def write_outputs(verdict: Verdict, ci: CiContext, *, report: str) -> None:
    """Set the step outputs `outcome`, `reason`, `findings`, `report`, `exit-code`; nothing outside CI.

    `findings` is a count, `report` the path of the report or empty. A verdict on a merge also sets `commit`, which is
    tested together with the target, and `merge`, the commit in the target, once there are such; one on an image sets
    `digest`, empty where it could not be read.

    Raises:
        ReportError: the runner's file cannot be written.
    """
    values = {
        "outcome": verdict.outcome.value,
        "reason": visible(verdict.reason),
        "findings": str(len(verdict.findings)),
        "report": report,
        "exit-code": str(verdict.outcome.exit_code),
    }
    for name in ("commit", "merge", "digest"):
        if name in verdict.evidence:
            values[name] = str(verdict.evidence[name] or "")
    set_outputs(values, ci)


def set_outputs(values: Mapping[str, str], ci: CiContext) -> None:
    """Set step outputs by their names; nothing outside CI.

    Raises:
        ReportError: the runner's file cannot be written.
    """
    if ci.active and ci.output_file:
        files.append(Path(ci.output_file), "".join(_output(name, value) for name, value in values.items()))


def _output(name: str, value: str) -> str:
    # A delimiter that nobody can know beforehand: no value can end itself and add outputs.
    delimiter = f"orch_{secrets.token_hex(16)}"
    return f"{name}<<{delimiter}\n{well_formed(value)}\n{delimiter}\n"


def _finding(finding: Finding) -> str:
    place = {"file": finding.path} if finding.path else {}
    if finding.path and finding.line > 0:
        place["line"] = str(finding.line)
    commit = f" in commit {finding.commit[:10]}" if finding.commit else ""
    fix = "\n".join((finding.fix, *finding.commands))
    message = f"{finding.description or finding.rule}{commit} (finding {finding.id})\n{fix}".strip()
    return _command("error", message, **place, title=finding.rule)


def _command(level: str, message: str, **properties: str) -> str:
    named = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{level} {named}::{_data(message)}"


def _data(text: str) -> str:
    shown = visible(clip(text, _TEXT_SHOWN), keep=_LINE_ENDS)
    return shown.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
