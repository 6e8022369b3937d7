"""What every commit of the state branch says about itself (ST-3): the audit trail, as values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from orch_gates.git.tree import Commit

_TRAILER = re.compile(r"Orch-(?P<name>Op|Event|Task|By): (?P<value>[^\n]*)")


@dataclass(frozen=True, slots=True)
class Logged:
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


def logged(oid: str, commit: Commit) -> Logged:
    """A commit as it tells of itself; total, for any message."""
    subject, _, rest = commit.message.strip("\n").partition("\n")
    paragraphs = rest.strip("\n").split("\n\n")
    trailers = _trailers(paragraphs[-1])
    body = "\n\n".join(paragraphs[:-1] if trailers else paragraphs).strip()
    return Logged(
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


def _trailers(paragraph: str) -> Sequence[tuple[str, str]]:
    lines = [_TRAILER.fullmatch(line) for line in paragraph.split("\n")]
    found = [line for line in lines if line is not None]
    return [(line["name"], line["value"]) for line in found] if len(found) == len(lines) else []


def _last(trailers: Sequence[tuple[str, str]], wanted: str, default: str = "") -> str:
    return next((value for name, value in reversed(trailers) if name == wanted), default)
