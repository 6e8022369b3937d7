"""`17-security-report.md`: the only place where the security gate's verdict lives (SEC-8).

Whoever wants the verdict reads the file. Every doubt about it is a FAIL.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from orch_gates.documents import escape, frontmatter, yaml_write
from orch_gates.errors import ReportError
from orch_gates.model.finding import MAX_FINDINGS
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.report import files, markdown, security_model
from orch_gates.report.security_model import GATE, SecurityReport, fields

FILE_NAME = files.SECURITY_REPORT

_DIGEST_LINE = re.compile(r'^digest: "sha256:([0-9a-f]{64})"\n\Z', re.MULTILINE)
_NEXT_AFTER_DOUBT = "Run the security gate again; do not edit the report."


def write(path: Path, verdict: Verdict, *, head: str, base: str, target: str, now: datetime) -> SecurityReport:
    """Replace the report at `path` and return what was read back from it; only that counts.

    `head` and `base` are the resolved object ids, empty where they did not resolve. Text is
    clipped and findings that do not fit are only counted.

    Raises:
        ReportError: the verdict contradicts itself, `now` has no time zone, or the file could not
            be written or read back. No earlier report is left at `path` then.
    """
    # A judgement that could not be stored must not leave the previous one to be believed.
    files.remove(path)
    if now.tzinfo is None:
        raise ReportError("the time of the report has no time zone")
    keep = MAX_FINDINGS
    while True:
        stated = fields(verdict, head=head, base=base, target=target, now=now, findings=keep)
        raw = seal(yaml_write.dump(stated))
        if len(raw) <= frontmatter.MAX_FRONTMATTER or keep == 0:
            break
        keep //= 2
    text = frontmatter.join(raw, f"\n{markdown.body(verdict)}")
    parse(text)
    files.replace(path, text)
    return read(path)


def read(path: Path) -> SecurityReport:
    """The report at `path`.

    Raises:
        ReportError: it is absent, no regular file, too long, malformed, contradictory or altered.
    """
    return parse(files.read(path, frontmatter.MAX_DOCUMENT))


def verdict_of(path: Path, *, head: str = "") -> Verdict:
    """The verdict that counts; FAIL with the reason when there is any doubt. Never raises (P3).

    With `head`, a report about another commit is stale, which is a FAIL too.
    """
    return _verdict(lambda: read(path), head)


def verdict_of_text(text: str, *, head: str) -> Verdict:
    """As `verdict_of`, for a report that is not in a file."""
    return _verdict(lambda: parse(text), head)


def _verdict(reading: Callable[[], SecurityReport], head: str) -> Verdict:
    try:
        report = reading()
    except ReportError as error:
        return _doubt(str(error))
    except Exception as error:  # noqa: BLE001 - whatever a hostile file provokes is a FAIL (P3)
        return _doubt(f"{type(error).__name__}: {error}")
    if head and report.head != head:
        return _doubt(f"it is about commit {report.head[:10] or '(none)'}, not {head[:10]}")
    return report.as_verdict()


def _doubt(cause: str) -> Verdict:
    reason = f"the security report is not valid: {escape.clip(escape.visible(cause), 300)}"
    return Verdict(gate=GATE, outcome=Outcome.FAIL, reason=reason, next_step=_NEXT_AFTER_DOUBT)


def parse(text: str) -> SecurityReport:
    """The report that a text spells.

    Raises:
        ReportError: it is malformed, contradictory or altered.
    """
    mapping, _ = frontmatter.decode(text)
    _check_seal(frontmatter.split(text)[0])
    return security_model.from_fields(mapping)


def seal(raw: str) -> str:
    """The frontmatter with the line `digest: "sha256:…"` added, over every byte before it.

    It shows damage and edits. It is not a signature: whoever can write the file can also seal it again.
    """
    return f'{raw}digest: "sha256:{_sha256(raw)}"\n'


def _check_seal(raw: str) -> None:
    found = _DIGEST_LINE.search(raw)
    if found is None:
        raise ReportError("the frontmatter does not end with its digest")
    if _sha256(raw[: found.start()]) != found[1]:
        raise ReportError("the frontmatter was changed after it was written: its digest differs")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
