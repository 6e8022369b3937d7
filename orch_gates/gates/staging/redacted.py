"""A staging verdict without the secrets that the checks' words and names hold (SEC-5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from orch_gates.documents.escape import clip
from orch_gates.errors import OrchError
from orch_gates.gates.staging import ran
from orch_gates.gates.staging.judge import Judged
from orch_gates.model.finding import MAX_FINDINGS
from orch_gates.report.recorded import MAX_NOTICES

_SHOWN = 1000


def redacted(judged: Judged, redact: Callable[[Sequence[str]], list[str]]) -> Judged:
    """The verdict as it may be shown, with as many findings and notices as a report holds.

    Secrets are taken out before texts are cut, so that none is cut in two first. Where it cannot be told what is one,
    the checks' words and the list of what ran are left out.
    """
    verdict = judged.verdict
    findings, notices = verdict.findings[:MAX_FINDINGS], verdict.notices[:MAX_NOTICES]
    names = list(judged.ran.counts)
    texts = [verdict.reason, *notices, "\n".join(names)]
    texts += [text for finding in findings for text in (finding.path, finding.description, finding.fix)]
    try:
        clean = iter(redact(texts))
    except OrchError as error:
        return _without_words(judged, str(error))
    reason = next(clean)
    notices = tuple(next(clean) for _ in notices)
    listed = next(clean).split("\n")
    shown = tuple(
        replace(finding, path=next(clean), description=clip(" ".join(next(clean).split()), _SHOWN), fix=next(clean))
        for finding in findings
    )
    counts = dict(zip(listed, judged.ran.counts.values(), strict=False)) if len(listed) == len(names) else {}
    left = [
        *_more(len(verdict.findings) - len(shown), "findings"),
        *_more(len(verdict.notices) - len(notices), "notices"),
    ]
    return replace(
        judged,
        verdict=replace(verdict, reason=reason, findings=shown, notices=(*notices, *left)),
        ran=replace(judged.ran, counts=counts if names else {}),
    )


def _without_words(judged: Judged, why: str) -> Judged:
    verdict = judged.verdict
    placeholder = "not shown, as it could not be scanned for secrets"
    findings = tuple(
        replace(finding, description=placeholder) if finding.carrier == "check" else finding
        for finding in verdict.findings[:MAX_FINDINGS]
    )
    left = _more(len(verdict.findings) - len(findings), "findings")
    note = f"the checks' messages are not shown, as they could not be scanned for secrets: {why}"
    shown = replace(verdict, findings=findings, notices=(*verdict.notices[:MAX_NOTICES], *left, note))
    return replace(judged, verdict=shown, ran=ran.ChecksRun())


def _more(left: int, what: str) -> Iterator[str]:
    if left > 0:
        yield f"{left} more {what} are counted, and not listed"
