"""The message of a state commit: a line, a text, and the trailers that tell whose it is (ST-3)."""

from __future__ import annotations

import re

from orch_gates.documents import escape
from orch_gates.state.store import Change

OP = re.compile(r"(?P<generation>[1-9][0-9]{0,17})-(?P<random>[0-9a-f]{32})")

_LONGEST_LINE = 200
_LONGEST_BODY = 60_000


def op_id(generation: int, nonce: str) -> str:
    """The id of one attempt; it starts with the generation that the attempt would make."""
    return f"{generation}-{nonce}"


def compose(change: Change, op: str, by: str) -> str:
    """The whole message. Text from outside cannot add a trailer: it stays out of the last paragraph."""
    lines = (escape.visible(line) for line in change.body.strip()[:_LONGEST_BODY].splitlines())
    paragraphs = [_line(change.subject) or _line(change.event)]
    if body := "\n".join(line.rstrip() for line in lines):
        paragraphs.append(body)
    tasks = "".join(f"Orch-Task: {_line(name) or '-'}\n" for name in change.tasks or ("-",))
    paragraphs.append(f"Orch-Op: {op}\nOrch-Event: {_line(change.event)}\n{tasks}Orch-By: {_line(by) or '-'}\n")
    return "\n\n".join(paragraphs)


def _line(text: str) -> str:
    return escape.clip(" ".join(escape.visible(text.strip()).split()), _LONGEST_LINE)
