"""The message of a state commit (ST-3): written by whoever changes the state, and read back as the audit trail."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orch_gates.documents import escape
from orch_gates.git.tree import Commit

if TYPE_CHECKING:
    from orch_gates.state.store import Change

OP = re.compile(r"(?P<generation>[1-9][0-9]{0,17})-(?P<random>[0-9a-f]{32})")

_LONGEST_LINE = 200
_LONGEST_BODY = 60_000
_TRAILER = re.compile(r"Orch-(?P<name>Op|Event|Task|By): (?P<value>[^\n]*)")


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One commit. A hand edit has no trailers: `op`, `event`, `tasks` are empty, `by` is its committer's address.

    `email` is the committer's address, whoever it was done for.
    """

    commit: str
    when: datetime
    subject: str
    body: str
    op: str
    event: str
    tasks: tuple[str, ...]
    by: str
    email: str


def log_entry(oid: str, commit: Commit) -> LogEntry:
    """A commit as it tells of itself; total, for any message."""
    subject, _, rest = commit.message.strip("\n").partition("\n")
    paragraphs = rest.strip("\n").split("\n\n")
    trailers = _trailers(paragraphs[-1])
    body = "\n\n".join(paragraphs[:-1] if trailers else paragraphs).strip()
    return LogEntry(
        commit=oid,
        when=datetime.fromtimestamp(commit.seconds, UTC),
        subject=subject,
        body=body,
        op=_last(trailers, "Op"),
        event=_last(trailers, "Event"),
        tasks=tuple(value for name, value in trailers if name == "Task" and value != "-"),
        by=_last(trailers, "By", commit.email),
        email=commit.email,
    )


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


def _trailers(paragraph: str) -> Sequence[tuple[str, str]]:
    lines = [_TRAILER.fullmatch(line) for line in paragraph.split("\n")]
    found = [line for line in lines if line is not None]
    return [(line["name"], line["value"]) for line in found] if len(found) == len(lines) else []


def _last(trailers: Sequence[tuple[str, str]], wanted: str, default: str = "") -> str:
    return next((value for name, value in reversed(trailers) if name == wanted), default)
