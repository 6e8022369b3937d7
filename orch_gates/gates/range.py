"""Which commits a gate judges: from the command line, or from the event of the CI run (SEC-1)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orch_gates.errors import UnknownRevision, UsageError
from orch_gates.git.cli import Git
from orch_gates.settings import Settings

_MAX_EVENT_BYTES = 25_000_000
_USUAL_TARGETS = ("main", "master")


@dataclass(frozen=True, slots=True)
class Range:
    """`base..head`, resolved; `base` is empty where everything that `head` reaches is judged.

    `trusted` is the commit on the target branch whose configuration counts (P5), or empty.
    """

    base: str
    head: str
    target: str
    trusted: str


@dataclass(frozen=True, slots=True)
class Event:
    """The revisions that a pull request or push event names; empty where it names none."""

    target: str = ""
    head: str = ""
    before: str = ""


def resolve(git: Git, settings: Settings, *, base: str, head: str) -> Range:
    """Find the range, from the most explicit source to the least.

    A push to the target branch itself is judged from the commit it had before, any other branch
    from `origin/<target>`.

    Raises:
        UnknownRevision: an end of the range does not resolve.
        ShallowRepository: the clone is shallow.
        UsageError: there is nothing to compare with, or the event file is unusable.
    """
    git.refuse_shallow()
    event = read_event(settings) if not head else Event()
    head_id = git.resolve(head or event.head or "HEAD", "object")
    git.resolve(head_id, "commit")
    target = settings.target or event.target or _default_target(git)
    if base:
        base_id = git.resolve(base)
        return Range(base_id, head_id, target or base, base_id)
    if event.before:
        return _push_to_target(git, event, head_id, target)
    if not target:
        raise UsageError("there is no target branch to compare with; name one with --base or ORCH_TARGET")
    base_id = git.resolve(_target_ref(git, target))
    return Range(base_id, head_id, target, base_id)


def _push_to_target(git: Git, event: Event, head_id: str, target: str) -> Range:
    """A new branch, or one whose old commit was overwritten, is judged as a whole."""
    before = event.before if event.before.strip("0") and git.has(f"{event.before}^{{commit}}") else ""
    base_id = git.resolve(before) if before else ""
    return Range(base_id, head_id, target, base_id)


def _target_ref(git: Git, target: str) -> str:
    for ref in (f"refs/remotes/origin/{target}", f"refs/heads/{target}"):
        if git.has(ref):
            return ref
    raise UnknownRevision(f"the target branch {target!r} is not in this clone; run git fetch origin {target}")


def _default_target(git: Git) -> str:
    done = git.run("symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
    if done.returncode == 0:
        return done.stdout.decode("utf-8", "replace").strip().removeprefix("origin/")
    for name in _USUAL_TARGETS:
        if git.has(f"refs/remotes/origin/{name}") or git.has(f"refs/heads/{name}"):
            return name
    return ""


def read_event(settings: Settings) -> Event:
    """The event that the runner wrote to a file; empty outside CI.

    Raises:
        UsageError: there is a file and it is not a JSON object.
    """
    if not settings.ci.event_path:
        return Event()
    path = Path(settings.ci.event_path)
    try:
        if path.stat().st_size > _MAX_EVENT_BYTES:
            raise UsageError(f"the event file has more than {_MAX_EVENT_BYTES} bytes")
        payload = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"the event file {path} cannot be read: {type(error).__name__}") from error
    if not isinstance(payload, dict):
        raise UsageError(f"the event file {path} is not a JSON object")
    return parse_event(settings.ci.event_name, payload)


def parse_event(name: str, payload: Mapping[str, Any]) -> Event:
    """The part of an event that says what to judge (pure; GitHub, Gitea and Forgejo alike)."""
    default = _text(payload, "repository", "default_branch")
    if name in {"pull_request", "pull_request_target"}:
        return Event(
            target=_text(payload, "pull_request", "base", "ref"),
            head=_text(payload, "pull_request", "head", "sha"),
        )
    if name == "push":
        ref = _text(payload, "ref")
        to_target = ref == f"refs/heads/{default}"
        return Event(
            target=default,
            head=_text(payload, "after"),
            before=_text(payload, "before") if to_target else "",
        )
    return Event(target=default)


def _text(payload: Any, *keys: str) -> str:
    for key in keys:
        payload = payload.get(key) if isinstance(payload, Mapping) else None
    return payload if isinstance(payload, str) else ""


def in_scope(repository: str, repos: tuple[str, ...]) -> bool:
    """Whether a gate applies here (GATE-3): an empty list means this repository.

    A repository that cannot be named is in scope: not knowing must not switch a gate off.
    """
    return not repos or not repository or repository.lower() in {name.lower() for name in repos}
