"""A verdict as the report that its gate reads: written whole, read back, and only what was read back counts."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from orch_gates.documents import frontmatter
from orch_gates.gates.recorded import ReportContract, as_verdict, read
from orch_gates.model.feedback import of_verdict, one_line
from orch_gates.model.ids import timestamp
from orch_gates.model.verdict import Scalar, Verdict
from orch_gates.report import files, markdown


def write(record: ReportContract, path: Path, verdict: Verdict, *, head: str, word: str, now: datetime) -> Verdict:
    """Replace the report at `path`; `word` is the gate's own, empty where only the verdict can be said.

    Raises:
        ReportError: it could not be written or read back. No earlier report is left at `path` then.
    """
    # A judgement that could not be stored must not leave the previous one to be believed.
    files.remove(path)
    feedback = of_verdict(verdict)
    stated = {
        "schema": "orch.report/1",
        "gate": record.name,
        **({record.field: word} if word else {}),
        "verdict": verdict.outcome.value,
        "head": head,
        "reason": one_line(verdict.reason),
        "next_step": one_line(verdict.next_step),
        "created": timestamp(now),
        "findings": [finding.model_dump() for finding in feedback.findings],
        "notices": [one_line(notice) for notice in verdict.notices],
        "evidence": {name: _scalar(value) for name, value in verdict.evidence.items()},
    }
    files.replace(path, frontmatter.encode(stated, f"\n{markdown.body(verdict)}"))
    return as_verdict(record, *read(record, files.read(path, frontmatter.MAX_DOCUMENT)))


def _scalar(value: Scalar) -> Scalar:
    return one_line(value) if isinstance(value, str) else value
