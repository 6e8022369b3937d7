"""One card in three spellings: HTML of Telegram, Markdown of a comment, JSON of a webhook (NTF-1)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict
from typing import assert_never

from orch_gates.documents import escape
from orch_gates.engine.card import Card, GateState
from orch_gates.report import machine

# Telegram counts in units of UTF-16, after it took the markup out.
TELEGRAM_MOST = 4096
_TITLE_SHOWN = 200
_LINE_SHOWN = 2500
_CUT = "…"
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def telegram_html(card: Card, most: int = TELEGRAM_MOST) -> str:
    """The card for `parse_mode` HTML: cut as text before it becomes markup, so that no tag or escape is ever halved."""
    left, shown = most, []
    for before, text, after in _pieces(card):
        fitting = cut(text, left)
        left -= units(fitting)
        shown.append(f"{before}{_escaped(fitting)}{after}" if fitting else "")
        if fitting != text:
            break
    return "".join(shown).strip()


def comment_markdown(card: Card) -> str:
    """The card for a comment; what others wrote in it is shown as text, links nowhere, mentions nobody."""
    head = f"**{_prose(card.why.task, _TITLE_SHOWN)}** {_prose(card.title, _TITLE_SHOWN)}"
    parts = [head, f"{_prose(card.why.stage, _TITLE_SHOWN)} · {card.why.state}"]
    if card.gates:
        rows = [f"| {sign(one.mark)} | {escape.markdown_code(one.gate)} | {one.mark} |" for one in card.gates]
        parts.append("\n".join(["| | gate | |", "|---|---|---|", *rows]))
    parts.append(_prose(card.why.line, _LINE_SHOWN))
    if card.links:
        parts.append(" · ".join(f"[{_prose(link.label, _TITLE_SHOWN)}](<{link.url}>)" for link in card.links))
    return "\n\n".join(parts) + "\n"


def webhook_json(card: Card) -> str:
    """The card for a program, schema `orch.card-event/1`."""
    return machine.document(
        "card-event",
        {
            "task": card.why.task,
            "title": card.title,
            "stage": card.why.stage,
            "state": card.why.state,
            "gates": [{"stage": one.stage, "gate": one.gate, "mark": one.mark.value} for one in card.gates],
            "why": {"line": card.why.line, "reason": card.why.reason, "cause": card.why.cause},
            "next": {"action": card.why.next_action, "when": card.why.when},
            "links": [asdict(link) for link in card.links],
        },
    )


def digest(text: str) -> str:
    """The id of what a card says: the same text is not shown again."""
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def sign(mark: GateState) -> str:
    """How a gate is ticked."""
    match mark:
        case GateState.PASSED:
            return "✓"
        case GateState.RED:
            return "✗"
        case GateState.WAITING:
            return "⏳"
        case GateState.OPEN:
            return "○"
        case _:
            assert_never(mark)


def units(text: str) -> int:
    """The length of a text as Telegram counts it."""
    return len(text.encode("utf-16-le")) // 2


def cut(text: str, most: int) -> str:
    """At most so many units of a text, with an ellipsis where something is missing; no character is halved."""
    if units(text) <= most:
        return text
    room, taken = most - units(_CUT), 0
    for number, character in enumerate(text):
        taken += units(character)
        if taken > room:
            return f"{text[:number]}{_CUT}" if room >= 0 else ""
    return text


def _pieces(card: Card) -> Iterator[tuple[str, str, str]]:
    """What is before a text, the text, and what is after it; line ends are counted as text."""
    yield "<b>", _shown(card.why.task, _TITLE_SHOWN), "</b>"
    yield "", f" {_shown(card.title, _TITLE_SHOWN)}\n", ""
    yield "", f"{_shown(card.why.stage, _TITLE_SHOWN)} · {card.why.state}\n", ""
    for one in card.gates:
        yield "", f"{sign(one.mark)} {_shown(one.gate, _TITLE_SHOWN)}\n", ""
    yield "", f"{_shown(card.why.line, _LINE_SHOWN)}\n", ""
    for link in card.links:
        yield f'<a href="{_escaped(link.url)}">', _shown(link.label, _TITLE_SHOWN), "</a>"
        yield "", "\n", ""


def _shown(text: str, most: int) -> str:
    return escape.clip(escape.visible(text), most)


def _prose(text: str, most: int) -> str:
    return escape.comment(escape.clip(escape.visible(text), most))


def _escaped(text: str) -> str:
    return "".join(_HTML.get(character, character) for character in text)
