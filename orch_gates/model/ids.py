"""Names that become paths, refs and trailers: checked once, then carried as their own types (OWN-3)."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import Annotated, NewType

from pydantic import AfterValidator, StringConstraints, WithJsonSchema

from orch_gates.model.branch import BRANCH

TaskId = NewType("TaskId", str)

# One path component everywhere: no traversal, no option, no `.lock`, nothing that a ref may not hold.
TASK_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?!\.|lock\Z|\Z)){0,63}")
OID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
SLUG = re.compile(r"[a-z][a-z0-9-]{0,39}")
_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


def task_id(text: str) -> TaskId:
    """A task's name, safe as a file name and as part of a ref.

    Raises:
        ValueError: it is empty, too long, or holds a character that a path or ref must not.
    """
    if not TASK_ID.fullmatch(text):
        raise ValueError("a task id has 1 to 64 letters, digits, `.`, `_` and `-`, and starts with a letter or digit")
    return TaskId(text)


def branch_name(text: str) -> str:
    """The name of a branch that git takes, without `refs/heads/`.

    Raises:
        ValueError: it is not one that is safe as a ref and as a file name.
    """
    if not BRANCH.fullmatch(text):
        raise ValueError(
            "a branch is spelled with at most 200 letters, digits, `.`, `_`, `-` and `/`, as git takes them"
        )
    return text


def shard(name: str) -> str:
    """The folder that keeps a name's folder among at most 256: wide folders make git slow."""
    return hashlib.sha256(name.encode()).hexdigest()[:2]


def timestamp(moment: datetime) -> str:
    """A moment as documents spell it: UTC, whole seconds; sorts as text."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime:
    """The moment that a document spells.

    Raises:
        ValueError: it is no such moment.
    """
    if not _TIMESTAMP.fullmatch(text):
        raise ValueError("a time is spelled like 2026-01-31T12:00:00Z")
    return datetime.fromisoformat(text)


def _is_timestamp(text: str) -> str:
    moment(text)
    return text


def _spelled(pattern: re.Pattern[str]) -> WithJsonSchema:
    # JSON Schema knows `$` for the end of a text, and no `\\Z`.
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern.pattern.replace(chr(92) + 'Z', '$')}$"})


TaskName = Annotated[TaskId, AfterValidator(task_id), _spelled(TASK_ID)]
Timestamp = Annotated[str, AfterValidator(_is_timestamp), _spelled(_TIMESTAMP)]
Slug = Annotated[str, StringConstraints(pattern=rf"\A{SLUG.pattern}\z")]
Oid = Annotated[str, StringConstraints(pattern=r"\A([0-9a-f]{40}|[0-9a-f]{64})\z")]
OidOrNone = Annotated[str, StringConstraints(pattern=r"\A([0-9a-f]{40}|[0-9a-f]{64})?\z")]
Line = Annotated[str, StringConstraints(max_length=4096, pattern=r"\A[^\n\r]*\z")]
BranchName = Annotated[str, AfterValidator(branch_name), _spelled(BRANCH)]
