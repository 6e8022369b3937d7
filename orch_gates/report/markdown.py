"""A verdict as Markdown for a person: the report's body and the CI step summary (P8, GATE-4)."""

from __future__ import annotations

from orch_gates.documents.escape import clip, markdown, markdown_code
from orch_gates.model.finding import Finding
from orch_gates.model.verdict import Scalar, Verdict

SHOWN = 100
_PATH_SHOWN = 300
_TEXT_SHOWN = 600


def body(verdict: Verdict, *, limit: int = SHOWN) -> str:
    """Verdict, why, what next, at most `limit` findings and notices, evidence; bounded in size."""
    title = markdown(clip(verdict.gate, _PATH_SHOWN))
    parts = [f"# {title}: {verdict.outcome}", f"**{verdict.outcome}**: {_prose(verdict.reason)}"]
    if verdict.next_step:
        parts.append(f"Next: {_prose(verdict.next_step)}")
    if verdict.findings:
        rows = [_row(finding) for finding in verdict.findings[:limit]]
        parts.append("## Findings")
        parts.append("\n".join(["| rule | place | commit | how to fix |", "|---|---|---|---|", *rows]))
        parts += _more(len(verdict.findings), limit)
    if verdict.notices:
        parts.append("## Notices")
        parts.append("\n".join(f"- {_prose(notice)}" for notice in verdict.notices[:limit]))
        parts += _more(len(verdict.notices), limit)
    if verdict.evidence:
        shown = list(verdict.evidence.items())[:limit]
        rows = [
            f"| {markdown_code(clip(name, _PATH_SHOWN))} | {markdown_code(clip(_plain(value), _PATH_SHOWN))} |"
            for name, value in shown
        ]
        parts.append("## Evidence")
        parts.append("\n".join(["| what | value |", "|---|---|", *rows]))
        parts += _more(len(verdict.evidence), limit)
    return "\n\n".join(parts) + "\n"


def _row(finding: Finding) -> str:
    place = clip(finding.path, _PATH_SHOWN) + (f":{finding.line}" if finding.line > 0 else "")
    where = f"{markdown_code(place)}{'' if finding.carrier == 'file' else f' ({_prose(finding.carrier)})'}".strip()
    what = f"{markdown_code(clip(finding.rule, _PATH_SHOWN))} {_prose(finding.description)}".strip()
    commands = " ".join(markdown_code(clip(command, _TEXT_SHOWN)) for command in finding.commands)
    fix = f"{_prose(finding.fix)} {commands} Finding {markdown_code(clip(finding.id, 64))}.".replace("  ", " ")
    return f"| {what} | {where} | {markdown_code(clip(finding.commit, 64))} | {fix} |"


def _more(count: int, limit: int) -> list[str]:
    return [f"+{count - limit} more"] if count > limit else []


def _prose(text: str) -> str:
    return markdown(clip(text, _TEXT_SHOWN))


def _plain(value: Scalar) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)
