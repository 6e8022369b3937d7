"""What git says about a push or fetch, turned into a meaning once, here (ST-3)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

_LONGEST = 600
_LONGEST_HOOK_OUTPUT = 4000


class PushOutcome(StrEnum):
    """What came of a push."""

    LANDED = "landed"
    LOST = "lost"
    """Another push was faster; the server did not take this one."""
    TWIN = "twin"
    """The very same commit was there already: somebody else's, as nothing was written (T3)."""
    REFUSED = "refused"
    """A hook, a rule or missing rights: pushing again does not help."""
    UNSENT = "unsent"
    """The server was not to be had before anything was sent: pushing again may help."""
    UNCLEAR = "unclear"
    """Anything else: it may have landed all the same."""


class FetchOutcome(StrEnum):
    """What came of a fetch."""

    DONE = "done"
    ABSENT = "absent"
    """The server has no such ref."""
    REFUSED = "refused"
    """Missing rights or no such repository: asking again does not help."""
    FORMAT = "format"
    """A repository of another object format (SHA-256)."""
    BROKEN = "broken"
    """The local store failed: damaged, or the disk is full."""
    FOREIGN = "foreign"
    """No git answered: a page that asks to log in, a proxy, an empty page. Nothing follows from it (ST-9)."""
    BUSY = "busy"
    """Too many requests, a server that restarts, a connection that broke: asking again may help."""
    FAILED = "failed"
    """Anything else, e.g. a network that is down."""


@dataclass(frozen=True, slots=True)
class PushAnswer:
    """The meaning of a push's output, and the server's or git's own words; `cut_off` where time was up before any.

    `declined`: the server itself said that it did not take it, so it cannot land any later either.
    `damaged`: objects here could not be read, so that no other push of them gets through.
    `stale`: the refs that git found not to stand where they were expected.
    `retry_after`: seconds that the server asked to wait.
    `hook_output`: what a hook of the server said, whole, in one line.
    """

    meaning: PushOutcome
    reason: str = ""
    cut_off: bool = False
    declined: bool = False
    damaged: bool = False
    hook_output: str = ""
    stale: tuple[str, ...] = ()
    retry_after: float = 0


@dataclass(frozen=True, slots=True)
class FetchAnswer:
    """The meaning of a fetch's output, and git's own words; `retry_after` are seconds that a server asked to wait."""

    meaning: FetchOutcome
    reason: str = ""
    retry_after: float = 0


_LINE = re.compile(r"^(?P<flag>[ +*\-=!])\t[^\t]*:(?P<ref>refs/[^\t]+)\t(?P<summary>.*)$", re.MULTILINE)
_LOST = re.compile(
    r"\((fetch first|non-fast-forward|stale info|already exists)\)|"
    r"cannot lock ref '[^']*'[^\n]*(but expected|reference already exists|unable to resolve reference)|"
    r"incorrect old value provided|reference already exists"
)
_MOVED = re.compile(r"^(remote: )?orch-gates: refs/\S+ moved meanwhile; fetch and push again", re.MULTILINE)
_FOLLOWS = re.compile(r"atomic (push|transaction) fail", re.IGNORECASE)
_LEFT_LOCK = re.compile(r"\.lock': File exists")
_REFUSED = re.compile(
    r"declined|den(y|ied)|prohibited|protected|not permitted|not allowed|insufficient permission|read-only|"
    r"unauthori[sz]ed|forbidden|authentication failed|invalid credentials|could not read (username|password)|"
    r"host key verification failed|returned error: 40[134]|does not appear to be a git repository|repository not found|"
    r"repository '[^']*' not found|does not exist|not exported|service not enabled|dubious ownership|hidden ref",
    re.IGNORECASE,
)
_FINAL = re.compile(rf"{_REFUSED.pattern}|\(non-fast-forward\)", re.IGNORECASE)
# Of a server that takes no such push, whoever sends it; a full disk is emptied by a person.
_UNABLE = re.compile(
    r"does not support (the )?--?atomic push|does not support this repository's hash algorithm|"
    r"exceeds maximum allowed size|no space left on device|disk quota exceeded|"
    r"mismatched (object )?(algorithm|format)",
    re.IGNORECASE,
)
_IN_THE_WAY = re.compile(
    r"^(?:remote: )?error: cannot lock ref '[^']+': '(?P<there>refs/[^']+)' exists; "
    r"cannot create '(?P<wanted>refs/[^']+)'",
    re.MULTILINE,
)
_ABSENT = re.compile(r"couldn't find remote ref", re.IGNORECASE)
_BUSY = re.compile(
    r"returned error: (429|50[0234])|HTTP (429|50[0234])|connection reset|empty reply|early EOF|unexpected disconnect|"
    r"timed out|did not finish within|(recv|send) failure|transfer closed|RPC failed|try again later",
    re.IGNORECASE,
)
# What git says before it has sent anything over HTTP.
_UNSENT = re.compile(r"^fatal: unable to access ", re.MULTILINE)
_RETRY_AFTER = re.compile(rb"Recv header: retry-after: *([0-9]{1,6})\s*$", re.MULTILINE | re.IGNORECASE)
_FOREIGN = re.compile(r"info/refs not valid", re.IGNORECASE)
_FORMAT = re.compile(r"mismatched (object )?(algorithm|format)|unknown object format|object format", re.IGNORECASE)
_BROKEN = re.compile(
    r"no space left|disk quota|unable to (write|create|append)|"
    r"(index-pack|unpack-objects) (failed|died|abnormal)|corrupt|"
    r"bad object|inflate|packfile|sha1 mismatch|did not send all necessary objects|\.lock': File exists|"
    r"bad shallow line|unable to read|missing (tree|blob|commit)|not a git repository: |file size limit",
    re.IGNORECASE,
)
_DAMAGED = re.compile(
    r"^(?!remote:).*(is corrupt|corrupt loose object|inflate|bad object|unable to (read|unpack))", re.MULTILINE
)
_QUOTED = re.compile(r"'[^'\n]*'")
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


def base_moved(hook_output: str) -> bool:
    """Whether our own hook refused a push since its base moved, which it says before it judges anything (ST-3)."""
    return _MOVED.search(hook_output) is not None


def read_push(returncode: int, stdout: str, stderr: str, refs: Sequence[str]) -> PushAnswer:
    """What `git push --porcelain --atomic` of `refs` means; only its own word makes it landed."""
    lines = {line["ref"]: line for line in _LINE.finditer(stdout)}
    flags = [lines[ref]["flag"] if ref in lines else "" for ref in refs]
    # To a store whose history is cut off, the way from the old witness to the new one looks forced; the lease held.
    if returncode == 0 and flags and all(flag in {" ", "*", "+"} for flag in flags):
        return PushAnswer(PushOutcome.LANDED)
    if "=" in flags:
        return PushAnswer(PushOutcome.TWIN, "the same commit was there already")
    reasons = [lines[ref]["summary"] for ref in refs if ref in lines and lines[ref]["flag"] == "!"]
    text = "\n".join([*reasons, stderr])
    telling = [reason for reason in reasons if not _FOLLOWS.search(reason)]
    message = _message([*telling, stderr] if telling or stderr.strip() else reasons)
    if (way := _IN_THE_WAY.search(stderr)) and way["wanted"] in refs:
        return PushAnswer(
            PushOutcome.REFUSED, f"{way['there']} is in the way of {way['wanted']}: delete or rename it first"
        )
    if any("remote rejected" in reason for reason in telling) and base_moved(stderr):
        return PushAnswer(PushOutcome.LOST, message)
    # A server that says so itself has a rule against it; who is only overtaken hears it from git on this side.
    if any("remote rejected" in reason and _FINAL.search(reason) for reason in telling):
        return PushAnswer(PushOutcome.REFUSED, message, hook_output=_hook_output(stderr))
    lost = reasons and _LOST.search(text) and not _UNABLE.search(text)
    if lost and not _LEFT_LOCK.search(text):
        stale = tuple(ref for ref in refs if ref in lines and "(stale info)" in lines[ref]["summary"])
        return PushAnswer(PushOutcome.LOST, message, stale=stale)
    if _REFUSED.search(_unnamed(text)) or _UNABLE.search(text):
        return PushAnswer(PushOutcome.REFUSED, message)
    message = message or f"git push failed with exit code {returncode}, without a message"
    unsent = not reasons and _UNSENT.search(stderr) and "RPC failed" not in stderr
    meaning = PushOutcome.UNSENT if unsent else PushOutcome.UNCLEAR
    declined = any("remote rejected" in reason for reason in reasons)
    return PushAnswer(meaning, message, declined=declined, damaged=bool(_DAMAGED.search(stderr)))


def read_fetch(returncode: int, stderr: str) -> FetchAnswer:
    """What `git fetch`, `git ls-remote` or `git for-each-ref` means."""
    if returncode == 0:
        return FetchAnswer(FetchOutcome.DONE)
    message = _message([stderr]) or f"git failed with exit code {returncode}, without a message"
    text = _unnamed(stderr)
    for pattern, meaning in (
        (_ABSENT, FetchOutcome.ABSENT),
        (_FOREIGN, FetchOutcome.FOREIGN),
        (_FORMAT, FetchOutcome.FORMAT),
        (_REFUSED, FetchOutcome.REFUSED),
        (_BROKEN, FetchOutcome.BROKEN),
        (_BUSY, FetchOutcome.BUSY),
    ):
        if pattern.search(text):
            return FetchAnswer(meaning, message)
    return FetchAnswer(FetchOutcome.FAILED, message)


def read_retry_after(trace: bytes) -> float:
    """The seconds that a server asked to wait, in a trace of the headers that it sent; 0 where it did not."""
    found = _RETRY_AFTER.findall(trace)
    return float(found[-1]) if found else 0


def _unnamed(text: str) -> str:
    """The text without what is quoted in it: the url of a repository may hold any of the words that are looked for."""
    return _QUOTED.sub("''", text)


def _hook_output(stderr: str) -> str:
    lines = (line.removeprefix("remote:") for line in stderr.splitlines() if line.startswith("remote:"))
    return " ".join(" ".join(lines).split())[:_LONGEST_HOOK_OUTPUT]


def _message(texts: Sequence[str]) -> str:
    text = " ".join(" ".join(texts).split())
    return _CREDENTIALS.sub("", text)[-_LONGEST:]
