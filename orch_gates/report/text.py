"""A verdict on a terminal: for whoever runs a gate, and shorter for git hooks (P8, SEC-5).

Bounded, and narrow enough to stand behind git's `remote: `. What does not fit is counted, never dropped silently. A
command stands on a line of its own and is never wrapped, so that it can be copied.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import TypeAlias

from orch_gates.documents.escape import clip, terminal_line
from orch_gates.model.finding import MAX_FINDINGS, Finding
from orch_gates.model.verdict import Outcome, Verdict

WIDTH = 91
HELP = "orch-gates help leak"

_PROGRAM = "orch-gates"
_SECRETS = "security"
_TEXT_SHOWN = 600
_PATH_SHOWN = 240
_ID_SHOWN = 64
_COMMIT_SHOWN = 10
_SHOWN = 10
_PLACE = "  "
_COMMAND = "      "


class Tone(StrEnum):
    """How a piece of output is meant; a terminal may show it as a colour."""

    PLAIN = "plain"
    PASSED = "passed"
    FAILED = "failed"
    WAITING = "waiting"


class Detail(StrEnum):
    """How much of a verdict a person wants to see."""

    QUIET = "quiet"
    NORMAL = "normal"
    VERBOSE = "verbose"


Piece: TypeAlias = tuple[str, Tone]
_Line: TypeAlias = tuple[str, Tone]
_TONES = {
    Outcome.PASS: Tone.PASSED,
    Outcome.FAIL: Tone.FAILED,
    Outcome.ERROR: Tone.FAILED,
    Outcome.HOLD: Tone.WAITING,
    Outcome.DEFER: Tone.WAITING,
    Outcome.SKIP: Tone.WAITING,
}


def for_hook(
    verdict: Verdict,
    *,
    action: str = "push",
    kept: str = "Nothing was stored.",
    help_at: str = HELP,
    see_all: str = "",
    limit: int = 5,
) -> str:
    """What a person whose `action` was judged must know: what, where, how to fix it.

    Nothing for a pass without notices. `kept` says what became of the refused work, empty where another message does;
    `help_at` is a command or an address. At most `limit` findings and as many notices; the command `see_all` shows the
    others.
    """
    lines: list[_Line] = []
    refused = verdict.outcome.exit_code != 0
    if refused:
        ending = {Outcome.FAIL: "refused", Outcome.DEFER: "deferred"}.get(verdict.outcome, "not judged, refused")
        lines += _wrapped(f"{_PROGRAM}: {action} {ending}: {_shown(verdict.reason)}", "")
    lines += _findings(verdict.findings, limit)
    lines += _notices(verdict.notices, limit)
    if refused:
        if verdict.next_step:
            lines += _wrapped(_shown(verdict.next_step), "")
        lines += _allowing(verdict, committed=action != "commit")
        if see_all and len(verdict.findings) > limit:
            lines += _offered("All findings are shown, in your clone, by:", see_all)
        if kept:
            lines += _wrapped(kept, "")
        if verdict.findings:
            lines.append((f"Help: {help_at}", Tone.PLAIN))
    return "".join(text for text, _ in _pieces(lines))


def for_cli(verdict: Verdict, detail: Detail = Detail.NORMAL, *, help_at: str = HELP) -> tuple[Piece, ...]:
    """What a person who ran a gate must know, as pieces that follow each other; quiet: only why it is no PASS.

    At most so many findings, notices and facts as fit on a screen; with `VERBOSE` as many as a report holds.
    """
    head = f"{_shown(verdict.gate)}: {verdict.outcome}"
    lines = _wrapped(f"{head}: {_shown(verdict.reason)}", "")
    if detail is Detail.QUIET:
        shown = [] if verdict.outcome is Outcome.PASS else lines
        return _pieces(shown, head, verdict.outcome)
    verbose = detail is Detail.VERBOSE
    limit = MAX_FINDINGS if verbose else _SHOWN
    more = "" if verbose else "; --verbose or --json shows them"
    lines += _findings(verdict.findings, limit, more)
    lines += _notices(verdict.notices, limit, more)
    if verbose:
        for name, value in list(verdict.evidence.items())[:limit]:
            fact = f"{terminal_line(clip(name, _ID_SHOWN))} = {terminal_line(clip(str(value), _PATH_SHOWN))}"
            lines += _wrapped(fact, "  ")
        lines += _more(len(verdict.evidence), limit)
    elif verdict.evidence:
        lines.append((f"  evidence: {_count(len(verdict.evidence), 'fact')}; --verbose shows them", Tone.PLAIN))
    if verdict.next_step:
        lines += _wrapped(f"Next: {_shown(verdict.next_step)}", "")
    if allowing := _allowing(verdict):
        lines += [*allowing, (f"Help: {help_at}", Tone.PLAIN)]
    return _pieces(lines, head, verdict.outcome)


def _findings(findings: tuple[Finding, ...], limit: int, more: str = "") -> Iterator[_Line]:
    shown = findings[:limit]
    for number, finding in enumerate(shown, start=1):
        yield from _place(finding)
        # The same advice once for neighbours keeps a long list readable.
        following = shown[number] if number < len(shown) else None
        if following is None or (following.fix, following.commands) != (finding.fix, finding.commands):
            yield from _wrapped(_shown(finding.fix), "    ")
            yield from ((_COMMAND + _shown(command), Tone.PLAIN) for command in finding.commands)
    yield from _more(len(findings), limit, more)


def _place(finding: Finding) -> Iterator[_Line]:
    place = clip(finding.path or finding.carrier, _PATH_SHOWN)
    place = terminal_line(f"{place}:{finding.line}" if finding.line > 0 else place)
    place = clip(place, _PATH_SHOWN + 20)  # again: one character may be shown as ten
    if finding.carrier != "file" and finding.path not in {"", f"({finding.carrier})"}:
        place += f" ({terminal_line(clip(finding.carrier, _ID_SHOWN))})"
    rule = terminal_line(clip(finding.rule, _ID_SHOWN))
    known_by = [f"commit {terminal_line(finding.commit[:_COMMIT_SHOWN])}"] if finding.commit else []
    if not finding.id or not finding.commit.startswith(finding.id):
        known_by.append(f"finding {terminal_line(clip(finding.id, _ID_SHOWN))}")
    what = f"{rule}  ({', '.join(known_by)})"
    one_line = f"{_PLACE}{place}  {what}"
    if len(one_line) <= WIDTH:
        yield one_line, Tone.FAILED
    else:
        yield f"{_PLACE}{place}", Tone.FAILED
        yield from _wrapped(what, "    ", Tone.FAILED)


def _notices(notices: tuple[str, ...], limit: int, more: str = "") -> Iterator[_Line]:
    for notice in notices[:limit]:
        yield from _wrapped(f"note: {_shown(notice)}", "  ")
    yield from _more(len(notices), limit, more)


def _allowing(verdict: Verdict, *, committed: bool = True) -> list[_Line]:
    """How to allow what is no secret after all; what no commit has is not found again by its id."""
    secret = next((one for one in verdict.findings if one.carrier != "dependency"), None)
    if verdict.gate != _SECRETS or secret is None:
        return []
    if not committed:
        return _wrapped("If it is not a secret: `orch-gates help allow` explains how to allow it.", "")
    finding = terminal_line(clip(secret.id, _ID_SHOWN))
    return _offered(
        "If it is not a secret, write an entry for the target branch's list:",
        f"orch-gates secrets allow {finding} --owner WHO --reason WHY --expires YYYY-MM-DD",
    )


def _offered(why: str, command: str) -> list[_Line]:
    return [*_wrapped(why, ""), (f"  {command}", Tone.PLAIN)]


def _more(count: int, limit: int, how: str = "") -> list[_Line]:
    return [(f"  +{count - limit} more{how}", Tone.PLAIN)] if count > limit else []


def _count(number: int, one: str) -> str:
    return f"{number} {one if number == 1 else one + 's'}"


def _shown(text: str) -> str:
    return clip(terminal_line(clip(text, _TEXT_SHOWN)), _TEXT_SHOWN)


def _wrapped(text: str, indent: str, tone: Tone = Tone.PLAIN) -> list[_Line]:
    following = indent + "  "
    lines = textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=following,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [(line, tone) for line in lines]


def _pieces(lines: Iterable[_Line], head: str = "", outcome: Outcome = Outcome.PASS) -> tuple[Piece, ...]:
    """The lines, each with its end; of the first one, which begins with `head`, the verdict's word is apart."""
    pieces: list[Piece] = []
    for number, (line, tone) in enumerate(lines):
        # Once more as a whole: parts that are harmless alone can be a runner command side by side.
        text = f"{terminal_line(line)}\n"
        if number == 0 and head and text.startswith(head):
            begin = len(head) - len(outcome)
            pieces += [(text[:begin], tone), (text[begin : len(head)], _TONES[outcome]), (text[len(head) :], tone)]
        else:
            pieces.append((text, tone))
    return tuple(pieces)
