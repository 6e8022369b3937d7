"""The lines that git gives to pre-receive and pre-push, as values (OWN-2)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from orch_gates.errors import BudgetExceeded, UsageError
from orch_gates.git.cli import Git
from orch_gates.settings import HookContext

_OID = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})")
_LONGEST_LINE = 8_192


@dataclass(frozen=True, slots=True)
class RefUpdate:
    """One ref's old and new object id, None where it does not exist before or after."""

    old: str | None
    new: str | None
    ref: str


def parse_pre_receive(data: bytes, *, most: int) -> tuple[RefUpdate, ...]:
    """Every line of `<old> <new> <ref>`; none is skipped.

    Raises:
        UsageError: a line is not of that form; no line at all.
        BudgetExceeded: more than `most` lines.
    """
    lines = data.split(b"\n")
    if lines and not lines[-1]:
        lines.pop()
    if len(lines) > most:
        raise BudgetExceeded(f"{len(lines)} refs in one push are more than {most}; push fewer at a time")
    if not lines:
        raise UsageError("git named no ref, so there is nothing to judge and nothing to accept")
    return tuple(_update(number, line) for number, line in enumerate(lines, 1))


def _update(number: int, line: bytes) -> RefUpdate:
    old, _, rest = line.decode("utf-8", "surrogateescape").partition(" ")
    new, _, ref = rest.partition(" ")
    if len(line) > _LONGEST_LINE or not (_OID.fullmatch(old) and _OID.fullmatch(new) and _is_ref(ref)):
        raise UsageError(f"line {number} from git is not `<old id> <new id> <ref>`")
    return RefUpdate(_or_none(old), _or_none(new), ref)


def parse_pre_push(data: bytes, *, most: int) -> tuple[RefUpdate, ...]:
    """Every line of `<local ref> <local id> <remote ref> <remote id>`; an empty push has none.

    Raises:
        UsageError: a line is not of that form.
        BudgetExceeded: more than `most` lines.
    """
    lines = [line for line in data.decode("utf-8", "surrogateescape").split("\n") if line]
    if len(lines) > most:
        raise BudgetExceeded(f"{len(lines)} refs in one push are more than {most}; push fewer at a time")
    updates = []
    for number, line in enumerate(lines, 1):
        fields = line.split(" ")
        if len(fields) != 4 or not (_OID.fullmatch(fields[1]) and _OID.fullmatch(fields[3])):
            raise UsageError(f"line {number} from git is not `<local ref> <id> <remote ref> <id>`")
        updates.append(RefUpdate(_or_none(fields[3]), _or_none(fields[1]), fields[2]))
    return tuple(updates)


def from_pre_commit(git: Git, context: HookContext) -> tuple[RefUpdate, ...]:
    """What pre-commit hands to a pre-push hook in its environment.

    It names no range where a push has a first commit, nor in a run by hand: then it is the branch, or HEAD, compared
    with all that is known of the remote.

    Raises:
        UsageError: only one end is given.
        UnknownRevision: an end does not resolve here.
    """
    ref = context.remote_branch or context.local_branch or "refs/heads/HEAD"
    if not (context.from_ref or context.to_ref):
        return (RefUpdate(None, git.resolve(context.local_branch or "HEAD"), ref),)
    if not (context.from_ref and context.to_ref):
        raise UsageError("pre-commit gave one end of a range only; give both --from-ref and --to-ref")
    return (RefUpdate(git.resolve(context.from_ref), git.resolve(context.to_ref), ref),)


def refuse_nothing(updates: tuple[RefUpdate, ...], *, in_ci: bool) -> None:
    """In CI a run without a range has judged nothing, and that is not a pass.

    Raises:
        UsageError: there is nothing to judge in CI.
    """
    if in_ci and not updates:
        raise UsageError("no range was given, so nothing was judged; give --from-ref and --to-ref")


def _is_ref(ref: str) -> bool:
    # Of spaces git forbids that of ASCII alone.
    return ref.startswith("refs/") and not any(ch <= " " or ch == "\x7f" for ch in ref)


def _or_none(oid: str) -> str | None:
    return oid if oid.strip("0") else None
