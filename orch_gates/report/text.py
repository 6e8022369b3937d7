"""A verdict on a terminal: whole for the CLI, short for git hooks (P8, SEC-5).

Plain ASCII, bounded, and narrow enough to stand behind git's `remote: `. What does not fit is
counted, never dropped silently.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from orch_gates.documents.escape import ascii_line, clip
from orch_gates.model.finding import Finding
from orch_gates.model.verdict import Outcome, Verdict

WIDTH = 91
HELP = "docs/how-to/remove-a-leaked-secret.md"

_PROGRAM = "orch-gates"
_TEXT_SHOWN = 600
_PATH_SHOWN = 240
_ID_SHOWN = 64
_COMMIT_SHOWN = 10


def for_hook(
    verdict: Verdict,
    *,
    action: str = "push",
    kept: str = "Nothing was stored.",
    help_page: str = HELP,
    limit: int = 5,
) -> str:
    """What a person whose `action` was judged must know: what, where, how to mend.

    Nothing for a pass without notices; `kept` says what became of the refused work, empty where another message
    does. At most
    `limit` findings and as many notices.
    """
    lines: list[str] = []
    if verdict.outcome.exit_code != 0:
        said = {Outcome.FAIL: "refused", Outcome.DEFER: "deferred"}.get(verdict.outcome, "not judged, refused")
        lines += _wrapped(f"{_PROGRAM}: {action} {said}: {_shown(verdict.reason)}", "")
    lines += _findings(verdict.findings, limit)
    lines += _notices(verdict.notices, limit)
    if verdict.outcome.exit_code != 0:
        if verdict.next_step:
            lines += _wrapped(_shown(verdict.next_step), "")
        lines += _wrapped(" ".join([kept, f"Help: {help_page}" if verdict.findings else ""]).strip(), "")
    return _joined(lines)


def for_cli(verdict: Verdict, *, limit: int = 50) -> str:
    """Everything about the verdict, with at most `limit` findings, notices and facts."""
    lines = _wrapped(f"{_shown(verdict.gate)}: {verdict.outcome}: {_shown(verdict.reason)}", "")
    lines += _findings(verdict.findings, limit)
    lines += _notices(verdict.notices, limit)
    facts = [(ascii_line(clip(name, _ID_SHOWN)), value) for name, value in verdict.evidence.items()]
    for name, value in facts[:limit]:
        lines += _wrapped(f"{name} = {ascii_line(clip(str(value), _PATH_SHOWN))}", "  ")
    lines += _more(len(facts), limit)
    if verdict.next_step:
        lines += _wrapped(f"Next: {_shown(verdict.next_step)}", "")
    return _joined(lines)


def _findings(findings: tuple[Finding, ...], limit: int) -> Iterator[str]:
    shown = findings[:limit]
    for number, finding in enumerate(shown, start=1):
        yield from _place(finding)
        # The same advice once for neighbours keeps a long list readable.
        if number == len(shown) or shown[number].fix != finding.fix:
            yield from _wrapped(_shown(finding.fix), "    ")
    yield from _more(len(findings), limit)


def _place(finding: Finding) -> Iterator[str]:
    place = clip(finding.path or finding.carrier, _PATH_SHOWN)
    place = ascii_line(f"{place}:{finding.line}" if finding.line > 0 else place)
    place = clip(place, _PATH_SHOWN + 20)  # again: one character may be shown as ten
    if finding.carrier != "file" and finding.path not in {"", f"({finding.carrier})"}:
        place += f" ({ascii_line(clip(finding.carrier, _ID_SHOWN))})"
    rule = ascii_line(clip(finding.rule, _ID_SHOWN))
    commit = f"commit {ascii_line(finding.commit[:_COMMIT_SHOWN])}, " if finding.commit else ""
    what = f"{rule}  ({commit}finding {ascii_line(clip(finding.id, _ID_SHOWN))})"
    one_line = f"  {place}  {what}"
    if len(one_line) <= WIDTH:
        yield one_line
    else:
        yield f"  {place}"
        yield from _wrapped(what, "    ")


def _notices(notices: tuple[str, ...], limit: int) -> Iterator[str]:
    for notice in notices[:limit]:
        yield from _wrapped(f"note: {_shown(notice)}", "  ")
    yield from _more(len(notices), limit)


def _more(count: int, limit: int) -> list[str]:
    return [f"  +{count - limit} more"] if count > limit else []


def _shown(text: str) -> str:
    return clip(ascii_line(clip(text, _TEXT_SHOWN)), _TEXT_SHOWN)


def _wrapped(text: str, indent: str) -> list[str]:
    following = indent + "  "
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=following,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _joined(lines: Iterable[str]) -> str:
    # Once more as a whole: pieces that are harmless alone can be a runner command side by side.
    return "".join(f"{ascii_line(line)}\n" for line in lines)
